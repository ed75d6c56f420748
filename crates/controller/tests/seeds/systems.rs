//! The systems of the suite: what runs, what is released, and how.

use serde_json::{Value, json};
use tidegate_controller::sim::{Scenario, plan_of};
use tidegate_planner::graph;
use tidegate_planner::plan::Plan;
use tidegate_spec::check_graph;
use tidegate_spec::crd::{Concurrency, ReleasePlanSpec, ServiceGraphSpec};

use crate::random;

/// What is simulated, and the plan that it has at the start.
pub(crate) struct System {
    pub(crate) scenario: Scenario,
    pub(crate) plan: Plan,
}

/// What runs, what is released, and the ReleasePlan, all as YAML; and what is released while that is under way.
struct Written {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    plan: &'static str,
    next: Option<(&'static str, Concurrency)>,
}

const ROW_BEFORE: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, serves: [{versions: ['1']}], calls: [{service: store, version: '1'}]}
- {name: web, calls: [{service: cart, version: '1'}]}
";
const ROW_AFTER: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, serves: [{versions: ['1', '2']}], calls: [{service: store, version: '2'}]}
- {name: web, calls: [{service: cart, version: '2'}]}
";
const KINDS_BEFORE: &str = "services:
- {name: db, workloads: [{kind: StatefulSet, name: db}], serves: [{versions: ['1']}]}
- {name: agent, workloads: [{kind: DaemonSet, name: agent}], serves: [{versions: ['1']}], calls: [{service: db, version: '1'}]}
- {name: web, calls: [{service: agent, version: '1'}, {service: legacy, version: '1'}]}
- {name: legacy, serves: [{versions: ['1']}]}
- {name: steady, serves: [{versions: ['1']}]}
";
const KINDS_AFTER: &str = "services:
- {name: db, workloads: [{kind: StatefulSet, name: db}], serves: [{versions: ['1', '2']}]}
- {name: agent, workloads: [{kind: DaemonSet, name: agent}], serves: [{versions: ['1', '2']}], calls: [{service: db, version: '2'}]}
- {name: web, calls: [{service: agent, version: '2'}, {service: fresh, version: '1'}]}
- {name: fresh, serves: [{versions: ['1']}]}
- {name: steady, serves: [{versions: ['1']}]}
";
const MIGRATION_BEFORE: &str = "services:
- {name: schema, workloads: [{apiVersion: batch/v1, kind: Job, name: schema}], serves: [{versions: ['1']}]}
- {name: store, serves: [{versions: ['1']}], calls: [{service: schema, version: '1'}]}
- {name: web, calls: [{service: store, version: '1'}]}
";
const MIGRATION_AFTER: &str = "services:
- {name: schema, workloads: [{apiVersion: batch/v1, kind: Job, name: schema}], serves: [{versions: ['1', '2']}]}
- {name: store, serves: [{versions: ['1', '2']}], calls: [{service: schema, version: '2'}]}
- {name: web, calls: [{service: store, version: '2'}]}
";
const WIDE_BEFORE: &str = "services:
- {name: core, serves: [{versions: ['1']}]}
- {name: left, serves: [{versions: ['1']}], calls: [{service: core, version: '1'}]}
- {name: right, serves: [{versions: ['1', '2']}], calls: [{service: core, version: '1'}]}
- {name: top, calls: [{service: left, version: '1'}, {service: right, version: '1'}]}
- {name: side, calls: [{service: right, version: '1'}]}
";
const WIDE_AFTER: &str = "services:
- {name: core, serves: [{versions: ['1', '2']}]}
- {name: left, serves: [{versions: ['1', '2']}], calls: [{service: core, version: '2'}]}
- {name: right, serves: [{versions: ['2']}], calls: [{service: core, version: '2'}]}
- {name: top, calls: [{service: left, version: '2'}, {service: right, version: '2'}]}
- {name: side, calls: [{service: right, version: '2'}]}
";

const ROW_NEXT: &str = "services:
- {name: store, serves: [{versions: ['1', '2', '3']}]}
- {name: cart, serves: [{versions: ['1', '2', '3']}], calls: [{service: store, version: '3'}]}
- {name: web, calls: [{service: cart, version: '3'}]}
- {name: news, calls: [{service: cart, version: '2'}]}
";

