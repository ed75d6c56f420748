//! From what was found to a plan: what moves, in which order, and what is refused.

use std::collections::BTreeMap;

use super::cluster::start;
use super::objects::{deployment, object};
use super::scenario::{bundle, name};
use crate::controller::{Planned, Survey, Surveyed, TemplateChange, charter, graph_of, make_plan};
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{DrainLevel, Planning};
use tidegate_spec::{Code, Graph, Problem, Retention, stamp};
use tidegate_upgrade::gate::LiveRevision;
use tidegate_upgrade::{Agenda, Course, Ending, StepId, status};

/// What was found, in words: `store: same serves=store:1 serves=store:1,2 | cart: absent | legacy: leaves ?`.
///
/// After a name: `same`, `changes`, `absent` or `leaves`, then the live revisions by what their stamps say, `?`
/// without one; the last one is the current one.
pub(super) fn survey(bundle: &Bundle, declared: Option<&Graph>, text: &str) -> Survey {
    let mut survey = Survey {
        now: start(),
        services: BTreeMap::new(),
        declared: declared.cloned(),
        leaving: BTreeMap::new(),
        dropped: BTreeMap::new(),
        leftover: Vec::new(),
        problems: Vec::new(),
    };
    for part in text.split('|').map(str::trim) {
        let (service, rest) = part.split_once(':').expect("a name");
        let mut words = rest.split_whitespace();
        let change = match words.next().expect("a change") {
            "same" => TemplateChange::Same,
            "changes" => TemplateChange::Changes,
            "absent" => TemplateChange::Absent,
            "leaves" => {
                let objects = vec![object("v1", "Service", service), deployment(service)];
                survey.leaving.insert(name(service), objects);
                TemplateChange::Same
            }
            word => panic!("no change `{word}`"),
        };
        let revisions: Vec<&str> = words.collect();
        let live = revisions
            .iter()
            .enumerate()
            .map(|(index, text)| LiveRevision {
                hash: format!("h{index}"),
                contract: contract(text),
                pods: vec![format!("{service}-{index}")],
                is_current: index + 1 == revisions.len(),
                images: format!("{service}:{index}"),
            });
        let surveyed = Surveyed {
            live: live.collect(),
            change,
            to: format!("{service}:new"),
            switched: Vec::new(),
        };
        survey.services.insert(name(service), surveyed);
    }
    assert!(
        bundle
            .services
            .keys()
            .all(|name| survey.services.contains_key(name))
    );
    survey
}

/// `serves=store:1,2`, `calls=store:1`, both with `;` between, or `?`.
fn contract(text: &str) -> Option<String> {
    if text == "?" {
        return None;
    }
    let clauses = text.split(';').map(|clause| {
        let (what, rest) = clause.split_once('=').expect("a clause");
        let (other, versions) = rest.split_once(':').expect("versions");
        let versions: Vec<String> = versions.split(',').map(|v| format!("'{v}'")).collect();
        let versions = versions.join(", ");
        match what {
            "serves" => format!("serves: [{{contract: {other}, versions: [{versions}]}}]"),
            "calls" => format!("calls: [{{service: {other}, version: {versions}}}]"),
            _ => panic!("no clause `{what}`"),
        }
    });
    let service = clauses.collect::<Vec<_>>().join(", ");
    let graph =
        format!("services:\n- {{name: x, {service}}}\n- {{name: store}}\n- {{name: cart}}\n");
    let graph = graph_of(&bundle(&graph, "1"));
    Some(stamp::write(&graph.services[&name("x")].interface))
}

