//! `tidegate plan`: the order of a release and why, offline from files or against a cluster.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::assemble::{assemble, tell_problems};
use super::compare::{Compared, compare};
use super::context::ClusterArgs;
use super::durations::{Expected, expected, told};
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::kinds::KindArgs;
use super::output::{Format, Output};
use super::pact::{PactArgs, with_matrix};
use super::saved::{self, manifests_of};
use super::split::split;
use crate::cluster::{Releases, survey_only};
use crate::controller::{Planned, asked_names, make_plan, planned, system};
use crate::draw::{self, Picture};
use crate::graph::System;
use crate::plan::{
    Manifests, Plan, SavedPlan, Verdict, explain, headline, idle_after, step_words, why_here,
};
use crate::spec::crd::{Planning, ServiceGraphSpec};
use crate::spec::{Graph, Problem, ServiceName, did_you_mean};

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
    /// What runs where a service has more than one revision: a document of kind `LiveSets` (docs/guide/writing-a-graph.md)
    #[arg(long, value_name = "FILE", requires = "from")]
    live: Option<PathBuf>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    pact: PactArgs,
    /// Tell only why this service is where it is
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    /// Write the plan to this file, with all that is needed to check it again and to run exactly it; with `--split`,
    /// a folder
    #[arg(long, value_name = "PATH", conflicts_with = "explain")]
    out: Option<PathBuf>,
    /// Where no order is safe: write the releases that take its place, each with its graph and its plan, into `--out`
    #[arg(long, requires = "out")]
    split: bool,
    /// Check a plan that `--out` wrote: every moment of it, by the independent checker
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "from", "to", "live", "explain", "out", "exit_code", "only", "repair", "rollback", "strategy"])]
    verify: Option<PathBuf>,
    /// Exit with 1 if something would move
    #[arg(long)]
    exit_code: bool,
    /// The form of the plan on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: PlanFormat,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum PlanFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// A picture for Graphviz.
    Dot,
    /// A picture for Mermaid.
    Mermaid,
    /// A picture that stands alone.
    Svg,
    /// A picture and a table for a pull request.
    #[value(alias = "md")]
    Markdown,
}

impl PlanFormat {
    /// The form, where a document is asked for and a picture would not do.
    fn document(self, what: &str) -> Result<Format, Failure> {
        match self {
            Self::Text => Ok(Format::Text),
            Self::Json => Ok(Format::Json),
            Self::Yaml => Ok(Format::Yaml),
            Self::Dot | Self::Mermaid | Self::Svg | Self::Markdown => Err(Failure::new(
                Exit::Usage,
                format!("`{what}` has no picture"),
            )
            .hint("`-o text`, `-o json` or `-o yaml`")),
        }
    }
}

/// What was planned, and with what.
pub(super) struct Made {
    /// What runs and what shall run.
    pub system: System,
    /// The order, or why there is none.
    pub plan: Plan,
    /// Which plan was asked for.
    planning: Planning,
    /// Why `run` would refuse it although there is an order.
    not_carried_out: Option<String>,
    /// What the API server would refuse.
    refused: Vec<Problem>,
    /// The manifests, if the plan was made against a cluster.
    manifests: Option<Manifests>,
    /// The name of the graph.
    pub name: String,
    /// The graph of what shall run, as written.
    pub spec: ServiceGraphSpec,
    /// The same, checked.
    pub graph: Graph,
    /// The graph of what runs, if there is one.
    pub old: Option<Graph>,
    /// How long it is likely to take, where that is known.
    expected: Option<Expected>,
}

/// Runs the command.
pub(super) async fn plan(output: &Output, args: &PlanArgs) -> Result<(), Failure> {
    if let Some(file) = &args.verify {
        return saved::verify(output, args.output.document("--verify")?, file);
    }
    let made = match (&args.from, &args.to) {
        (Some(from), Some(to)) => offline(output, args, from, to)?,
        _ if args.files.is_empty() => {
            return Err(Failure::new(Exit::Usage, "nothing to plan").hint(
                "`tidegate plan --from OLD --to NEW` works offline; `tidegate plan -f DIR` asks the cluster what runs",
            ));
        }
        _ => against_cluster(output, args).await?,
    };
    if let Some(service) = &args.explain {
        return explain_one(output, args.output.document("--explain")?, &made, service);
    }
    if let Some(folder) = args.out.as_ref().filter(|_| args.split) {
        return split(output, &made, folder, args.output.document("--split")?);
    }
    // A namespace that is not there shows nothing that runs: "nothing moves" would be wrong.
    let says_nothing = !made.refused.is_empty() && made.plan.steps.is_empty();
    if !says_nothing || !matches!(args.output, PlanFormat::Text) {
        show(output, args.output, &made)?;
    }
    if !made.refused.is_empty() {
        tell_problems(output, &made.refused, &[]).unwrap_or_default();
        return Err(Failure::new(
            Exit::Refused,
            "the API server would refuse this release",
        ));
    }
    if let Some(message) = &made.not_carried_out {
        return Err(Failure::new(Exit::Refused, message.clone()));
    }
    if let Some(file) = &args.out {
        write(output, &made, file)?;
    }
    match (
        made.plan.verdict,
        args.exit_code && !made.plan.steps.is_empty(),
    ) {
        (Verdict::Refused, _) => Err(refused(&made.plan)),
        (Verdict::Ordered, true) => Err(Failure::told(Exit::No)),
        (Verdict::Ordered, false) => Ok(()),
    }
}

const SPLIT_HINT: &str = "`--split --out FOLDER` writes the releases that take its place";

/// The refusal that was shown already, with the way out.
fn refused(plan: &Plan) -> Failure {
    let failure = Failure::told(Exit::Refused);
    let proposal = plan
        .refusal
        .as_ref()
        .and_then(|refusal| refusal.proposal.as_ref());
    match proposal {
        Some(_) => failure.hint(SPLIT_HINT),
        None => failure,
    }
}

