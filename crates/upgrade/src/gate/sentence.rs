//! The one wording of an assessment: condition, CLI and page say the same.
//!
//! In: an assessment. Out: one sentence that names the workload, the pods, what is missing and, where
//! somebody has to act, what would unblock it.

use jiff::Timestamp;

use super::assessment::{Assessment, Note};
use super::reason::Reason;
use super::signs::cut_to;
use super::verdict::{Blockers, Drain, Leaving, OldEndpoint, OldPod, Owner, Serving, Verdict};

/// More names than these make a sentence worse.
const NAMES_MAX: usize = 3;
/// Longer than this nobody reads on, and a status is capped.
const LENGTH_MAX: usize = 2_000;

impl Assessment {
    /// What keeps the gate shut, in one sentence.
    pub fn sentence(&self) -> String {
        let sentence = format!(
            "{} {}: {}",
            self.workload.kind,
            self.workload.name,
            self.matter()
        );
        // What is quoted may have lines of its own, which would read as another verdict, and no end.
        cut_to(&sentence.replace(['\n', '\r'], " "), LENGTH_MAX)
    }

    /// The sentence without the workload's name.
    pub(super) fn matter(&self) -> String {
        match &self.rollout {
            Verdict::Failed {
                reason,
                class: _,
                detail,
                objects: _,
            } if detail.is_empty() => reason.label().to_owned(),
            Verdict::Failed {
                reason: _,
                class: _,
                detail,
                objects: _,
            } => detail.clone(),
            Verdict::Progressing {
                reason,
                done,
                total,
                detail,
            }
            | Verdict::Paused {
                reason,
                done,
                total,
                detail,
            } => counted(*reason, *done, *total, detail),
            Verdict::Complete => match (&self.drain, &self.serving) {
                (Drain::Draining(blockers), _) => old(blockers),
                (Drain::Stuck(blockers, why), _) => format!("{}; {}", old(blockers), why.text()),
                (Drain::Unprovable(why, detail), _) => format!("{detail}: {}", why.text()),
                (Drain::Drained | Drain::NotNeeded, serving) => serving_text(self, serving),
            },
        }
    }
}

fn plural(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}

fn names<T>(items: &[T], name: impl Fn(&T) -> String) -> String {
    let mut names: Vec<_> = items.iter().take(NAMES_MAX).map(name).collect();
    if items.len() > NAMES_MAX {
        names.push(format!("and {} more", items.len() - NAMES_MAX));
    }
    names.join(", ")
}

/// A rollout that moves, or that somebody holds.
fn counted(reason: Reason, done: u32, total: u32, detail: &str) -> String {
    let text = reason
        .text()
        .replace("{done}", &done.to_string())
        .replace("{total}", &total.to_string());
    match (text.as_str(), detail) {
        ("", detail) => detail.to_owned(),
        (_, "") => text,
        (_, detail) => format!("{text}: {detail}"),
    }
}

/// Old pods and endpoints that are on their way out, or are not.
fn old(blockers: &Blockers) -> String {
    let Blockers { pods, endpoints } = blockers;
    if pods.is_empty() {
        return format!(
            "{} may still take calls: {}",
            plural(endpoints.len(), "old endpoint"),
            names(endpoints, endpoint)
        );
    }
    let owns = |pod: &&OldPod| pod.owner == Owner::Old;
    let (own, others): (Vec<_>, Vec<_>) = pods.iter().partition(owns);
    let mut parts = Vec::new();
    if !own.is_empty() {
        let count = plural(own.len(), "old pod");
        parts.push(format!(
            "{count} still alive: {}",
            names(&own, |old| pod(old))
        ));
    }
    if !others.is_empty() {
        let count = plural(others.len(), "pod");
        parts.push(format!(
            "{count} of something else behind its Service: {}; remove it, or make it a workload of this service",
            names(&others, |old| pod(old))
        ));
    }
    parts.join("; ")
}

fn pod(old: &OldPod) -> String {
    let whose = match &old.owner {
        Owner::Old => String::new(),
        Owner::Foreign(owner) => format!("of {} {}, ", owner.kind, owner.name),
        Owner::Orphan => "of no owner, ".to_owned(),
    };
    let state = match (&old.leaving, &old.lost_node) {
        (Leaving::No { phase }, _) => phase.clone(),
        (
            Leaving::By {
                gone_by,
                finalizers,
            },
            None,
        ) if finalizers.is_empty() => {
            format!("Terminating, gone by {}", clock(*gone_by))
        }
        (
            Leaving::By {
                gone_by: _,
                finalizers,
            },
            None,
        ) => {
            format!("Terminating, held by {}", finalizers.join(", "))
        }
        (
            Leaving::By {
                gone_by: _,
                finalizers: _,
            },
            Some(node),
        ) => {
            format!("Terminating, node {node} does not answer")
        }
        (Leaving::Kept { until: Some(until) }, _) => {
            format!("kept by its scale-down delay until {until}")
        }
        (Leaving::Kept { until: None }, _) => "kept by its scale-down delay".to_owned(),
        (
            Leaving::Vanished {
                dead_by: Some(dead_by),
            },
            _,
        ) => {
            format!("deleted by force, dead by {}", clock(*dead_by))
        }
        (Leaving::Vanished { dead_by: None }, node) => {
            let node = node.as_deref().unwrap_or("unknown");
            format!("gone from the API, node {node} does not answer")
        }
    };
    let kind = match old.pod.kind.as_str() {
        "Pod" => String::new(),
        other => format!("{other} "),
    };
    format!("{kind}{} ({whose}{state})", old.pod.name)
}

fn endpoint(old: &OldEndpoint) -> String {
    let OldEndpoint {
        service,
        address,
        pod,
        why,
    } = old;
    let what = match (pod, *why == Reason::StaleEndpoint) {
        (Some(pod), true) => format!("pod {pod}, gone"),
        (Some(pod), false) => format!("pod {pod}"),
        (None, _) => "no pod".to_owned(),
    };
    format!("{address} of Service {service} ({what})")
}

/// What is left of the old pods where they keep no gate shut.
fn old_text(assessment: &Assessment) -> String {
    let alive = plural(
        usize::try_from(assessment.old_alive).unwrap_or(usize::MAX),
        "old pod",
    );
    match (&assessment.drain, assessment.old_alive) {
        (Drain::NotNeeded, _) => "old pods are not asked for".to_owned(),
        (_, 0) => "no old pod left".to_owned(),
        (_, _) => format!("no old endpoint left, {alive} still alive"),
    }
}

fn serving_text(assessment: &Assessment, serving: &Serving) -> String {
    match serving {
        Serving::Waiting {
            reason,
            service,
            ready,
            want,
        } => {
            let zero = "scaled to zero, so nothing serves; scale it up";
            if *reason == Reason::ZeroReplicas {
                zero.to_owned()
            } else {
                format!("{ready} of {want} new endpoints ready behind Service {service}")
            }
        }
        Serving::NotNeeded | Serving::Serving
            if assessment.drain == Drain::NotNeeded && assessment.new_wanted == 0 =>
        {
            "complete".to_owned()
        }
        Serving::NotNeeded | Serving::Serving if assessment.notes.contains(&Note::PodsNotShown) => {
            "complete as it counts; its pods are not shown, so no old one would be seen".to_owned()
        }
        Serving::NotNeeded | Serving::Serving => format!(
            "complete, {} of {} new pods, {}",
            assessment.new_ready,
            assessment.new_wanted,
            old_text(assessment)
        ),
    }
}
