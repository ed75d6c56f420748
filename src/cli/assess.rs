//! `tidegate assess`: the gate on objects from files, without a cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::{Format, Output};
use crate::manifest::{Manifests, Node, Text, documents, index_path, key_path, read};
use crate::spec::crd::{CompletionRule, DrainLevel, GateSettings};
use crate::spec::words::count;
use crate::spec::{Code, Place, Problem, Severity};
use crate::upgrade::gate::{
    Absent, Assessment, Fault, Gate, Objects, Policy, Recorded, Report, Step, judge_all,
};

/// Judge objects from files as the gate would; exit code 1 if one is shut
///
/// The objects are as `kubectl get -o yaml` writes them: workloads of any kind with their `ReplicaSet`s,
/// `ControllerRevision`s, Jobs, pods, Services, `EndpointSlice`s, what they refer to, and Events and Nodes if you have them. What is left out counts as absent. This is one
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
    /// What was recorded before and at the apply: a Release, its records, a list of them, or the objects as they were
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
    let now = args.now.unwrap_or_else(Timestamp::now);
    let Taken {
        objects,
        strangers,
        rules,
        gates,
    } = objects(output, &args.files)?;
    let (recorded, absent) = match args.baseline.as_deref() {
        Some(path) => recorded(output, path, now)?,
        None => (Vec::new(), Absent::Removed),
    };
    let judged = |gate: &GateSettings| {
        let policy = Policy {
            drain: match args.drain {
                DrainArg::Pods => DrainLevel::Pods,
                DrainArg::Endpoints => DrainLevel::Endpoints,
                DrainArg::None => DrainLevel::None,
            },
            rules: rules.clone(),
            ..Policy::from(gate)
        };
        judge_all(&objects, (&recorded, absent), &policy, now)
    };
    let mut assessments = judged(&gates.of_all);
    for (namespace, gate) in &gates.of_namespaces {
        let own = judged(gate);
        for assessment in &mut assessments {
            let is_same = |other: &&Assessment| other.workload == assessment.workload;
            if assessment.workload.namespace == *namespace
                && let Some(own) = own.iter().find(is_same)
            {
                *assessment = own.clone();
            }
        }
    }
    if !strangers.is_empty() {
        output.say(&format!(
            "not judged: {} of other kinds: {}",
            count(strangers.len(), "object"),
            strangers.join(", ")
        ));
    }
    if assessments.is_empty() {
        return Err(
            Failure::new(Exit::Usage, "there is no object with a gate among them").hint(
                "a Deployment, a Rollout, a Job, a claim … or a ReplicaSet or Pod that nobody owns",
            ),
        );
    }
    let reports: Vec<Report> = assessments.iter().map(Assessment::report).collect();
    output.document(args.output, &reports, || text(&reports))?;
    if assessments.iter().all(|seen| seen.gate() == Gate::Open) {
        Ok(())
    } else {
        Err(Failure::told(Exit::No))
    }
}

/// What the files hold.
struct Taken {
    objects: Objects,
    /// What no gate looks at, by name.
    strangers: Vec<String>,
    /// What a ServiceGraph among them says about kinds that the gate does not know.
    rules: Vec<CompletionRule>,
    gates: Gates,
}

/// What the `ReleasePlan`s among the files ask of a gate.
#[derive(Default)]
struct Gates {
    /// Where no plan says it.
    of_all: GateSettings,
    /// A plan of a namespace is about the objects of that one.
    of_namespaces: BTreeMap<String, GateSettings>,
}

fn objects(output: &Output, files: &[PathBuf]) -> Result<Taken, Failure> {
    let texts = texts(files)?;
    let (manifests, mut problems) = read(&texts);
    let mut objects = Objects::default();
    let (mut strangers, mut unreadable) = (Vec::new(), Vec::new());
    let rules = rules(&manifests)?;
    for object in &manifests.objects {
        match objects.take(&object.value) {
            Ok(true) => {}
            Ok(false) => strangers.push(object.reference.to_string()),
            Err(Fault {
                field: _,
                steps,
                error,
            }) => {
                let field = path(&steps);
                let place = place_of(&texts, &object.place, &field);
                let wrong = format!("{}: {error}", object.reference);
                let problem = Problem::error(Code::WrongType, field, wrong).at(place);
                let hint = "its state counts as unknown, so its gate is shut";
                unreadable.push(problem.warning().hint(hint));
            }
        }
    }
    problems.retain(|problem| problem.severity == Severity::Error);
    problems.extend(unreadable);
    super::assemble::tell_problems(output, &problems, &texts)?;
    Ok(Taken {
        objects,
        strangers,
        rules,
        gates: gates(&manifests)?,
    })
}

