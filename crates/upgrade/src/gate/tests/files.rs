//! Judges objects as they stand in files, the way `tidegate assess` does: YAML in, one line a verdict out.

use serde_json::Value;

use super::narrowed::judge;
use super::world::{Case, merged, short, start};
use crate::gate::{
    Absent, Applied, Baseline, Memory, Objects, Policy, Read, Recorded, Workload, judge_all,
};

/// The documents of a text.
pub(super) fn documents(yaml: &str) -> Vec<Value> {
    yaml.split("\n---\n")
        .filter(|text| !text.trim().is_empty())
        .map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")))
        .collect()
}

/// `Kind/namespace/name: Complete / Drained / Serving +Note` for every object that has a gate, at 12:00:00.
pub(super) fn told(objects: &[Value], recorded: &str, policy: &Policy) -> Vec<String> {
    let mut all = Objects::default();
    for object in objects {
        let _is_told_elsewhere = all.take(object);
    }
    let recorded = if recorded.is_empty() {
        Vec::new()
    } else {
        Recorded::all_in(&serde_saphyr::from_str(recorded).unwrap()).unwrap()
    };
    judge_all(&all, (&recorded, Absent::Removed), policy, start())
        .iter()
        .map(|found| format!("{}: {}", found.workload, short(found)))
        .collect()
}

/// The documents after others were put over some of them, each by `Kind/name`; `more` is added.
fn overlaid(base: &str, over: &str) -> Vec<Value> {
    let over: Value = if over.is_empty() {
        Value::Null
    } else {
        serde_saphyr::from_str(over).unwrap_or_else(|error| panic!("{over}: {error}"))
    };
    let mut objects = Vec::new();
    for object in documents(base) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{}/{}",
            text(&object["kind"]),
            text(&object["metadata"]["name"])
        );
        match over.get(&name) {
            Some(Value::Null) => {}
            Some(over) => objects.push(merged(object, over)),
            None => objects.push(object),
        }
    }
    let more = over.get("more").and_then(Value::as_array);
    objects.extend(more.into_iter().flatten().cloned());
    objects
}

/// The verdict of the first object after others were put over some of them.
pub(super) fn first(base: &str, over: &str, recorded: &str) -> String {
    told(&overlaid(base, over), recorded, &Policy::default())
        .into_iter()
        .next()
        .unwrap_or_default()
}

/// Each row: what it is, what is put over the base, and how the first verdict goes on after its name.
pub(super) fn check_over(base: &str, rows: &[(&str, &str, &str)]) {
    check_recorded(
        base,
        &rows
            .iter()
            .map(|(name, over, expected)| (*name, *over, "", *expected))
            .collect::<Vec<_>>(),
    );
}

/// The rows of a table as text: `what it is | what is put over the base | how the verdict begins`.
pub(super) fn rows(table: &str) -> Vec<(&str, &str, &str)> {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.split('|').map(str::trim);
            let mut part = || {
                parts
                    .next()
                    .unwrap_or_else(|| panic!("three parts: {line}"))
            };
            (part(), part(), part())
        })
        .collect()
}

/// The same of a table as text.
pub(super) fn check_table(base: &str, table: &str) {
    check_over(base, &rows(table));
}

