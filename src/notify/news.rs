//! Which events are news to people outside, and their words. Pure.

use kube::ResourceExt;

use crate::source::SourceEvent;
use crate::spec::crd::{Occasion, Release, ReleasePlan};
use crate::upgrade::Event;
use crate::upgrade::why::AWAITING;

/// Something to be told of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What kind of news.
    pub occasion: Occasion,
    /// The release's uid, or the plan's.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// The release's name; empty where it is about the plan's source.
    pub release: String,
    /// Its plan.
    pub plan: String,
    /// What is released.
    pub revision: String,
    /// The step, or the commit, that it is about; empty where it is about the release.
    pub step: String,
    /// A sentence.
    pub message: String,
}

impl News {
    /// What an event of a release is to people outside; `None` where it is nothing to them.
    pub fn of(release: &Release, event: &Event) -> Option<Self> {
        let (occasion, step) = match event {
            Event::Planned { .. } => (Occasion::Started, None),
            Event::Waits {
                service, reason, ..
            } if reason == AWAITING => (Occasion::NeedsApproval, Some(service.to_string())),
            Event::Ended { outcome, .. } => (occasion(release, outcome), None),
            Event::PlannedAnew { .. }
            | Event::Refused { .. }
            | Event::WaveStarted { .. }
            | Event::WaveDone { .. }
            | Event::ServiceStarted { .. }
            | Event::Waits { .. }
            | Event::ServiceDone { .. }
            | Event::ServiceFailed { .. }
            | Event::Regressed { .. }
            | Event::InvariantBroken { .. }
            | Event::Recovered { .. }
            | Event::Approved { .. }
            | Event::Forced { .. }
            | Event::Retried { .. }
            | Event::BuildSkipped { .. }
            | Event::BuildStarted { .. }
            | Event::Built { .. }
            | Event::BuildFailed { .. }
            | Event::BuildCancelled { .. }
            | Event::Paused
            | Event::Resumed
            | Event::Superseded { .. }
            | Event::Frozen { .. }
            | Event::Thawed { .. }
            | Event::NotRemoved { .. }
            | Event::NotPublished { .. }
            | Event::WriteRepeated { .. }
            | Event::Unreachable { .. }
            | Event::Reachable => return None,
        };
        Some(Self {
            occasion,
            uid: release.uid().unwrap_or_default(),
            namespace: release.namespace().unwrap_or_default(),
            release: release.name_any(),
            plan: release.spec.plan.clone(),
            revision: release.spec.revision.clone(),
            step: step.unwrap_or_default(),
            message: event.sentence(),
        })
    }

    /// What an event at a plan's source is to people outside; `None` where it is nothing to them.
    pub fn of_source(plan: &ReleasePlan, event: &SourceEvent) -> Option<Self> {
        match event {
            SourceEvent::WebhookLost { commit } => Some(Self {
                occasion: Occasion::WebhookLost,
                uid: plan.uid().unwrap_or_default(),
                namespace: plan.namespace().unwrap_or_default(),
                release: String::new(),
                plan: plan.name_any(),
                revision: commit.clone(),
                step: commit.clone(),
                message: event.message(),
            }),
            SourceEvent::Found { .. }
            | SourceEvent::Failed { .. }
            | SourceEvent::Invalid { .. }
            | SourceEvent::Released { .. }
            | SourceEvent::Waits { .. } => None,
        }
    }

    /// What it is about: the release, or the plan.
    pub fn subject(&self) -> &str {
        if self.release.is_empty() {
            &self.plan
        } else {
            &self.release
        }
    }

    /// The same for the same news, also from another process: receivers may drop what they know.
    pub fn id(&self) -> String {
        if self.step.is_empty() {
            format!("{}/{}", self.uid, self.word())
        } else {
            format!("{}/{}/{}", self.uid, self.word(), self.step)
        }
    }

    /// The occasion as `spec.notify[].on` has it.
    pub fn word(&self) -> &'static str {
        match self.occasion {
            Occasion::Started => "Started",
            Occasion::NeedsApproval => "NeedsApproval",
            Occasion::Failed => "Failed",
            Occasion::Aborted => "Aborted",
            Occasion::Succeeded => "Succeeded",
            Occasion::RolledBack => "RolledBack",
            Occasion::WebhookLost => "WebhookLost",
        }
    }

    /// One line for people: what, where, and how it stands.
    pub fn line(&self) -> String {
        let state = match self.occasion {
            Occasion::Started => "started",
            Occasion::NeedsApproval => "waits for an approval",
            Occasion::Failed => "failed",
            Occasion::Aborted => "was aborted",
            Occasion::Succeeded => "succeeded",
            Occasion::RolledBack => "rolled back",
            Occasion::WebhookLost => "was found without a webhook",
        };
        let Self {
            namespace,
            revision,
            message,
            ..
        } = self;
        let subject = self.subject();
        format!("{namespace}/{subject} ({revision}) {state}: {message}")
    }
}

fn occasion(release: &Release, outcome: &str) -> Occasion {
    match outcome {
        "Succeeded" if release.spec.planning.rollback => Occasion::RolledBack,
        "Succeeded" => Occasion::Succeeded,
        "Failed" | "Refused" => Occasion::Failed,
        _ => Occasion::Aborted,
    }
}
