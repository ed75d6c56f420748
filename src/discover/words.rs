//! The sentences of `discover`.

use std::fmt::Write as _;

use super::compare::Comparison;
use super::merge::Edge;
use super::seen::{Confidence, Sighting, Source};
use crate::spec::crd::Channel;
use crate::spec::words::count;

/// How many pairs of revisions a comment names.
const PAIRS_SHOWN: usize = 3;
/// How many reasons of one source a comment names.
const REASONS_SHOWN: usize = 3;

/// Who saw an edge, the surest first: `seen by jaeger (1234 calls), istio (80 calls, v1 → v2); guess: from manifests
/// (ORDERS_ADDR)`.
pub fn seen_by(edge: &Edge) -> String {
    let mut parts = Vec::new();
    for confidence in [
        Confidence::Observed,
        Confidence::Declared,
        Confidence::Guess,
    ] {
        let mut told: Vec<(Source, Vec<String>)> = Vec::new();
        let of_it = |sighting: &&Sighting| sighting.confidence == confidence;
        for sighting in edge.sightings.iter().filter(of_it) {
            let what = details(sighting);
            match told.iter_mut().find(|(who, _)| *who == sighting.source) {
                Some((_, all)) => all.extend(what),
                None => told.push((sighting.source, what)),
            }
        }
        let begin = match confidence {
            Confidence::Observed => "seen by",
            Confidence::Declared => "declared in",
            Confidence::Guess => "guess: from",
        };
        let told: Vec<String> = told
            .into_iter()
            .map(|(who, what)| one(who.name(), &what))
            .collect();
        if !told.is_empty() {
            parts.push(format!("{begin} {}", told.join(", ")));
        }
    }
    if edge.channel == Channel::Queue {
        parts.push("messages".to_owned());
    }
    parts.join("; ")
}

fn one(who: &str, what: &[String]) -> String {
    if what.is_empty() {
        return who.to_owned();
    }
    let mut shown: Vec<String> = what.iter().take(REASONS_SHOWN).cloned().collect();
    if what.len() > REASONS_SHOWN {
        shown.push(format!("and {} more", what.len() - REASONS_SHOWN));
    }
    format!("{who} ({})", shown.join(", "))
}

fn details(sighting: &Sighting) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(calls) = sighting.calls {
        let calls_told = count(usize::try_from(calls).unwrap_or(usize::MAX), "call");
        said.push(match sighting.errors {
            Some(errors) if errors > 0 => format!("{calls_told}, {errors} failed"),
            Some(_) | None => calls_told,
        });
    }
    if !sighting.because.is_empty() {
        said.push(sighting.because.clone());
    }
    let pairs = sighting.revisions.iter().take(PAIRS_SHOWN);
    said.extend(pairs.map(|pair| format!("{} → {}", pair.caller_revision, pair.callee_revision)));
    said
}

/// A comparison for people.
pub fn tell_comparison(comparison: &Comparison) -> String {
    let Comparison {
        undeclared,
        unseen,
        contracts,
        agreed,
        observed,
        sources: _,
    } = comparison;
    let mut text = String::new();
    // Writing into a String cannot fail.
    let mut line = |words: String| writeln!(text, "{words}").unwrap_or_default();
    if !undeclared.is_empty() {
        line(format!("Seen and not declared: {}", undeclared.len()));
        for edge in undeclared {
            line(format!(
                "  + {} → {}   {}",
                edge.caller, edge.callee, edge.words
            ));
        }
    }
    if !unseen.is_empty() {
        line(format!("Declared and never seen: {}", unseen.len()));
        for edge in unseen {
            line(format!(
                "  - {} → {}   declared at {}",
                edge.caller, edge.callee, edge.place
            ));
        }
        if !observed {
            line("    (no source that was given sees calls: this means little)".to_owned());
        }
    }
    if !contracts.is_empty() {
        line(format!("Contracts that differ: {}", contracts.len()));
        for difference in contracts {
            line(format!("  ~ {}", difference.words));
        }
    }
    line(format!(
        "{} in both, {} seen and not declared, {} declared and never seen",
        count(*agreed, "edge"),
        undeclared.len(),
        unseen.len()
    ));
    text
}
