//! What happened. Metrics, Kubernetes Events, log lines and the live view read only this.

use jiff::SignedDuration;

use super::step_id::StepId;
use tidegate_spec::ServiceName;
use tidegate_spec::duration::describe;
use tidegate_spec::words::count;

/// One thing that happened in a release.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The plan is made, checked and saved.
    Planned {
        /// How many waves.
        waves: usize,
        /// How many services move.
        services: usize,
    },
    /// What runs was changed after the plan was made and before the first write: it is made anew.
    PlannedAnew {
        /// What was changed.
        message: String,
    },
    /// No plan: the release ends before its first write.
    Refused {
        /// Why, and the way out.
        message: String,
    },
    /// A wave's first service starts.
    WaveStarted {
        /// From 1.
        wave: usize,
        /// Its services.
        services: Vec<StepId>,
    },
    /// A wave's last service is done.
    WaveDone {
        /// From 1.
        wave: usize,
        /// From its first start.
        took: SignedDuration,
    },
    /// A service's objects are about to be applied or removed.
    ServiceStarted {
        /// Which.
        service: StepId,
    },
    /// Why a service is not further has changed.
    Waits {
        /// Which.
        service: StepId,
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// A service's gate opened.
    ServiceDone {
        /// Which.
        service: StepId,
        /// From its start.
        took: SignedDuration,
    },
    /// A service will not get there.
    ServiceFailed {
        /// Which.
        service: StepId,
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// A service that was done is not any more, so what depends on it does not start.
    Regressed {
        /// Which.
        service: StepId,
        /// A sentence.
        message: String,
    },
    /// A service that was done is not any more, while what depends on it moves.
    InvariantBroken {
        /// Which.
        service: StepId,
        /// A sentence.
        message: String,
    },
    /// It is done again.
    Recovered {
        /// Which.
        service: StepId,
        /// A sentence.
        message: String,
    },
    /// Somebody has approved a step.
    Approved {
        /// Which.
        service: StepId,
        /// Who, and why.
        message: String,
    },
    /// Somebody has said that the gate of a step counts as open.
    Forced {
        /// Which.
        service: StepId,
        /// Who, and why.
        message: String,
    },
    /// Somebody wants a service that has failed to be tried again.
    Retried {
        /// Which.
        service: StepId,
        /// Who, and why.
        message: String,
    },
    /// The same input was built before, so the image of a service is there.
    BuildSkipped {
        /// Which service.
        service: ServiceName,
        /// For what it was built.
        message: String,
    },
    /// The image of a service is being built.
    BuildStarted {
        /// Which service.
        service: ServiceName,
    },
    /// The image of a service is there.
    Built {
        /// Which service.
        service: ServiceName,
        /// The image by its digest.
        image: String,
        /// From its start.
        took: SignedDuration,
    },
    /// There will be no image.
    BuildFailed {
        /// Which service.
        service: ServiceName,
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// A build was ended, since its release ends.
    BuildCancelled {
        /// Which service.
        service: ServiceName,
        /// A sentence.
        message: String,
    },
    /// Somebody paused the release.
    Paused,
    /// Somebody took the pause back.
    Resumed,
    /// A freeze window of the plan: nothing new is started.
    Frozen {
        /// Until when, and why.
        message: String,
    },
    /// The window is over, or somebody lets it go on all the same.
    Thawed {
        /// Which of the two.
        message: String,
    },
    /// A newer release of the plan takes its place: nothing more is started.
    Superseded {
        /// By which.
        message: String,
    },
    /// What nobody has any more could not be deleted; the release has succeeded all the same.
    NotRemoved {
        /// The server's words.
        message: String,
    },
    /// The graph could not be written after the last wave; the release has succeeded all the same.
    NotPublished {
        /// The server's words.
        message: String,
    },
    /// A write was not made, and is tried again.
    WriteRepeated {
        /// The object, and what went wrong.
        message: String,
    },
    /// The API server does not answer; nothing is lost, the release waits.
    Unreachable {
        /// What went wrong.
        message: String,
    },
    /// The API server answers again.
    Reachable,
    /// The release is over.
    Ended {
        /// `Succeeded`, `Failed`, `Refused`, `Aborted` or `Superseded`.
        outcome: &'static str,
        /// A sentence.
        message: String,
    },
}

impl Event {
    /// The word for metrics labels and Kubernetes Events; a bounded set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "Planned",
            Self::PlannedAnew { .. } => "PlannedAnew",
            Self::Refused { .. } => "Refused",
            Self::WaveStarted { .. } => "WaveStarted",
            Self::WaveDone { .. } => "WaveDone",
            Self::ServiceStarted { .. } => "ServiceStarted",
            Self::Waits { .. } => "Waits",
            Self::ServiceDone { .. } => "ServiceDone",
            Self::ServiceFailed { .. } => "ServiceFailed",
            Self::Regressed { .. } => "Regressed",
            Self::InvariantBroken { .. } => "InvariantBroken",
            Self::Recovered { .. } => "Recovered",
            Self::Approved { .. } => "Approved",
            Self::Forced { .. } => "Forced",
            Self::Retried { .. } => "Retried",
            Self::BuildSkipped { .. } => "BuildSkipped",
            Self::BuildStarted { .. } => "BuildStarted",
            Self::Built { .. } => "Built",
            Self::BuildFailed { .. } => "BuildFailed",
            Self::BuildCancelled { .. } => "BuildCancelled",
            Self::Paused => "Paused",
            Self::Resumed => "Resumed",
            Self::Frozen { .. } => "Frozen",
            Self::Thawed { .. } => "Thawed",
            Self::Superseded { .. } => "Superseded",
            Self::NotRemoved { .. } => "NotRemoved",
            Self::NotPublished { .. } => "NotPublished",
            Self::WriteRepeated { .. } => "WriteRepeated",
            Self::Unreachable { .. } => "Unreachable",
            Self::Reachable => "Reachable",
            Self::Ended { .. } => "Ended",
        }
    }

    /// The step that it is about, if it is about one.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::ServiceStarted { service }
            | Self::Waits { service, .. }
            | Self::ServiceDone { service, .. }
            | Self::ServiceFailed { service, .. }
            | Self::Regressed { service, .. }
            | Self::InvariantBroken { service, .. }
            | Self::Recovered { service, .. }
            | Self::Approved { service, .. }
            | Self::Forced { service, .. }
            | Self::Retried { service, .. } => Some(service),
            Self::Planned { .. }
            | Self::PlannedAnew { .. }
            | Self::Refused { .. }
            | Self::WaveStarted { .. }
            | Self::WaveDone { .. }
            | Self::BuildSkipped { .. }
            | Self::BuildStarted { .. }
            | Self::Built { .. }
            | Self::BuildFailed { .. }
            | Self::BuildCancelled { .. }
            | Self::Paused
            | Self::Resumed
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::Superseded { .. }
            | Self::NotRemoved { .. }
            | Self::NotPublished { .. }
            | Self::WriteRepeated { .. }
            | Self::Unreachable { .. }
            | Self::Reachable
            | Self::Ended { .. } => None,
        }
    }

    /// What happened, as a sentence: the one wording of Kubernetes Events, of the archive and of notifications.
    pub fn sentence(&self) -> String {
        match self {
            Self::Planned { waves, services } => format!(
                "{} to move in {}",
                count(*services, "service"),
                count(*waves, "wave")
            ),
            Self::WaveStarted { wave, services } => {
                let names: Vec<String> = services.iter().map(ToString::to_string).collect();
                format!("wave {wave} starts: {}", names.join(", "))
            }
            Self::WaveDone { wave, took } => {
                format!("wave {wave} is done after {}", describe(*took))
            }
            Self::ServiceStarted { service } => format!("{service} starts"),
            Self::ServiceDone { service, took } => {
                format!("{service} is done after {}", describe(*took))
            }
            Self::ServiceFailed {
                service, message, ..
            } => format!("{service}: {message}"),
            Self::Waits {
                service, message, ..
            } => format!("{service} {message}"),
            Self::BuildSkipped { service, message } => {
                format!("the image of {service} is there: {message}")
            }
            Self::BuildStarted { service } => format!("the image of {service} is being built"),
            Self::Built {
                service,
                image,
                took,
            } => format!(
                "the image of {service} is built after {}: {image}",
                describe(*took)
            ),
            Self::BuildFailed {
                service, message, ..
            } => format!("the image of {service} was not built: {message}"),
            Self::BuildCancelled { service, message } => {
                format!("the build of {service} was cancelled: {message}")
            }
            Self::Paused => "paused on request".to_owned(),
            Self::Resumed => "resumed on request".to_owned(),
            Self::Reachable => "the API server answers again".to_owned(),
            Self::Unreachable { message } => format!("the API server does not answer: {message}"),
            Self::Refused { message }
            | Self::Regressed { message, .. }
            | Self::InvariantBroken { message, .. }
            | Self::Recovered { message, .. }
            | Self::Approved { message, .. }
            | Self::Forced { message, .. }
            | Self::Retried { message, .. }
            | Self::Superseded { message }
            | Self::Frozen { message }
            | Self::Thawed { message }
            | Self::PlannedAnew { message }
            | Self::NotRemoved { message }
            | Self::NotPublished { message }
            | Self::WriteRepeated { message }
            | Self::Ended { message, .. } => message.clone(),
        }
    }
}
