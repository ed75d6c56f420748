//! Events of a release as Kubernetes Events on it, for `kubectl describe tgr`.

use kube::runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::world::Listener;
use crate::spec::crd::Release;
use crate::upgrade::Event;
use crate::upgrade::why::AWAITING;

/// How many Events may wait to be sent; more are dropped, for they are hints to people and nothing rests on them.
const WAITING_MAX: usize = 256;
/// How long a note may be: the API server takes 1024 bytes.
const NOTE_CHARACTERS_MAX: usize = 900;

/// Sends Events in the background, so that a slow API server delays no release.
pub struct EventRecorder {
    queue: mpsc::Sender<(KubeEvent, k8s_openapi::api::core::v1::ObjectReference)>,
    /// Dropped with it, which ends the sending.
    _sender: JoinSet<()>,
}

impl EventRecorder {
    /// Starts the sender.
    pub fn start(client: Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "tidegate".to_owned(),
            instance: Some(identity.to_owned()),
        };
        let recorder = Recorder::new(client, reporter);
        let (queue, mut waiting) = mpsc::channel(WAITING_MAX);
        let mut sender = JoinSet::new();
        sender.spawn(async move {
            while let Some((event, about)) = waiting.recv().await {
                if let Err(error) = recorder.publish(&event, &about).await {
                    tracing::debug!(%error, "an Event was not taken");
                }
            }
        });
        Self {
            queue,
            _sender: sender,
        }
    }
}

impl Listener for EventRecorder {
    fn hear(&self, release: &Release, events: &[Event]) {
        let about = release.object_ref(&());
        for event in events {
            let Some(kind) = kind(event) else {
                continue;
            };
            let note = event.sentence();
            let event = KubeEvent {
                type_: kind,
                reason: event.reason().to_owned(),
                note: Some(note.chars().take(NOTE_CHARACTERS_MAX).collect()),
                action: "Release".to_owned(),
                secondary: None,
            };
            if self.queue.try_send((event, about.clone())).is_err() {
                tracing::debug!("an Event was dropped: too many wait to be sent");
            }
        }
    }
}

/// How an event is told to people; `None`: too small to tell, or not tellable while the API server is away.
fn kind(event: &Event) -> Option<EventType> {
    match event {
        Event::Waits { reason, .. } if reason == AWAITING => Some(EventType::Normal),
        Event::Planned { .. }
        | Event::WaveStarted { .. }
        | Event::WaveDone { .. }
        | Event::ServiceDone { .. }
        | Event::Paused
        | Event::Resumed
        | Event::BuildStarted { .. }
        | Event::Built { .. }
        | Event::BuildCancelled { .. }
        | Event::Approved { .. }
        | Event::Retried { .. }
        | Event::Recovered { .. }
        | Event::Superseded { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::Ended {
            outcome: "Succeeded",
            ..
        } => Some(EventType::Normal),
        Event::ServiceFailed { .. }
        | Event::BuildFailed { .. }
        | Event::Refused { .. }
        | Event::Regressed { .. }
        | Event::InvariantBroken { .. }
        | Event::Forced { .. }
        | Event::PlannedAnew { .. }
        | Event::NotRemoved { .. }
        | Event::NotPublished { .. }
        | Event::WriteRepeated { .. }
        | Event::Ended { .. } => Some(EventType::Warning),
        Event::ServiceStarted { .. }
        | Event::BuildSkipped { .. }
        | Event::Waits { .. }
        | Event::Unreachable { .. }
        | Event::Reachable => None,
    }
}
