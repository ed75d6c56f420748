//! `tidegate plan`: the order of a release and why, offline from files or against a cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::assemble::{Assembled, assemble, tell_problems};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::live_sets::read_live_sets;
use super::output::{Format, Output};
use super::pact::{PactArgs, labelled_versions, with_matrix};
use crate::cluster::survey_only;
use crate::controller::{make_plan, system};
use crate::graph::System;
use crate::plan::{Plan, Verdict, explain, plan as make, why_here};
use crate::spec::{Graph, Problem, ServiceName};
use crate::upgrade::gate::template_digest;

/// Show the waves of a release and why they are in this order
///
/// Offline with `--from OLD --to NEW`; otherwise with `-f`, against what runs in the cluster.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The manifests and the ServiceGraph of the release: files, folders, or `-` for stdin
    #[arg(short = 'f', long = "filename", value_name = "PATH", conflicts_with_all = ["from", "to"])]
    files: Vec<PathBuf>,
    /// What runs: a file or folder with a ServiceGraph (and manifests, if any), or `none` for a first install
    #[arg(long, value_name = "OLD", requires = "to")]
    from: Option<PathBuf>,
    /// What shall run: a file or folder with a ServiceGraph (and manifests, if any)
    #[arg(long, value_name = "NEW", requires = "from")]
    to: Option<PathBuf>,
    /// Live sets with more than one revision of a service (a document of kind `LiveSets`)
    #[arg(long, value_name = "FILE", requires = "from")]
    live: Option<PathBuf>,
    #[command(flatten)]
    pact: PactArgs,
    /// Tell only why this service is where it is
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    /// Exit with 1 if something would move
    #[arg(long)]
    exit_code: bool,
    /// The form of the plan on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn plan(output: &Output, args: &PlanArgs) -> Result<(), Failure> {
    let (system, plan, refused) = match (&args.from, &args.to) {
        (Some(from), Some(to)) => offline(output, args, from, to)?,
        _ if args.files.is_empty() => {
            return Err(Failure::new(Exit::Usage, "nothing to plan").hint(
                "`tidegate plan --from OLD --to NEW` works offline; `tidegate plan -f DIR` asks the cluster what runs",
            ));
        }
        _ => against_cluster(output, args).await?,
    };
    if let Some(service) = &args.explain {
        return explain_one(output, &plan, service);
    }
    output.document(args.output, &plan, || explain(&system, &plan).join("\n"))?;
    if !refused.is_empty() {
        tell_problems(output, &refused, &[]).unwrap_or_default();
        return Err(Failure::new(
            Exit::Refused,
            "the API server would refuse this release",
        ));
    }
    match (plan.verdict, args.exit_code && !plan.steps.is_empty()) {
        (Verdict::Refused, _) => Err(Failure::told(Exit::Refused)),
        (Verdict::Ordered, true) => Err(Failure::told(Exit::No)),
        (Verdict::Ordered, false) => Ok(()),
    }
}

fn explain_one(output: &Output, plan: &Plan, service: &str) -> Result<(), Failure> {
    let name = ServiceName::parse(service)
        .map_err(|error| Failure::new(Exit::Usage, format!("`{service}` {error}")))?;
    match why_here(plan, &name) {
        Some(lines) => output.data(&lines.join("\n")),
        None => output.data(&format!("{name} does not move in this release")),
    }
}

fn offline(
    output: &Output,
    args: &PlanArgs,
    from: &PathBuf,
    to: &PathBuf,
) -> Result<(System, Plan, Vec<Problem>), Failure> {
    let old = if from.as_os_str() == "none" {
        Side::default()
    } else {
        side(output, from)?
    };
    let new = side(output, to)?;
    let changed = match (old.templates.is_empty(), new.templates.is_empty()) {
        (false, false) => Some(changed_templates(&old, &new)),
        _ => None,
    };
    let mut system = System::between(&old.graph, &new.graph, changed.as_ref());
    if let Some(file) = &args.live {
        for (name, revisions) in read_live_sets(file)? {
            system = system.with_live(&name, revisions).ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    format!(
                        "{}: there is no service `{name}` in either graph",
                        file.display()
                    ),
                )
            })?;
        }
    }
    let system = with_matrix(output, &args.pact, system, [&old.versions, &new.versions])?;
    let plan = make(&system);
    Ok((system, plan, Vec::new()))
}

/// One side of an offline comparison.
#[derive(Default)]
struct Side {
    graph: Graph,
    /// The digests of each service's pod templates, where there are manifests.
    templates: BTreeMap<ServiceName, Vec<String>>,
    /// The version of each service, where its manifests are labelled with one.
    versions: BTreeMap<ServiceName, String>,
}

fn side(output: &Output, path: &PathBuf) -> Result<Side, Failure> {
    let texts = read_all(std::slice::from_ref(path))?;
    let (manifests, mut problems) = crate::manifest::read(&texts);
    if manifests.objects.is_empty() {
        let graph = super::assemble::the_graph(&manifests, &mut problems);
        tell_problems(output, &problems, &texts)?;
        let graph = graph.map(|(_, _, graph, _)| graph).unwrap_or_default();
        return Ok(Side {
            graph,
            ..Side::default()
        });
    }
    let (assembled, problems) = assemble(&texts, "default", None);
    tell_problems(output, &problems, &texts)?;
    let Some(Assembled { graph, bundle, .. }) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    let versions = labelled_versions(&bundle);
    let templates = bundle.services.iter().map(|(name, owned)| {
        let workloads = bundle.references(&owned.workloads);
        let digests = workloads.iter().filter_map(|workload| {
            let template = bundle
                .manifest(workload)?
                .pointer("/spec/template")?
                .clone();
            Some(template_digest(&serde_json::from_value(template).ok()?))
        });
        (name.clone(), digests.collect())
    });
    Ok(Side {
        graph,
        templates: templates.collect(),
        versions,
    })
}

fn changed_templates(old: &Side, new: &Side) -> BTreeMap<ServiceName, bool> {
    let changed = new
        .templates
        .iter()
        .map(|(name, digests)| (name.clone(), old.templates.get(name) != Some(digests)));
    changed.collect()
}

async fn against_cluster(
    output: &Output,
    args: &PlanArgs,
) -> Result<(System, Plan, Vec<Problem>), Failure> {
    let texts = read_all(&args.files)?;
    let connection = args.cluster.connect().await?;
    let (assembled, problems) = assemble(&texts, connection.namespace(), None);
    tell_problems(output, &problems, &texts)?;
    let Some(assembled) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    let name = assembled
        .plan_name
        .clone()
        .unwrap_or_else(|| assembled.bundle.graph_name.clone());
    let survey = survey_only(&connection, &assembled.bundle, &name).await?;
    let system = system(&assembled.graph, &survey);
    let planned = make_plan(&assembled.bundle, &survey);
    let refused = super::run::placed(survey.problems, &assembled);
    Ok((system, planned.plan, refused))
}
