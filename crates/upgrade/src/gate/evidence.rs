//! Evidence that cannot be read, or that contradicts what a status counts: nothing that it concerns is complete.
//!
//! In: what is there and is not as its kind is, and whose the pods are. Out: why the state of a workload is unknown, or
//! how many of its pods are there.

use k8s_openapi::api::core::v1::Pod;

use super::assessment::Note;
use super::deployment;
use super::drain::Scene;
use super::endpoints::{Fronts, SERVICE_NAME};
use super::lineage::{Lineage, Standing};
use super::reason::Reason;
use super::snapshot::{self, Read, Unreadable};
use super::verdict::{Drain, Verdict};
use super::workload::Workload;
use super::{Judgement, Look};

/// Takes back what the table of a kind and the pods say where the evidence does not bear it.
pub(super) fn doubt(
    scene: &Scene<'_, '_>,
    wanted: u32,
    judgement: &mut Judgement,
    drain: &mut Drain,
) {
    let (look, lineage) = (scene.look, scene.lineage);
    let unknown = unknown(look, lineage, scene.fronts, (0, wanted));
    if let (Drain::Drained, Some(Verdict::Progressing { detail, .. })) = (&*drain, &unknown) {
        *drain = Drain::Unprovable(Reason::UnknownStatus, detail.clone());
    }
    if judgement.verdict == Verdict::Complete {
        let doubted = unknown.or_else(|| lacking(look, lineage, wanted));
        judgement.verdict = doubted.unwrap_or(Verdict::Complete);
        let is_unseen = shows_no_pods(look, lineage, wanted);
        let note = is_unseen.then_some(Note::PodsNotShown);
        judgement.notes.extend(note);
    }
}

/// What is said of a workload whose evidence cannot be read.
pub(super) fn unknown(
    look: &Look<'_>,
    lineage: &Lineage<'_>,
    fronts: &Fronts<'_>,
    (done, total): (u32, u32),
) -> Option<Verdict> {
    let mut unreadable = look.snapshot.unreadable.iter();
    let first = unreadable.find(|object| concerns(object, lineage, fronts))?;
    let words = format!("{}: {}", first.object, first.fault);
    Some(Verdict::progressing(Reason::UnknownStatus, done, total).with(words))
}

/// Whether it may be about the workload; where it does not say whose it is, it may.
fn concerns(object: &Unreadable, lineage: &Lineage<'_>, fronts: &Fronts<'_>) -> bool {
    match object.object.kind.as_str() {
        "Pod" => lineage.may_own(&object.metadata),
        "EndpointSlice" => snapshot::label(&object.metadata, SERVICE_NAME)
            .is_none_or(|service| fronts.names.contains(service)),
        "Service" => true,
        _ => snapshot::controller(&object.metadata).is_none_or(|owner| lineage.is_own(&owner.uid)),
    }
}

/// New pods as they are listed, where the counters say that enough of them are available: the list is read last. Files
/// may leave pods out, so only those count that are shown and not ready. Kinds whose own table asks this (S11, DS9) are
/// left out.
fn lacking(look: &Look<'_>, lineage: &Lineage<'_>, wanted: u32) -> Option<Verdict> {
    let enough = enough(look, wanted)?;
    let mut new = lineage.current_pods(&look.snapshot.pods);
    new.retain(|pod| snapshot::is_live(pod) && !snapshot::is_terminating(pod));
    let all = snapshot::length(new.len());
    let ready = snapshot::length(new.iter().filter(|pod| snapshot::is_ready(pod)).count());
    let unready = snapshot::length(new.iter().filter(|pod| is_unready(pod)).count());
    let there = match look.snapshot.read {
        Read::File => wanted.max(all) - unready,
        Read::Live | Read::Cached => ready,
    };
    (there < enough).then(|| Verdict::progressing(Reason::Pods, there, wanted))
}

/// Whether a pod says that it is not ready.
fn is_unready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter());
    conditions
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status != "True")
}

/// Whether files show none of the pods that a workload counts: whoever wrote them may have left out all.
fn shows_no_pods(look: &Look<'_>, lineage: &Lineage<'_>, wanted: u32) -> bool {
    let is_own = |pod: &Pod| match lineage.standing(pod) {
        Standing::Current | Standing::Old => true,
        Standing::Foreign(_) | Standing::Orphan => false,
    };
    look.snapshot.read == Read::File
        && enough(look, wanted).is_some_and(|enough| enough > 0)
        && !look.snapshot.pods.iter().any(is_own)
}

/// How many new pods must be ready; `None` where nobody asks this of the kind here.
fn enough(look: &Look<'_>, wanted: u32) -> Option<u32> {
    match look.snapshot.workload.as_ref()? {
        Workload::Deployment(live) => Some(deployment::enough(look, live, wanted)),
        Workload::ArgoRollout(_) => Some(wanted),
        // Of a ReplicaSet old pods count as well: it never replaces them.
        Workload::ReplicaSet(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => None,
    }
}
