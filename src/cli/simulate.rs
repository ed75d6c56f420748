//! `tidegate simulate`: a release in a simulated cluster, many times, with and without faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use super::compare::{Compared, compare};
use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use super::simulated_page::serve_simulated;
use crate::plan::Plan;
use crate::sim::{
    Cranked, Fault, Faults, Outcome, Scenario, Traffic, Way, plan_of, run, run_naively, shrink,
    timeline,
};
use crate::spec::ServiceName;
use crate::web::explained;

/// Run a release many times in a simulated cluster and count what goes wrong, without a cluster
///
/// The loop that drives a release is the real one; API server, controllers, pods and clock are made up, and everything
/// that is left to chance comes from a seed. Printed are the calls that fail where the same manifests are applied all at
/// once, where each wave waits for `kubectl rollout status`, and where tidegate does it; and how releases end while
/// controllers crash, answers get lost and watches fall silent. Exit code 70 if anything goes wrong: that is a bug.
#[derive(Debug, clap::Args)]
pub(super) struct SimulateArgs {
    /// What runs: a file or folder with a ServiceGraph (and manifests, if any), or `none` for a first install
    #[arg(long, value_name = "OLD")]
    from: PathBuf,
    /// What shall run: a file or folder with a ServiceGraph (and manifests, if any)
    #[arg(long, value_name = "NEW")]
    to: PathBuf,
    /// Live sets with more than one revision of a service (a document of kind `LiveSets`)
    #[arg(long, value_name = "FILE")]
    live: Option<PathBuf>,
    /// How many runs
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: u64,
    /// The seed of the first run; each further run has the next one
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// What may go wrong: `all` (each run has some of them), `none`, or a list of which each run has all
    #[arg(long, value_name = "FAULTS", default_value = "all")]
    faults: String,
    /// How many pods each workload has
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    replicas: u32,
    /// Serve the page over one run whose clock is cranked by hand, at this loopback address, until Ctrl-C
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8091")]
    serve: Option<SocketAddr>,
    /// Print every line of the journal of the first run
    #[arg(long)]
    journal: bool,
    /// The form of the result on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Which faults each run has.
enum Chosen {
    ByChance,
    Exactly(Faults),
}

impl Chosen {
    fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "all" => Ok(Self::ByChance),
            "none" => Ok(Self::Exactly(Faults::none())),
            list => {
                let faults = list.split(',').map(|word| {
                    let fault = word.trim().parse::<Fault>();
                    fault.map_err(|error| {
                        Failure::new(
                            Exit::Usage,
                            format!("--faults: `{word}` {error}, or all, or none"),
                        )
                    })
                });
                Ok(Self::Exactly(Faults::of(
                    faults.collect::<Result<Vec<_>, _>>()?,
                )))
            }
        }
    }

    fn of(&self, seed: u64) -> Faults {
        match self {
            Self::ByChance => Faults::by_chance(seed),
            Self::Exactly(faults) => faults.clone(),
        }
    }
}

/// The result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Simulated {
    runs: u64,
    first_seed: u64,
    faults: String,
    /// How many releases ended how.
    endings: BTreeMap<String, u64>,
    /// From the first call to the end of the release, in seconds; the median of the runs that succeeded.
    median_s: f64,
    /// The same manifests applied in different ways, without faults.
    ways: Vec<WayResult>,
    /// One run without faults.
    timeline: Vec<String>,
    /// What should never have happened.
    wrong: Vec<Wrong>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WayResult {
    way: &'static str,
    /// Calls, of one a second on each edge.
    calls: f64,
    /// Those of them that failed since the two ends did not speak the same version.
    failed: f64,
    failed_percent: f64,
    /// Pods that were made while another one was alive that they could not talk to.
    early_pods: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wrong {
    seed: u64,
    faults: String,
    problems: Vec<String>,
    replay: String,
}

/// How many runs each way of applying gets.
const COMPARED_RUNS_MAX: u64 = 20;

/// Runs the command.
pub(super) async fn simulate(output: &Output, args: &SimulateArgs) -> Result<(), Failure> {
    let chosen = Chosen::parse(&args.faults)?;
    let Compared { system, old, new } = compare(output, &args.from, &args.to, args.live.as_ref())?;
    let (declared, scenario) = (
        old.spec,
        Scenario::of(system, old.graph, &new.spec, args.replicas),
    );
    let (plan, refused) = plan_of(&scenario);
    if let Some(refused) = refused {
        let words = match refused {
            crate::upgrade::Ending::Refused { message } => message,
            other @ (crate::upgrade::Ending::Succeeded
            | crate::upgrade::Ending::Failed { .. }
            | crate::upgrade::Ending::Aborted { .. }
            | crate::upgrade::Ending::Superseded { .. }) => other.word().to_owned(),
        };
        return Err(
            Failure::new(Exit::Refused, format!("there is nothing to run: {words}"))
                .hint("`tidegate plan --from OLD --to NEW` shows the way out"),
        );
    }
    if let Some(address) = args.serve {
        let faults = match &chosen {
            // Of many runs each has some; the one that is looked at has none unless they are named.
            Chosen::ByChance => Faults::none(),
            Chosen::Exactly(faults) => faults.clone(),
        };
        let cranked = Cranked::start(&scenario, &plan, declared, (args.seed, &faults));
        let words = explained(scenario.system(), &plan);
        return serve_simulated(output, address, cranked, words).await;
    }
    if args.journal {
        let first = run(&scenario, &plan, args.seed, &chosen.of(args.seed), true);
        for line in &first.lines {
            output.say(line);
        }
    }
    let simulated = all_runs(output, args, &scenario, &plan, &chosen);
    output.document(args.output, &simulated, || text(&simulated).join("\n"))?;
    if simulated.wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Bug,
            "something went wrong that must never go wrong: please report it with the line that replays it",
        ))
    }
}

