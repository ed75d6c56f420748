//! Who had old and new pods when, as lines of text.

use jiff::{SignedDuration, Timestamp};

use super::cluster::{START, moment};
use super::journal::Pods;
use super::run::Outcome;
use tidegate_spec::ServiceName;

/// How many characters the time gets.
const WIDTH: u32 = 60;

/// One line for each service, in the order that is given, and one with the time.
///
/// `·` nothing runs, `-` only old pods, `#` old and new side by side, `=` only new ones.
pub fn timeline(outcome: &Outcome, services: &[ServiceName]) -> Vec<String> {
    let longest = services
        .iter()
        .map(|name| name.as_str().chars().count())
        .max()
        .unwrap_or(0);
    let end = moment(outcome.took);
    let mut lines = Vec::new();
    for service in services {
        let Some(pods) = outcome.pods.get(service) else {
            continue;
        };
        let cells: String = (0..WIDTH)
            .map(|cell| sign(pods, middle(end, cell)))
            .collect();
        lines.push(format!("{service:<longest$}  {cells}"));
    }
    let total = format!("{} s", outcome.took.as_secs());
    let space = usize::try_from(WIDTH)
        .unwrap_or(0)
        .saturating_sub(total.len() + 1);
    lines.push(format!("{:<longest$}  0{:space$}{total}", "", ""));
    lines
}

/// The moment that a cell shows.
fn middle(end: Timestamp, cell: u32) -> Timestamp {
    let part = f64::from(cell + 1) / f64::from(WIDTH);
    let passed = end.duration_since(START).as_secs_f64() * part;
    moment(SignedDuration::try_from_secs_f64(passed).unwrap_or_default())
}

fn sign(pods: &[(Timestamp, Pods)], at: Timestamp) -> char {
    let known = pods.iter().rev().find(|(since, _)| *since <= at);
    match known
        .or_else(|| pods.first())
        .map(|(_, pods)| (pods.old > 0, pods.new > 0))
    {
        Some((true, false)) => '-',
        Some((true, true)) => '#',
        Some((false, true)) => '=',
        Some((false, false)) | None => '·',
    }
}
