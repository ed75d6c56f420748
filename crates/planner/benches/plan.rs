//! What planning costs, beside a plain topological sort of the same graph: `make bench-plan`.
//!
//! A system like the large ones that are published: layers, few hubs, a long tail. Every contract moves from 1 to 1 and 2 and
//! every caller from 1 to 2, so that every edge forces an order: the most work there can be. Each stage is measured by
//! criterion; memory in a process of its own for each size, as the kernel counts it.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(
    clippy::similar_names,
    reason = "caller and callee are the words of the domain"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use tidegate_planner::graph::{Member, Moves, Revision, System, derive};
use tidegate_planner::plan::{check, plan, plan_derived, prove};
use tidegate_spec::{ContractName, Interface, Manner, Need, Requirement, ServiceName, Version};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Services and edges. The last is the size that Meta published of its own system.
const SIZES: [(usize, usize); 5] = [
    (1_000, 5_000),
    (2_500, 17_000),
    (5_000, 40_000),
    (10_000, 95_000),
    (18_600, 200_000),
];
const LAYERS: usize = 12;
/// What a child process is told to measure its memory.
const MEMORY: &str = "--memory";
/// The stages in the order of the table: the yardstick, then those of the planner.
const STAGES: [&str; 6] = [
    "toposort",
    "number+sort",
    "derive",
    "order",
    "prove",
    "check",
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return Ok(());
    }
    if let Some(at) = arguments.iter().position(|argument| argument == MEMORY) {
        let size = arguments.get(at + 1).ok_or("no size")?.parse()?;
        return memory(size);
    }
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let mut criterion = Criterion::default()
        .output_directory(&home)
        .sample_size(10)
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for size in SIZES {
        measure(&mut criterion, size)?;
    }
    criterion.final_summary();
    println!(
        "\nmedians in ms; `toposort`: petgraph, the numbered graph at hand; `number+sort`: the same, from the names\n"
    );
    println!(
        "{:>8} {:>8} {:>9} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "services",
        "edges",
        "toposort",
        "number+sort",
        "derive",
        "order",
        "prove",
        "check",
        "total",
        "x topo",
        "x number",
        "peak MB",
        "system MB"
    );
    for (at, size) in SIZES.into_iter().enumerate() {
        println!("{}", row(&home, at, size)?);
    }
    Ok(())
}

fn measure(criterion: &mut Criterion, (services, edges): (usize, usize)) -> Outcome<()> {
    let system = layered(services, edges);
    let planned = plan(&system);
    check(&system, &planned).map_err(|faults| format!("{faults:?}"))?;
    let graph = numbered(&system);
    let mut group = criterion.benchmark_group("plan");
    let id = |stage: &str| BenchmarkId::new(stage, services);
    group.bench_function(id("toposort"), |bencher| {
        bencher.iter(|| toposort(black_box(&graph), None).map(|order| order.len()));
    });
    group.bench_function(id("number+sort"), |bencher| {
        bencher.iter(|| toposort(&numbered(black_box(&system)), None).map(|order| order.len()));
    });
    group.bench_function(id("derive"), |bencher| {
        bencher.iter_with_large_drop(|| derive(black_box(&system)));
    });
    let derived = derive(&system);
    group.bench_function(id("order"), |bencher| {
        bencher.iter_with_large_drop(|| plan_derived(black_box(&system), black_box(&derived)));
    });
    group.bench_function(id("prove"), |bencher| {
        bencher.iter_with_large_drop(|| prove(black_box(&derived), black_box(&planned)));
    });
    group.bench_function(id("check"), |bencher| {
        bencher.iter(|| check(black_box(&system), black_box(&planned)).is_ok());
    });
    group.finish();
    Ok(())
}

/// The call graph as somebody would build it who only wants a topological sort of it.
fn numbered(system: &System) -> DiGraph<(), ()> {
    let index: BTreeMap<&ServiceName, usize> = system
        .services
        .keys()
        .enumerate()
        .map(|(at, name)| (name, at))
        .collect();
    let mut graph = DiGraph::new();
    for _ in &index {
        graph.add_node(());
    }
    for (caller, member) in system.services.values().enumerate() {
        let interfaces = member
            .target
            .iter()
            .filter_map(|one| one.interface.as_ref());
        for (callee, _) in interfaces.flat_map(|one| one.calls.keys()) {
            if let Some(callee) = index.get(callee) {
                graph.add_edge(NodeIndex::new(*callee), NodeIndex::new(caller), ());
            }
        }
    }
    graph
}

