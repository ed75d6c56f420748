//! What inputs are thrown at, and what must hold for each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost::Message;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use tidegate::discover::{
    Found, backstage, compare, descriptors, jaeger, manifests, merge, pact, prometheus, propose,
    recognise, tell_comparison, zipkin,
};
use tidegate::graph::{Match, System, Verifications, satisfies};
use tidegate::manifest::{Declared, Text, read};
use tidegate::plan::{check, explain, plan};
use tidegate::spec::crd::ServiceGraph;
use tidegate::spec::{
    ContractName, Graph, Problem, ServiceName, Severity, Version, check_graph, duration,
};

/// Something that reads files.
pub(super) struct Target {
    pub name: &'static str,
    pub seeds: Vec<Vec<u8>>,
    /// What the format is made of.
    pub words: &'static [&'static str],
    /// Tries an input. Out: what kind of answer it gave. Panics where a promise is broken.
    pub run: fn(&[u8]) -> String,
}

const GRAPH_WORDS: &[&str] = &[
    "apiVersion: tidegate.dev/v1alpha1\n",
    "kind: ServiceGraph\n",
    "metadata: {name: shop}\n",
    "spec:\n",
    "  services:\n",
    "  - {name: a, serves: [{versions: ['1']}], calls: [{service: b, version: '1'}]}\n",
    "  - {name: b}\n",
    "  external:\n",
    "serves: [{versions: ['1', '2']}]",
    "calls: [{service: a, any: ['1', '2']}]",
    "all: ['1', '2']",
    "negotiate: cached",
    "optional: true",
    "channel: queue",
    "durable: {drain: 7d}",
    "after: [a]",
    "drain: Endpoints",
    "routing: versioned",
    "assume: strict",
    "contract: a",
    "version: '^1.2'",
    "workloads: [{kind: Job, name: a}]",
    "'1.4'",
    "'^1.2'",
    "status: {}\n",
];
const VERSION_WORDS: &[&str] = &[
    "1",
    "1.4",
    "1.4.0",
    "^1.2",
    "~1",
    ">=1.2, <2",
    "*",
    "1.x",
    "=1",
    "-rc.1",
    "+build",
    "v1",
    "\n",
    "18446744073709551615",
    "1h30m",
    "7d",
];
const LINK_WORDS: &[&str] = &[
    "{\"parent\": \"web\", \"child\": \"orders\", \"callCount\": 1}",
    "\"parent\": ",
    "\"child\": ",
    "\"callCount\": 7",
    "\"errorCount\": 7",
    "\"data\": ",
    "\"errors\": [{\"msg\": \"x\"}]",
    "[]",
    "{}",
    "Web Shop",
];
const METRIC_WORDS: &[&str] = &[
    "{\"metric\": {\"client\": \"a\", \"server\": \"b\"}, \"value\": [1, \"2\"]}",
    "\"connection_type\": \"virtual_node\"",
    "\"metric\": ",
    "\"__name__\": \"istio_requests_total\"",
    "\"source_workload\": \"web\"",
    "\"destination_workload\": \"orders\"",
    "\"reporter\": \"source\"",
    "\"source_version\": \"v1\"",
    "\"response_code\": \"503\"",
    "\"resultType\": \"matrix\"",
    "\"value\": [1, \"+Inf\"]",
    "unknown",
    "\"status\": \"error\"",
];
const OBJECT_WORDS: &[&str] = &[
    "apiVersion: backstage.io/v1alpha1\n",
    "kind: Component\n",
    "kind: API\n",
    "metadata: {name: web}\n",
    "spec: {consumesApis: [a]}\n",
    "providesApis: [a]",
    "dependsOn: [component:b]",
    "dependencyOf: ",
    "type: asyncapi",
    "owner: team",
    "namespace: x",
    "apiVersion: v1\n",
    "kind: Service\n",
    "kind: Deployment\n",
    "apiVersion: apps/v1\n",
    "kind: CronJob\n",
    "spec: {selector: {app: a}}\n",
    "env: [{name: A_URL, value: 'http://u:p@a.b.svc:1/x,b'}]",
    "envFrom: [{configMapRef: {name: a}}]",
    "template: {metadata: {labels: {app: a}}, spec: {containers: []}}",
    "kind: List\nitems:\n- ",
];
const PACT_WORDS: &[&str] = &[
    "\"matrix\": ",
    "\"consumer\": ",
    "\"provider\": ",
    "{\"name\": \"web\", \"version\": {\"number\": \"1\"}}",
    "\"verificationResult\": {\"success\": true}",
    "\"ignored\": true",
];
const DESCRIPTOR_WORDS: &[&str] = &[
    "\n\u{1}",
    "\u{12}\u{4}shop",
    "2\u{8}\n\u{6}Orders",
    "\u{12}\u{5}\n\u{3}Get",
    "grpc.",
    "syntax",
];

