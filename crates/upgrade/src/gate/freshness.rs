//! Whether a snapshot can be believed: is this the object that we applied, and has its controller seen it?
//!
//! In: what was applied, and a snapshot. Out: the object to judge, or the verdict that ends the look.
//! The ladder F1 to F9 of completion.md §2; the first rung that gives way decides.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Look;
use super::job;
use super::plain;
use super::reason::Reason;
use super::snapshot::{self, Read};
use super::verdict::{Class, Verdict};
use super::workload::{Observed, Workload};

/// The object to judge, or what is to be said without judging it.
pub(super) enum Freshness<'a> {
    Fresh(&'a Workload),
    Settled(Verdict),
}

pub(super) fn check<'a>(look: &Look<'a>) -> Freshness<'a> {
    match look.snapshot.workload.as_ref() {
        None => Freshness::Settled(absent(look)),
        Some(live) => match stale(look, live) {
            Some(verdict) => Freshness::Settled(verdict),
            None => Freshness::Fresh(live),
        },
    }
}

/// F1, F2.
fn absent(look: &Look<'_>) -> Verdict {
    let gone = look.memory.is_seen || look.snapshot.read != Read::Cached;
    let ends = Workload::ends(&look.applied.workload);
    if !gone {
        return Verdict::progressing(Reason::NotVisibleYet, 0, 0);
    }
    match (ends, look.memory.is_latched) {
        // Its time to live was over after it was seen to succeed.
        (true, true) => Verdict::Complete,
        (true, false) => Verdict::failed(
            Reason::OutcomeUnknown,
            Class::Retryable,
            format!(
                "the {} is gone, and nobody saw how it ended",
                look.applied.workload.kind
            ),
        ),
        (false, true | false) => Verdict::failed(
            Reason::DeletedDuringWait,
            Class::Terminal,
            "it was deleted after the apply",
        ),
    }
}

/// F3 to F8.
fn stale(look: &Look<'_>, live: &Workload) -> Option<Verdict> {
    let applied = look.applied;
    let metadata = live.metadata();
    let generation = snapshot::generation(metadata);
    if snapshot::uid(metadata) != applied.uid {
        return Some(another(look, metadata));
    }
    if metadata.deletion_timestamp.is_some() && !is_collected(live) {
        let is_namespace = look.applied.workload.kind == "Namespace";
        return Some(if is_namespace {
            plain::terminating()
        } else {
            deleted(metadata)
        });
    }
    let is_before = look.baseline.uid == metadata.uid && generation < look.baseline.generation;
    if generation < applied.generation || is_before || is_older(look, metadata) {
        return Some(Verdict::progressing(Reason::StaleRead, 0, 0));
    }
    if generation > applied.generation && live.digest() != applied.template_digest {
        return Some(Verdict::failed(
            Reason::Superseded,
            Class::Terminal,
            format!(
                "the {} was changed after our apply{}",
                if live.has_pods() {
                    "pod template"
                } else {
                    "object"
                },
                by_whom(metadata, written_at(live))
            ),
        ));
    }
    if live.makes_pods() && live.digest() != applied.template_digest {
        let words = "its pod template is not what was applied, though its generation is";
        return Some(Verdict::progressing(Reason::UnknownStatus, 0, 0).with(words));
    }
    match live.observed() {
        Observed::Yes => None,
        Observed::NotYet => Some(Verdict::progressing(Reason::NotObserved, 0, 0)),
        Observed::Unsupported(seen) => Some(Verdict::failed(
            Reason::UnsupportedController,
            Class::Retryable,
            format!(
                "its controller says that it has seen generation `{seen}`: it is too old, or not its controller"
            ),
        )),
    }
}

/// Whether a Job that has succeeded is taken away since its time to live is over: nobody undoes it.
fn is_collected(live: &Workload) -> bool {
    match live {
        Workload::Job(job) => {
            let ttl = job
                .spec
                .as_ref()
                .and_then(|spec| spec.ttl_seconds_after_finished);
            ttl.is_some() && job::has_succeeded(job)
        }
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => false,
    }
}

fn another(look: &Look<'_>, metadata: &ObjectMeta) -> Verdict {
    let was_there_before = look.baseline.uid.as_deref() == Some(snapshot::uid(metadata));
    if was_there_before && look.snapshot.read == Read::Cached {
        return Verdict::progressing(Reason::StaleRead, 0, 0);
    }
    Verdict::failed(
        Reason::ReplacedDuringWait,
        Class::Terminal,
        "it was deleted and created again by someone",
    )
}

fn deleted(metadata: &ObjectMeta) -> Verdict {
    let finalizers = metadata
        .finalizers
        .as_deref()
        .unwrap_or_default()
        .join(", ");
    let held = if finalizers.is_empty() {
        String::new()
    } else {
        format!(", held by {finalizers}")
    };
    Verdict::failed(
        Reason::DeletionInProgress,
        Class::Terminal,
        format!("it is being deleted{held}"),
    )
}

/// Whether our cache, or a file, is behind our own apply. Resource versions count up on every API server that
/// this can meet; where they are no numbers, generation and uid must do.
fn is_older(look: &Look<'_>, metadata: &ObjectMeta) -> bool {
    let number = |version: &str| version.parse::<u64>().ok();
    let seen = metadata.resource_version.as_deref().and_then(number);
    look.snapshot.read != Read::Live
        && matches!((seen, number(&look.applied.resource_version)), (Some(seen), Some(ours)) if seen < ours)
}

/// Where in its managed fields somebody's change of it shows.
fn written_at(live: &Workload) -> &'static str {
    match live {
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::ArgoRollout(_) => "/f:spec/f:template",
        Workload::CronJob(_) => "/f:spec/f:jobTemplate",
        Workload::Pod(_) | Workload::FlaggerCanary(_) | Workload::Plain(_) => "/f:spec",
    }
}

/// Who wrote the pod template last, as far as the object says.
fn by_whom(metadata: &ObjectMeta, path: &str) -> String {
    let entries = metadata.managed_fields.iter().flatten().filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        entry.subresource.is_none() && fields.is_some_and(|fields| fields.0.pointer(path).is_some())
    });
    let last = entries.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    last.map_or_else(String::new, |entry| {
        let manager = entry.manager.as_deref().unwrap_or("an unknown manager");
        let when = entry.time.as_ref().map(|time| format!(" at {}", time.0));
        format!(" by `{manager}`{}", when.unwrap_or_default())
    })
}
