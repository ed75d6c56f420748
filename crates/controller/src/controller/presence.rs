//! Whether everything that may answer a call to a service serves a version: the question of one who is about to start.
//!
//! In: what runs of the service, read live, and what is declared of it. Out: what is missing, in words; nothing if it
//! may be called.

use std::collections::BTreeSet;

use super::found::spoken;
use tidegate_planner::graph::satisfies;
use tidegate_spec::{ContractName, Interface, ObjectRef, ServiceName, Version};
use tidegate_upgrade::gate::{LiveRevision, Snapshot, is_open, is_ready, revisions};

/// What is asked of a service.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which service.
    pub service: ServiceName,
    /// Of which of its contracts.
    pub contract: ContractName,
    /// The version, or a range of versions, that every pod must serve.
    pub version: Version,
}

/// What is missing until the question has a yes.
///
/// In: each workload of the service with what was read of it, and what the graph in the cluster declares. A pod speaks
/// what its stamp says; one without a stamp what is declared, if it is of the revision that its workload wants.
pub fn missing(
    question: &Question,
    looks: &[(ObjectRef, Snapshot)],
    declared: Option<&Interface>,
) -> Vec<String> {
    let service = &question.service;
    let mut missing = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (workload, look) in looks {
        if look.workload.is_none() {
            missing.push(format!("{workload} does not exist"));
        }
        for revision in revisions(look) {
            missing.extend(lacking(question, &revision, declared));
            known.extend(revision.pods);
        }
    }
    let strangers: BTreeSet<String> = looks
        .iter()
        .flat_map(|(_, look)| strangers(look, &known))
        .collect();
    missing.extend(strangers);
    let is_served = looks.iter().flat_map(|(_, look)| &look.pods).any(|pod| {
        is_ready(pod)
            && pod
                .metadata
                .name
                .as_ref()
                .is_some_and(|name| known.contains(name))
    });
    if !is_served {
        missing.push(format!("no pod of {service} is ready"));
    }
    missing
}

/// Why a revision does not serve what is asked for; `None` if it does.
fn lacking(
    question: &Question,
    revision: &LiveRevision,
    declared: Option<&Interface>,
) -> Option<String> {
    let who = match revision.pods.as_slice() {
        [] => format!("the next pods of {}", question.service),
        pods => format!("pods {}", pods.join(", ")),
    };
    let recorded = || declared.filter(|_| revision.is_current).cloned();
    let Some(interface) = spoken(revision, recorded) else {
        return Some(format!("{who}: nobody has declared what they serve"));
    };
    let served = interface.serves.unwrap_or_default();
    let versions = served.get(&question.contract).cloned().unwrap_or_default();
    if satisfies(&question.version, &versions) {
        return None;
    }
    let instead = if versions.is_empty() {
        "nothing".to_owned()
    } else {
        versions
            .iter()
            .map(Version::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    Some(format!(
        "{who} serve {instead} of {}, not {}",
        question.contract, question.version
    ))
}

/// Addresses behind the Services that are not known to be of the service.
fn strangers(look: &Snapshot, known: &BTreeSet<String>) -> Vec<String> {
    let mut strangers = Vec::new();
    for slice in &look.endpoint_slices {
        for endpoint in slice.endpoints.iter().flatten() {
            let is_reachable = is_open(endpoint);
            let target = endpoint
                .target_ref
                .as_ref()
                .and_then(|target| target.name.as_ref());
            match target {
                Some(pod) if known.contains(pod) => {}
                Some(pod) if is_reachable => {
                    strangers.push(format!(
                        "pod {pod} stands behind the same Service and is of nobody known"
                    ));
                }
                None if is_reachable => strangers.push(format!(
                    "{} stands behind the same Service and is no pod",
                    endpoint.addresses.join(", ")
                )),
                Some(_) | None => {}
            }
        }
    }
    strangers
}