/// Every target.
pub(super) fn all() -> Vec<Target> {
    let links = || vec![sample("jaeger.json"), sample("zipkin.json"), b"[]".to_vec()];
    let metrics = || vec![sample("service-graph.json"), sample("istio.json")];
    let objects = || {
        let both = [sample("backstage.yaml"), sample("manifests.yaml")].join("\n---\n".as_bytes());
        vec![sample("backstage.yaml"), sample("manifests.yaml"), both]
    };
    let everything = || {
        [
            links(),
            metrics(),
            objects(),
            vec![sample("pact-matrix.json")],
        ]
        .concat()
    };
    let target = |name, seeds, words, run| Target {
        name,
        seeds,
        words,
        run,
    };
    vec![
        target("graph", graphs(), GRAPH_WORDS, graph as fn(&[u8]) -> String),
        target("versions", versions(), VERSION_WORDS, version),
        target("jaeger", links(), LINK_WORDS, |bytes| {
            proposal(jaeger(&text(bytes)))
        }),
        target("zipkin", links(), LINK_WORDS, |bytes| {
            proposal(zipkin(&text(bytes)))
        }),
        target("prometheus", metrics(), METRIC_WORDS, |bytes| {
            proposal(prometheus(&text(bytes)))
        }),
        target("backstage", objects(), OBJECT_WORDS, |bytes| {
            proposal(backstage(&[text(bytes)]))
        }),
        target("manifests", objects(), OBJECT_WORDS, |bytes| {
            proposal(manifests(&[text(bytes)]))
        }),
        target(
            "descriptors",
            descriptor_sets(),
            DESCRIPTOR_WORDS,
            |bytes| proposal(descriptors("orders", &text(bytes))),
        ),
        target(
            "pact",
            vec![sample("pact-matrix.json")],
            PACT_WORDS,
            |bytes| {
                let (matrix, problems) = pact(&text(bytes));
                format!("{} {}", matrix.rows.len().min(4), kinds(&problems))
            },
        ),
        target(
            "deliveries",
            super::deliveries::seeds(),
            super::deliveries::WORDS,
            super::deliveries::run,
        ),
        target(
            "recognise",
            everything(),
            LINK_WORDS,
            |bytes| match recognise(&text(bytes)) {
                Ok(formats) => format!("{formats:?}"),
                Err(problems) => kinds(&problems),
            },
        ),
    ]
}

