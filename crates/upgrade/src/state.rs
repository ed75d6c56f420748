//! What a release remembers: exactly what is kept in `.status`, and beside it what may be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::gate::{Applied, Baseline, Memory};
use super::step_id::StepId;
use tidegate_build::Build;
use tidegate_spec::crd::Approval;
use tidegate_spec::freeze::Held;
use tidegate_spec::{ObjectRef, ServiceName};

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every service is done.
    Succeeded,
    /// A service failed, or time ran out.
    Failed {
        /// One word.
        reason: String,
        /// A sentence that names service, object and cause.
        message: String,
    },
    /// Nothing was written, since no order is safe or the API server would not have it.
    Refused {
        /// A sentence with the way out.
        message: String,
    },
    /// Somebody ended it.
    Aborted {
        /// Why, in their words.
        message: String,
    },
    /// A newer release of the plan takes its place.
    Superseded {
        /// By which.
        message: String,
    },
}

impl Ending {
    /// The word in `.status.outcome`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed { .. } => "Failed",
            Self::Refused { .. } => "Refused",
            Self::Aborted { .. } => "Aborted",
            Self::Superseded { .. } => "Superseded",
        }
    }

    /// The sentence that goes with it.
    pub fn message(&self) -> &str {
        match self {
            Self::Succeeded => "every service is done",
            Self::Failed { reason: _, message }
            | Self::Refused { message }
            | Self::Aborted { message }
            | Self::Superseded { message } => message,
        }
    }
}

/// Where the release as a whole stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// Not planned yet: nothing was written.
    Pending,
    /// What belongs to nobody is being applied.
    Preparing,
    /// Waves move.
    Moving,
    /// All services are done; the graph is being written.
    Publishing,
    /// Over, for ever.
    Ended(Ending),
}

/// Where one service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not started.
    Waiting,
    /// Decided and saved; the write may or may not have happened.
    Starting,
    /// Written; its gate is shut.
    Moving,
    /// Its new workloads are complete; those that it does not have any more are being deleted.
    Retiring,
    /// Workloads are deleted; their pods end.
    Removing,
    /// Its pods are gone; the rest is being deleted.
    Clearing,
    /// What was written for it is being waited out.
    Draining,
    /// Its gate has opened.
    Done,
    /// It will not get there.
    Failed,
}

impl Standing {
    const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Starting,
        Self::Moving,
        Self::Retiring,
        Self::Removing,
        Self::Clearing,
        Self::Draining,
        Self::Done,
        Self::Failed,
    ];

    /// The word in `.status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Starting => "Starting",
            Self::Moving => "Moving",
            Self::Retiring => "Retiring",
            Self::Removing => "Removing",
            Self::Clearing => "Clearing",
            Self::Draining => "Draining",
            Self::Done => "Done",
            Self::Failed => "Failed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.word() == word)
    }

    /// Whether the service takes one of the places of `maxParallel`.
    pub fn moves(self) -> bool {
        match self {
            Self::Starting | Self::Moving | Self::Retiring | Self::Removing | Self::Clearing => {
                true
            }
            Self::Waiting | Self::Draining | Self::Done | Self::Failed => false,
        }
    }
}

/// Numbers and words for people. No decision reads them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Ready pods of the new revision.
    pub new_ready: u32,
    /// Wanted pods of the new revision.
    pub new_wanted: u32,
    /// Live pods of other revisions.
    pub old_alive: u32,
    /// Why it is not further, as one word.
    pub reason: String,
    /// Why it is not further, as a sentence.
    pub message: String,
    /// Since when for that reason.
    pub since: Option<Timestamp>,
}

/// What was recorded of a workload before and at its apply.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Before; missing only in a state that somebody edited.
    pub baseline: Option<Baseline>,
    /// The server's answer to the apply.
    pub applied: Option<Applied>,
    /// What of the looks since must outlive a restart, as last handed on: how long nothing has moved.
    pub memory: Option<Memory>,
}

/// Where one service stands, with its records.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    /// Where it stands.
    pub standing: Standing,
    /// By workload, while it moves.
    pub records: BTreeMap<ObjectRef, Record>,
    /// When its start was decided.
    pub started: Option<Timestamp>,
    /// When its gate opened, or it failed.
    pub ended: Option<Timestamp>,
    /// Who approved it.
    pub approval: Option<Approval>,
    /// Who has said that its gate counts as open.
    pub forced: Option<Approval>,
    /// Why it is not done any more, though it was, while what comes after it moves.
    pub regressed: Option<String>,
    /// The step, not done any more, for which its workloads are paused.
    pub paused_for: Option<StepId>,
    /// How many words that it is tried again were taken in.
    pub retries: u32,
    /// For people.
    pub progress: Progress,
}