const WRITTEN: [Written; 13] = [
    Written {
        name: "row",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "{}",
        next: None,
    },
    Written {
        name: "kinds",
        before: KINDS_BEFORE,
        after: KINDS_AFTER,
        plan: "{}",
        next: None,
    },
    Written {
        name: "migration",
        before: MIGRATION_BEFORE,
        after: MIGRATION_AFTER,
        plan: "{}",
        next: None,
    },
    Written {
        name: "wide",
        before: WIDE_BEFORE,
        after: WIDE_AFTER,
        plan: "strategy: {advance: Service, maxParallel: 2, maxSurgePods: 4}",
        next: None,
    },
    Written {
        name: "asked",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "strategy: {approvals: [{before: wave/2}, {before: web}], soak: 20s, settle: 5s}",
        next: None,
    },
    Written {
        name: "back",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "strategy: {onFailure: Rollback, deadlines: {service: 3m}}",
        next: None,
    },
    Written {
        name: "on",
        before: WIDE_BEFORE,
        after: WIDE_AFTER,
        plan: "strategy: {onFailure: Continue, advance: Service}",
        next: None,
    },
    Written {
        name: "held",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "strategy: {onRegression: Pause, advance: Service}",
        next: None,
    },
    Written {
        name: "limits",
        before: KINDS_BEFORE,
        after: KINDS_AFTER,
        plan: "strategy: {deadlines: {service: 30m, wave: 2h, release: 4h}, maxParallel: 1}",
        next: None,
    },
    Written {
        name: "queued",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "{}",
        next: Some((ROW_NEXT, Concurrency::Queue)),
    },
    Written {
        name: "superseded",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "strategy: {advance: Service}",
        next: Some((ROW_NEXT, Concurrency::Supersede)),
    },
    Written {
        name: "forbidden",
        before: ROW_BEFORE,
        after: ROW_AFTER,
        plan: "{}",
        next: Some((ROW_NEXT, Concurrency::Forbid)),
    },
    Written {
        name: "rolled-back",
        before: KINDS_BEFORE,
        after: KINDS_AFTER,
        plan: "{}",
        next: Some((KINDS_BEFORE, Concurrency::Supersede)),
    },
];

/// How many pods each workload has.
const REPLICAS: u32 = 3;
/// How the names of systems that are made up begin.
const MADE_UP: &str = "made-up-";

/// The names of those that are written down.
pub(crate) fn names() -> Vec<&'static str> {
    WRITTEN.iter().map(|written| written.name).collect()
}

/// The name of the one that is made up of a seed.
pub(crate) fn made_up(seed: u64) -> String {
    format!("{MADE_UP}{seed}")
}

/// The system of a name.
pub(crate) fn named(name: &str) -> System {
    if let Some(seed) = name.strip_prefix(MADE_UP) {
        let seed = seed.parse().expect("a number");
        let random::MadeUp {
            before,
            after,
            plan,
            replicas,
        } = random::made_up(seed);
        return system([&before, &after], &plan, replicas, None);
    }
    let written = WRITTEN.iter().find(|written| written.name == name);
    let written = written.expect("a system of this name");
    let read = |text: &str| -> Value { serde_saphyr::from_str(text).expect("YAML") };
    let next = written
        .next
        .map(|(graph, concurrency)| (read(graph), concurrency));
    let sides = [&read(written.before), &read(written.after)];
    system(sides, &read(written.plan), REPLICAS, next)
}

fn system(
    [before, after]: [&Value; 2],
    plan: &Value,
    replicas: u32,
    next: Option<(Value, Concurrency)>,
) -> System {
    let mut scenario = released([before, after], plan, replicas);
    if scenario.wants_way_back() {
        scenario = scenario.with_way_back(released([after, before], plan, replicas));
    }
    if let Some((next, concurrency)) = next {
        scenario = scenario.then(released([after, &next], plan, replicas), concurrency);
    }
    let (plan, refused) = plan_of(&scenario);
    assert_eq!(refused, None, "{}", json!([before, after]));
    System { scenario, plan }
}

/// A release from one graph to another.
fn released([before, after]: [&Value; 2], plan: &Value, replicas: u32) -> Scenario {
    let spec = |value: &Value| -> ServiceGraphSpec {
        serde_json::from_value(value.clone()).expect("a ServiceGraph")
    };
    let checked = |spec: &ServiceGraphSpec| {
        let (graph, problems) = check_graph("simulated", spec);
        assert_eq!(problems, Vec::new(), "{before} {after}");
        graph
    };
    let (old, new) = (spec(before), spec(after));
    let (declared, wanted) = (checked(&old), checked(&new));
    let plan: ReleasePlanSpec = serde_json::from_value(plan.clone()).expect("a ReleasePlan");
    let compared = graph::System::between(&declared, &wanted, None);
    Scenario::of(compared, declared, &new, replicas).under(plan)
}