/// The texts of the files, none of which is empty: what was left out by a command that failed counts as absent.
fn texts(files: &[PathBuf]) -> Result<Vec<Text>, Failure> {
    let mut texts = Vec::new();
    for file in files {
        let of_file = read_all(std::slice::from_ref(file))?;
        let is_empty = |text: &Text| text.bytes.trim_ascii().is_empty();
        if files.len() > 1 && of_file.iter().all(is_empty) {
            let wrong = format!("{} is empty", file.display());
            let hint = "what is not in the files counts as absent: give it, or leave that `-f` out";
            return Err(Failure::new(Exit::Usage, wrong).hint(hint));
        }
        texts.extend(of_file);
    }
    match texts.iter().find(|text| is_first_page(text)) {
        Some(text) => {
            let wrong = format!(
                "{}: a list in it goes on elsewhere (`metadata.continue`)",
                text.file
            );
            Err(Failure::new(Exit::Usage, wrong)
                .hint("give all pages: `kubectl get` without `limit`"))
        }
        None => Ok(texts),
    }
}

/// Whether a list says itself that more belongs to it.
fn is_first_page(text: &Text) -> bool {
    let (nodes, _) = documents(text);
    nodes.iter().any(|node| {
        let goes_on = node
            .get("metadata")
            .and_then(|metadata| metadata.get("continue"));
        let goes_on = goes_on.and_then(Node::as_text);
        node.get("items").is_some() && goes_on.is_some_and(|token| !token.is_empty())
    })
}

/// The rules of the graphs among the files, of which no two are about one kind and differ.
fn rules(manifests: &Manifests) -> Result<Vec<CompletionRule>, Failure> {
    let graphs = manifests.graphs.iter();
    let mut rules: Vec<CompletionRule> = Vec::new();
    for rule in graphs.flat_map(|graph| &graph.value.spec.completion) {
        let is_about_it =
            |other: &CompletionRule| other.is_for(&rule.api_version, &rule.kind) && other != rule;
        if rules.iter().any(is_about_it) {
            let wrong = format!(
                "two rules of `completion` among the files are about {} and differ",
                rule.kind
            );
            return Err(Failure::new(Exit::Usage, wrong).hint("give one of them"));
        }
        rules.push(rule.clone());
    }
    Ok(rules)
}

/// What the plans among the files ask of a gate, if those of one namespace agree.
fn gates(manifests: &Manifests) -> Result<Gates, Failure> {
    let mut asked: BTreeMap<Option<&str>, &GateSettings> = BTreeMap::new();
    for plan in &manifests.plans {
        let gate = &plan.value.spec.strategy.gate;
        let namespace = plan.value.metadata.namespace.as_deref();
        if *asked.entry(namespace).or_insert(gate) != gate {
            return Err(Failure::new(
                Exit::Usage,
                "two ReleasePlans among the files ask different things under `strategy.gate`",
            )
            .hint("give one of them"));
        }
    }
    let mut gates = Gates::default();
    for (namespace, gate) in asked {
        match namespace {
            Some(namespace) => {
                gates
                    .of_namespaces
                    .insert(namespace.to_owned(), gate.clone());
            }
            None => gates.of_all = gate.clone(),
        }
    }
    Ok(gates)
}

/// The path of a field as files write it.
fn path(steps: &[Step]) -> String {
    let over = |above: String, step: &Step| match step {
        Step::Key(key) => key_path(&above, key),
        Step::Index(index) => index_path(&above, *index),
    };
    steps.iter().fold(String::new(), over)
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

/// What was recorded, and what has become of what is recorded and not there: a record of ours without an apply is of
/// something that was to go; of objects as they were nobody has said that.
fn recorded(
    output: &Output,
    path: &Path,
    now: Timestamp,
) -> Result<(Vec<Recorded>, Absent), Failure> {
    let wrong =
        |message: String| Failure::new(Exit::Usage, format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    // Several documents are objects.
    let document: Value = serde_saphyr::from_str(&text).unwrap_or_default();
    let found = Recorded::all_in(&document).map_err(|errors| wrong(errors.join("; ")))?;
    if found.is_empty() && document.get("kind").and_then(Value::as_str) == Some("Release") {
        return Err(wrong("the Release has no records".to_owned()).hint(
            "they are there from its first apply on; what was before it, `kubectl get -o yaml` tells as well",
        ));
    }
    if found.is_empty() {
        // Objects as they were before say the same, and more.
        let before = objects(output, &[path.to_owned()])?.objects.as_before(now);
        if !before.is_empty() {
            return Ok((before, Absent::Deleted));
        }
        return Err(wrong("there is no record in it".to_owned()).hint(
            "its form is that of `status.waves[].services[].records` of a Release: \
             `{object, baseline, applied}`; see docs/guide/assess.md",
        ));
    }
    Ok((found, Absent::Removed))
}

/// What each gate says, what keeps it shut, and what else is worth saying.
fn text(reports: &[Report]) -> String {
    let lines = reports.iter().map(|report| {
        let counted = match (report.total, report.reason) {
            (0, _) | (_, "Done") => String::new(),
            (total, _) => format!("; {}/{total}", report.done),
        };
        let notes: Vec<_> = report
            .notes
            .iter()
            .map(|note| format!("{note:?}"))
            .collect();
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!("\n  noted: {}", notes.join(", "))
        };
        format!(
            "{}  {}\n  {}\n  {}: rollout {}, drain {}, serving {}{counted}{notes}",
            report.workload,
            report.gate,
            report.message,
            report.reason,
            report.rollout,
            report.drain,
            report.serving,
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
