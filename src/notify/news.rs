//! Which events are news to people outside, and their words. Pure.

use kube::ResourceExt;

use crate::spec::crd::{Occasion, Release};
use crate::upgrade::Event;
use crate::upgrade::why::AWAITING;

/// Something to be told of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What kind of news.
    pub occasion: Occasion,
    /// The release's uid.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// Its plan.
    pub plan: String,
    /// What is released.
    pub revision: String,
    /// The step that it is about; empty where it is about the release.
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
            | Event::Approved { .. }
            | Event::Forced { .. }
            | Event::Retried { .. }
            | Event::Paused
            | Event::Resumed
            | Event::Superseded { .. }
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
        };
        let Self {
            namespace,
            release,
            revision,
            message,
            ..
        } = self;
        format!("{namespace}/{release} ({revision}) {state}: {message}")
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
