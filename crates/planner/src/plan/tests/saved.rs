//! Plans in files: nothing is lost, nothing can be changed unseen, and what moved is named.

use super::notation::system_of;
use crate::graph::Moves;
use crate::plan::{Choice, Sameness, SavedCertificate, SavedPlan, moved, plan, plan_with};
use tidegate_spec::crd::Planning;

const SYSTEMS: &[&str] = &[
    "orders: serves 1 -> 1,2 | web: calls orders 1 -> 2",
    "orders: serves 1 -> 1,2 | cart: calls orders 1 -> 2; serves 1 -> 1,2 | web: calls cart 1 -> 2; after orders",
    "store: serves 1,2 -> 2 | cart: calls store 1 -> 2 | job: job; serves 1",
    "a: undeclared; image | b: calls a ? -> 1 | c: deleted; calls b 1",
    "strict | orders: serves api 1 + 1,2 -> 1,2 | web: calls orders/api all 1 -> any 1,2",
    "gate: serves 1 -> 1,2 | phone: external; calls gate 1 -> 2 | web: calls gate cached 1 -> cached 1,2",
    "a: new; serves 1 | b: new; calls a 1; calls c optional 1 | c: new; serves 1",
    "consumer: serves 1,2 -> 2; exclusive g | producer: calls consumer durable 7d 1 -> 2; exclusive g",
    "consumer: serves 1,2 -> 2 | producer: retained; calls consumer durable lag 1 + 2 -> 2",
    "gate: serves 1 -> 2; versioned | web: calls gate 1 -> 2; switch PROTO | ads: serves 1 -> 2 | shop: calls ads optional weight 3 1 -> 2",
    "phone: external; ended no call in 30 days; calls gate 1 | gate: serves 1 -> 2 | schema: job; irreversible; serves 1 -> 2",
    "repair | store: serves 1 -> 1,2 | cart: calls store 2",
];

fn saved(text: &str) -> SavedPlan {
    let system = system_of(text);
    SavedPlan::new(&system, &plan(&system), None)
}

#[test]
fn a_system_comes_back_from_its_file_as_it_was() {
    for text in SYSTEMS {
        let system = system_of(text);
        let written = saved(text).to_text().expect("text");
        let read = SavedPlan::parse(&written).expect("a saved plan");
        assert_eq!(read.system(), Ok(system), "{text}");
        assert_eq!(read.to_text().expect("text"), written, "{text}");
    }
}

