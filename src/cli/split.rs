//! `tidegate plan --split --out FOLDER`: a refused release as releases that are carried out one after the other.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use super::plan::Made;
use super::saved;
use crate::graph::{Moves, System};
use crate::plan::{Part, PartError, Plan, SavedPlan, Verdict, explain, parts, plan};
use crate::spec::crd::{API_VERSION, ServiceGraphSpec};
use crate::spec::words::count;
use crate::spec::{Graph, Problem, Severity, check_graph, plain};

#[derive(Serialize)]
struct Split<'a> {
    refused: &'a Plan,
    #[serde(rename = "releases")]
    parts: Vec<Told>,
}

/// One part and its files.
#[derive(Serialize)]
struct Told {
    name: String,
    graph: String,
    plan: String,
    waves: Vec<Vec<String>>,
    /// Services that need a revision which somebody must write first.
    unwritten: Vec<String>,
    /// What their Jobs are named.
    #[serde(skip)]
    jobs: Vec<String>,
    #[serde(skip)]
    text: Vec<String>,
}

/// Writes the parts of a refused release.
pub(super) fn split(
    output: &Output,
    made: &Made,
    folder: &Path,
    format: Format,
) -> Result<(), Failure> {
    let found = parts(&made.system, &made.plan).map_err(|error| cannot(output, made, &error))?;
    let total = found.len();
    let mut written = Vec::new();
    // The parts change what is called and served, which `produces` and the values of switches would contradict.
    let whole = plain(&made.spec);
    for (at, part) in found.iter().enumerate() {
        let spec = part
            .graph((&whole, &made.graph), made.old.as_ref())
            .map_err(|error| cannot(output, made, &error))?;
        prove_as_written(&spec, &made.name, part)?;
        written.push((at, part, spec));
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        let words = format!("cannot make the folder `{}`: {error}", folder.display());
        Failure::new(Exit::Usage, words)
    })?;
    let mut told = Vec::new();
    for (at, part, spec) in written {
        let stem = format!("{}-{}", at + 1, part.name);
        // Not `.yaml` or `.json`: a plan is no manifest, and folders of manifests are read whole.
        let (graph, plan) = (
            folder.join(format!("{stem}.yaml")),
            folder.join(format!("{stem}.plan")),
        );
        saved::write_text(&graph, &yaml(&made.name, &spec, (at + 1, total), part)?)?;
        saved::write(&plan, &SavedPlan::new(&part.system, &part.plan, None))?;
        told.push(Told {
            name: part.name.clone(),
            graph: graph.display().to_string(),
            plan: plan.display().to_string(),
            waves: part.plan.waves.clone(),
            unwritten: part.unwritten.iter().map(ToString::to_string).collect(),
            jobs: job_names(part, &spec),
            text: explain(&part.system, &part.plan),
        });
    }
    let document = Split {
        refused: &made.plan,
        parts: told,
    };
    output.document(format, &document, || text(made, &document))
}

fn cannot(output: &Output, made: &Made, error: &PartError) -> Failure {
    match error {
        PartError::NotRefused => Failure::new(Exit::No, error.to_string())
            .hint("write this plan with `--out FILE` and without `--split`"),
        PartError::InOrder => Failure::new(Exit::No, error.to_string())
            .hint("leave out `--strategy flip` and `--split`"),
        PartError::NoWay | PartError::Undeclared(_) => {
            output.say(&explain(&made.system, &made.plan).join("\n"));
            Failure::new(Exit::Refused, format!("{error}; nothing was written"))
        }
    }
}

/// What the manifests must name the Jobs of services that move more than once.
fn job_names(part: &Part, spec: &ServiceGraphSpec) -> Vec<String> {
    let jobs = part.new_jobs(spec).map(|(service, job)| {
        format!(
            "the Job of {service} is named `{job}` in this release: one that has run is not changed"
        )
    });
    jobs.collect()
}

