//! Whoever only looks writes nothing: S13 of reliability.md.
//!
//! In: a call that reads, surveys or plans. Out: what it found; that something was written is told to the judge.

use super::process::Shared;

/// What changes with everything that anybody writes.
#[derive(Debug, PartialEq, Eq)]
struct Stored {
    /// The newest number of the store.
    newest: u64,
    writes: usize,
    /// How often each release was written.
    releases: Vec<u64>,
}

impl Stored {
    fn of(shared: &Shared) -> Self {
        let releases = shared.releases.iter();
        Self {
            newest: shared.cluster.newest(),
            writes: shared.cluster.journal.writes,
            releases: releases.map(|kept| kept.filed.version).collect(),
        }
    }
}

/// Lets a call look; `verb` is what it is called.
pub(super) fn only_look<T>(
    shared: &mut Shared,
    verb: &str,
    look: impl FnOnce(&mut Shared) -> T,
) -> T {
    let before = Stored::of(shared);
    let found = look(shared);
    if Stored::of(shared) != before {
        let words = format!("S13: to {verb} has written something");
        shared.cluster.judge.wrong.push(words);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::faults::Faults;
    use super::super::process::hold;
    use super::super::run::Run;
    use super::super::tests::row;
    use super::*;

    #[test]
    fn a_survey_writes_nothing_and_a_survey_that_does_is_found_out() {
        let (scenario, plan) = row();
        let (run, workloads) = Run::new(&scenario, &plan, 1, &Faults::none(), false);
        let mut shared = hold(&run.shared);
        only_look(&mut shared, "survey", |shared| {
            shared.cluster.survey(&scenario)
        });
        assert_eq!(shared.cluster.judge.wrong, Vec::<String>::new());
        only_look(&mut shared, "survey", |shared| {
            for workload in &workloads {
                shared.cluster.touch(workload);
            }
        });
        assert_eq!(
            shared.cluster.judge.wrong,
            ["S13: to survey has written something"]
        );
    }
}
