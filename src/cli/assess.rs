//! `tidegate assess`: the gate on objects from files, without a cluster.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::{Format, Output};
use crate::manifest::{Node, Text, documents, index_path, key_path, read};
use crate::spec::crd::DrainLevel;
use crate::spec::words::count;
use crate::spec::{Code, ObjectRef, Place, Problem, Severity};
use crate::upgrade::gate::{
    self, Applied, Assessment, Baseline, Gate, Memory, Objects, Policy, Recorded, Report, Workload,
};

/// Judge objects from files as the gate would; exit code 1 if one is shut
///
/// The objects are as `kubectl get -o yaml` writes them: workloads with their `ReplicaSet`s,
/// `ControllerRevision`s, pods, Services, `EndpointSlice`s, and Events and Nodes if you have them. What is left out counts as absent. This is one
/// look; a release opens a gate after two in a row.
#[derive(Debug, clap::Args)]
pub(super) struct AssessArgs {
    /// Files, folders, or `-` for stdin
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "OBJECTS",
        required = true
    )]
    files: Vec<PathBuf>,
    /// What was recorded before and at the apply: a Release, its records, or a list of them
    ///
    /// Without it, each workload counts as applied just as it is, and every pod of another revision as old.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How far an old pod must be gone
    #[arg(long, value_enum, default_value_t)]
    drain: DrainArg,
    /// The moment of the look, for instance `2026-11-24T12:00:00Z`; now, if left out
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// The form of the verdicts on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DrainArg {
    /// No live old pod, Terminating included
    #[default]
    Pods,
    /// No old endpoint that could take a new connection
    Endpoints,
    /// Nothing is asked of old pods
    None,
}

/// Runs the command.
pub(super) fn assess(output: &Output, args: &AssessArgs) -> Result<(), Failure> {
    let (objects, strangers) = objects(output, args)?;
    let recorded = args
        .baseline
        .as_deref()
        .map(recorded)
        .transpose()?
        .unwrap_or_default();
    let policy = Policy {
        drain: match args.drain {
            DrainArg::Pods => DrainLevel::Pods,
            DrainArg::Endpoints => DrainLevel::Endpoints,
            DrainArg::None => DrainLevel::None,
        },
        ..Policy::default()
    };
    let now = args.now.unwrap_or_else(Timestamp::now);
    let assessments = judge(&objects, &recorded, &policy, now);
    if !strangers.is_empty() {
        output.say(&format!(
            "not judged: {} of other kinds: {}",
            count(strangers.len(), "object"),
            strangers.join(", ")
        ));
    }
    if assessments.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no workload among the objects").hint(
            "a Deployment, StatefulSet, DaemonSet, Job, or a ReplicaSet or Pod that nobody owns",
        ));
    }
    let reports: Vec<Report> = assessments.iter().map(Assessment::report).collect();
    output.document(args.output, &reports, || text(&reports))?;
    if assessments.iter().all(|seen| seen.gate() == Gate::Open) {
        Ok(())
    } else {
        Err(Failure::told(Exit::No))
    }
}

/// The objects of the files, and the names of those that no gate looks at.
fn objects(output: &Output, args: &AssessArgs) -> Result<(Objects, Vec<String>), Failure> {
    let texts = read_all(&args.files)?;
    let (manifests, mut problems) = read(&texts);
    let mut objects = Objects::default();
    let mut strangers = Vec::new();
    for object in &manifests.objects {
        match objects.take(&object.value) {
            Ok(true) => {}
            Ok(false) => strangers.push(object.reference.to_string()),
            Err(error) => {
                let field = faulty_field(&object.value);
                let place = place_of(&texts, &object.place, &field);
                let wrong = format!("{}: {error}", object.reference);
                problems.push(Problem::error(Code::WrongType, field, wrong).at(place));
            }
        }
    }
    problems.retain(|problem| problem.severity == Severity::Error);
    super::assemble::tell_problems(output, &problems, &texts)?;
    Ok((objects, strangers))
}