/// The plan with what is no part of it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<&'a Expected>,
}

fn show(output: &Output, format: PlanFormat, made: &Made) -> Result<(), Failure> {
    let document = |format| {
        let shown = Shown {
            plan: &made.plan,
            estimate: made.expected.as_ref(),
        };
        output.document(format, &shown, || {
            let mut lines = explain(&made.system, &made.plan);
            lines.extend(made.expected.iter().flat_map(told));
            lines.join("\n")
        })
    };
    let picture = || {
        let title = headline(&made.system, &made.plan);
        Picture::new(&made.plan, title, &step_words(&made.system, &made.plan))
    };
    match format {
        PlanFormat::Text => document(Format::Text),
        PlanFormat::Json => document(Format::Json),
        PlanFormat::Yaml => document(Format::Yaml),
        PlanFormat::Dot => output.data(&draw::dot(&picture())),
        PlanFormat::Mermaid => output.data(&draw::mermaid(&picture())),
        PlanFormat::Svg => output.data(&draw::svg(&picture())),
        PlanFormat::Markdown => output.data(&draw::markdown(&picture())),
    }
}

/// Writes the plan to a file, if there is one that can be run.
fn write(output: &Output, made: &Made, file: &Path) -> Result<(), Failure> {
    if let Some(refusal) = &made.plan.refusal {
        let path = file.display();
        let failure = Failure::new(
            Exit::Refused,
            format!("no order is safe; `{path}` was not written"),
        );
        return Err(match refusal.proposal {
            Some(_) => failure.hint(SPLIT_HINT),
            None => failure,
        });
    }
    let document = SavedPlan::new(&made.system, &made.plan, made.manifests.clone())
        .asked(made.planning.clone());
    saved::write(file, &document)?;
    let path = file.display();
    output.say(&format!(
        "wrote `{path}`; run exactly this with `tidegate run --plan {path} -f …`"
    ));
    Ok(())
}

#[derive(Serialize)]
struct Explained<'a> {
    service: &'a str,
    moves: bool,
    why: Vec<String>,
}

fn explain_one(output: &Output, format: Format, made: &Made, service: &str) -> Result<(), Failure> {
    let name = ServiceName::parse(service)
        .map_err(|error| Failure::new(Exit::Usage, format!("`{service}` {error}")))?;
    if !made.system.services.contains_key(&name) {
        let failure = Failure::new(Exit::Usage, format!("there is no service `{name}`"));
        let known = made.system.services.keys().map(ServiceName::as_str);
        return Err(match did_you_mean(service, known) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        });
    }
    if made.plan.verdict == Verdict::Refused {
        output.say(&explain(&made.system, &made.plan).join("\n"));
        let words = format!("no order is safe, so `{name}` has no place in one");
        return Err(Failure::new(Exit::Refused, words));
    }
    let mut lines = why_here(&made.plan, &name);
    if let Some(lines) = &mut lines {
        lines.extend(idle_after(&made.system, &name));
    }
    let document = Explained {
        service,
        moves: lines.is_some(),
        why: lines.unwrap_or_else(|| vec![format!("{name} does not move in this release")]),
    };
    output.document(format, &document, || document.why.join("\n"))
}

fn offline(
    output: &Output,
    args: &PlanArgs,
    from: &PathBuf,
    to: &PathBuf,
) -> Result<Made, Failure> {
    let Compared { system, old, new } = compare(output, from, to, args.live.as_ref())?;
    let system = with_matrix(output, &args.pact, system, [&old.versions, &new.versions])?;
    let planning = args.kind.planning();
    let (plan, system) = planned(system, &planning, Some(&old.graph), planning.order)?;
    Ok(Made {
        system,
        plan,
        planning,
        not_carried_out: None,
        refused: Vec::new(),
        manifests: None,
        name: new.graph.name.clone(),
        spec: new.spec,
        graph: new.graph,
        old: Some(old.graph),
        expected: None,
    })
}

async fn against_cluster(output: &Output, args: &PlanArgs) -> Result<Made, Failure> {
    let texts = read_all(&args.files)?;
    let connection = args.cluster.connect().await?;
    let (assembled, problems) = assemble(&texts, connection.namespace(), None);
    tell_problems(output, &problems, &texts)?;
    let Some(mut assembled) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    tell_problems(output, &assembled.too_large, &texts)?;
    let name = assembled
        .plan_name
        .clone()
        .unwrap_or_else(|| assembled.bundle.graph_name.clone());
    // As `run` does, so that both plan with the same account and strategy.
    let releases = Releases::new(connection.client(), connection.namespace());
    super::run::take_plan_of_cluster(&releases, &name, &mut assembled).await?;
    let planning = args.kind.planning();
    let survey = survey_only(&connection, (&assembled.bundle, &planning), &name).await?;
    asked_names(&system(&assembled.graph, &survey), &planning)?;
    let made = make_plan(&assembled.bundle, &survey, &planning);
    let not_carried_out = match made.plan.verdict {
        Verdict::Ordered => made.refusal().map(ToOwned::to_owned),
        // Its own words say more.
        Verdict::Refused => None,
    };
    let Planned { plan, system, .. } = made;
    let refused = super::release::placed(survey.problems, &assembled);
    let expected = expected(&releases, &name, &plan).await?;
    Ok(Made {
        system,
        plan,
        planning,
        not_carried_out,
        refused,
        manifests: Some(manifests_of(&assembled.bundle)),
        name: assembled.bundle.graph_name,
        spec: assembled.bundle.graph,
        graph: assembled.graph,
        old: survey.declared,
        expected,
    })
}
