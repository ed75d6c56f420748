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
    OldReplicas = "{done} of {total} counted pods are new",
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
    Suspended = "it is suspended; set `spec.suspend` to false to go on",
    /// A Job runs.
    Running = "it runs, {done} of {total} done",
    /// A Job's last pods are being ended.
    Finishing = "the Job has succeeded, its last pods are being ended",
    /// Another controller has yet to take the Job.
    ExternalController = "the controller of `spec.managedBy` has not taken it",
    /// A Job is gone and nobody saw how it ended.
    OutcomeUnknown = "",
    /// A pod has not started.
    PodPending = "the pod has not started",
    /// A pod is not ready, or an object says that it is not.
    NotReady = "it is not ready",
    /// A pod runs, and is meant to end.
    RunningToCompletion = "the pod runs and has yet to end",
    /// A pod's node is lost.
    NodeLost = "the pod's node does not answer",
    /// A status that this version does not know.
    UnknownStatus = "its status is one that this version does not know",
    // Argo Rollouts.
    /// Its controller says what it has seen in a form that proves nothing.
    UnsupportedController = "",
    /// Its controller has not seen the template of `workloadRef`.
    WorkloadRefNotObserved = "the template of its `workloadRef` was changed, and its controller has not seen it yet",
    /// What `workloadRef` names is not there.
    WorkloadRefMissing = "",
    /// Its controller calls its spec invalid.
    InvalidSpec = "",
    /// Its controller has not worked on it yet.
    NotReconciled = "its controller has not worked on it yet",
    /// It was aborted: traffic is back on the old revision.
    Aborted = "",
    /// Somebody paused it.
    Manual = "{done} of {total} steps done, and paused; set `spec.paused` to false to go on",
    /// An analysis or experiment could not decide.
    Inconclusive = "{done} of {total} steps done, and an analysis could not decide: promote or abort it",
    /// A pause that ends by itself.
    TimedPause = "{done} of {total} steps done, and it pauses for a while",
    /// A step that waits for somebody.
    CanaryPauseStep = "{done} of {total} steps done, and the next one waits for you: promote it",
    /// A blue-green switch that waits for somebody.
    BlueGreenPause = "{done} of {total} new pods are there, and the switch waits for you: promote it",
    /// A pause that has just ended.
    Unpausing = "its pause has ended, and it goes on",
    /// Its pods are being restarted.
    Restarting = "its pods are being restarted",
    /// A step of it runs.
    Step = "step {done} of {total} done",
    /// The active Service still leads to the old pods.
    Cutover = "its active Service still leads to the old pods",
    /// An analysis runs.
    Analysis = "an analysis runs, {done} of {total}",
    /// The rest of the steps is being skipped.
    PromoteFull = "it was promoted in full, and is on its way",
    /// All is new, and its controller has yet to call it stable.
    AwaitPromotion = "all its pods are new, and its controller has yet to call them stable",
    /// Part of the traffic is still sent to another revision.
    Weights = "part of the traffic is still sent to another revision",
    /// Its controller does not call it healthy.
    Phase = "its controller does not call it healthy",
    // Flagger.
    /// The workload that a Canary targets is gone.
    TargetMissing = "",
    /// A Canary is going away.
    CanaryDeleting = "",
    /// The analysis of a Canary failed: it went back.
    AnalysisFailed = "",
    /// The primary broke while it was promoted.
    PromotionFailed = "",
    /// Flagger has not seen the change yet.
    AwaitDetection = "Flagger has not taken the new template to the primary yet",
    /// Flagger has not seen the change for too long.
    NotDetected = "",
    /// Flagger sets it up.
    Initializing = "Flagger sets it up",
    /// A gate of Flagger waits for an approval.
    Approval = "Flagger waits for an approval from its webhook",
    /// The primary is being promoted.
    Promoting = "Flagger promotes it to the primary",
    /// The target is not scaled down yet.
    CanaryScaleDown = "promoted, and its canary pods are not scaled down yet",
    // Workflows and pipelines.
    /// No controller has taken it.
    ControllerAbsent = "",
    /// It waits for its turn.
    Pending = "it is pending",
    /// It is being shut down.
    ShuttingDown = "it is being shut down",
    /// A rule says that it waits for somebody.
    HeldByRule = "its rule says that it waits for somebody",
    /// A step of it waits for somebody.
    Suspend = "{done} of {total} done, and a step waits for you: resume it",
    /// It failed.
    WorkflowFailed = "",
    /// Somebody stopped it: its exit handlers ran.
    Stopped = "",
    /// Somebody ended it at once.
    Terminated = "",
    /// It could not be run.
    WorkflowError = "",
    /// A PipelineRun or TaskRun failed.
    RunFailed = "",
    // Objects without pods.
    /// A load balancer has no address yet.
    LoadBalancerPending = "its load balancer has no address yet",
    /// A Service has no address yet.
    AddressPending = "it has no cluster address yet",
    /// A controller does not accept it.
    NotAccepted = "",
    /// It refers to what is not there.
    RefsNotResolved = "",
    /// Part of it is invalid.
    PartiallyInvalid = "",
    /// It is accepted, and not in force yet.
    NotProgrammed = "it is accepted, and not in force yet",
    /// A kind is being made known.
    Installing = "its kind is not served yet",
    /// The names of a kind are taken.
    NamesNotAccepted = "",
    /// A kind cannot be served.
    NotEstablished = "",
    /// The schema of a kind is not structural.
    NonStructuralSchema = "",
    /// The server behind an APIService does not answer.
    Unavailable = "the server behind it does not answer",
    /// A namespace is going away.
    NamespaceTerminating = "",
    /// A claim's volume is being made larger.
    Resizing = "its volume is being made larger",
    /// A claim has lost its volume.
    ClaimLost = "",
    /// Its controller works on it.
    Reconciling = "its controller works on it",
    /// Its controller has given up.
    Stalled = "",
    /// Its controller says that it failed.
    ReportedFailure = "",
    /// Nothing says when an object of this kind is done.
    NoRule = "nothing says when an object of this kind is done: declare a rule for it",
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
    /// New pods are deleted as fast as they are made.
    PodChurn = "",
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
    /// Old pods are kept on purpose for a while.
    ScaleDownDelay = "",
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
    StuckOnLostNode = "bring the node back, or delete it if it is off: until then the pod may still answer",
    /// An old pod was deleted by force: it may still run for its grace period.
    UnconfirmedTermination = "",
    /// An endpoint of no pod that we know.
    UnknownEndpoint = "nobody can say what version answers there; remove that endpoint",
    /// A router that may lead elsewhere is not as its kind is.
    UnreadableRouter = "nobody can say who else gets its calls; mend that object",
    /// New pods run different images under one name.
    MixedImages = "one tag, two programs; pin the image by its digest",
    /// A new pod was changed by hand.
    PatchedPod = "a pod was changed by hand; delete it",
    /// A pod's hash says that it is new, and its stamp that it is not.
    StampMismatch = "its hash and its stamp disagree; delete the pod",
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
