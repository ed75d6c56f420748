//! What tidegate itself costs a release, as ratios from one run on one machine: `make bench`.
//!
//! A real control plane, the real controller in a process of its own; the demo's system and one of 300 services, moved
//! forth and back in the same run. All times are the API server's own, from its audit log.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use devcluster::audit::{History, read};
use devcluster::oracle::{early_starts, rolls};
use devcluster::{Cluster, Options, Progress};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The large system: so many layers of so many services, each of which calls two of the layer below.
const LAYERS: usize = 15;
const BREADTH: usize = 20;
/// The time between the two reads that open a gate, as the plan has it: a choice of safety, not a cost.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);

fn main() -> Outcome<()> {
    // Cargo runs benches with `--bench`, and tests them with `--test`; only the former is meant.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> Outcome<()> {
    let cluster = devcluster::start(Options::default(), &Progress::to_stderr()).await?;
    let folder = tempfile::tempdir()?;
    let systems = [
        System {
            title: "the demo's system",
            namespace: "default",
            versions: ["v1", "v2"].map(|version| example(version).into()),
            releases: 6,
        },
        System {
            title: "300 services",
            namespace: "large",
            versions: [layers(folder.path(), 1)?, layers(folder.path(), 2)?],
            releases: 2,
        },
    ];
    let kubeconfig = cluster.kubeconfig().to_owned();
    for system in &systems {
        let program = Program {
            kubeconfig: kubeconfig.clone(),
            namespace: system.namespace,
        };
        measure(system, &program, &cluster).await?;
    }
    cluster.stop().await?;
    Ok(())
}

/// A system that is moved forth and back.
struct System {
    title: &'static str,
    namespace: &'static str,
    versions: [PathBuf; 2],
    releases: usize,
}

async fn measure(system: &System, program: &Program, cluster: &Cluster) -> Outcome<()> {
    let version = |round: usize| {
        let folder = system.versions.get(round % 2);
        folder
            .map(|folder| folder.display().to_string())
            .unwrap_or_default()
    };
    if system.namespace != "default" {
        let space = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": system.namespace}});
        let space = serde_json::from_value(space)?;
        let kubeconfig = Kubeconfig::read_from(&program.kubeconfig)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        let namespaces: Api<Namespace> = Api::all(Client::try_from(config)?);
        namespaces.create(&PostParams::default(), &space).await?;
    }
    program.run(&["run", "-f", &version(0), "--progress", "quiet"])?;
    let controller = Controller::start(program)?;
    let idle_kib = controller.memory_kib("VmRSS")?;
    let mut figures = Vec::new();
    for round in 1..=system.releases {
        let since = Timestamp::now();
        let name = program.run(&["run", "-f", &version(round), "--detach"])?;
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
        let release = release.get(0).unwrap_or(&Value::Null);
        let figure = Figure::of(&history, system.namespace, since, release);
        println!("{name}: {}", figure.line());
        figures.push(figure);
    }
    println!("\n{}:", system.title);
    summary(&figures, idle_kib, controller.memory_kib("VmHWM")?);
    Ok(())
}

fn example(version: &str) -> String {
    format!(
        "{}/examples/online-boutique/{version}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// Writes the large system: every service of a layer calls two of the one below, and version 2 of each serves both
/// versions of its contract and calls the second one.
fn layers(folder: &Path, version: usize) -> Outcome<PathBuf> {
    let folder = folder.join(format!("v{version}"));
    std::fs::create_dir_all(&folder)?;
    let name = |layer: usize, place: usize| format!("s-{layer:02}-{:02}", place % BREADTH);
    let serves = if version == 1 { "['1']" } else { "['1', '2']" };
    let (mut services, mut objects) = (String::new(), String::new());
    for (layer, place) in
        (0..LAYERS).flat_map(|layer| (0..BREADTH).map(move |place| (layer, place)))
    {
        let own = name(layer, place);
        let call = |place: usize| {
            format!(
                "{{service: {}, version: '{version}'}}",
                name(layer - 1, place)
            )
        };
        let calls = if layer == 0 {
            String::new()
        } else {
            format!(", calls: [{}, {}]", call(place), call(place + 1))
        };
        writeln!(
            services,
            "  - {{name: {own}, serves: [{{versions: {serves}}}]{calls}}}"
        )?;
        write!(
            objects,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {own}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {own}}}}}\n  template: {{metadata: {{labels: {{app: {own}}}}}, spec: {{containers: [{{name: main, image: 'example/{own}:{version}'}}]}}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {own}}}\nspec: {{selector: {{app: {own}}}, ports: [{{name: rpc, port: 50051}}]}}\n"
        )?;
    }
    let graph = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {{name: large}}\nspec:\n  services:\n{services}---\napiVersion: tidegate.dev/v1alpha1\nkind: ReleasePlan\nmetadata: {{name: large}}\nspec: {{}}\n"
    );
    std::fs::write(folder.join("system.yaml"), graph + &objects)?;
    Ok(folder)
}

/// tidegate, on this cluster.
struct Program {
    kubeconfig: PathBuf,
    namespace: &'static str,
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
        let output = self
            .command(arguments)
            .args(["-n", self.namespace])
            .output()?;
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
        let mut command = program.command(&["controller", "--listen", "127.0.0.1:0"]);
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
    fn of(history: &History, namespace: &str, since: Timestamp, release: &Value) -> Self {
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
        let gone = last_old_gone(history, namespace, since);
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
            early: early_starts(history, namespace, since, &pairs).len(),
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

fn last_old_gone(
    history: &History,
    namespace: &str,
    since: Timestamp,
) -> BTreeMap<String, Timestamp> {
    let rolls = rolls(history, namespace, since).into_iter();
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