/// The same with what was recorded before and at the apply.
pub(super) fn check_recorded(base: &str, rows: &[(&str, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (name, over, recorded, expected) in rows {
        let found = first(base, over, recorded);
        let verdict = found.split_once(": ").map_or("", |(_, verdict)| verdict);
        if !verdict.starts_with(expected) {
            wrong.push(format!("{name}: expected {expected}\n   found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn all(base: &str, over: &str) -> Vec<crate::gate::Assessment> {
    let mut all = Objects::default();
    for object in overlaid(base, over) {
        all.take(&object).unwrap();
    }
    judge_all(&all, (&[], Absent::Removed), &Policy::default(), start())
}

/// What the first verdict says to people.
pub(super) fn sentence(base: &str, over: &str) -> String {
    all(base, over)[0].sentence()
}

/// The one word of the first verdict.
pub(super) fn reason(base: &str, over: &str) -> &'static str {
    all(base, over)[0].reason()
}

/// Every verdict.
pub(super) fn all_told(base: &str, over: &str) -> Vec<String> {
    told(&overlaid(base, over), "", &Policy::default())
}

/// The first workload looked at live at each of these seconds, with the memory of the looks before: the last verdict.
pub(super) fn over_time(base: &str, over: &str, seconds: &[i64]) -> String {
    let looks: Vec<_> = seconds.iter().map(|at| (*at, Read::Live, over)).collect();
    over_looks(base, &looks)
}

/// The same of looks that read in their own ways, each with something put over the base; the first one shows what was
/// applied.
pub(super) fn over_looks(base: &str, looks: &[(i64, Read, &str)]) -> String {
    let mut memory = Memory::default();
    let mut written = None;
    let mut last = String::new();
    for (second, read, over) in looks {
        let mut all = Objects::default();
        for object in overlaid(base, over) {
            all.take(&object).unwrap();
        }
        let seen = all.workloads().next().unwrap();
        let now = start() + jiff::SignedDuration::from_secs(*second);
        let mut snapshot = all.snapshot(&seen.reference(), now);
        snapshot.read = *read;
        let (baseline, applied) = written.get_or_insert_with(|| {
            (
                Baseline::absent(seen.reference()),
                Applied::from_response(seen, None),
            )
        });
        let (found, next) = judge((baseline, applied), &snapshot, &Policy::default(), &memory);
        memory = next;
        last = short(&found);
    }
    last
}

impl Case {
    /// The same objects as files hold them.
    pub(super) fn objects(&self) -> Vec<Value> {
        fn written<K: serde::Serialize>(objects: &[K]) -> impl Iterator<Item = Value> {
            objects
                .iter()
                .map(|object| serde_json::to_value(object).unwrap())
        }
        let shown = &self.snapshot;
        let own = match shown.workload.clone() {
            Some(Workload::Deployment(object)) => Some(serde_json::to_value(&**object).unwrap()),
            Some(Workload::StatefulSet(object)) => Some(serde_json::to_value(&**object).unwrap()),
            Some(Workload::DaemonSet(object)) => Some(serde_json::to_value(&**object).unwrap()),
            Some(Workload::ReplicaSet(object)) => Some(serde_json::to_value(&**object).unwrap()),
            Some(Workload::Job(object)) => Some(serde_json::to_value(&**object).unwrap()),
            // Among the pods.
            _ => None,
        };
        let sets = shown.replica_sets.iter();
        let sets = sets.map(|set| serde_json::to_value(&**set).unwrap());
        own.into_iter()
            .chain(sets)
            .chain(written(&shown.controller_revisions))
            .chain(written(&shown.pods))
            .chain(written(&shown.services))
            .chain(written(&shown.endpoint_slices))
            .chain(written(&shown.events))
            .chain(written(shown.nodes.as_deref().unwrap_or_default()))
            .collect()
    }

    /// The same objects, written to files and judged as `tidegate assess` does.
    pub(super) fn through_files(&self) -> String {
        self.judged(&self.objects())
    }

    /// These objects, judged with what this case has recorded; the verdict of its workload.
    pub(super) fn judged(&self, objects: &[Value]) -> String {
        let mut all = Objects::default();
        for object in objects {
            let _is_told_elsewhere = all.take(object);
        }
        let recorded = Recorded {
            object: self.applied.workload.clone(),
            baseline: Some(self.baseline.clone()),
            applied: Some(self.applied.clone()),
            memory: None,
        };
        let found = judge_all(
            &all,
            (&[recorded], Absent::Removed),
            &self.policy,
            self.snapshot.now,
        );
        let own = found
            .iter()
            .find(|found| found.workload == self.applied.workload);
        short(own.unwrap())
    }
}
