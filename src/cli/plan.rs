//! `tidegate plan`: the order of a release and why, offline from files or against a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::assemble::{Assembled, assemble, tell_problems};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::live_sets::{LiveSet, read_live_sets};
use super::output::{Format, Output};
use crate::cluster::survey_only;
use crate::controller::system;
use crate::graph::{OnlyError, System};
use crate::plan::{Choice, Plan, Verdict, explain, plan as make, plan_with, why_here};
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
    /// Plan only these services; the others stay as they are
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    only: Vec<String>,
    /// Accept that what runs is unsafe already, and let nothing else break
    #[arg(long)]
    repair: bool,
    /// The release goes back to an earlier one: what Jobs did stays
    #[arg(long, requires = "from")]
    rollback: bool,
    /// How services that have a switch move: once and in order, or all images first and all switches later; with both costs
    #[arg(long, value_enum)]
    strategy: Option<StrategyChoice>,
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

/// The value of `--strategy`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum StrategyChoice {
    /// Each service moves once
    Ordered,
    /// All images with the old parameter, then all switches
    Flip,
    /// The one with fewer waves
    Auto,
}

impl PlanArgs {
    /// The part of a system that is asked for.
    fn part(&self, mut system: System) -> Result<System, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        if !self.only.is_empty() {
            let names = self.only.iter().map(|text| {
                ServiceName::parse(text).map_err(|error| usage(format!("`{text}` {error}")))
            });
            let names: BTreeSet<ServiceName> = names.collect::<Result<_, _>>()?;
            system = system.only(&names).map_err(|error| match error {
                OnlyError::Unknown(_) => usage(error.to_string()),
                OnlyError::Mixed(_) => Failure::new(Exit::Refused, error.to_string()),
            })?;
        }
        system.repair = self.repair;
        Ok(system)
    }

    /// The plan by the strategy that is asked for.
    fn make(&self, system: &System) -> Result<Plan, Failure> {
        let choice = match self.strategy {
            None => return Ok(make(system)),
            Some(StrategyChoice::Ordered) => Choice::Ordered,
            Some(StrategyChoice::Flip) => Choice::Flip,
            Some(StrategyChoice::Auto) => Choice::Auto,
        };
        plan_with(system, choice).map_err(|error| {
            Failure::new(Exit::Refused, error.to_string())
                .hint("declare `switch: {env: NAME}` for each, or use `--strategy ordered`")
        })
    }
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
        for (name, LiveSet { live, retained }) in read_live_sets(file)? {
            system = system.with_live(&name, live, retained).ok_or_else(|| {
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
    if args.rollback {
        let before = |name: &ServiceName| old.graph.services.get(name);
        system = system.going_back(|name| {
            before(name).is_some_and(|service| service.manner.reversible == Some(true))
        });
    }
    let system = args.part(system)?;
    let plan = args.make(&system)?;
    Ok((system, plan, Vec::new()))
}

/// One side of an offline comparison.
#[derive(Default)]
struct Side {
    graph: Graph,
    /// The digests of each service's pod templates, where there are manifests.
    templates: BTreeMap<ServiceName, Vec<String>>,
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
            templates: BTreeMap::new(),
        });
    }
    let (assembled, problems) = assemble(&texts, "default", None);
    tell_problems(output, &problems, &texts)?;
    let Some(Assembled { graph, bundle, .. }) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
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
    let system = args.part(system)?;
    let plan = args.make(&system)?;
    let refused = super::run::placed(survey.problems, &assembled);
    Ok((system, plan, refused))
}
