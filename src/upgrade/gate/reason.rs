//! Why a workload is where it is, as a closed list of words.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// Why a workload is where it is: a closed list, so that it can be a metric's label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[doc = $doc])* $name,)* }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason as one word.
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it says in a sentence, or what to do about it; empty where a detail says it all.
            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    // The object itself.
    /// Deleted while we waited.
    DeletedDuringWait = "",
    /// Not in our cache yet.
    NotVisibleYet = "applied, and not in our cache yet",
    /// Deleted and created again by someone.
    ReplacedDuringWait = "",
    /// Being deleted.
    DeletionInProgress = "",
    /// Our cache is older than our own apply.
    StaleRead = "our cache is older than the apply",
    /// Someone else changed the pod template after our apply.
    Superseded = "",
    /// Its controller has not seen the apply.
    NotObserved = "applied, and its controller has not seen it yet",
    /// To be deleted, and still there.
    Deleting = "being deleted",
    // How far it is.
    /// Its selector is empty: the controller refuses it.
    SelectsAll = "",
    /// `spec.paused`.
    Paused = "{done} of {total} pods updated, and paused; set `spec.paused` to false to go on",
    /// No ReplicaSet has the template yet.
    ReplicaSetNotCreated = "no ReplicaSet has the new template yet",
    /// New pods are being created.
    Updating = "{done} of {total} pods updated",
    /// Old ReplicaSets still have pods.
    OldReplicas = "{done} new pods of {total} counted, the others are old",
    /// New pods are not available yet.
    Available = "{done} of {total} new pods available",
    /// The number of pods is changing.
    Scaling = "{done} of {total} pods there",
    /// Pods as listed are behind the counters.
    Pods = "{done} of {total} new pods ready",
    /// The controller has yet to declare the rollout done.
    Finalising = "{done} of {total} pods updated, its controller has yet to finish",
    /// A pod waits for its scheduling gates.
    SchedulingGated = "{done} of {total} pods done, a new pod waits for its scheduling gates",
    /// Someone must delete the old pods.
    OnDelete = "{done} of {total} pods updated; its strategy is OnDelete: delete the old pods to go on",
    /// A partition holds some pods back.
    Partition = "{done} of {total} pods updated; its partition holds the rest back: lower it to go on",
    /// Nodes have no pod yet.
    Scheduling = "{done} of {total} nodes have a pod",
    /// Old pods on nodes that no longer match.
    Misscheduled = "old pods run on nodes that no longer match",
    /// A ReplicaSet never replaces its pods.
    TemplateChangeHasNoEffect = "",
    /// `spec.suspend`.
    Suspended = "the Job is suspended; set `spec.suspend` to false to go on",
    /// A Job runs.
    Running = "the Job runs, {done} of {total} pods succeeded",
    /// A Job's last pods are being ended.
    Finishing = "the Job has succeeded, its last pods are being ended",
    /// Another controller has yet to take the Job.
    ExternalController = "the controller of `spec.managedBy` has not taken it",
    /// A Job is gone and nobody saw how it ended.
    OutcomeUnknown = "",
    /// A pod has not started.
    PodPending = "the pod has not started",
    /// A pod is not ready.
    NotReady = "the pod is not ready",
    /// A pod runs, and is meant to end.
    RunningToCompletion = "the pod runs and has yet to end",
    /// A pod's node is lost.
    NodeLost = "the pod's node does not answer",
    /// A status that this version does not know.
    UnknownStatus = "its status is one that this version does not know",
    // What is broken.
    /// An image name that cannot be right, or an image that may not be pulled.
    BadImage = "",
    /// An image's signature is wrong.
    ImageSignature = "",
    /// An image cannot be pulled.
    ImagePull = "",
    /// A ConfigMap, Secret or key is missing, or the container may not run so.
    ContainerConfig = "",
    /// A container cannot be started.
    ContainerStart = "",
    /// A container starts and ends again and again.
    CrashLoop = "",
    /// No node takes the pod.
    Unschedulable = "",
    /// A quota is used up.
    Quota = "",
    /// The API server refuses the pods.
    CreateRejected = "",
    /// Nodes refuse or evict the pods.
    PodsRejected = "",
    /// A volume cannot be mounted.
    Volume = "",
    /// A pod's sandbox cannot be made.
    Sandbox = "",
    /// The progress deadline of the Deployment has passed.
    ProgressDeadlineExceeded = "",
    /// A broken pod blocks the StatefulSet until it is deleted.
    StuckOnBadRevision = "",
    /// A Job failed.
    JobFailed = "",
    /// A bare pod failed.
    PodFailed = "",
    /// A bare pod ended that should run for ever.
    Exited = "",
    /// Nothing moved for too long.
    NoProgress = "",
    /// An old pod does not go away.
    DrainStuck = "",
    // Old pods.
    /// Old pods are alive.
    OldPods = "",
    /// Pods of something else stand behind the Service.
    ForeignPods = "",
    /// An endpoint of an old pod may still take calls.
    OldEndpoints = "",
    /// An endpoint names a pod that is gone.
    StaleEndpoint = "",
    /// An old pod is past its time and still there.
    PastGracePeriod = "its node does not end it: look at the kubelet there",
    /// A finalizer holds an old pod.
    HeldByFinalizer = "whoever set the finalizer has to remove it",
    /// An old pod's node is lost: it may still run there.
    LostNode = "bring the node back, or delete it if it is off: until then the pod may still answer",
    /// An old pod was deleted by force: it may still run for its grace period.
    UnconfirmedTermination = "",
    /// An endpoint of no pod that we know.
    UnknownEndpoint = "nobody can say what version answers there; remove that endpoint",
    /// New pods run different images under one name.
    MixedImages = "one tag, two programs; pin the image by its digest",
    /// A new pod was changed by hand.
    PatchedPod = "a pod was changed by hand; delete it",
    // New endpoints.
    /// New pods are not behind the Service yet.
    NotServing = "",
    /// Scaled to zero: nothing serves.
    ZeroReplicas = "scaled to zero, so nothing serves; scale it up",
    /// Nothing is missing.
    Done = "",
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}
