//! The certificates of a plan as they are kept in a file, and what may be wrong with them.
//!
//! In: a system and its plan. Out: for each pair of revisions that an order keeps apart, the chain of steps that does;
//! and from such chains, everything in them that the system or the plan does not bear out.

use serde::{Deserialize, Serialize};

use super::document::{Plan, Step};
use super::proof::{Paths, prove};
use super::words::ABSENT;
use crate::by_name::ByName;
use crate::graph::{Revision, System, derive};
use tidegate_spec::{Edge, ServiceName};

/// Why one pair of revisions is never live together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedCertificate {
    /// On which edge.
    pub edge: Edge,
    /// The caller's revision.
    pub caller_revision: String,
    /// The callee's revision, `absent` where nothing runs.
    pub callee_revision: String,
    /// Steps, each of which waits for the one before: the first is done, all of it, before the last starts.
    pub chain: Vec<String>,
}

/// The certificates of a plan.
pub(super) fn certificates(system: &System, plan: &Plan) -> Vec<SavedCertificate> {
    let mut paths = Paths::new(plan);
    let certificates = prove(&derive(system), plan).into_iter().map(|proved| {
        let chain = paths.path(proved.first, proved.then);
        SavedCertificate {
            edge: proved.link.edge(),
            caller_revision: proved.caller_revision.to_owned(),
            callee_revision: proved.callee_revision.to_owned(),
            chain: chain.unwrap_or_default(),
        }
    });
    certificates.collect()
}

/// Each step with its wave.
type Steps<'p> = ByName<&'p str, (&'p Step, Option<usize>)>;

/// What is wrong with certificates, as sentences.
pub(super) fn certificate_faults(
    certificates: &[SavedCertificate],
    system: &System,
    plan: &Plan,
) -> Vec<String> {
    let waves = plan.waves.iter().enumerate();
    let waves = waves.flat_map(|(wave, ids)| ids.iter().map(move |id| (id.as_str(), wave)));
    let wave_of: ByName<&str, usize> = waves.collect();
    let wave = |step: &Step| wave_of.get(step.id.as_str()).copied();
    let steps = plan.steps.iter();
    let steps: Steps<'_> = steps
        .map(|step| (step.id.as_str(), (step, wave(step))))
        .collect();
    let faults = certificates
        .iter()
        .filter_map(|one| fault_of(one, system, &steps));
    faults.collect()
}

/// What is wrong with a certificate.
fn fault_of(certificate: &SavedCertificate, system: &System, steps: &Steps<'_>) -> Option<String> {
    let SavedCertificate {
        edge,
        caller_revision,
        callee_revision,
        chain,
    } = certificate;
    let told = format!(
        "the certificate for {}@{caller_revision} and {}@{callee_revision}",
        edge.caller, edge.callee
    );
    let known = has_revision(system, &edge.caller, caller_revision)
        && (callee_revision == ABSENT || has_revision(system, &edge.callee, callee_revision));
    if !known {
        return Some(format!(
            "{told} speaks of a revision that the system does not have"
        ));
    }
    let ends = (chain.first(), chain.last());
    let names = (Some(&edge.caller), Some(&edge.callee));
    let of_step = |id: &String| steps.get(id.as_str()).map(|(step, _)| &step.service);
    let ends = (ends.0.and_then(of_step), ends.1.and_then(of_step));
    if chain.len() < 2 || (ends != names && (ends.1, ends.0) != names) {
        return Some(format!(
            "{told} does not lead from one of the two to the other"
        ));
    }
    chain.windows(2).find_map(|pair| {
        let [first, then] = pair else { return None };
        let (before, after) = (steps.get(first.as_str()), steps.get(then.as_str()));
        let waits = after.is_some_and(|(step, _)| step.after.contains(first));
        let later = before.map(|(_, wave)| wave) < after.map(|(_, wave)| wave);
        (!waits || !later)
            .then(|| format!("{told} says that `{then}` waits for `{first}`, and it does not"))
    })
}

fn has_revision(system: &System, name: &ServiceName, revision: &str) -> bool {
    let named = |known: &Revision| known.name == revision;
    let service = system.services.get(name).is_some_and(|member| {
        let live = member.live.iter().chain(&member.target);
        live.chain(&member.retained).any(named)
    });
    let outside = system
        .external
        .get(name)
        .is_some_and(|outside| outside.live.iter().chain(&outside.coming).any(named));
    service || outside
}
