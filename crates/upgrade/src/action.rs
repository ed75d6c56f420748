//! What the shell is asked to do, and what came of it.

use std::collections::BTreeSet;

use super::gate::Applied;
use super::step_id::StepId;
use tidegate_spec::crd::HeldVariable;
use tidegate_spec::{Code, ObjectRef, ServiceName};

/// What must still be true of an object when it is written, or the write is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// It does not exist.
    Absent,
    /// It is the very object that was looked at.
    Unchanged {
        /// Its uid.
        uid: String,
        /// Its resourceVersion.
        resource_version: String,
    },
}

/// One object to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Which.
    pub object: ObjectRef,
    /// What must still be true.
    pub precondition: Precondition,
    /// The stamp that the pod template carries; `None`: none.
    pub stamp: Option<String>,
    /// The environment variables that keep their value though the manifest has another one.
    pub held: Vec<HeldVariable>,
}

/// One thing that the shell is asked to do. Doing it twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Apply what belongs to nobody.
    ApplyShared {
        /// The objects, in order.
        writes: Vec<Write>,
    },
    /// Apply the objects of one service.
    Apply {
        /// The service.
        service: StepId,
        /// Its objects, in order.
        writes: Vec<Write>,
    },
    /// Delete a service's workloads, so that its pods end.
    RemoveWorkloads {
        /// The service.
        service: StepId,
        /// The workloads.
        objects: Vec<ObjectRef>,
    },
    /// Delete the rest of a service, after its pods are gone.
    RemoveRest {
        /// The service.
        service: StepId,
        /// The objects, in the order in which they go.
        objects: Vec<ObjectRef>,
    },
    /// Pause workloads in the middle of their rollout, or take that pause back.
    Pause {
        /// The service.
        service: StepId,
        /// The workloads.
        objects: Vec<ObjectRef>,
        /// Which of the two.
        is_paused: bool,
    },
    /// Delete what earlier releases brought and nobody has any more.
    RemoveLeftover {
        /// The objects, in the order in which they go.
        objects: Vec<ObjectRef>,
    },
    /// Make the release that brings back what moved and is not done.
    RollBack {
        /// The services.
        services: BTreeSet<ServiceName>,
    },
    /// Make what builds the image of a service, held back, unless it is there.
    Build {
        /// The service.
        service: ServiceName,
        /// How often it was tried before.
        attempt: u32,
    },
    /// Let it go.
    BeginBuild {
        /// The service.
        service: ServiceName,
        /// How often it was tried before.
        attempt: u32,
        /// Which object may go.
        uid: String,
    },
    /// End it.
    CancelBuild {
        /// The service.
        service: ServiceName,
        /// How often it was tried before.
        attempt: u32,
    },
    /// Write into the cluster what is declared now.
    Publish {
        /// Services of which what was declared before still holds.
        held_out: BTreeSet<ServiceName>,
    },
}

impl Action {
    /// The service that it is about, if one.
    pub fn service(&self) -> Option<&StepId> {
        match self {
            Self::ApplyShared { .. }
            | Self::RemoveLeftover { .. }
            | Self::RollBack { .. }
            | Self::Build { .. }
            | Self::BeginBuild { .. }
            | Self::CancelBuild { .. }
            | Self::Publish { .. } => None,
            Self::Apply { service, .. }
            | Self::Pause { service, .. }
            | Self::RemoveWorkloads { service, .. }
            | Self::RemoveRest { service, .. } => Some(service),
        }
    }
}

/// Why an action did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActFailure {
    /// A precondition does not hold any more: look again, decide again.
    Moved {
        /// The object that changed.
        object: ObjectRef,
    },
    /// The API server will not have it; trying again does not help.
    Refused {
        /// The object.
        object: ObjectRef,
        /// The kind of refusal.
        code: Code,
        /// The server's own words.
        message: String,
    },
    /// No answer, or one that may be another next time.
    Unreachable {
        /// The object.
        object: ObjectRef,
        /// What went wrong.
        message: String,
    },
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The action.
    pub action: Action,
    /// What was recorded of each workload that was applied, or what stopped it.
    pub result: Result<Vec<(ObjectRef, Applied)>, ActFailure>,
}
