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
        let recorder = recorder(client, identity);
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
            let event = note("Release", kind, (event.reason(), &event.sentence()));
            if self.queue.try_send((event, about.clone())).is_err() {
                tracing::debug!("an Event was dropped: too many wait to be sent");
            }
        }
    }
}

/// Who tells, by the name of this process.
pub(super) fn recorder(client: Client, identity: &str) -> Recorder {
    let reporter = Reporter {
        controller: "tidegate".to_owned(),
        instance: Some(identity.to_owned()),
    };
    Recorder::new(client, reporter)
}

/// An Event of the length that the API server takes.
pub(super) fn note(action: &str, kind: EventType, (reason, message): (&str, &str)) -> KubeEvent {
    KubeEvent {
        type_: kind,
        reason: reason.to_owned(),
        note: Some(message.chars().take(NOTE_CHARACTERS_MAX).collect()),
        action: action.to_owned(),
        secondary: None,
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