/// What people get must be planned as it is written: from what runs before the part to its graph.
fn prove_as_written(spec: &ServiceGraphSpec, name: &str, part: &Part) -> Result<(), Failure> {
    let (graph, problems) = check_graph(name, spec);
    let wrong = |words: String| {
        let words = format!(
            "the graph of part `{}` cannot be written: {words}",
            part.name
        );
        Failure::new(Exit::Refused, words)
    };
    let is_error = |problem: &&Problem| problem.severity == Severity::Error;
    if let Some(problem) = problems.iter().find(is_error) {
        return Err(wrong(problem.to_string()));
    }
    let plan = plan(&as_written(&graph, &part.system));
    if plan.verdict == Verdict::Refused {
        let because = plan.refusal.map(|refusal| refusal.because.join("; "));
        return Err(wrong(because.unwrap_or_default()));
    }
    Ok(())
}

/// The same release as a part, with the graph that is written for it in the place of what the part knows. What runs, and
/// what it left, is the part's.
fn as_written(graph: &Graph, part: &System) -> System {
    let services = part.services.iter();
    let live = services.map(|(name, member)| (name.clone(), member.live.clone()));
    let mut system = System::from_live(live.collect(), graph, None);
    for (name, member) in &mut system.services {
        let Some(before) = part.services.get(name) else {
            continue;
        };
        member.retained.clone_from(&before.retained);
        member.was_routed(before.manner.routing);
        // One that the part leaves as it is may be in the middle of a rollout.
        if !before.moves.is_moving() {
            member.moves = before.moves;
        }
        if member.moves == Moves::Delete {
            member.manner = before.manner.clone();
        }
    }
    system.external.clone_from(&part.external);
    system.repair = part.repair;
    system
}

fn yaml(
    name: &str,
    spec: &ServiceGraphSpec,
    (number, total): (usize, usize),
    part: &Part,
) -> Result<String, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        api_version: &'a str,
        kind: &'a str,
        metadata: Metadata<'a>,
        spec: &'a ServiceGraphSpec,
    }
    #[derive(Serialize)]
    struct Metadata<'a> {
        name: &'a str,
    }
    let document = Document {
        api_version: API_VERSION,
        kind: "ServiceGraph",
        metadata: Metadata { name },
        spec,
    };
    let bug = |error: String| Failure::new(Exit::Bug, error);
    let body = serde_saphyr::to_string(&document).map_err(|error| bug(error.to_string()))?;
    let mut text = format!(
        "# Release {number} of {total} ({}): what is declared once it is done. Written by `tidegate plan --split`.\n",
        part.name
    );
    for service in &part.unwritten {
        // Writing into a String cannot fail.
        writeln!(
            text,
            "# {service} needs a revision that serves and calls what stands here; build it, and put its image into the manifests."
        )
        .unwrap_or_default();
    }
    for line in job_names(part, spec) {
        writeln!(text, "# {line}").unwrap_or_default();
    }
    Ok(text + &body)
}

fn text(made: &Made, split: &Split<'_>) -> String {
    let mut lines = explain(&made.system, &made.plan);
    lines.push(String::new());
    let releases = count(split.parts.len(), "release");
    lines.push(format!(
        "Written as {releases}, each planned and proved from where the one before ends:"
    ));
    for (at, part) in split.parts.iter().enumerate() {
        lines.push(format!(
            "\nRelease {}: {}   {} and {}",
            at + 1,
            part.name,
            part.graph,
            part.plan
        ));
        lines.extend(part.text.iter().map(|line| format!("  {line}")));
        lines.extend(part.unwritten.iter().map(|service| {
            format!(
                "  {service} needs a revision that nobody has yet: write it so that it serves and calls what {} says",
                part.graph
            )
        }));
        lines.extend(part.jobs.iter().map(|line| format!("  {line}")));
    }
    lines.push(String::new());
    lines.push(
        "Put the images of each release into manifests beside its graph, then run one after the other:".to_owned(),
    );
    lines.extend(split.parts.iter().map(|part| {
        format!(
            "  tidegate run --plan {} -f {} -f MANIFESTS",
            part.plan, part.graph
        )
    }));
    lines.join("\n")
}
