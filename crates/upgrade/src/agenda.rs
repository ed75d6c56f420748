//! What one release has to do: the services that move, in what order, with which objects.
//!
//! In: the frozen input of a release ([`Charter`]) and the plan, or what `.status` kept of it. Out: an
//! [`Agenda`], the only thing about order that [`super::step`] knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::SignedDuration;

use super::gate::Policy;
use super::step_id::StepId;
use super::surge::Swell;
use tidegate_spec::crd::{
    Advance, CompletionRule, DrainLevel, GateSettings, HeldVariable, OnFailure, OnRegression,
};
use tidegate_spec::{ObjectRef, Retention, ServiceName};

/// What happens to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It did not exist.
    Create,
    /// A workload's template changes, or an earlier change is not finished.
    Roll,
    /// Only the parameter changes that selects what it calls.
    Flip,
    /// A Job runs once.
    Job,
    /// It goes away.
    Delete,
    /// What was written for it is waited out.
    Drain,
}

impl Change {
    const ALL: [Self; 6] = [
        Self::Create,
        Self::Roll,
        Self::Flip,
        Self::Job,
        Self::Delete,
        Self::Drain,
    ];

    /// The word in plans and in `.status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Roll => "roll",
            Self::Flip => "flip",
            Self::Job => "job",
            Self::Delete => "delete",
            Self::Drain => "drain",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.word() == word)
    }
}

/// What starts only with somebody's word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Before {
    /// A wave, from 0.
    Wave(usize),
    /// Every move of a service.
    Service(ServiceName),
}

impl Before {
    /// Reads `wave/3` or the name of a service; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("wave/") {
            Some(number) => {
                let number: usize = number.parse().ok()?;
                number.checked_sub(1).map(Self::Wave)
            }
            None => ServiceName::parse(text).ok().map(Self::Service),
        }
    }
}

impl fmt::Display for Before {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wave(index) => write!(formatter, "wave/{}", index + 1),
            Self::Service(name) => write!(formatter, "{name}"),
        }
    }
}

/// How waves advance, with units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    /// When a service may start.
    pub advance: Advance,
    /// How many services may move at once; `None`: no limit.
    pub parallel_max: Option<usize>,
    /// How many pods more than usual there may be by all that move; `None`: no limit.
    pub surge_pods_max: Option<u32>,
    /// How many images may be built at once.
    pub builds_max: usize,
    /// What becomes of the release when a service fails.
    pub on_failure: OnFailure,
    /// What is done when a service that was done is not any more, while what comes after it moves.
    pub on_regression: OnRegression,
    /// How long what comes after a service waits once that is done.
    pub soak: Option<SignedDuration>,
    /// What starts only with somebody's word.
    pub asked_before: BTreeSet<Before>,
    /// How long one wave may last; `None`: no limit.
    pub wave_deadline: Option<SignedDuration>,
    /// The time between the two reads that open a gate; `None`: as the drain wants it.
    pub settle: Option<SignedDuration>,
    /// What a gate asks of a rollout.
    pub gate: GateSettings,
    /// How long one service may go without progress; `None`: its own deadline and a minute, at least ten.
    pub service_deadline: Option<SignedDuration>,
    /// How long the release may last; `None`: no limit.
    pub release_deadline: Option<SignedDuration>,
    /// What people say about kinds that the gate does not know.
    pub rules: Vec<CompletionRule>,
}

/// The time between the two reads that open a gate, unless the plan says otherwise (completion.md §5.6).
const SETTLE: SignedDuration = SignedDuration::from_secs(2);
/// The same where an old pod may live on: no new connection may reach it, and proxies hear of that late.
const SETTLE_OF_ENDPOINTS: SignedDuration = SignedDuration::from_secs(10);

/// How many images are built at once, unless the plan says otherwise: builds take processors from what serves.
pub const BUILDS_MAX: usize = 4;

impl Strategy {
    /// The strategy of a plan that says nothing.
    pub fn usual() -> Self {
        Self {
            advance: Advance::Wave,
            parallel_max: None,
            surge_pods_max: None,
            builds_max: BUILDS_MAX,
            on_failure: OnFailure::Halt,
            on_regression: OnRegression::Alarm,
            soak: None,
            asked_before: BTreeSet::new(),
            wave_deadline: None,
            settle: None,
            gate: GateSettings::default(),
            service_deadline: None,
            release_deadline: None,
            rules: Vec::new(),
        }
    }
}

/// One service of the frozen input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belongings {
    /// What its gate looks at.
    pub workloads: Vec<ObjectRef>,
    /// All of its objects, workloads included, in the order in which they are applied.
    pub objects: Vec<ObjectRef>,
    /// What else its gate waits for: a claim, a definition, an object that a rule is about.
    pub gates: Vec<ObjectRef>,
    /// The builds that make its images, each by the service that it is declared for.
    pub builds: BTreeSet<ServiceName>,
    /// How far an old pod must be gone.
    pub drain: DrainLevel,
    /// What the new revision serves and calls, as its stamp.
    pub stamp: String,
    /// How many pods more each workload has while it moves.
    pub swells: Vec<Swell>,
}

