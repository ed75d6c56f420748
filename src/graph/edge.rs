//! The words of a derivation: a pair of revisions that clashes, and the order that keeps it apart.

use crate::spec::{Code, ContractName, Need, ServiceName};

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
    Unsettled,
    /// They were verified against each other, and failed.
    Refuted,
    /// Nobody declared enough to tell.
    Undeclared,
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
    /// What the caller's revision needs, if that is declared.
    pub need: Option<&'a Need>,
    /// What is wrong between them.
    pub clash: Clash,
    /// Whether the failure only degrades the caller.
    pub optional: bool,
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
    /// Optional calls fail for a while without it.
    Soft,
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
    /// Whether it rests on an assumption and not on what is declared.
    pub assumed: bool,
    /// The pairs that it keeps apart; none if it was written by hand.
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
    /// Whether it is a caller that nobody deploys here.
    pub is_outside: bool,
}

impl Node<'_> {
    /// Whether the release changes anything in it.
    pub fn is_moving(&self) -> bool {
        match self.moves {
            Moves::Create | Moves::Roll | Moves::Job | Moves::Delete => true,
            Moves::Stays => false,
        }
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
}

/// Everything that follows from the contracts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derivation<'a> {
    /// The services in the order of their names, then the callers from outside.
    pub nodes: Vec<Node<'a>>,
    /// Who must be done before whom.
    pub precedences: Vec<Precedence<'a>>,
    /// Pairs that clash already.
    pub unsafe_now: Vec<Pair<'a>>,
    /// Pairs that clash when everything is done.
    pub unsafe_at_end: Vec<Pair<'a>>,
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