#[test]
fn equal_input_gives_equal_bytes_and_other_input_another_digest() {
    let digests: Vec<String> = SYSTEMS.iter().map(|text| saved(text).digest).collect();
    let again: Vec<String> = SYSTEMS.iter().map(|text| saved(text).digest).collect();
    assert_eq!(digests, again);
    let distinct: std::collections::BTreeSet<&String> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn what_was_written_verifies() {
    for text in SYSTEMS {
        let plan = saved(text);
        if plan.plan.refusal.is_none() {
            assert_eq!(plan.verify(), Ok(plan.plan.edges), "{text}");
        }
    }
}

#[test]
fn every_certificate_has_the_whole_chain() {
    let plan = saved(SYSTEMS[1]);
    let told: Vec<String> = plan
        .certificates
        .iter()
        .map(|one| {
            format!(
                "{}@{} never meets {}@{}: {}",
                one.edge.caller,
                one.caller_revision,
                one.edge.callee,
                one.callee_revision,
                one.chain.join(" then ")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    cart@target never meets orders@live: orders then cart
    web@target never meets cart@live: cart then web
    ");
}

/// Changes a file by its text and says what is found.
fn faults_of(change: impl Fn(&str) -> String) -> String {
    let text = saved(SYSTEMS[1]).to_text().expect("text");
    let changed = change(&text);
    assert_ne!(text, changed, "the change changes nothing");
    match SavedPlan::parse(&changed) {
        Err(error) => error.to_string(),
        Ok(plan) => match plan.verify() {
            Ok(_) => "nothing".to_owned(),
            Err(faults) => faults.join("\n"),
        },
    }
}

#[test]
fn a_file_that_was_edited_is_told() {
    insta::assert_snapshot!(faults_of(|text| text.replacen("\"proved\": 2", "\"proved\": 3", 1)), @r"
    the file was changed after it was written: its digest does not match
    the digest does not match the plan and the system
    ");
    insta::assert_snapshot!(faults_of(|text| text.replacen("\"1\"", "\"3\"", 1)), @r"
    the file was changed after it was written: its digest does not match
    the digest does not match the plan and the system
    wave 0: web@live may call cart@live (cart) and fail
    wave 2: web@live may call cart@live (cart) and fail
    nothing keeps web and cart from moving together when services advance one by one
    ");
    insta::assert_snapshot!(faults_of(|text| text.replacen("SavedPlan", "Plan", 1)), @"it is a `Plan`, not a saved plan");
    insta::assert_snapshot!(faults_of(|text| text.replacen("v1alpha1", "v9", 1)), @"its version is `tidegate.dev/v9`; this tidegate reads `tidegate.dev/v1alpha1`");
    insta::assert_snapshot!(faults_of(|text| text[..text.len() / 2].to_owned()), @"it is damaged, or no saved plan: EOF while parsing a value at line 114 column 29");
}

#[test]
fn a_forged_digest_does_not_hide_an_unsafe_order() {
    let mut plan = saved(SYSTEMS[0]);
    plan.plan.waves = vec![vec!["orders".to_owned(), "web".to_owned()]];
    plan.plan.steps[1].after.clear();
    plan.plan.digest = plan.plan.digest_for(&plan.system().expect("a system"));
    let forged = SavedPlan::new(&plan.system().expect("a system"), &plan.plan, None);
    insta::assert_snapshot!(forged.verify().expect_err("faults").join("\n"), @r"
    wave 1: web@target may call orders@live (orders) and fail
    nothing keeps web and orders from moving together when services advance one by one
    the certificate for web@target and orders@live does not lead from one of the two to the other
    ");
}

fn differences(then: &str, now: &str, by: Sameness) -> String {
    moved(&system_of(then), &system_of(now), by).join("\n")
}

#[test]
fn what_moved_is_named() {
    let then = "orders: serves 1 -> 1,2 | web: calls orders 1 -> 2 | old: image";
    let now = "orders: serves 1 + 1,2 -> 1,2 | web: calls orders 1 -> any 1,2 | next: new | phone: external; calls orders 1";
    assert_eq!(differences(then, then, Sameness::Named), "");
    insta::assert_snapshot!(differences(then, now, Sameness::Named), @r"
    old: is not there any more
    orders: runs live0, live1; the plan was made for live
    web: the graph declares its new revision differently
    next: was not there
    phone: was no caller from outside
    ");
}

#[test]
fn a_service_that_runs_more_or_less_than_it_did_is_named_though_nobody_knew_the_names() {
    let (one, two) = ("a: serves 1 -> 2", "a: serves 1 + 2 -> 2");
    insta::assert_snapshot!(differences(one, two, Sameness::Declared), @"a: runs live0, live1; the plan was made for live");
    insta::assert_snapshot!(differences(two, one, Sameness::Declared), @"a: runs live; the plan was made for live0, live1");
}

#[test]
fn what_moved_of_how_a_service_may_move_is_named() {
    let then = "a: serves 1 -> 1,2; exclusive g | b: retained; calls a durable 7d 1 + 1 -> 2 | p: external; ended long ago; calls a 1";
    assert_eq!(differences(then, then, Sameness::Named), "");
    let now = "repair | a: serves 1 -> 1,2; versioned; switch X | b: calls a durable 8d 1 -> 2 | p: external; calls a 1";
    insta::assert_snapshot!(differences(then, now, Sameness::Declared), @r"
    the plan was made for what is safe, and this is a repair
    a: `routing` is another one
    a: `switch` is another one
    a: `exclusive` is another one
    b: runs live; the plan was made for live1
    b: the graph declares its new revision differently
    p: is declared differently as a caller from outside
    ");
    insta::assert_snapshot!(differences(then, now, Sameness::Named), @r"
    the plan was made for what is safe, and this is a repair
    a: `routing` is another one
    a: `switch` is another one
    a: `exclusive` is another one
    b: runs live; the plan was made for live1
    b: nothing left something that may be unread; the plan was made for live0
    b: the graph declares its new revision differently
    p: is declared differently as a caller from outside
    ");
}

#[test]
fn names_of_revisions_do_not_count_where_nobody_knew_them() {
    let mut now = system_of(SYSTEMS[0]);
    for member in now.services.values_mut() {
        for live in &mut member.live {
            live.name = "5d8f7c".to_owned();
        }
    }
    let then = system_of(SYSTEMS[0]);
    assert_eq!(moved(&then, &now, Sameness::Declared), Vec::<String>::new());
    assert_eq!(moved(&then, &now, Sameness::Named).len(), 2);
}

#[test]
fn a_revision_that_speaks_otherwise_under_the_same_name_is_told_with_what_it_speaks() {
    let then = "orders: serves 1 -> 1,2 | web: calls orders 1 -> 2 | job: undeclared; image | bare: image; serves 1 -> -";
    let now = "orders: serves 1,2 | web: calls orders optional weight 3 durable 7d any 1,2 -> 2 | job: serves 1; image | bare: image";
    insta::assert_snapshot!(differences(then, now, Sameness::Named), @r"
    bare: runs live (neither serves nor calls); the plan was made for live (serves bare 1)
    job: runs live (serves job 1); the plan was made for live (undeclared)
    job: the graph declares its new revision differently
    orders: would not move; it was planned to roll
    orders: runs live (serves orders 1, 2); the plan was made for live (serves orders 1)
    web: runs live (calls orders any of 1, 2 (optional, weight 3, durable 7d)); the plan was made for live (calls orders 1)
    web: the graph declares its new revision differently
    ");
}

#[test]
fn a_service_that_stayed_and_would_move_now_is_told_with_its_new_declaration() {
    insta::assert_snapshot!(differences("a: serves 1", "a: serves 1 -> 2", Sameness::Declared), @r"
    a: would roll; it was planned to stay as it is
    a: the graph declares its new revision differently
    ");
    // What shall run is of no interest where nothing moves.
    let mut kept = system_of("a: serves 1");
    for member in kept.services.values_mut() {
        member.target = None;
    }
    assert_eq!(
        moved(&kept, &system_of("a: serves 1"), Sameness::Named),
        Vec::<String>::new()
    );
}

#[test]
fn what_a_service_would_do_now_is_told_beside_what_was_planned() {
    let with = |moves| {
        let mut system = system_of("a: serves 1");
        system
            .services
            .values_mut()
            .for_each(|member| member.moves = moves);
        system
    };
    let round = [
        Moves::Create,
        Moves::Roll,
        Moves::Job,
        Moves::Delete,
        Moves::Stays,
        Moves::Kept,
        Moves::Create,
    ];
    let told = round
        .windows(2)
        .map(|pair| moved(&with(pair[0]), &with(pair[1]), Sameness::Named).join("; "));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    a: would roll; it was planned to be created
    a: would run as a job; it was planned to roll
    a: would be deleted; it was planned to run as a job
    a: would not move; it was planned to be deleted
    a: would stay as its job left it; it was planned to stay as it is
    a: would be created; it was planned to stay as its job left it
    ");
}

#[test]
fn a_certificate_that_proves_nothing_is_told() {
    type Change = fn(&mut SavedCertificate);
    let changes: [Change; 6] = [
        |one| one.caller_revision = "v9".to_owned(),
        |one| one.callee_revision = "v9".to_owned(),
        |one| one.chain.truncate(1),
        |one| one.chain = vec!["web".to_owned(), "cart".to_owned()],
        |one| one.chain.reverse(),
        |one| one.chain.clear(),
    ];
    let told = changes.map(|change| {
        let mut plan = saved(SYSTEMS[1]);
        change(&mut plan.certificates[0]);
        plan.verify().unwrap_err()[1..].join("; ")
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    the certificate for cart@v9 and orders@live speaks of a revision that the system does not have
    the certificate for cart@target and orders@v9 speaks of a revision that the system does not have
    the certificate for cart@target and orders@live does not lead from one of the two to the other
    the certificate for cart@target and orders@live does not lead from one of the two to the other
    the certificate for cart@target and orders@live says that `orders` waits for `cart`, and it does not
    the certificate for cart@target and orders@live does not lead from one of the two to the other
    ");
}

/// What is wrong with the certificates of a plan, whatever else is.
fn certificate_faults(plan: &SavedPlan) -> String {
    let faults = plan.verify().unwrap_err().into_iter();
    let faults = faults.filter(|fault| fault.starts_with("the certificate"));
    faults.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_certificate_of_which_a_step_does_not_wait_for_the_one_before_is_told() {
    let system = system_of(
        "a: calls b 1 -> 2; calls c 1 -> 2 | b: serves 1 -> 1,2; calls c 1 -> 2 | c: serves 1 -> 1,2",
    );
    let plan = plan(&system);
    // It is later, and waits only for what the chain leaves out.
    let mut shorter = SavedPlan::new(&system, &plan, None);
    let chains = shorter.certificates.iter_mut().map(|one| &mut one.chain);
    let longest = chains.max_by_key(|chain| chain.len()).unwrap();
    assert_eq!(longest.join(" "), "c b a");
    longest.remove(1);
    insta::assert_snapshot!(certificate_faults(&shorter), @"the certificate for a@target and c@live says that `a` waits for `c`, and it does not");
    // It waits, and is not in a later wave.
    let mut merged = plan;
    merged.waves = vec![merged.waves.concat()];
    insta::assert_snapshot!(certificate_faults(&SavedPlan::new(&system, &merged, None)), @r"
    the certificate for a@target and b@live says that `a` waits for `b`, and it does not
    the certificate for a@target and c@live says that `b` waits for `c`, and it does not
    the certificate for b@target and c@live says that `b` waits for `c`, and it does not
    ");
}

#[test]
fn a_file_says_nothing_of_what_is_as_it_usually_is() {
    let text = saved("orders: serves 1 -> 1,2 | web: calls orders 1 -> 2")
        .to_text()
        .unwrap();
    for word in ["routing", "manner", "retained", "verified", "repair"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let switched = saved("orders: serves 1 -> 1,2 | web: calls orders 1 -> 2; switch PROTO");
    let text = switched.to_text().unwrap();
    assert!(
        text.contains("PROTO") && !text.contains("routing"),
        "{text}"
    );
}

#[test]
fn a_caller_from_outside_may_call_less_than_was_planned_and_no_more() {
    let told = |then: &str, now: &str| {
        let server = "a: serves 1 -> 1,2 | p: external; calls a ";
        differences(
            &format!("{server}{then}"),
            &format!("{server}{now}"),
            Sameness::Declared,
        )
    };
    assert_eq!(told("1", "1"), "");
    assert_eq!(told("1 -> 2", "1"), "");
    let other = "p: is declared differently as a caller from outside";
    assert_eq!(told("1", "2"), other);
    assert_eq!(told("1", "1 -> 2"), other);
}

#[test]
fn a_flip_has_its_certificate_at_the_step_that_calls_what_is_new() {
    let system = system_of("b: serves 1 -> 1,2 | a: calls b 1 -> 2; switch PROTO");
    let plan = plan_with(&system, Choice::Flip);
    let saved = SavedPlan::new(&system, &plan, None);
    assert_eq!(saved.verify(), Ok(plan.edges));
    assert_eq!(saved.certificates[0].chain, ["b", "a/flip"]);
}

#[test]
fn what_was_asked_for_is_in_the_file_and_under_its_digest() {
    let planning = Planning {
        only: vec!["web".to_owned()],
        repair: true,
        ..Planning::default()
    };
    let asked = saved(SYSTEMS[0]).asked(planning.clone());
    assert_eq!(asked.verify(), Ok(asked.plan.edges));
    assert_ne!(asked.digest, saved(SYSTEMS[0]).digest);
    let read = SavedPlan::parse(&asked.to_text().unwrap()).unwrap();
    assert_eq!(read.planning, planning);
}
