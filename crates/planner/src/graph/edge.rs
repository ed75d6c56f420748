//! The words of a derivation: a pair of revisions that clashes, and the order that keeps it apart.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_spec::crd::Routing;
use tidegate_spec::{Code, ContractName, Edge, Manner, Need, Requirement, Retention, ServiceName};

use super::{Moves, Revision};

/// An edge of the call graph, borrowed from the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link<'a> {
    /// The client.
    pub caller: &'a ServiceName,
    /// The server.
    pub callee: &'a ServiceName,
    /// What they speak.
    pub contract: &'a ContractName,
}

impl Link<'_> {
    /// The same, owned.
    pub fn edge(self) -> Edge {
        Edge {
            caller: self.caller.clone(),
            callee: self.callee.clone(),
            contract: self.contract.clone(),
        }
    }
}

/// Why two revisions cannot be trusted to talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Nothing of the callee runs.
    Absent,
    /// The callee does not serve the contract at all.
    NotServed,
    /// The callee serves it in other versions.
    Versions,
    /// The caller remembers a version that it agreed on with one revision of the callee and may use
    /// it with another.
    Unsettled(Between),
    /// They were verified against each other, and failed.
    Refuted,
    /// Nobody declared enough to tell.
    Undeclared,
}

/// What becomes of a caller that remembers while its callee has a revision between that serves the old and the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Between {
    /// It agrees on the same with that one as with those beside which it runs.
    Helps,
    /// It may agree on what only that one serves.
    Breaks,
}

/// A caller's revision and a callee's that must not be live together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// On which edge.
    pub link: Link<'a>,
    /// The caller's revision; `None`: nothing of it runs.
    pub caller: Option<&'a Revision>,
    /// The callee's revision; `None`: nothing of it runs.
    pub callee: Option<&'a Revision>,
    /// What the caller's revision requires, if that is declared.
    pub requirement: Option<&'a Requirement>,
    /// What is wrong between them.
    pub clash: Clash,
}

impl<'a> Pair<'a> {
    /// What the caller's revision needs, if that is declared.
    pub fn need(&self) -> Option<&'a Need> {
        self.requirement.map(|requirement| &requirement.need)
    }

    /// Whether the failure only degrades the caller.
    pub fn is_optional(&self) -> bool {
        self.requirement
            .is_some_and(|requirement| requirement.optional)
    }

    /// How long what the caller writes outlives it.
    pub fn retention(&self) -> Option<&'a Retention> {
        self.requirement?.durable.as_ref()
    }
}

/// What forces an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The new caller does not work with the old callee.
    ServerFirst,
    /// The old caller does not work with the new callee.
    ClientFirst,
    /// Somebody wrote `after`.
    Manual,
}

/// How much depends on an order being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Calls break without it.
    Hard,
    /// Calls may break without it: the contract is not declared.
    Assumed,
    /// Without it calls fail for a while that may fail: they are optional, or fail already.
    Soft,
    /// It cannot be kept: the two come, or go, with each other and call each other. They start together.
    Together,
}

/// "`first` must be done before `then` starts." The numbers index [`Derivation::nodes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precedence<'a> {
    /// What must be done.
    pub first: usize,
    /// What may start then.
    pub then: usize,
    /// What forces it.
    pub kind: Kind,
    /// Whether it may be given up.
    pub strength: Strength,
    /// Of those that may be given up, the heavier are kept.
    pub weight: u32,
    /// Whether it rests on an assumption and not on what is declared.
    pub assumed: bool,
    /// The pairs that it keeps apart; none if it was written by hand.
    pub pairs: Vec<Pair<'a>>,
}

/// "What was written for a reader in versions that it will not read any more must be gone before it
/// starts." The numbers index [`Derivation::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drain<'a> {
    /// The writers that must be done before the wait begins.
    pub writers: BTreeSet<usize>,
    /// What shows that nothing is left.
    pub retentions: BTreeSet<&'a Retention>,
    /// The pairs of writers and readers that it keeps apart.
    pub pairs: Vec<Pair<'a>>,
}

/// A service, or a caller from outside, with who is live before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// Its name.
    pub name: &'a ServiceName,
    /// Who is live before; `None` stands for "nothing runs".
    pub before: Vec<Option<&'a Revision>>,
    /// Who is live at the end.
    pub at_end: Vec<Option<&'a Revision>>,
    /// What happens to it.
    pub moves: Moves,
    /// Who is not live any more and may have left something durable.
    pub retained: Vec<Option<&'a Revision>>,
    /// How it may move; `None` for a caller that nobody deploys here.
    pub manner: Option<&'a Manner>,
    /// Whether nothing brings back what its Job takes away.
    pub is_irreversible: bool,
}

impl<'a> Node<'a> {
    /// Whether the release changes anything in it.
    pub fn is_moving(&self) -> bool {
        self.moves.is_moving()
    }

    /// Whether it is a caller that nobody deploys here.
    pub fn is_outside(&self) -> bool {
        self.manner.is_none()
    }

    /// Whether calls reach only those of its pods that speak the caller's version.
    pub fn is_versioned(&self) -> bool {
        self.manner
            .is_some_and(|manner| manner.routing == Routing::Versioned)
    }

    /// The group of which only one service moves at a time.
    pub fn exclusive(&self) -> Option<&'a str> {
        self.manner?.exclusive.as_deref()
    }

    /// The parameter that selects what it calls.
    pub fn switch(&self) -> Option<&'a str> {
        self.manner?.switch.as_deref()
    }
}

/// How many edges need what. Every edge of the call graph, old or new, counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdgeCounts {
    /// An order is forced and follows from what is declared.
    pub proved: usize,
    /// One of its ends moves and its contract is not declared for every pair that may meet.
    pub assumed: usize,
    /// No order is needed.
    pub free: usize,
    /// Calls fail, now or when all is done, and no order would help: they may, or do so already.
    pub given_up: usize,
}

/// Everything that follows from the contracts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derivation<'a> {
    /// The services in the order of their names, then the callers from outside.
    pub nodes: Vec<Node<'a>>,
    /// Who must be done before whom.
    pub precedences: Vec<Precedence<'a>>,
    /// Services that come for the first time, or go away, and call each other: each group starts together.
    pub together: Vec<Vec<usize>>,
    /// What must be waited out before a reader starts, by the reader's number.
    pub drains: BTreeMap<usize, Drain<'a>>,
    /// Pairs that clash already.
    pub unsafe_now: Vec<Pair<'a>>,
    /// Pairs that clash when everything is done.
    pub unsafe_at_end: Vec<Pair<'a>>,
    /// Pairs that neither order keeps apart: the caller remembers what it agreed on and stands still while the callee moves.
    pub unsettled: Vec<Pair<'a>>,
    /// Pairs of one service that calls itself.
    pub self_conflicts: Vec<Pair<'a>>,
    /// Pairs of which nothing is known, where nothing may be assumed.
    pub unknown: Vec<Pair<'a>>,
    /// The edges that rest on an assumption.
    pub assumed: Vec<Link<'a>>,
    /// How many edges need what.
    pub edges: EdgeCounts,
    /// What people should know although it stops nothing.
    pub notes: Vec<(Code, String)>,
}
