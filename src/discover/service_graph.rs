//! `traces_service_graph_request_total{client, server, connection_type}` of the OpenTelemetry Collector's servicegraph
//! connector and of Tempo.
//!
//! `connection_type` is empty, `messaging_system`, `database` or `virtual_node`; the last is a side that sends no spans
//! (open-telemetry/opentelemetry-collector-contrib: connector/servicegraphconnector/internal/store/edge.go;
//! grafana/tempo: modules/generator/processor/servicegraphs/store/edge.go).

use super::fields::Notes;
use super::prometheus::Sample;
use super::seen::{Confidence, Found, Role, SeenEdge, SeenService, Sighting, Source};
use crate::manifest::shorten;
use crate::spec::crd::Channel;
use crate::spec::{Code, Problem};

/// How the two sides are connected.
enum Connection {
    Call,
    Messaging,
    Database,
    Virtual,
}

/// Takes one sample.
pub(super) fn take(sample: &Sample<'_>, file: &str, found: &mut Found, notes: &mut Notes<'_>) {
    let caller = notes.text(&sample.labels, "client");
    let callee = notes.text(&sample.labels, "server");
    let (Some(caller), Some(callee)) = (caller, callee) else {
        return;
    };
    let connection = match sample.labels.text("connection_type") {
        None => Connection::Call,
        Some("messaging_system") => Connection::Messaging,
        Some("database") => Connection::Database,
        Some("virtual_node") => Connection::Virtual,
        Some(other) => {
            let wrong = format!(
                "`connection_type` is `{}`, which tidegate does not know; taken as a call",
                shorten(other)
            );
            let problem = Problem::error(Code::InvalidValue, sample.labels.path.clone(), wrong);
            notes.push(problem.warning().at(notes.place(&sample.labels)));
            Connection::Call
        }
    };
    let channel = match connection {
        Connection::Messaging => Channel::Queue,
        Connection::Call | Connection::Database | Connection::Virtual => Channel::Rpc,
    };
    let because = match connection {
        Connection::Call | Connection::Messaging => "",
        Connection::Database => "a database",
        Connection::Virtual => "one side sends no spans",
    };
    if matches!(connection, Connection::Virtual) && is_outside(sample, caller) {
        found.services.push(SeenService {
            name: caller.to_owned(),
            role: Role::Outside,
            source: Source::ServiceGraph,
            workload: None,
            note: String::new(),
            place: Some(notes.place(&sample.labels)),
        });
    }
    found.edges.push(SeenEdge {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        contract: None,
        channel,
        sighting: Sighting {
            calls: sample.calls(),
            because: because.to_owned(),
            ..Sighting::new(Source::ServiceGraph, file, Confidence::Observed)
        },
        place: Some(notes.place(&sample.labels)),
    });
}

/// Whether it is the caller that sends no spans. An extra label says so, which is off by default; without it such a
/// caller is named `user` (grafana/tempo: modules/generator/processor/servicegraphs/servicegraphs.go).
fn is_outside(sample: &Sample<'_>, caller: &str) -> bool {
    match sample.labels.text("virtual_node") {
        Some(side) => side == "client",
        None => caller == "user",
    }
}