/// The frozen input of a release, as far as `upgrade` is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// The declared services.
    pub services: BTreeMap<ServiceName, Belongings>,
    /// What belongs to nobody, applied before wave 1, in order.
    pub shared: Vec<ObjectRef>,
    /// The images that are built, without tag and digest, by the service that each is declared for.
    pub images: BTreeMap<ServiceName, String>,
    /// How waves advance.
    pub strategy: Strategy,
}

/// One step of a service that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What happens to it.
    pub change: Change,
    /// The steps that must be done before it starts.
    pub after: BTreeSet<StepId>,
    /// What it brings along.
    pub belongings: Belongings,
    /// Whether nothing undoes it: it starts only when somebody has approved that.
    pub is_final: bool,
    /// Where it is a drain: what shows that nothing is left; all of them, or somebody's word.
    pub retentions: Vec<Retention>,
    /// What its pods keep of what runs before, by workload; their stamp is that of the belongings.
    pub held: Vec<HeldVariable>,
    /// Workloads of before that its manifests do not have any more: deleted when the new ones are complete.
    pub dropped: Vec<ObjectRef>,
    /// What runs before, for people.
    pub from: String,
    /// What runs afterwards, for people.
    pub to: String,
}

impl Member {
    /// Whether people may be asked for it.
    pub fn asks(&self) -> bool {
        self.is_final || self.change == Change::Drain
    }

    /// Everything that its gate looks at, workloads that go included.
    pub fn judged(&self) -> impl Iterator<Item = &ObjectRef> {
        // What has no pods is in nobody's way when a service goes.
        let gates = self.belongings.gates.iter();
        let gates = gates.filter(|_| self.change != Change::Delete);
        self.belongings
            .workloads
            .iter()
            .chain(&self.dropped)
            .chain(gates)
    }
}

/// What one release has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    /// The waves in order; every member is in exactly one.
    pub waves: Vec<Vec<StepId>>,
    /// The steps of the services that move.
    pub members: BTreeMap<StepId, Member>,
    /// What is applied before wave 1: what belongs to nobody, and the objects of services that do not move.
    pub shared: Vec<ObjectRef>,
    /// Services that stay as they are, whatever the frozen input has.
    pub held_out: BTreeSet<ServiceName>,
    /// What earlier releases brought and nobody has any more: deleted when every service is done, in this order.
    pub leftover: Vec<ObjectRef>,
    /// The images that are built, without tag and digest, by the service that each is declared for.
    pub images: BTreeMap<ServiceName, String>,
    /// How waves advance.
    pub strategy: Strategy,
}

impl Agenda {
    /// Nothing to do yet.
    pub fn new(charter: &Charter) -> Self {
        Self {
            waves: Vec::new(),
            members: BTreeMap::new(),
            shared: charter.shared.clone(),
            held_out: BTreeSet::new(),
            leftover: Vec::new(),
            images: charter.images.clone(),
            strategy: charter.strategy.clone(),
        }
    }

    /// The wave of a step, from 0.
    pub fn wave_of(&self, step: &StepId) -> Option<usize> {
        self.waves.iter().position(|wave| wave.contains(step))
    }

    /// Whether any step of a service is in it.
    pub fn moves(&self, service: &ServiceName) -> bool {
        self.members.keys().any(|step| step.service == *service)
    }

    /// What must be done before a step starts: its own precedences, or with `advance: Wave` all
    /// earlier waves.
    pub fn barrier(&self, service: &StepId) -> BTreeSet<StepId> {
        match self.strategy.advance {
            Advance::Service => self
                .members
                .get(service)
                .map(|member| member.after.clone())
                .unwrap_or_default(),
            Advance::Wave => {
                let earlier = self.wave_of(service).unwrap_or(0);
                self.waves.iter().take(earlier).flatten().cloned().collect()
            }
        }
    }

    /// Whether the plan wants somebody's word before a step of a service.
    pub fn is_asked_for(&self, step: &StepId) -> bool {
        let before = Before::Service(step.service.clone());
        let is_drain = self
            .members
            .get(step)
            .is_some_and(|member| member.change == Change::Drain);
        !is_drain && self.strategy.asked_before.contains(&before)
    }

    /// How a member's gate judges.
    pub fn policy(&self, member: &Member) -> Policy {
        Policy {
            drain: member.belongings.drain,
            deadline: self.strategy.service_deadline,
            rules: self.strategy.rules.clone(),
            ..Policy::from(&self.strategy.gate)
        }
    }

    /// The time between the two reads that open a step's gate.
    pub fn settle(&self, name: &StepId) -> SignedDuration {
        let drain = self.members.get(name).map(|member| member.belongings.drain);
        self.strategy.settle.unwrap_or(match drain {
            Some(DrainLevel::Endpoints) => SETTLE_OF_ENDPOINTS,
            Some(DrainLevel::Pods | DrainLevel::None) | None => SETTLE,
        })
    }
}
