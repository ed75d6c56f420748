//! In how many steps a service moves, and what each of them does to its edges.
//!
//! In: a shape for each node of a derivation. Out: numbered steps and the arcs between them.

use super::settle::Arc;
use crate::graph::{Between, Clash, Kind, Precedence, Strength};

/// In which of its steps a service does what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Everything at once.
    Whole,
    /// Expands, then flips and contracts.
    ExpandFirst,
    /// Expands and flips, then contracts.
    ContractLast,
    /// Expands, flips, contracts.
    Three,
    /// The new image, which calls as the old one did; then the switch.
    Switched,
    /// New pods beside the old ones, for calls that find their version; then the old ones go.
    Beside,
}

/// What an edge waits for; each is the work of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// What is new is served.
    Serve,
    /// Nobody is left who serves only what is old.
    Replace,
    /// What is new may be called.
    Call,
    /// What is old is called no more.
    Cease,
    /// Somebody comes who serves only what is new.
    Arrive,
    /// What is old may be served no more.
    Drop,
}

impl Shape {
    /// How many steps it has.
    pub(super) fn steps(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::ExpandFirst | Self::ContractLast | Self::Switched | Self::Beside => 2,
            Self::Three => 3,
        }
    }

    /// The step, from 0, that does an act.
    pub(super) fn step_of(self, act: Act) -> usize {
        match (self, act) {
            (Self::Whole, _)
            | (_, Act::Serve)
            | (Self::ExpandFirst | Self::Three, Act::Replace)
            | (Self::ContractLast, Act::Replace | Act::Call | Act::Cease)
            | (Self::Switched, Act::Replace | Act::Arrive | Act::Drop)
            | (Self::Beside, Act::Call | Act::Arrive) => 0,
            (Self::ExpandFirst, Act::Call | Act::Cease | Act::Arrive | Act::Drop)
            | (Self::ContractLast, Act::Arrive | Act::Drop)
            | (Self::Three | Self::Switched, Act::Call | Act::Cease)
            | (Self::Beside, Act::Replace | Act::Cease | Act::Drop) => 1,
            (Self::Three, Act::Arrive | Act::Drop) => 2,
        }
    }
}

/// "`first` before `then`" between nodes; which of their steps it ties follows from its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tie {
    pub kind: Kind,
    pub arc: Arc,
    pub rigour: Rigour,
}

/// How much of a service an order must hold back, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rigour {
    /// What is declared tells which act of a service fails.
    Declared,
    /// A caller remembers what it agreed on, and can bear a revision between: then it meets no two of which one
    /// serves only what is old and the other only what is new.
    Bridged,
    /// A caller remembers what it agreed on: then what is served may not change at all while it
    /// calls.
    Unsettled,
    /// Two revisions were seen to fail, and nobody knows at which act: neither comes, in any form,
    /// before the other is gone.
    Refuted,
}

impl Rigour {
    pub(super) fn of(clash: Clash) -> Self {
        match clash {
            Clash::Absent | Clash::NotServed | Clash::Versions | Clash::Undeclared => {
                Self::Declared
            }
            Clash::Unsettled(Between::Helps) => Self::Bridged,
            Clash::Unsettled(Between::Breaks) => Self::Unsettled,
            Clash::Refuted => Self::Refuted,
        }
    }
}

/// The acts of its two services that a precedence ties; none if it is written by hand.
pub(super) fn tied(kind: Kind, rigour: Rigour) -> Option<(Act, Act)> {
    match (kind, rigour) {
        (Kind::ServerFirst, Rigour::Declared) => Some((Act::Serve, Act::Call)),
        (Kind::ServerFirst, Rigour::Bridged) => Some((Act::Replace, Act::Call)),
        (Kind::ServerFirst, Rigour::Unsettled) => Some((Act::Drop, Act::Call)),
        (Kind::ServerFirst, Rigour::Refuted) => Some((Act::Drop, Act::Serve)),
        (Kind::ClientFirst, Rigour::Declared) => Some((Act::Cease, Act::Drop)),
        (Kind::ClientFirst, Rigour::Bridged) => Some((Act::Cease, Act::Arrive)),
        (Kind::ClientFirst, Rigour::Unsettled | Rigour::Refuted) => Some((Act::Cease, Act::Serve)),
        (Kind::Manual, _) => None,
    }
}

impl Tie {
    pub(super) fn of(precedence: &Precedence<'_>) -> Self {
        Self {
            kind: precedence.kind,
            rigour: precedence
                .pairs
                .iter()
                .map(|pair| Rigour::of(pair.clash))
                .max()
                .unwrap_or(Rigour::Declared),
            arc: Arc {
                first: precedence.first,
                then: precedence.then,
                strength: precedence.strength,
                weight: precedence.weight,
            },
        }
    }
}

/// Steps instead of nodes: those of node 0, then those of node 1, and so on.
pub(super) struct Staged {
    /// The first step and the shape of each node.
    nodes: Vec<(usize, Shape)>,
    /// How many steps there are.
    pub steps: usize,
}

impl Staged {
    pub(super) fn new(shapes: impl Iterator<Item = Shape>) -> Self {
        let mut steps = 0;
        let nodes = shapes.map(|shape| {
            let first = steps;
            steps += shape.steps();
            (first, shape)
        });
        let nodes = nodes.collect();
        Self { nodes, steps }
    }

    /// The step of a node that does an act. A node that is not there has none, and number 0 stands
    /// for it: no arc names such a node.
    pub(super) fn step(&self, node: usize, act: Act) -> usize {
        let known = self.nodes.get(node);
        known.map_or(0, |(first, shape)| first + shape.step_of(act))
    }

    /// The node that a step belongs to.
    pub(super) fn node_of(&self, step: usize) -> usize {
        let begun = self.nodes.partition_point(|(first, _)| *first <= step);
        begun.saturating_sub(1)
    }

    fn last(&self, node: usize) -> usize {
        let known = self.nodes.get(node);
        known.map_or(0, |(first, shape)| first + shape.steps() - 1)
    }

    /// The nodes with the number of their first step and their shape.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, Shape)> {
        self.nodes.iter().copied()
    }

    /// One arc for each tie, in their order; then those between the steps of one node.
    pub(super) fn arcs(&self, ties: impl Iterator<Item = Tie>) -> Vec<Arc> {
        let mut arcs: Vec<Arc> = Vec::new();
        for tie in ties {
            let arc = tie.arc;
            let (first, then) = match tied(tie.kind, tie.rigour) {
                Some((done, starts)) => (self.step(arc.first, done), self.step(arc.then, starts)),
                None => (self.last(arc.first), self.step(arc.then, Act::Serve)),
            };
            arcs.push(Arc { first, then, ..arc });
        }
        for (step, shape) in self.nodes() {
            for later in 1..shape.steps() {
                arcs.push(Arc::hard(step + later - 1, step + later));
            }
        }
        arcs
    }
}

impl Arc {
    /// An arc that is kept or there is no order.
    pub(super) fn hard(first: usize, then: usize) -> Self {
        Self {
            first,
            then,
            strength: Strength::Hard,
            weight: 1,
        }
    }
}