fn row(home: &Path, at: usize, (services, edges): (usize, usize)) -> Outcome<String> {
    let mut medians = [0.0; STAGES.len()];
    for (slot, stage) in medians.iter_mut().zip(STAGES) {
        *slot = median_ms(home, stage, services)?;
    }
    let [toposort, numbered, derive, order, prove, check] = medians;
    let total = derive + order + prove + check;
    let (peak, system) = child(at)?;
    Ok(format!(
        "{services:>8} {edges:>8} {toposort:>9.2} {numbered:>11.2} {derive:>8.1} {order:>8.1} {prove:>8.1} {check:>8.1} {total:>8.1} \
         {:>9.1} {:>9.1} {peak:>9.0} {system:>9.0}",
        total / toposort,
        total / numbered
    ))
}

fn median_ms(home: &Path, stage: &str, services: usize) -> Outcome<f64> {
    let folder = home.join("plan").join(stage).join(services.to_string());
    let text = std::fs::read_to_string(folder.join("new").join("estimates.json"))?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    let nanoseconds = estimates.pointer("/median/point_estimate");
    let nanoseconds = nanoseconds
        .and_then(serde_json::Value::as_f64)
        .ok_or("no median")?;
    Ok(nanoseconds / 1e6)
}

/// The peak of a process that plans, proves and checks one system, and what the system itself takes of it, in MB.
fn child(at: usize) -> Outcome<(f64, f64)> {
    let output = Command::new(std::env::current_exe()?)
        .args([MEMORY, &at.to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(peak), Some(system)) => Ok((peak?, system?)),
        (_, _) => Err(format!("no figures: {text}").into()),
    }
}

fn memory(at: usize) -> Outcome<()> {
    let (services, edges) = *SIZES.get(at).ok_or("no such size")?;
    let system = layered(services, edges);
    let own = memory_mb("VmRSS")?;
    let derived = derive(&system);
    let planned = plan_derived(&system, &derived);
    let proof = prove(&derived, &planned);
    check(&system, &planned).map_err(|faults| format!("{faults:?}"))?;
    black_box((&planned, &proof));
    println!("{} {own}", memory_mb("VmHWM")?);
    Ok(())
}

fn memory_mb(field: &str) -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with(field));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no figure")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

/// The next number of a fixed row (a linear congruential generator; the constants are Knuth's).
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Services in layers, all of whose contracts move: each calls some of those in the layers below.
fn layered(services: usize, edges: usize) -> System {
    let mut calls: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut left = edges;
    let mut state = 42;
    let mut any = || usize::try_from(next(&mut state)).unwrap_or_default() % services;
    while left > 0 {
        // Of three the smallest, so that few services take most calls.
        let (caller, callee) = (any(), any().min(any()).min(any()));
        let is_below = callee % LAYERS < caller % LAYERS;
        if is_below && calls.entry(caller).or_default().insert(callee) {
            left -= 1;
        }
    }
    let mut system = System::default();
    // Each name once, as a graph that was read has it.
    let names: Vec<ServiceName> = (0..services).map(name).collect();
    let [one, two] = ["1", "2"].map(version);
    let old = BTreeSet::from([one.clone()]);
    let both = BTreeSet::from([one.clone(), two.clone()]);
    for (at, own) in names.iter().enumerate() {
        let interface = |served: &BTreeSet<Version>, called: &Version| Interface {
            serves: Some([(ContractName::from(own), served.clone())].into()),
            calls: calls
                .get(&at)
                .into_iter()
                .flatten()
                .filter_map(|callee| names.get(*callee))
                .map(|callee| {
                    let key = (callee.clone(), ContractName::from(callee));
                    (key, Requirement::plain(Need::Version(called.clone())))
                })
                .collect(),
        };
        let member = Member {
            live: vec![Revision::declared("live", interface(&old, &one))],
            target: Some(Revision::declared("target", interface(&both, &two))),
            moves: Moves::Roll,
            after: BTreeSet::new(),
            retained: Vec::new(),
            manner: Manner::default(),
        };
        system.services.insert(own.clone(), member);
    }
    system
}

#[expect(clippy::expect_used, reason = "the text is fixed")]
fn name(at: usize) -> ServiceName {
    ServiceName::parse(&format!("service-{at:05}")).expect("a name")
}

#[expect(clippy::expect_used, reason = "the text is fixed")]
fn version(text: &str) -> Version {
    Version::parse(text).expect("a version")
}
