//! Servers of which two revisions run already.

use super::{plan_of, system_of};
use crate::graph::Moves;
use crate::plan::{check, plan};

#[test]
fn a_caller_that_finds_its_version_works_beside_a_mixed_server_and_its_new_revision_waits() {
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 + 2 -> 2 | c: calls s 1 -> 2"), @r"
    Safe: yes. 3 waves. Longest path s/expand → c → s/contract.
    Wave 1   may start at once
      ~ s/expand
          new pods beside the old ones
          serves s: 1 | 2 → 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → 2
          because s must answer 2 everywhere first: c@target calls s 2, s@live0 serves 1
    Wave 3   after wave 2 is done
      ~ s/contract
          its old pods go
          because c must stop calling s 1 everywhere first: c@live calls s 1, s@target serves 2
    ");
    // Without that, or if it remembers, it reaches pods that do not speak its version.
    for text in [
        "s: serves 1 + 2 -> 2 | c: calls s 1 -> 2",
        "s: versioned; serves 1 + 2 -> 2 | c: calls s cached 1 -> cached 2",
    ] {
        let told = plan_of(text);
        assert!(told.starts_with("Refused [TG0204]"), "{text}: {told}");
    }
}

#[test]
fn what_nobody_declared_of_a_mixed_server_that_stays_is_no_matter_where_calls_find_their_version() {
    let edges = |text: &str| {
        let mut system = system_of(text);
        let server = system.services.values_mut().next_back().unwrap();
        server.live[0].interface = None;
        server.moves = Moves::Stays;
        let plan = plan(&system);
        assert_eq!(check(&system, &plan), Ok(()));
        (plan.edges.proved, plan.edges.assumed, plan.edges.free)
    };
    let text = "c: calls s 2; image | s: serves 2 + 2 -> 2";
    assert_eq!(edges(text), (0, 1, 0));
    assert_eq!(edges(&format!("{text}; versioned")), (0, 0, 1));
}