fn text(bytes: &[u8]) -> Text {
    Text {
        file: "f".to_owned(),
        bytes: bytes.to_vec(),
    }
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn sample(name: &str) -> Vec<u8> {
    file(&format!("tests/data/discover/{name}"))
}

/// Two graphs in one file each: what runs, and what shall run.
fn graphs() -> Vec<Vec<u8>> {
    let pairs = ["drop-version", "online-boutique", "rpc-upgrade"].map(|example| {
        ["v1", "v2"]
            .map(|side| file(&format!("examples/{example}/{side}/graph.yaml")))
            .join("\n---\n".as_bytes())
    });
    let small = "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop}\nspec:\n  services:\n  - {name: a, serves: [{versions: ['1']}], calls: [{service: b, version: '^1.2'}]}\n  - {name: b, serves: [{versions: ['1.4']}], calls: [{service: a, any: ['1', '2'], negotiate: cached}]}\n  - {name: c, calls: [{service: a, all: ['1']}, {service: b}], after: [b]}\n  external:\n  - {name: mobile, calls: [{service: c}]}\n---\n";
    let later = small.replace("['1']", "['1', '2']").replace("1.4", "1.5");
    let small = [small.to_owned(), later].concat().into_bytes();
    pairs.into_iter().chain([small]).collect()
}

/// A graph is read, checked and planned; a plan that is ordered is proved by the independent checker.
fn graph(bytes: &[u8]) -> String {
    let (manifests, problems) = read(&[text(bytes)]);
    let mut answer = kinds(&problems);
    let mut checked: Vec<Graph> = Vec::new();
    for declared in &manifests.graphs {
        let (graph, problems) = check_graph("shop", &declared.value.spec);
        for problem in &problems {
            // Every problem has a place in the file.
            declared.place_of(&problem.path);
        }
        answer.push_str(&kinds(&problems));
        if problems
            .iter()
            .all(|problem| problem.severity == Severity::Warning)
        {
            checked.push(graph);
        }
    }
    let Some(new) = checked.last() else {
        return answer;
    };
    let nothing = Graph::default();
    for old in [&nothing, checked.first().unwrap_or(&nothing)] {
        let declared = System::between(old, new, None);
        let verified = declared.clone().verified_by(&results(bytes, &declared));
        verified.differences();
        answer.push_str(&planned(&declared));
        answer.push_str(&planned(&verified));
    }
    answer
}

/// Plans a system. Out: what kind of plan it is.
fn planned(system: &System) -> String {
    let plan = plan(system);
    let lines = explain(system, &plan);
    assert!(!lines.is_empty(), "a plan without words");
    if plan.refusal.is_none()
        && let Err(faults) = check(system, &plan)
    {
        panic!("the checker refuses the planner's plan: {faults:?}");
    }
    let refused = plan
        .refusal
        .as_ref()
        .map(|refusal| format!("{:?}", refusal.kind));
    let [waves, waits, warnings] = [
        plan.waves.len(),
        plan.precedences.len(),
        plan.warnings.len(),
    ]
    .map(|number| number.min(6).to_string());
    [refused.unwrap_or_default(), waves, waits, warnings].concat()
}

/// Results that the input itself throws: of each pair of revisions whether they work, fail, or were never verified.
fn results(bytes: &[u8], system: &System) -> Verifications {
    let mut known = Verifications::default();
    let names: Vec<&ServiceName> = system.services.keys().take(6).collect();
    let mut dice = bytes.iter().cycle();
    for caller in &names {
        for callee in &names {
            for (from, to) in [
                ("live", "live"),
                ("live", "target"),
                ("target", "live"),
                ("target", "target"),
            ] {
                let works = match dice.next().unwrap_or(&0) % 5 {
                    0 => false,
                    1 | 2 => true,
                    _ => continue,
                };
                for (name, version) in [(caller, from), (callee, to)] {
                    let key = ((*name).clone(), version.to_owned());
                    known.versions.insert(key, version.to_owned());
                }
                let pair = Match {
                    caller: (*caller).clone(),
                    caller_version: from.to_owned(),
                    callee: (*callee).clone(),
                    callee_version: to.to_owned(),
                };
                known.results.insert(pair, works);
            }
        }
    }
    known
}

fn versions() -> Vec<Vec<u8>> {
    [
        "1\n1\n2",
        "^1.2\n1.4\n1.10.3",
        ">=1.2, <2\n1.9",
        "~1.2.3-rc.1\n1.2.4+build\nv1",
        "7d\n1h30m\nGetCart",
    ]
    .map(|it| it.as_bytes().to_vec())
    .into()
}

/// The first line is what is wanted, the others are what is served.
fn version(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut answers = BTreeSet::new();
    for line in text.lines() {
        let kind = |is_ok: bool| if is_ok { "1" } else { "0" };
        answers.insert(
            [
                kind(Version::parse(line).is_ok()),
                kind(ServiceName::parse(line).is_ok()),
                kind(ContractName::parse(line).is_ok()),
                kind(duration::parse(line).is_some()),
            ]
            .concat(),
        );
    }
    let mut parsed = text.lines().filter_map(|line| Version::parse(line).ok());
    let Some(wanted) = parsed.next() else {
        return format!("{answers:?}");
    };
    let served: BTreeSet<Version> = parsed.collect();
    let met = satisfies(&wanted, &served);
    let itself = BTreeSet::from([wanted.clone()]);
    assert!(
        satisfies(&wanted, &itself),
        "`{wanted}` is not served by itself"
    );
    format!("{answers:?} {met} {}", served.len().min(4))
}

fn descriptor_sets() -> Vec<Vec<u8>> {
    let method = |name: &str| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".shop.v1.Request".to_owned()),
        output_type: Some(".shop.v1.Answer".to_owned()),
        ..MethodDescriptorProto::default()
    };
    let file = |package: &str, methods: &[&str]| FileDescriptorProto {
        name: Some("orders.proto".to_owned()),
        package: Some(package.to_owned()),
        service: vec![ServiceDescriptorProto {
            name: Some("Orders".to_owned()),
            method: methods.iter().map(|name| method(name)).collect(),
            ..ServiceDescriptorProto::default()
        }],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    let set = FileDescriptorSet {
        file: vec![
            file("shop.v1", &["Get", "Place"]),
            file("grpc.health.v1", &["Check"]),
        ],
    };
    vec![set.encode_to_vec()]
}

