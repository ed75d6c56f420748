//! The lists of `make mutants-gate` and `make mutants-simulator`: a mutant whose lines are gone would silently change nothing.

#[path = "../mutants/list.rs"]
mod list;

use std::fs;
use std::path::Path;

#[test]
fn each_mutant_of_the_gate_still_changes_one_place() {
    check(include_str!("../mutants/gate.txt"), 50);
}

#[test]
fn each_mutant_of_the_simulator_still_changes_one_place_of_a_file() {
    check(include_str!("../mutants/simulator.txt"), 40);
}

fn check(list: &str, least: usize) {
    let mutants = list::read(list);
    assert!(mutants.len() > least, "{}", mutants.len());
    for mutant in mutants {
        assert!(!mutant.places.is_empty(), "{}", mutant.name);
        for place in &mutant.places {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place.file);
            let text = fs::read_to_string(path).expect(place.file);
            assert_eq!(text.matches(&place.was).count(), 1, "{}", mutant.name);
            assert_ne!(place.was, place.becomes, "{}", mutant.name);
        }
    }
}