/// The plan in a few lines: waves, what each waits for, and what is applied before.
pub(super) fn told(planned: &Planned) -> String {
    let Planned {
        agenda,
        state,
        plan: _,
        system: _,
    } = planned;
    if let Course::Ended(Ending::Refused { message }) = &state.course {
        assert!(
            agenda.waves.is_empty() && agenda.members.is_empty(),
            "a refusal moves nothing"
        );
        return format!("refused: {message}");
    }
    let mut lines = Vec::new();
    for (index, wave) in agenda.waves.iter().enumerate() {
        for service in wave {
            let member = &agenda.members[service];
            let after: Vec<_> = member.after.iter().map(ToString::to_string).collect();
            let after = if after.is_empty() {
                String::new()
            } else {
                format!(" after {}", after.join(","))
            };
            let (from, to) = (&member.from, &member.to);
            lines.push(format!(
                "{}: {} {service}{after} ({from} -> {to})",
                index + 1,
                member.change.word()
            ));
        }
    }
    let shared: Vec<_> = agenda.shared.iter().map(ToString::to_string).collect();
    lines.push(format!("shared: {}", shared.join(" ")));
    lines.join("\n")
}

/// What a graph declares.
pub(super) fn declared_by(graph: &str) -> Graph {
    graph_of(&bundle(graph, "1"))
}

const BEFORE: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, calls: [{service: store, version: '1'}]}
";
const AFTER: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, calls: [{service: store, version: '2'}]}
";

fn plan_of(before: Option<&str>, after: &str, found: &str) -> String {
    let bundle = bundle(after, "2");
    let declared = before.map(|graph| graph_of(&super::scenario::bundle(graph, "1")));
    let planned = make_plan(
        &bundle,
        &survey(&bundle, declared.as_ref(), found),
        &Planning::default(),
    );
    round_trip(&bundle, &planned);
    told(&planned)
}

/// What is saved of a plan is all that is needed to go on.
fn round_trip(bundle: &Bundle, planned: &Planned) {
    let Planned {
        agenda,
        state,
        plan: _,
        system: _,
    } = planned;
    let status = status::to_status(agenda, state, 1, &[], start());
    let (kept, found): (Agenda, _) =
        status::from_status(&status, &charter(bundle)).expect("our status");
    assert!(found.same_when_saved(state));
    if !matches!(state.course, Course::Ended(_)) {
        assert_eq!(&kept, agenda);
    }
}

