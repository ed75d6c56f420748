//! `istio_requests_total`: who called whom in a mesh, and which versions met.
//!
//! Labels after <https://istio.io/latest/docs/reference/config/metrics/>: `reporter` (`source` or `destination`: both
//! proxies count the same request), `source_workload`, `source_canonical_service`, `source_version`,
//! `source_canonical_revision`, the same with `destination_`, `destination_service_name`, `response_code`,
//! `grpc_response_status`. What is not known is `unknown`; a canonical revision that nobody set is `latest`.

use std::collections::BTreeMap;

use super::fields::{At, Notes};
use super::prometheus::Sample;
use super::seen::{Confidence, Found, ObservedPair, SeenEdge, Sighting, Source};
use crate::spec::crd::Channel;
use crate::spec::words::count;
use crate::spec::{Code, Place, Problem};

/// Calls and errors.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: Option<u64>,
    errors: Option<u64>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls = sum(self.calls, other.calls);
        self.errors = sum(self.errors, other.errors);
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (known, None) | (None, known) => known,
    }
}

/// Who reports, and the versions of caller and callee, empty where unknown.
type Key = (String, String, String);

/// What is known of an edge, and where it first stands.
#[derive(Debug)]
struct Seen {
    place: Place,
    tallies: BTreeMap<Key, Tally>,
}

/// Everything that the samples of one answer say.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    edges: BTreeMap<(String, String), Seen>,
    nameless: usize,
}

impl Mesh {
    /// Takes one sample.
    pub(super) fn take(&mut self, sample: &Sample<'_>, place: Place) {
        let labels = &sample.labels;
        let caller = known(labels, &["source_canonical_service", "source_workload"]);
        let callee = known(
            labels,
            &[
                "destination_canonical_service",
                "destination_workload",
                "destination_service_name",
            ],
        );
        let (Some(caller), Some(callee)) = (caller, callee) else {
            self.nameless += 1;
            return;
        };
        let revision = |side: &str| {
            let version = known(labels, &[&format!("{side}_version")]);
            let canonical = || {
                known(labels, &[&format!("{side}_canonical_revision")])
                    .filter(|revision| *revision != "latest")
            };
            version.or_else(canonical).unwrap_or_default().to_owned()
        };
        let key = (
            labels.text("reporter").unwrap_or_default().to_owned(),
            revision("source"),
            revision("destination"),
        );
        let calls = sample.calls();
        let tally = Tally {
            calls,
            errors: failed(labels).then_some(calls).flatten(),
        };
        let edge = self.edges.entry((caller.to_owned(), callee.to_owned()));
        let seen = edge.or_insert_with(|| Seen {
            place,
            tallies: BTreeMap::new(),
        });
        seen.tallies.entry(key).or_default().add(tally);
    }

    /// Gives the edges, once every sample was taken.
    pub(super) fn finish(self, file: &str, found: &mut Found, notes: &mut Notes<'_>) {
        if self.nameless > 0 {
            let wrong = format!(
                "{} from or to a workload that the mesh does not know",
                count(self.nameless, "sample")
            );
            let problem = Problem::error(Code::LeftOut, "data.result", wrong)
                .warning()
                .hint("a caller without a sidecar is `unknown` to Istio; declare it by hand");
            notes.push(problem.at(crate::manifest::Spot::START.in_file(file)));
        }
        for ((caller, callee), seen) in self.edges {
            found.edges.push(SeenEdge {
                caller,
                callee,
                contract: None,
                channel: Channel::Rpc,
                sighting: sighting(file, &seen.tallies),
                place: Some(seen.place),
            });
        }
    }
}

/// Both proxies count the same calls: for each pair of revisions the count of the one which saw more.
fn sighting(file: &str, tallies: &BTreeMap<Key, Tally>) -> Sighting {
    let mut pairs: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    for ((_, caller, callee), tally) in tallies {
        let most = pairs.entry((caller, callee)).or_default();
        if tally.calls >= most.calls {
            *most = *tally;
        }
    }
    let mut total = Tally::default();
    for tally in pairs.values() {
        total.add(*tally);
    }
    let known = pairs
        .into_iter()
        .filter(|((caller, callee), _)| !caller.is_empty() && !callee.is_empty());
    Sighting {
        calls: total.calls,
        errors: total.errors,
        revisions: known
            .map(|((caller, callee), tally)| ObservedPair {
                caller_revision: caller.to_owned(),
                callee_revision: callee.to_owned(),
                calls: tally.calls,
                errors: tally.errors,
            })
            .collect(),
        ..Sighting::new(Source::Istio, file, Confidence::Observed)
    }
}

/// The first of some labels that says something.
fn known<'n>(labels: &At<'n>, keys: &[&str]) -> Option<&'n str> {
    keys.iter()
        .filter_map(|key| labels.text(key))
        .find(|text| *text != "unknown")
}

/// Whether the calls of a sample failed; a 4xx is the caller's own affair, as is a gRPC status below.
fn failed(labels: &At<'_>) -> bool {
    let http = labels.text("response_code").unwrap_or_default();
    let grpc = labels.text("grpc_response_status").unwrap_or_default();
    // 0: the connection broke before an answer came. gRPC 2, 12, 13, 14, 15: unknown, unimplemented, internal,
    // unavailable, data loss (https://grpc.io/docs/guides/status-codes/).
    http.starts_with('5') || http == "0" || ["2", "12", "13", "14", "15"].contains(&grpc)
}