fn all_runs(
    output: &Output,
    args: &SimulateArgs,
    scenario: &Scenario,
    plan: &Plan,
    chosen: &Chosen,
) -> Simulated {
    let mut endings = BTreeMap::new();
    let mut took_s = Vec::new();
    let mut wrong = Vec::new();
    let step = (args.runs / 10).max(1);
    for number in 0..args.runs {
        let seed = args.seed.wrapping_add(number);
        let outcome = run(scenario, plan, seed, &chosen.of(seed), false);
        let ending = if outcome.ending.is_empty() {
            "Never"
        } else {
            &outcome.ending
        };
        *endings.entry(ending.to_owned()).or_insert(0) += 1;
        if outcome.ending == "Succeeded" {
            took_s.push(outcome.took.as_secs_f64());
        }
        if !outcome.wrong.is_empty() {
            wrong.push(told(args, scenario, plan, outcome));
        }
        if output.live && (number + 1) % step == 0 {
            output.say(&format!("{} of {} runs", number + 1, args.runs));
        }
    }
    let services: Vec<ServiceName> = plan.steps.iter().map(|step| step.service.clone()).collect();
    let calm = run(scenario, plan, args.seed, &Faults::none(), false);
    Simulated {
        runs: args.runs,
        first_seed: args.seed,
        faults: args.faults.clone(),
        endings,
        median_s: median(took_s),
        ways: ways(args, scenario, plan),
        timeline: timeline(&calm, &services),
        wrong,
    }
}

/// What went wrong in a run, with the line that does it again with as few faults as it takes.
fn told(args: &SimulateArgs, scenario: &Scenario, plan: &Plan, outcome: Outcome) -> Wrong {
    let faults = shrink(scenario, plan, &outcome);
    let live = args
        .live
        .as_ref()
        .map(|live| format!(" --live {}", live.display()));
    Wrong {
        seed: outcome.seed,
        replay: format!(
            "tidegate simulate --from {} --to {}{} --replicas {} --runs 1 --seed {} --faults {faults} --journal",
            args.from.display(),
            args.to.display(),
            live.unwrap_or_default(),
            args.replicas,
            outcome.seed,
        ),
        faults: outcome.faults.to_string(),
        problems: outcome.wrong,
    }
}

fn ways(args: &SimulateArgs, scenario: &Scenario, plan: &Plan) -> Vec<WayResult> {
    let seeds =
        || (0..args.runs.min(COMPARED_RUNS_MAX)).map(|number| args.seed.wrapping_add(number));
    let sum = |way, runs: &mut dyn Iterator<Item = (Traffic, usize)>| {
        let mut total = (Traffic::default(), 0);
        for (traffic, early) in runs {
            total.0.calls += traffic.calls;
            total.0.failed += traffic.failed;
            total.1 += early;
        }
        let (Traffic { calls, failed }, early_pods) = total;
        WayResult {
            way,
            calls: calls.round(),
            failed: failed.round(),
            failed_percent: if calls > 0.0 {
                100.0 * failed / calls
            } else {
                0.0
            },
            early_pods,
        }
    };
    vec![
        sum(
            "all at once",
            &mut seeds().map(|seed| run_naively(scenario, plan, Way::AllAtOnce, seed)),
        ),
        sum(
            "waves by rollout status",
            &mut seeds().map(|seed| run_naively(scenario, plan, Way::RolloutStatus, seed)),
        ),
        sum(
            "tidegate",
            &mut seeds().map(|seed| {
                let outcome = run(scenario, plan, seed, &Faults::none(), false);
                (outcome.traffic, outcome.wrong.len())
            }),
        ),
    ]
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

fn text(simulated: &Simulated) -> Vec<String> {
    let mut lines = vec![format!(
        "{} runs from seed {}, faults {}: {}",
        simulated.runs,
        simulated.first_seed,
        simulated.faults,
        simulated
            .endings
            .iter()
            .map(|(ending, count)| format!("{count} {ending}"))
            .collect::<Vec<_>>()
            .join(", ")
    )];
    if simulated.median_s > 0.0 {
        lines.push(format!(
            "a release that succeeds takes {:.0} s (simulated, median)",
            simulated.median_s
        ));
    }
    lines.push(String::new());
    lines.push("without faults, of one call a second on each edge of the graph:".to_owned());
    for way in &simulated.ways {
        lines.push(format!(
            "  {:<24} {:>8.0} of {:>8.0} calls fail ({:.2} %), {} pods made too early",
            way.way, way.failed, way.calls, way.failed_percent, way.early_pods
        ));
    }
    lines.push(String::new());
    lines.push("one run without faults (- old pods, # old and new, = new):".to_owned());
    lines.extend(simulated.timeline.iter().map(|line| format!("  {line}")));
    for wrong in &simulated.wrong {
        lines.push(String::new());
        lines.push(format!(
            "seed {} (faults {}) went wrong:",
            wrong.seed, wrong.faults
        ));
        lines.extend(wrong.problems.iter().map(|problem| format!("  {problem}")));
        lines.push(format!("  again: {}", wrong.replay));
    }
    lines
}
