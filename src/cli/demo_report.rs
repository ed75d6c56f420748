//! What happened in a release, in a few lines: waves, critical path, longest wait, early starts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::cluster::Listener;
use crate::spec::crd::{Release, ServiceStatus, WaveStatus};
use crate::spec::duration::describe;
use crate::upgrade::Event;

/// What the external check of the API server's history found.
#[derive(Debug, Clone)]
pub(super) struct EarlyStarts {
    /// Each client pod that lived beside an old server pod, in words.
    pub found: Vec<String>,
    /// How many pods the history knows.
    pub pods: usize,
    /// How many precedences were checked.
    pub precedences: usize,
}

/// Why each service waited, and since when, as it was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Chronicle(Arc<Mutex<BTreeMap<String, Vec<Told>>>>);

/// What was told of a service's wait, and when.
type Told = (Timestamp, String);

impl Listener for Chronicle {
    fn hear(&self, _release: &Release, events: &[Event]) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            if let Event::Waits {
                service,
                reason: _,
                message,
            } = event
            {
                let entry = (Timestamp::now(), message.clone());
                waits.entry(service.to_string()).or_default().push(entry);
            }
        }
    }
}

impl Chronicle {
    /// The reason that held a service longest, until the given time.
    fn longest(&self, service: &str, until: Timestamp) -> Option<(SignedDuration, String)> {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = waits.get(service)?;
        let ends = told.iter().skip(1).map(|(at, _)| *at).chain([until]);
        let spans = told
            .iter()
            .zip(ends)
            .map(|((from, words), to)| (to.duration_since(*from), words.clone()));
        spans.max_by_key(|(span, _)| *span)
    }
}

/// Who had to be done before whom.
#[cfg(feature = "devcluster")]
pub(super) fn precedences(release: &Release) -> Vec<(String, String)> {
    services(release)
        .flat_map(|service| {
            service
                .after
                .iter()
                .map(|first| (first.clone(), service.name.clone()))
        })
        .collect()
}

fn services(release: &Release) -> impl Iterator<Item = &ServiceStatus> {
    release
        .status
        .iter()
        .flat_map(|status| &status.waves)
        .flat_map(|wave| &wave.services)
}

fn took(service: &ServiceStatus) -> SignedDuration {
    span(service.start_time.as_ref(), service.end_time.as_ref())
}

/// The chain of services that takes longest, each as long as it took, with the sum.
pub(super) fn critical_path(release: &Release) -> (Vec<(String, SignedDuration)>, SignedDuration) {
    let mut longest: BTreeMap<&str, (SignedDuration, Option<&str>)> = BTreeMap::new();
    // Waves come in order, so whatever comes before was reckoned already.
    for service in services(release) {
        let before = service
            .after
            .iter()
            .filter_map(|first| Some((longest.get(first.as_str())?.0, first.as_str())))
            .max();
        let sum = before.map_or(SignedDuration::ZERO, |(sum, _)| sum) + took(service);
        longest.insert(&service.name, (sum, before.map(|(_, first)| first)));
    }
    let last = longest
        .iter()
        .max_by_key(|(_, (sum, _))| *sum)
        .map(|(name, (sum, _))| (*name, *sum));
    let Some((last, sum)) = last else {
        return (Vec::new(), SignedDuration::ZERO);
    };
    let mut chain = Vec::new();
    let mut next = Some(last);
    while let Some(name) = next {
        let time = services(release)
            .find(|service| service.name == name)
            .map(took)
            .unwrap_or_default();
        chain.push((name.to_owned(), time));
        next = longest.get(name).and_then(|(_, before)| *before);
    }
    chain.reverse();
    (chain, sum)
}

/// The report.
pub(super) fn report(
    release: &Release,
    chronicle: &Chronicle,
    early: Option<&EarlyStarts>,
) -> String {
    let mut lines = vec![headline(release)];
    lines.extend(
        release
            .status
            .iter()
            .flat_map(|status| &status.waves)
            .map(wave_line),
    );
    lines.push(path_line(release));
    lines.extend(longest_line(release, chronicle));
    match early {
        None => lines.push(
            "  early starts    not counted, since this cluster's audit log cannot be read"
                .to_owned(),
        ),
        Some(early) => {
            lines.push(format!(
                "  early starts: {}   (from the API server's audit log: {} pods, {} precedences)",
                early.found.len(),
                early.pods,
                early.precedences
            ));
            lines.extend(early.found.iter().map(|found| format!("    {found}")));
        }
    }
    lines.join("\n")
}

fn headline(release: &Release) -> String {
    let status = release.status.clone().unwrap_or_default();
    let took = span(status.start_time.as_ref(), status.completion_time.as_ref());
    let outcome = status.outcome.unwrap_or_default();
    format!(
        "{}: {outcome} after {}, {}",
        release.name_any(),
        describe(took),
        status.summary
    )
}

fn span(from: Option<&Time>, to: Option<&Time>) -> SignedDuration {
    from.zip(to)
        .map(|(from, to)| to.0.duration_since(from.0))
        .unwrap_or_default()
}

fn wave_line(wave: &WaveStatus) -> String {
    let time = describe(span(wave.start_time.as_ref(), wave.end_time.as_ref()));
    let names: Vec<&str> = wave
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    format!("  wave {}   {time:>6}   {}", wave.index, names.join(", "))
}

fn path_line(release: &Release) -> String {
    let (chain, sum) = critical_path(release);
    let words: Vec<String> = chain
        .iter()
        .map(|(name, time)| format!("{name} {}", describe(*time)))
        .collect();
    format!(
        "  critical path   {} = {}",
        words.join(" → "),
        describe(sum)
    )
}

fn longest_line(release: &Release, chronicle: &Chronicle) -> Option<String> {
    let longest = services(release).max_by_key(|service| took(service))?;
    let until = longest
        .end_time
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let why = chronicle.longest(&longest.name, until);
    let why = why.map(|(span, words)| format!("; {} of it: {words}", describe(span)));
    Some(format!(
        "  longest wait    {} {}{}",
        longest.name,
        describe(took(longest)),
        why.unwrap_or_default()
    ))
}
