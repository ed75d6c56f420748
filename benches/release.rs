//! What tidegate itself costs a release, as ratios from one run on one machine: `make bench`.
//!
//! A real control plane, the real controller in a process of its own, the demo's system moved forth and back. All
//! times are the API server's own, from its audit log.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use devcluster::audit::{History, read};
use devcluster::oracle::{early_starts, rolls};
use devcluster::{Options, Progress};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often the system is moved, forth and back.
const RELEASES: usize = 6;
/// The time between the two reads that open a gate, as the plan has it: a choice of safety, not a cost.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);
const NAMESPACE: &str = "default";

fn main() -> Outcome<()> {
    // Cargo runs benches with `--bench`, and tests them with `--test`; only the former is meant.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Outcome<()> {
    let cluster = devcluster::start(Options::default(), &Progress::to_stderr()).await?;
    let program = Program {
        kubeconfig: cluster.kubeconfig().to_owned(),
    };
    program.run(&["run", "-f", &example("v1"), "--progress", "quiet"])?;
    let controller = Controller::start(&program)?;
    let idle_kib = controller.memory_kib("VmRSS")?;
    let mut figures = Vec::new();
    for round in 0..RELEASES {
        let folder = if round % 2 == 0 { "v2" } else { "v1" };
        let since = Timestamp::now();
        let name = program.run(&["run", "-f", &example(folder), "--detach"])?;
        let name = name
            .trim()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        program.run(&["watch", &name, "--progress", "quiet"])?;
        let release: Value = serde_json::from_str(&program.run(&["status", &name, "-o", "json"])?)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let history = read(cluster.audit_log())?;
        let figure = Figure::of(&history, since, release.get(0).unwrap_or(&Value::Null));
        println!("{name}: {}", figure.line());
        figures.push(figure);
    }
    summary(&figures, idle_kib, controller.memory_kib("VmHWM")?);
    drop(controller);
    cluster.stop().await?;
    Ok(())
}

