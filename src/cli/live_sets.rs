//! `--live FILE`: what runs, where a service has more than one live revision.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::failure::{Exit, Failure};
use crate::graph::Revision;
use crate::spec::crd::{Call, Serves, ServiceDeclaration, ServiceGraphSpec};
use crate::spec::{ServiceName, check_graph};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LiveSets {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    kind: String,
    services: Vec<LiveService>,
}

/// One live revision of a service; a service stands there once for each.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LiveService {
    name: String,
    revision: String,
    #[serde(default)]
    serves: Option<Vec<Serves>>,
    #[serde(default)]
    calls: Vec<Call>,
    /// It has no pod any more, and something durable that it wrote may be left.
    #[serde(default)]
    retained: bool,
}

/// What runs of one service, and what is gone and has left something.
#[derive(Default)]
pub(super) struct LiveSet {
    /// The revisions that have a pod.
    pub live: Vec<Revision>,
    /// Those that have none and of which something durable may be left.
    pub retained: Vec<Revision>,
}

/// Reads live sets.
///
/// Out: the revisions by service. Errors: the file cannot be read, or its form is another.
pub(super) fn read_live_sets(path: &Path) -> Result<BTreeMap<ServiceName, LiveSet>, Failure> {
    let wrong =
        |message: String| Failure::new(Exit::Usage, format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let sets: LiveSets = serde_saphyr::from_str(&text).map_err(|error| {
        wrong(error.to_string()).hint(
            "its form is `{apiVersion: tidegate.dev/v1alpha1, kind: LiveSets, services: [{name, revision, serves, calls, retained}]}`",
        )
    })?;
    if sets.kind != "LiveSets" {
        return Err(wrong(format!(
            "`kind` is `{}`, expected `LiveSets`",
            sets.kind
        )));
    }
    let mut live: BTreeMap<ServiceName, LiveSet> = BTreeMap::new();
    for service in &sets.services {
        let name = ServiceName::parse(&service.name)
            .map_err(|error| wrong(format!("`{}` {error}", service.name)))?;
        let interface = interface(service, &sets).map_err(wrong)?;
        let revision = Revision::declared(service.revision.clone(), interface);
        let set = live.entry(name).or_default();
        if service.retained {
            set.retained.push(revision);
        } else {
            set.live.push(revision);
        }
    }
    Ok(live)
}

/// Checks one revision as a graph of its own, in which every service that it calls exists.
fn interface(service: &LiveService, sets: &LiveSets) -> Result<crate::spec::Interface, String> {
    let own = ServiceDeclaration {
        name: service.name.clone(),
        serves: service.serves.clone(),
        calls: service.calls.clone(),
        ..ServiceDeclaration::default()
    };
    let called = service.calls.iter().map(|call| call.service.clone());
    let others: std::collections::BTreeSet<String> = called
        .chain(sets.services.iter().map(|s| s.name.clone()))
        .filter(|n| *n != service.name)
        .collect();
    let mut services = vec![own];
    services.extend(others.into_iter().map(|name| ServiceDeclaration {
        name,
        ..ServiceDeclaration::default()
    }));
    let spec = ServiceGraphSpec {
        services,
        ..ServiceGraphSpec::default()
    };
    let (mut graph, problems) = check_graph("live", &spec);
    if !problems.is_empty() {
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(format!(
            "revision `{}` of `{}`: {}",
            service.revision,
            service.name,
            words.join("; ")
        ));
    }
    let name = ServiceName::parse(&service.name).map_err(|error| error.to_string())?;
    Ok(graph
        .services
        .remove(&name)
        .map(|service| service.interface)
        .unwrap_or_default())
}
