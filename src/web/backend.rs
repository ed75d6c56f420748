//! What the page stands on: where it sees releases, and to whom it hands what people ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::view::Sight;
use crate::spec::crd::{Release, ServiceGraphSpec};

/// Somebody, as the API server knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// The name, for instance `system:serviceaccount:shop:anna`.
    pub name: String,
    /// The API server's own number for it, where it has one.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the API server was told.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What somebody may do, as RBAC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See releases.
    SeeReleases,
    /// See plans.
    SeePlans,
    /// See graphs.
    SeeGraphs,
    /// Pause, resume, abort.
    Change,
    /// Let a step start that nothing undoes, or say that a drain is over.
    Approve,
}

impl Right {
    /// The verb and the resource of `tidegate.dev`.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::SeeReleases => ("list", "releases"),
            Self::SeePlans => ("list", "releaseplans"),
            Self::SeeGraphs => ("list", "servicegraphs"),
            Self::Change => ("patch", "releases"),
            Self::Approve => ("approve", "releases"),
        }
    }
}

/// A right, and where it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// What.
    pub right: Right,
    /// The namespace; `None`: all of them.
    pub namespace: Option<String>,
    /// The one object; `None`: any.
    pub name: Option<String>,
}

/// What somebody asks of a release that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Let a step start, or say that a drain is over.
    Approve {
        /// The step.
        step: String,
    },
    /// Start nothing more.
    Pause,
    /// Go on.
    Resume,
    /// End it: start nothing more.
    Abort,
}

impl Wish {
    /// The right that it takes.
    pub fn right(&self) -> Right {
        match self {
            Self::Approve { .. } => Right::Approve,
            Self::Pause | Self::Resume | Self::Abort => Right::Change,
        }
    }

    /// The word for it in URLs, in the API and in the record of acts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }
}

/// A wish with who has it and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub wish: Wish,
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// Why something was not done, as a sentence with the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not fit where the release stands.
    #[error("{0}")]
    NotNow(String),
    /// The cluster does not answer, or does not allow it.
    #[error("{0}")]
    Cluster(String),
}

/// The plan of a release with its words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explained {
    /// What the plan says in one line.
    pub headline: String,
    /// All of it, a line each, as `tidegate plan` prints it.
    pub lines: Vec<String>,
    /// By step: what changes with it.
    pub changes: BTreeMap<String, Vec<String>>,
    /// By service: why it is in its wave and in no earlier one.
    pub why_here: BTreeMap<String, Vec<String>>,
}

/// A line of the page that tells how tidegate itself is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub about: String,
    /// How it is.
    pub is: String,
    /// Whether somebody has to look at it.
    pub is_trouble: bool,
}

/// Where the page sees releases, and to whom it hands what people ask.
pub trait Backend: Send + Sync + 'static {
    /// All there is now. Cheap: it is asked for at each request.
    fn sight(&self) -> Arc<Sight>;

    /// Goes up when something may have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The time by which durations are told: the simulated one stands still.
    fn now(&self) -> Timestamp;

    /// Who a Kubernetes token belongs to; `None` if to nobody. Errors: the cluster does not answer.
    fn recognise<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Person>, Refused>>;

    /// Whether somebody has a right.
    fn may<'a>(
        &'a self,
        person: &'a Person,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<bool, Refused>>;

    /// Why each service of a release is in its wave; `None` where its manifests are not there any more.
    fn explain<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Option<Arc<Explained>>>;

    /// The graph that a release brings.
    fn graph_of<'a>(
        &'a self,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<ServiceGraphSpec, Refused>>;

    /// Hands over what somebody asks; whether they may was found out before.
    fn ask<'a>(&'a self, release: &'a Release, ask: &'a Ask) -> BoxFuture<'a, Result<(), Refused>>;

    /// How tidegate itself is.
    fn facts(&self) -> BoxFuture<'_, Vec<Fact>>;
}