/// The innermost field without which an object is as its kind is: the reader names none.
fn faulty_field(object: &Value) -> String {
    let (mut path, mut pointer) = (String::new(), String::new());
    loop {
        let below: Vec<(String, String)> = match object.pointer(&pointer) {
            Some(Value::Object(fields)) => fields
                .keys()
                .map(|key| {
                    let escaped = key.replace('~', "~0").replace('/', "~1");
                    (key_path(&path, key), escaped)
                })
                .collect(),
            Some(Value::Array(items)) => (0..items.len())
                .map(|index| (index_path(&path, index), index.to_string()))
                .collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                return path;
            }
        };
        let faulty = below.into_iter().find(|(_, step)| {
            let mut without = object.clone();
            match without.pointer_mut(&pointer) {
                Some(Value::Object(fields)) => {
                    fields.shift_remove(&step.replace("~1", "/").replace("~0", "~"));
                }
                Some(Value::Array(items)) => {
                    items.remove(step.parse().unwrap_or_default());
                }
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                }
            }
            Objects::default().take(&without).is_ok_and(|seen| seen)
        });
        let Some((field, step)) = faulty else {
            return path;
        };
        path = field;
        pointer = format!("{pointer}/{step}");
    }
}

/// Where a field of an object stands, of which the place of the name is known.
fn place_of(texts: &[Text], name: &Place, field: &str) -> Place {
    let text = texts.iter().find(|text| text.file == name.file);
    let nodes = text.map(|text| documents(text).0).unwrap_or_default();
    let items = nodes.iter().flat_map(|node| {
        node.get("items")
            .and_then(Node::as_sequence)
            .into_iter()
            .flatten()
    });
    nodes
        .iter()
        .chain(items)
        .find(|node| node.place_of("metadata.name").in_file(&name.file) == *name)
        .map_or_else(
            || name.clone(),
            |node| node.place_of(field).in_file(&name.file),
        )
}

fn recorded(path: &Path) -> Result<Vec<Recorded>, Failure> {
    let wrong =
        |message: String| Failure::new(Exit::Usage, format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let document = serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let found = Recorded::all_in(&document).map_err(|errors| wrong(errors.join("; ")))?;
    if found.is_empty() {
        return Err(wrong("there is no record in it".to_owned()).hint(
            "its form is that of `status.waves[].services[].records` of a Release: \
             `{object, baseline, applied}`; see docs/guide/assess.md",
        ));
    }
    Ok(found)
}

/// Judges every workload that is there, and every one that was recorded and is not.
fn judge(
    objects: &Objects,
    recorded: &[Recorded],
    policy: &Policy,
    now: Timestamp,
) -> Vec<Assessment> {
    let here: Vec<ObjectRef> = objects.workloads().map(Workload::reference).collect();
    let gone = recorded
        .iter()
        .map(|record| &record.object)
        .filter(|object| !here.contains(object));
    here.iter()
        .chain(gone)
        .map(|workload| {
            let record = recorded.iter().find(|record| record.object == *workload);
            let live = objects
                .workloads()
                .find(|found| found.reference() == *workload);
            let baseline = record
                .and_then(|record| record.baseline.clone())
                .unwrap_or_else(|| Baseline::absent(workload.clone()));
            let applied = record
                .and_then(|record| record.applied.clone())
                .or_else(|| live.map(|live| Applied::from_response(live, None)));
            let snapshot = objects.snapshot(workload, now);
            let memory = Memory::default();
            match applied {
                Some(applied) => gate::assess(&baseline, &applied, &snapshot, policy, &memory).0,
                // Recorded before, never applied, not there: it was to be removed.
                None => gate::assess_removed(&baseline, &snapshot, policy, &memory).0,
            }
        })
        .collect()
}

fn text(reports: &[Report]) -> String {
    let lines = reports.iter().map(|report| {
        format!(
            "{}  {}\n  rollout {}, drain {}, serving {}; {}/{} new pods ready\n  {}",
            report.workload,
            report.gate,
            report.rollout,
            report.drain,
            report.serving,
            report.done,
            report.total,
            report.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