impl ServiceState {
    /// A service that nobody has touched.
    pub fn waiting() -> Self {
        Self {
            standing: Standing::Waiting,
            records: BTreeMap::new(),
            started: None,
            ended: None,
            approval: None,
            forced: None,
            regressed: None,
            paused_for: None,
            retries: 0,
            progress: Progress::default(),
        }
    }
}

/// When a wave moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaveTimes {
    /// Its first start.
    pub started: Option<Timestamp>,
    /// Its last gate.
    pub ended: Option<Timestamp>,
    /// Who approved it.
    pub approval: Option<Approval>,
}

/// A write that is tried again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// When it was first not made.
    pub since: Timestamp,
    /// When it was last not made.
    pub last: Timestamp,
    /// Whether people were told.
    pub is_told: bool,
}

/// What may be forgotten in a crash: losing it only makes a wait longer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fleeting {
    /// When the first of the two live reads found a service's gate open, or what had fallen back sound.
    pub first_open: BTreeMap<StepId, Timestamp>,
    /// Since when the caches have not shown what was applied.
    pub behind_since: BTreeMap<StepId, Timestamp>,
    /// What the gate must remember between looks; what of it must outlive a restart is in the records.
    pub memory: BTreeMap<ObjectRef, Memory>,
    /// When progress for people was last handed on.
    pub progress_at: Option<Timestamp>,
    /// The newest progress, not yet handed on.
    pub progress: BTreeMap<StepId, Progress>,
    /// When a write that did not succeed may be tried again; `None`: what belongs to no service.
    pub retry_at: BTreeMap<Option<StepId>, Timestamp>,
    /// The writes that are tried again and again; `None`: of what belongs to no service.
    pub repeated: BTreeMap<Option<StepId>, Repeated>,
    /// Whether what nobody has any more was deleted.
    pub leftover_removed: bool,
    /// Services that were done and are not any more, as last told.
    pub regressed: BTreeMap<StepId, String>,
    /// Steps whose workloads are known to be paused for another one, or whose pause was refused.
    pub paused: BTreeSet<StepId>,
}

/// All there is to remember of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Where it stands.
    pub course: Course,
    /// Whether a pause holds it, as last told.
    pub paused: bool,
    /// Why nothing new starts for a while, as last told.
    pub frozen: Option<Held>,
    /// Who has said that it goes on in a freeze window.
    pub thawed: Option<Approval>,
    /// The newer release that takes its place, as last told.
    pub superseded_by: Option<String>,
    /// The digest of the plan that is carried out.
    pub plan_digest: String,
    /// When the plan was saved.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The times of each wave.
    pub waves: Vec<WaveTimes>,
    /// The images that are built, or were built before, by the service that each is declared for.
    pub builds: BTreeMap<ServiceName, Build>,
    /// The steps of the services that move.
    pub services: BTreeMap<StepId, ServiceState>,
    /// What may be forgotten.
    pub fleeting: Fleeting,
}

impl State {
    /// A release that nobody has looked at.
    pub fn pending() -> Self {
        Self {
            course: Course::Pending,
            paused: false,
            frozen: None,
            thawed: None,
            superseded_by: None,
            plan_digest: String::new(),
            started: None,
            ended: None,
            waves: Vec::new(),
            builds: BTreeMap::new(),
            services: BTreeMap::new(),
            fleeting: Fleeting::default(),
        }
    }

    /// Whether two states differ in nothing that is saved but in what looks at services have shown.
    pub fn same_but_for_looks(&self, other: &Self) -> bool {
        let services = other.services.clone();
        let with_looks = Self {
            services,
            ..self.clone()
        };
        with_looks.same_when_saved(other)
    }

    /// Whether two states are the same as far as they are saved.
    pub fn same_when_saved(&self, other: &Self) -> bool {
        let Self {
            course,
            paused,
            frozen,
            thawed,
            superseded_by,
            plan_digest,
            started,
            ended,
            waves,
            builds,
            services,
            fleeting: _,
        } = self;
        *course == other.course
            && *paused == other.paused
            && *frozen == other.frozen
            && *thawed == other.thawed
            && *superseded_by == other.superseded_by
            && *plan_digest == other.plan_digest
            && *started == other.started
            && *ended == other.ended
            && *waves == other.waves
            && *builds == other.builds
            && *services == other.services
    }
}
