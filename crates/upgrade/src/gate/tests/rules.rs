//! Rules that people write in CEL: what they say, what they cannot say, and what none of them may do to us.

use super::files::{documents, told};
use crate::gate::Policy;
use tidegate_spec::crd::CompletionRule;

const WIDGET: &str = "
apiVersion: example.com/v1
kind: Widget
metadata: {name: it, namespace: shop, uid: u, generation: 1}
status: {count: 3, none: 0, state: made, list: [1, 2], empty: []}
";

/// What three rules say of the Widget; an empty one is left out.
fn said([complete, failed, paused]: [&str; 3]) -> String {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let rule = CompletionRule {
        api_version: "example.com/v1".to_owned(),
        kind: "Widget".to_owned(),
        complete: complete.to_owned(),
        failed: given(failed),
        paused: given(paused),
    };
    let policy = Policy {
        rules: vec![rule],
        ..Policy::default()
    };
    let line = told(&documents(WIDGET), "", &policy).remove(0);
    let verdict = line.split_once(": ").unwrap().1;
    verdict.split_once(" / ").unwrap().0.to_owned()
}

#[test]
fn whole_numbers_are_what_the_api_servers_rules_know_them_as() {
    for holds in [
        "object.status.count == 3",
        "object.status.count != 4",
        "object.status.count + 1 == 4",
        "object.status.count in [1, 2, 3]",
        "object.status.none == 0",
        "object.status.list[0] < object.status.count",
    ] {
        assert_eq!(said([holds, "", ""]), "Complete", "{holds}");
        assert_eq!(
            said(["true", holds, ""]),
            "Failed(Retryable, ReportedFailure)",
            "{holds}"
        );
        assert_eq!(
            said(["true", "", holds]),
            "Paused(HeldByRule 0/1)",
            "{holds}"
        );
    }
    assert_eq!(
        said(["object.status.count != 3", "", ""]),
        "Progressing(Reconciling 0/1)"
    );
    assert_eq!(said(["true", "object.status.none != 0", ""]), "Complete");
}

#[test]
fn a_rule_that_says_nothing_makes_the_state_unknown_unless_it_asks_for_what_is_not_there_yet() {
    let unknown = "Progressing(UnknownStatus 0/1)";
    for wrong in [
        "object.status.state = 'made'",
        "object.status.state",
        "object.status.state > 1",
    ] {
        assert_eq!(said([wrong, "", ""]), unknown, "{wrong}");
        assert_eq!(said(["true", wrong, ""]), unknown, "{wrong}");
        assert_eq!(said(["true", "", wrong]), unknown, "{wrong}");
    }
    for not_yet in ["object.status.error == 'x'", "object.status.empty[0] == 1"] {
        assert_eq!(said(["true", not_yet, not_yet]), "Complete", "{not_yet}");
        let waits = "Progressing(Reconciling 0/1)";
        assert_eq!(said([not_yet, "", ""]), waits, "{not_yet}");
    }
}

#[test]
fn no_rule_blows_the_stack_or_goes_on_for_ever() {
    let twice = |text: &str, times: usize| text.repeat(times);
    let loops = ["a", "b", "c"].map(|it| format!("object.status.list.all({it}, "));
    for endless in [
        format!("{}true{}", twice("(", 400), twice(")", 400)),
        format!("{}{}", twice("[", 400), twice("]", 400)),
        format!("{}true", twice("true ? true : ", 100)),
        format!("object{} == 1", twice(".a", 900)),
        format!("1{} == 1", twice(" + 1", 400)),
        format!("{}true)))", loops.concat()),
    ] {
        let found = said([&endless, "", ""]);
        assert_eq!(found, "Progressing(UnknownStatus 0/1)", "{endless}");
    }
    // As deep as a rule may be.
    let deep = format!("{}true{}", twice("(", 32), twice(")", 32));
    assert_eq!(said([&deep, "", ""]), "Complete");
    let chain = format!("1{} > 1", twice(" + 1", 190));
    assert_eq!(said([&chain, "", ""]), "Complete");
    let both = "object.status.list.all(a, object.status.list.exists(b, b == a))";
    assert_eq!(said([both, "", ""]), "Complete");
}

#[test]
fn a_loop_in_a_loop_over_many_items_is_refused() {
    let many = format!("{WIDGET}spec: {{many: [{}]}}", "0,".repeat(1_001));
    let rule = |complete: &str| Policy {
        rules: vec![CompletionRule {
            api_version: "example.com/v1".to_owned(),
            kind: "Widget".to_owned(),
            complete: complete.to_owned(),
            failed: None,
            paused: None,
        }],
        ..Policy::default()
    };
    let found = |complete: &str| told(&documents(&many), "", &rule(complete)).remove(0);
    assert!(found("object.spec.many.all(a, a == 0)").contains(": Complete"));
    let twice = found("object.spec.many.all(a, object.spec.many.all(b, a == b))");
    assert!(twice.contains("Progressing(UnknownStatus 0/1)"), "{twice}");
}

#[test]
fn a_rule_goes_before_what_we_say_of_a_kind_ourselves() {
    let claim = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop, uid: u}
status: {phase: Bound}
";
    let policy = |complete: &str| Policy {
        rules: vec![CompletionRule {
            api_version: "v1".to_owned(),
            kind: "PersistentVolumeClaim".to_owned(),
            complete: complete.to_owned(),
            failed: None,
            paused: None,
        }],
        ..Policy::default()
    };
    let found = |complete: &str| told(&documents(claim), "", &policy(complete)).remove(0);
    assert!(found("false").contains("Progressing(Reconciling 0/1)"));
    assert!(found("true").contains(": Complete"));
}