fn example(version: &str) -> String {
    format!(
        "{}/examples/online-boutique/{version}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// tidegate, on this cluster.
struct Program {
    kubeconfig: PathBuf,
}

impl Program {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(arguments)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig);
        for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(arguments).args(["-n", NAMESPACE]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// `tidegate controller`, ended with this process.
struct Controller(Child);

impl Controller {
    fn start(program: &Program) -> Outcome<Self> {
        let mut command =
            program.command(&["controller", "--listen", "127.0.0.1:0", "--web", "none"]);
        let child = command.stderr(Stdio::null()).spawn()?;
        // Long enough to have opened its watches, so that what is measured is the controller at rest.
        std::thread::sleep(Duration::from_secs(5));
        Ok(Self(child))
    }

    fn memory_kib(&self, field: &str) -> Outcome<u64> {
        let path = Path::new("/proc")
            .join(self.0.id().to_string())
            .join("status");
        let text = std::fs::read_to_string(path)?;
        let line = text
            .lines()
            .find(|line| line.starts_with(field))
            .unwrap_or_default();
        Ok(line.split_whitespace().nth(1).unwrap_or("0").parse()?)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(|_| ()).unwrap_or_default();
    }
}

/// What one release took.
struct Figure {
    makespan: SignedDuration,
    bound: SignedDuration,
    waves: u32,
    services: usize,
    /// From the last old pod gone to the first write of the next wave, less the settle time.
    gates: Vec<SignedDuration>,
    requests: usize,
    writes: usize,
    early: usize,
}

impl Figure {
    fn of(history: &History, since: Timestamp, release: &Value) -> Self {
        let waves = release
            .pointer("/status/waves")
            .unwrap_or(&Value::Null)
            .as_array()
            .cloned()
            .unwrap_or_default();
        let members: Vec<&Value> = waves
            .iter()
            .filter_map(|wave| wave["services"].as_array())
            .flatten()
            .collect();
        let gone = last_old_gone(history, since);
        let starts = first_writes(history, since);
        let ends = history
            .writes_by("tidegate", since)
            .filter(|w| w.resource == "releases");
        let end = ends.map(|write| write.at).max().unwrap_or(since);
        let begin = starts.values().min().copied().unwrap_or(since);
        let precedences = precedences(&members);
        let pairs: Vec<(&str, &str)> = precedences
            .iter()
            .map(|(first, then)| (first.as_str(), then.as_str()))
            .collect();
        let counts = history.request_counts(since);
        let ours = counts
            .iter()
            .filter(|((program, _), _)| program == "tidegate");
        Self {
            makespan: end.duration_since(begin),
            bound: lower_bound(&members, &starts, &gone),
            waves: u32::try_from(waves.len()).unwrap_or(0),
            services: members.len(),
            gates: gates(&waves, &starts, &gone),
            requests: ours.map(|(_, count)| count).sum(),
            writes: history.writes_by("tidegate", since).count(),
            early: early_starts(history, NAMESPACE, since, &pairs).len(),
        }
    }

    /// Makespan over what no tool could be faster than, given how long each service's pods take and the settle time.
    fn ratio(&self) -> f64 {
        self.makespan.as_secs_f64() / self.bound.as_secs_f64().max(0.001)
    }

    fn line(&self) -> String {
        format!(
            "makespan {:.2} s, critical path {:.2} s (settle included), ratio {:.3}; {} requests, {} writes for {} services; early starts {}",
            self.makespan.as_secs_f64(),
            self.bound.as_secs_f64(),
            self.ratio(),
            self.requests,
            self.writes,
            self.services,
            self.early
        )
    }
}

fn name_of(service: &Value) -> &str {
    service["name"].as_str().unwrap_or_default()
}

fn precedences(members: &[&Value]) -> Vec<(String, String)> {
    let pairs = members.iter().flat_map(|service| {
        let before = service["after"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        before.map(|first| (first.to_owned(), name_of(service).to_owned()))
    });
    pairs.collect()
}

fn last_old_gone(history: &History, since: Timestamp) -> BTreeMap<String, Timestamp> {
    let rolls = rolls(history, NAMESPACE, since).into_iter();
    rolls
        .filter_map(|roll| Some((roll.service, roll.last_old_gone?)))
        .collect()
}

/// When the first write of each service's Deployment reached the API server.
fn first_writes(history: &History, since: Timestamp) -> BTreeMap<String, Timestamp> {
    let mut first = BTreeMap::new();
    let writes = history
        .writes_by("tidegate", since)
        .filter(|write| write.resource == "deployments");
    for write in writes {
        let name = write.name.clone().unwrap_or_default();
        let at: &mut Timestamp = first.entry(name).or_insert(write.received);
        *at = write.received.min(*at);
    }
    first
}

/// The longest chain of real rollouts, each from its write to its last old pod, with the settle time of each gate.
fn lower_bound(
    members: &[&Value],
    starts: &BTreeMap<String, Timestamp>,
    gone: &BTreeMap<String, Timestamp>,
) -> SignedDuration {
    let mut longest: BTreeMap<&str, SignedDuration> = BTreeMap::new();
    for service in members {
        let name = name_of(service);
        let own = starts
            .get(name)
            .zip(gone.get(name))
            .map(|(from, to)| to.duration_since(*from));
        let before = service["after"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let before = before
            .filter_map(|first| longest.get(first))
            .max()
            .copied()
            .unwrap_or_default();
        longest.insert(name, before + own.unwrap_or_default() + SETTLE);
    }
    longest.values().max().copied().unwrap_or_default()
}

fn gates(
    waves: &[Value],
    starts: &BTreeMap<String, Timestamp>,
    gone: &BTreeMap<String, Timestamp>,
) -> Vec<SignedDuration> {
    let mut found = Vec::new();
    let mut last_gone: Option<Timestamp> = None;
    for wave in waves {
        let names: Vec<&str> = wave["services"]
            .as_array()
            .into_iter()
            .flatten()
            .map(name_of)
            .collect();
        let start = names.iter().filter_map(|name| starts.get(*name)).min();
        if let (Some(gone), Some(start)) = (last_gone, start) {
            found.push(start.duration_since(gone) - SETTLE);
        }
        last_gone = names
            .iter()
            .filter_map(|name| gone.get(*name))
            .copied()
            .max()
            .max(last_gone);
    }
    found
}

fn summary(figures: &[Figure], idle_kib: u64, peak_kib: u64) {
    let mut gates: Vec<SignedDuration> = figures.iter().flat_map(|f| f.gates.clone()).collect();
    gates.sort();
    let at = |part: f64| {
        let last = gates.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a handful of samples"
        )]
        let index = (last as f64 * part).ceil() as usize;
        gates.get(index).map_or(0, SignedDuration::as_millis)
    };
    let mut ratios: Vec<f64> = figures.iter().map(Figure::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let services: usize = figures.iter().map(|figure| figure.services).sum();
    let requests: usize = figures.iter().map(|figure| figure.requests).sum();
    let writes: usize = figures.iter().map(|figure| figure.writes).sum();
    let early: usize = figures.iter().map(|figure| figure.early).sum();
    let waves: u32 = figures.iter().map(|figure| figure.waves).sum();
    println!(
        "\n{} releases, {waves} waves, {services} services moved",
        figures.len()
    );
    println!(
        "makespan / critical path: median {:.3}, worst {:.3}   (goal 1.05)",
        ratios.get(ratios.len() / 2).copied().unwrap_or_default(),
        ratios.last().copied().unwrap_or_default()
    );
    println!(
        "last old pod gone -> first write of the next wave, less {} s settle: p50 {} ms, p99 {} ms, {} gates   (goal p99 500 ms)",
        SETTLE.as_secs(),
        at(0.5),
        at(0.99),
        gates.len()
    );
    println!(
        "controller memory: {:.1} MiB at rest, {:.1} MiB at most",
        mib(idle_kib),
        mib(peak_kib)
    );
    println!(
        "requests per moved service: {:.1}, of them writes {:.1} (manifests included)",
        ratio(requests, services),
        ratio(writes, services)
    );
    println!("early starts: {early}");
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
