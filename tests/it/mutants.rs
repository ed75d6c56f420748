//! The list of `make mutants-gate`: a mutant whose lines are gone would silently change nothing.

#[path = "../mutants/list.rs"]
mod list;

use std::fs;
use std::path::Path;

#[test]
fn each_mutant_of_the_gate_still_changes_one_place() {
    let mutants = list::read(include_str!("../mutants/gate.txt"));
    assert!(mutants.len() > 50, "{}", mutants.len());
    for mutant in mutants {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(mutant.file);
        let text = fs::read_to_string(path).expect(mutant.file);
        assert_eq!(text.matches(&mutant.was).count(), 1, "{}", mutant.name);
        assert_ne!(mutant.was, mutant.becomes, "{}", mutant.name);
    }
}
