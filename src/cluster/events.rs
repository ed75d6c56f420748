//! Events of a release as Kubernetes Events on it, for `kubectl describe tgr`.

use kube::runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::world::Listener;
use crate::spec::crd::Release;
use crate::spec::words::count;
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
            let Some((kind, note)) = words(event) else {
                continue;
            };
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

/// What is told to people; `None`: too small to tell, or not tellable while the API server is away.
fn words(event: &Event) -> Option<(EventType, String)> {
    use EventType::{Normal, Warning};
    Some(match event {
        Event::Planned { waves, services } => (
            Normal,
            format!(
                "{} to move in {}",
                count(*services, "service"),
                count(*waves, "wave")
            ),
        ),
        Event::WaveStarted { wave, services } => {
            let names: Vec<String> = services.iter().map(ToString::to_string).collect();
            (Normal, format!("wave {wave} starts: {}", names.join(", ")))
        }
        Event::WaveDone { wave, took } => (
            Normal,
            format!(
                "wave {wave} is done after {}",
                crate::spec::duration::describe(*took)
            ),
        ),
        Event::ServiceDone { service, took } => (
            Normal,
            format!(
                "{service} is done after {}",
                crate::spec::duration::describe(*took)
            ),
        ),
        Event::ServiceFailed {
            service,
            reason: _,
            message,
        } => (Warning, format!("{service}: {message}")),
        Event::Waits {
            service,
            reason,
            message,
        } if reason == AWAITING => (Normal, format!("{service} {message}")),
        Event::Paused => (Normal, "paused on request".to_owned()),
        Event::Resumed => (Normal, "resumed on request".to_owned()),
        Event::Ended {
            outcome: "Succeeded",
            message,
        }
        | Event::Approved {
            service: _,
            message,
        }
        | Event::Retried { message, .. }
        | Event::Superseded { message } => (Normal, message.clone()),
        Event::Refused { message }
        | Event::Regressed {
            service: _,
            message,
        }
        | Event::Forced { message, .. }
        | Event::PlannedAnew { message }
        | Event::NotRemoved { message }
        | Event::NotPublished { message }
        | Event::WriteRepeated { message }
        | Event::Ended {
            outcome: _,
            message,
        } => (Warning, message.clone()),
        Event::ServiceStarted { .. }
        | Event::Waits { .. }
        | Event::Unreachable { .. }
        | Event::Reachable => return None,
    })
}
