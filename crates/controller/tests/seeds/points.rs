//! What some run of the suite has to meet, or the suite proves less than it says.
//!
//! In: the words that runs have met. Out: those of `points.txt` that none has.

use std::collections::BTreeSet;

/// One word a line, as the simulator notes it: a fault, an event, how a release ended, a way of a service from one standing to
/// the next, a reason why it waited. Lines that begin with `#` are for people.
const POINTS: &str = include_str!("points.txt");

/// The words that no run has met.
pub(crate) fn missed(reached: &BTreeSet<String>) -> Vec<&'static str> {
    let points = POINTS.lines().map(str::trim);
    let points = points.filter(|line| !line.is_empty() && !line.starts_with('#'));
    points.filter(|point| !reached.contains(*point)).collect()
}