#[test]
fn a_changed_server_goes_before_its_client() {
    insta::assert_snapshot!(plan_of(Some(BEFORE), AFTER,
        "store: changes serves=store:1 | cart: changes calls=store:1"), @r"
        1: roll store (store:0 -> store:new)
        2: roll cart after store (cart:0 -> cart:new)
        shared: ConfigMap/shop/shared
        ");
}

#[test]
fn adopting_tidegate_with_the_same_templates_moves_nothing() {
    insta::assert_snapshot!(plan_of(None, AFTER, "store: same ? | cart: same ?"), @"shared: ConfigMap/shop/shared Service/shop/cart Deployment/shop/cart Service/shop/store Deployment/shop/store");
    insta::assert_snapshot!(plan_of(Some(AFTER), AFTER, "store: same ? | cart: same ?"), @"shared: ConfigMap/shop/shared Service/shop/cart Deployment/shop/cart Service/shop/store Deployment/shop/store");
}

#[test]
fn nothing_runs_yet_so_everything_is_created() {
    insta::assert_snapshot!(plan_of(None, AFTER, "store: absent | cart: absent"), @r"
    1: create store ( -> store:new)
    2: create cart after store ( -> cart:new)
    shared: ConfigMap/shop/shared
    ");
}

#[test]
fn what_a_live_pod_says_wins_over_what_was_declared() {
    // The graph in the cluster says 1 and 2, but the pods that run serve 1 alone.
    let declared = Some(AFTER);
    insta::assert_snapshot!(plan_of(declared, AFTER,
        "store: changes serves=store:1 | cart: changes calls=store:1"), @r"
        1: roll store (store:0 -> store:new)
        2: roll cart after store (cart:0 -> cart:new)
        shared: ConfigMap/shop/shared
        ");
    insta::assert_snapshot!(plan_of(declared, AFTER, "store: changes ? | cart: changes ?"), @r"
    1: roll cart (cart:0 -> cart:new)
    1: roll store (store:0 -> store:new)
    shared: ConfigMap/shop/shared
    ");
}

#[test]
fn a_declaration_that_changed_without_its_template_counts_as_both() {
    // Somebody declares that the running store serves 2, and its pods stay as they are: perhaps they do, perhaps
    // they serve what their stamp says. A client that needs 2 is refused.
    insta::assert_snapshot!(plan_of(Some(BEFORE), AFTER,
        "store: same serves=store:1 | cart: changes calls=store:1"), @"refused: cart@target calls store 2, store@h0 serves 1; no release of store serves 2 in this plan: let it, or release a cart that does not need it");
    // Without a stamp what was declared when the last release was done counts, for a declaration changes no pod.
    insta::assert_snapshot!(plan_of(Some(BEFORE), AFTER,
        "store: same ? | cart: changes calls=store:1"), @"refused: cart@target calls store 2, store@h0 serves 1; no release of store serves 2 in this plan: let it, or release a cart that does not need it");
    // At adoption there is neither, and what is declared for this very template is believed.
    insta::assert_snapshot!(plan_of(None, AFTER,
        "store: same ? | cart: changes calls=store:1"), @r"
        1: roll cart (cart:0 -> cart:new)
        shared: ConfigMap/shop/shared Service/shop/store Deployment/shop/store
        ");
}

#[test]
fn a_service_with_old_pods_left_moves_though_its_template_is_the_same() {
    insta::assert_snapshot!(plan_of(Some(BEFORE), AFTER,
        "store: same serves=store:1 serves=store:1,2 | cart: changes calls=store:1"), @r"
        1: roll store (store:0 and store:1 -> store:new)
        2: roll cart after store (cart:0 -> cart:new)
        shared: ConfigMap/shop/shared
        ");
}

#[test]
fn a_service_that_is_not_declared_any_more_is_deleted_after_its_clients() {
    let after = "services:\n- {name: cart}\n";
    insta::assert_snapshot!(plan_of(Some(BEFORE), after,
        "store: leaves serves=store:1 | cart: changes calls=store:1"), @r"
        1: roll cart (cart:0 -> cart:new)
        2: delete store after cart (store:0 -> store:new)
        shared: ConfigMap/shop/shared
        ");
}

#[test]
fn a_service_whose_deployment_another_one_took_over_leaves_its_other_objects() {
    let bundle = bundle("services:\n- {name: cart}\n", "2");
    let mut survey = survey(&bundle, None, "cart: same ? | store: leaves");
    let rest = vec![object("v1", "Service", "store")];
    survey.leaving.insert(name("store"), rest);
    let planned = make_plan(&bundle, &survey, &Planning::default());
    round_trip(&bundle, &planned);
    insta::assert_snapshot!(told(&planned), @r"
    1: delete store ( -> store:new)
    shared: ConfigMap/shop/shared Service/shop/cart Deployment/shop/cart
    ");
    let member = &planned.agenda.members[&StepId::from(name("store"))];
    assert!(member.belongings.workloads.is_empty());
}

#[test]
fn what_the_api_server_would_refuse_is_refused_before_any_write() {
    let bundle = bundle(AFTER, "2");
    let mut survey = survey(&bundle, None, "store: changes ? | cart: changes ?");
    let problem = |number: usize| {
        let object = deployment(&format!("service-{number}")).to_string();
        Problem::error(Code::Forbidden, object, "may not be written")
    };
    survey.problems = vec![problem(1)];
    insta::assert_snapshot!(told(&make_plan(&bundle, &survey, &Planning::default())), @"refused: the API server would refuse: Deployment/shop/service-1: may not be written [TG0302]");
    survey.problems = (1..=7).map(problem).collect();
    let planned = make_plan(&bundle, &survey, &Planning::default());
    round_trip(&bundle, &planned);
    insta::assert_snapshot!(told(&planned), @"refused: the API server would refuse: Deployment/shop/service-1: may not be written [TG0302]; Deployment/shop/service-2: may not be written [TG0302]; Deployment/shop/service-3: may not be written [TG0302]; Deployment/shop/service-4: may not be written [TG0302]; Deployment/shop/service-5: may not be written [TG0302]; and 2 more");
}

#[test]
fn a_release_of_a_saved_plan_carries_out_that_one_or_none() {
    let bundle = bundle(AFTER, "2");
    let declared = graph_of(&super::scenario::bundle(BEFORE, "1"));
    let found = "store: changes serves=store:1 | cart: changes calls=store:1";
    let planned = make_plan(
        &bundle,
        &survey(&bundle, Some(&declared), found),
        &Planning::default(),
    );
    let digest = planned.plan.digest.clone();
    let same = planned.clone().only(Some(&digest));
    assert_eq!(told(&same), told(&planned));
    assert_eq!(told(&planned.clone().only(None)), told(&planned));
    // Somebody began to roll the store in between.
    let found = "store: changes serves=store:1 serves=store:1,2 | cart: changes calls=store:1";
    let moved = make_plan(
        &bundle,
        &survey(&bundle, Some(&declared), found),
        &Planning::default(),
    )
    .only(Some(&digest));
    round_trip(&bundle, &moved);
    let text = told(&moved)
        .replace(&digest, "sha256:then")
        .replace(&moved.plan.digest, "sha256:now");
    insta::assert_snapshot!(text, @"refused: the release asks for the plan sha256:then, and what runs and what is declared now make it sha256:now: something moved in between; make a new one with `tidegate plan -f … --out FILE`, then `tidegate run --plan FILE -f …`");
}

#[test]
fn two_that_can_only_change_together_are_refused_with_a_way_out() {
    let after = "services:
- {name: store, serves: [{versions: ['2']}]}
- {name: cart, calls: [{service: store, version: '2'}]}
";
    insta::assert_snapshot!(plan_of(Some(BEFORE), after,
        "store: changes serves=store:1 | cart: changes calls=store:1"), @"refused: each would have to be done before the next: cart → store → cart; if cart goes before store: cart@target calls store 2, store@h0 serves 1; if store goes before cart: cart@h0 calls store 1, store@target serves 2");
}

#[test]
fn a_job_runs_once_before_who_needs_it_and_stays_when_it_has_run() {
    let after = "services:
- {name: schema, workloads: [{apiVersion: batch/v1, kind: Job, name: schema}], serves: [{versions: ['1', '2']}]}
- {name: store, calls: [{service: schema, version: '2'}]}
";
    insta::assert_snapshot!(plan_of(None, after, "schema: absent | store: absent"), @r"
    1: job schema ( -> schema:new)
    2: create store after schema ( -> store:new)
    shared: ConfigMap/shop/shared
    ");
    insta::assert_snapshot!(plan_of(None, after, "schema: same | store: changes ?"), @r"
    1: roll store (store:0 -> store:new)
    shared: ConfigMap/shop/shared Service/shop/schema Job/shop/schema
    ");
}

#[test]
fn a_service_that_would_have_to_keep_its_old_pods_is_refused_before_the_first_write() {
    let graph = |served: &str, called: &str, routing: &str| {
        format!(
            "services:
- {{name: store, {routing}serves: [{{versions: [{served}]}}]}}
- {{name: cart, calls: [{{service: store, version: '{called}'}}]}}
"
        )
    };
    let versioned = "routing: versioned, ";
    let (before, after) = (graph("'1'", "1", versioned), graph("'2'", "2", versioned));
    insta::assert_snapshot!(plan_of(Some(&before), &after, "store: changes ? | cart: changes ?"), @"refused: store would have to keep its old pods beside the new ones until its callers have moved, and tidegate does not keep two revisions of one workload: give the new version a workload of its own beside the old one (a Deployment `store-next` that is listed under `workloads` of store, which then serves both), release the callers, and take the old workload out of the graph in a last release; or release a store that serves the old and the new first");
    // Calls that only from now on find their version do not find it while this release runs.
    let before = graph("'1'", "1", "");
    let refused = plan_of(Some(&before), &after, "store: changes ? | cart: changes ?");
    assert!(
        refused.contains("cart@target calls store 2, store@h0 serves 1"),
        "{refused}"
    );
}

#[test]
fn a_reader_waits_for_its_drain_and_for_its_writer() {
    let graph = |served: &str, called: &str| {
        format!(
            "services:
- {{name: store, drain: Endpoints, serves: [{{versions: [{served}]}}]}}
- {{name: cart, drain: Endpoints, calls: [{{service: store, version: '{called}', channel: queue, durable: {{drain: 7d}}}}]}}
"
        )
    };
    let (before, after) = (graph("'1', '2'", "1"), graph("'2'", "2"));
    let found = "store: changes ? | cart: changes ?";
    insta::assert_snapshot!(plan_of(Some(&before), &after, found), @r"
    1: roll cart (cart:0 -> cart:new)
    2: drain store/drain after cart ( -> )
    3: roll store after cart,store/drain (store:0 -> store:new)
    shared: ConfigMap/shop/shared
    ");
    let bundle = bundle(&after, "2");
    let declared = graph_of(&super::scenario::bundle(&before, "1"));
    let planned = make_plan(
        &bundle,
        &survey(&bundle, Some(&declared), found),
        &Planning::default(),
    );
    let drain = |step: &str| {
        let member = &planned.agenda.members[&StepId::parse(step).expect("a step")];
        (member.belongings.drain, member.retentions.clone())
    };
    // Who still ends may still write.
    assert_eq!(drain("cart"), (DrainLevel::Pods, Vec::new()));
    assert_eq!(drain("store").0, DrainLevel::Endpoints);
    let week = vec![Retention::Time("7d".to_owned())];
    assert_eq!(drain("store/drain").1, week);
}

#[test]
fn a_job_that_drops_a_version_needs_somebodys_word() {
    let graph = |served: &str, called: &str| {
        format!(
            "services:
- {{name: schema, workloads: [{{apiVersion: batch/v1, kind: Job, name: schema}}], serves: [{{versions: [{served}]}}]}}
- {{name: store, calls: [{{service: schema, version: '{called}'}}]}}
"
        )
    };
    let (before, after) = (graph("'1', '2'", "1"), graph("'2'", "2"));
    let bundle = bundle(&after, "2");
    let declared = graph_of(&super::scenario::bundle(&before, "1"));
    let found = "schema: absent | store: changes ?";
    let planned = make_plan(
        &bundle,
        &survey(&bundle, Some(&declared), found),
        &Planning::default(),
    );
    round_trip(&bundle, &planned);
    let is_final = |step: &str| {
        let step = StepId::parse(step).expect("a step");
        planned.agenda.members[&step].is_final
    };
    insta::assert_snapshot!(told(&planned), @r"
    1: roll store (store:0 -> store:new)
    2: job schema after store ( -> schema:new)
    shared: ConfigMap/shop/shared
    ");
    assert!(is_final("schema") && !is_final("store"));
}

#[test]
fn an_exclusive_group_is_kept_apart_also_where_services_advance_one_by_one() {
    let before = "services:
- {name: store, exclusive: db, serves: [{versions: ['1']}]}
- {name: cart, exclusive: db, serves: []}
";
    insta::assert_snapshot!(plan_of(Some(before), before, "store: changes ? | cart: changes ?"), @r"
    1: roll cart (cart:0 -> cart:new)
    2: roll store after cart (store:0 -> store:new)
    shared: ConfigMap/shop/shared
    ");
}
