//! A refused release cut into releases that can be carried out: what each brings, and where it ends.

use super::notation::system_of;
use crate::plan::{SavedPlan, parts, plan};
use tidegate_spec::ServiceName;

/// The parts of a refused release: what each brings, and in which order.
fn parts_of(text: &str) -> String {
    let system = system_of(text);
    let found = match parts(&system, &plan(&system)) {
        Ok(found) => found,
        Err(error) => return error.to_string(),
    };
    let mut lines = Vec::new();
    for part in &found {
        let saved = SavedPlan::new(&part.system, &part.plan, None);
        assert_eq!(saved.verify(), Ok(part.plan.edges), "{}", part.name);
        let waves: Vec<String> = part.plan.waves.iter().map(|wave| wave.join(", ")).collect();
        let unwritten: Vec<&str> = part.unwritten.iter().map(ServiceName::as_str).collect();
        lines.push(format!(
            "{}: {}; to be written: {}",
            part.name,
            waves.join(" | "),
            unwritten.join(", ")
        ));
    }
    let last = found.last().expect("a part");
    for (name, member) in &last.system.services {
        let end = member.at_end().into_iter().flatten().next_back();
        let wanted = system.services[name]
            .at_end()
            .into_iter()
            .flatten()
            .next_back();
        assert_eq!(
            end.map(|revision| &revision.interface),
            wanted.map(|revision| &revision.interface),
            "{name} ends where the whole release would"
        );
    }
    lines.join("\n")
}

#[test]
fn a_refused_release_is_cut_into_as_few_as_are_safe() {
    insta::assert_snapshot!(parts_of("orders: serves 1 -> 2 | web: calls orders 1 -> 2"), @r"
    expand: orders | web; to be written: orders
    contract: orders; to be written:
    ");
    insta::assert_snapshot!(parts_of("a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"), @r"
    expand: a | b; to be written: a
    flip: a; to be written:
    ");
    insta::assert_snapshot!(parts_of("a: serves 1 -> 2; calls b 1 -> 2 | b: serves 1 -> 2; calls a 1 -> 2 | c: new; calls a 2 | d: deleted; calls b 1 | e: image"), @r"
    expand: a, d, e | b, c; to be written: a, b
    flip-contract: a | b; to be written:
    ");
    insta::assert_snapshot!(parts_of("a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls c 1 -> 2 | c: serves 1 -> 1,2; calls a 1 -> 2 | p: external; calls a 1 -> 2"), @r"
    expand: b | a | c; to be written: b
    flip: b; to be written:
    ");
    insta::assert_snapshot!(parts_of("orders: serves 1 -> 2 | web: calls orders durable 7d 1 -> 2"), @r"
    expand: orders | web; to be written: orders
    contract: orders/drain | orders; to be written:
    ");
    insta::assert_snapshot!(parts_of("a: serves 1 -> 2; calls b 1 -> 2 | b: serves 1 -> 2; calls a 1 -> 2; versioned | c: calls a durable lag 1 -> 2"), @r"
    expand: a; to be written: a
    expand-flip-contract: b/expand, c | a | b/contract; to be written: a
    contract: a/drain | a; to be written:
    ");
    insta::assert_snapshot!(parts_of("orders: serves 1 -> 1,2 | web: calls orders 1 -> 2"), @"the release needs no split: its order is safe as it is");
    insta::assert_snapshot!(parts_of("orders: serves 1 | web: calls orders 1 -> 2"), @"no split of services makes an order safe");
}

#[test]
fn a_part_leaves_unread_only_what_is_durable() {
    let left = |text: &str| {
        let system = system_of(text);
        let parts = parts(&system, &plan(&system)).unwrap();
        let last = parts.into_iter().next_back().unwrap();
        let left = last
            .system
            .services
            .into_values()
            .map(|member| member.retained.len());
        left.sum::<usize>()
    };
    assert_eq!(left("orders: serves 1 -> 2 | web: calls orders 1 -> 2"), 0);
    assert_eq!(
        left("orders: serves 1 -> 2 | web: calls orders durable 7d 1 -> 2"),
        1
    );
}

#[test]
fn a_service_that_a_part_leaves_alone_stays_in_it_and_what_a_job_left_is_kept() {
    let system = system_of(
        "back | orders: serves 1 -> 2 | web: calls orders 1 -> 2 | idle: serves 1 | schema: job; serves 1 -> 1,2",
    );
    let parts = parts(&system, &plan(&system)).unwrap();
    let moves: Vec<String> = parts
        .iter()
        .map(|part| {
            let each = part.system.services.iter();
            let each = each.map(|(name, member)| format!("{name} {:?}", member.moves));
            each.collect::<Vec<_>>().join(", ")
        })
        .collect();
    insta::assert_snapshot!(moves.join("\n"), @r"
    idle Stays, orders Roll, schema Kept, web Roll
    idle Stays, orders Roll, schema Kept, web Stays
    ");
}

#[test]
fn a_service_that_is_split_whatever_else_is_stays_in_as_many_steps_in_the_parts() {
    insta::assert_snapshot!(parts_of(
        "a: serves 1 -> 2; calls a 1 -> 2; calls b 1 -> 2 | b: serves 1 -> 2; calls a 1 -> 2"
    ), @r"
    expand: a, b; to be written: a, b
    flip: a | b; to be written: a
    contract: a; to be written:
    ");
}

#[test]
fn services_that_would_go_together_go_one_by_one_in_the_parts() {
    insta::assert_snapshot!(parts_of(
        "a: serves 1 -> 2; calls b 1 -> - | b: deleted; serves 1; calls d 1 \
         | d: deleted; serves 1; calls b 1; calls a 1"
    ), @r"
    flip: d | a | b; to be written: d
    contract: d; to be written:
    ");
}

#[test]
fn old_pods_that_are_kept_beside_new_ones_go_with_their_own_part() {
    insta::assert_snapshot!(parts_of(
        "orders: versioned; serves 1 -> 2 | web: calls orders 1 -> 2 \
         | a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"
    ), @r"
    expand: a, orders/expand | b, web | orders/contract; to be written: a
    flip-contract: a; to be written:
    ");
}

#[test]
fn what_callers_from_outside_call_when_all_is_done_belongs_to_the_last_part() {
    // What the phone will call is served only once `late` has moved, after the last step of `a`.
    let text = "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2 \
        | late: serves 1 -> 1,2; after a | phone: external; calls late 1 -> 2";
    insta::assert_snapshot!(parts_of(text), @r"
    expand: a | b; to be written: a
    flip: a | late; to be written:
    ");
    let system = system_of(text);
    let parts = parts(&system, &plan(&system)).unwrap();
    let coming = parts.iter().map(|part| {
        let mut callers = part.system.external.values();
        callers.any(|caller| caller.coming.is_some())
    });
    assert_eq!(coming.collect::<Vec<_>>(), [false, true]);
}