/// What was found makes a proposal that our own reader takes, and that differs in nothing from what was found.
fn proposal((found, problems): (Found, Vec<Problem>)) -> String {
    let edges = found.edges.len();
    let contracts = found.contracts.len();
    let (discovery, more) = merge(vec![found], &BTreeMap::new());
    let name = ServiceName::parse("shop").expect("a name");
    let mut answer = format!(
        "{} {} {} {}",
        edges.min(8),
        contracts.min(3),
        kinds(&problems),
        kinds(&more)
    );
    match propose(&discovery, &name) {
        Ok(yaml) => {
            let graph = proposed_graph(&yaml);
            let comparison = compare(&discovery, &graph.value.spec, |path| graph.place_of(path));
            assert!(
                comparison.is_equal(),
                "the proposal differs from what it was made of: {}\n{yaml}",
                tell_comparison(&comparison)
            );
        }
        Err(problems) => answer.push_str(&kinds(&problems)),
    }
    answer
}

fn proposed_graph(yaml: &str) -> Declared<ServiceGraph> {
    let (mut manifests, problems) = read(&[text(yaml.as_bytes())]);
    assert!(problems.is_empty(), "{problems:?}\n{yaml}");
    let graph = manifests.graphs.pop().expect("a graph");
    let (_, problems) = check_graph("shop", &graph.value.spec);
    assert!(problems.is_empty(), "{problems:?}\n{yaml}");
    graph
}

/// The codes of problems with their words, without what is quoted and without numbers.
fn kinds(problems: &[Problem]) -> String {
    let kinds: BTreeSet<String> = problems
        .iter()
        .map(|problem| {
            let words = problem.wrong.split('`').step_by(2).collect::<String>();
            let words: String = words.chars().filter(|c| !c.is_ascii_digit()).collect();
            format!("{}{words}", problem.code)
        })
        .collect();
    kinds.into_iter().collect::<Vec<_>>().join("|")
}
