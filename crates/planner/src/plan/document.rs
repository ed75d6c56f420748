//! The plan as printed, kept and run: the same text for the same system, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::digest;
use crate::graph::System;
use tidegate_spec::{Code, ContractName, Edge, ServiceName, Version};

/// Whether there is a safe order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The waves are it.
    Ordered,
    /// There is none; the refusal says why.
    Refused,
}

/// What is done to a service in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Nothing of it runs yet.
    Create,
    /// Its pods are replaced.
    Roll,
    /// It goes away.
    Delete,
    /// It runs once to its end.
    Job,
    /// Only the parameter that selects a client's version changes.
    Flip,
    /// What was written in an old version is waited out.
    Drain,
}

/// What forces one service before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ordering {
    /// The new caller does not work with the old callee.
    ServerFirst,
    /// The old caller does not work with the new callee.
    ClientFirst,
    /// Somebody wrote `after`.
    Manual,
    /// Both are of one exclusive group; which goes first is a matter of time and not of safety.
    Exclusive,
}

/// One move of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// The service's name, with a suffix where it moves more than once.
    pub id: String,
    /// The service.
    pub service: ServiceName,
    /// What is done to it.
    pub action: Action,
    /// The steps that must be done before, without those that follow from the others.
    pub after: Vec<String>,
    /// Where it is a drain: what shows that nothing is left, `7d`, `lag` or `manual`; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drain: Vec<String>,
}

/// Who must be done before whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Precedence {
    /// What must be done.
    pub first: ServiceName,
    /// What may start then.
    pub then: ServiceName,
    /// What forces it.
    pub kind: Ordering,
    /// Whether it rests on an assumption and not on what is declared.
    pub assumed: bool,
    /// The edge that forces it; none if it was written by hand.
    pub edge: Option<Edge>,
    /// The pair of revisions that forces it, as a sentence.
    pub because: String,
}

/// How many edges of the call graph need what; each counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EdgeCounts {
    /// The edge needs an order, and what is declared proves it.
    pub proved: usize,
    /// An end of it moves and its contract is not declared for every pair that may meet.
    pub assumed: usize,
    /// The edge needs no order: every pair that may meet is compatible.
    pub free: usize,
    /// Calls on the edge fail for a while or for good, and may: they are optional, fail already, or are of services that
    /// start together. A warning says so.
    #[serde(default, skip_serializing_if = "is_none")]
    pub given_up: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it a reference"
)]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What sort of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalKind {
    /// The precedences close a cycle.
    Cycle,
    /// Two revisions could not talk even when all is done.
    TargetUnsafe,
    /// What runs now is already unsafe.
    CurrentUnsafe,
    /// A service that calls itself cannot be mixed.
    SelfConflict,
    /// A caller that remembers what it agreed on, and does not move, would break while its callee rolls.
    Unsettled,
    /// A contract is not declared, and nothing may be assumed.
    UnknownContract,
    /// A step could not be undone.
    Irreversible,
    /// Flips are asked for, and a caller that would have to wait has no switch.
    NoSwitch,
    /// A part of a release is asked for, and a service outside it is in the middle of a rollout.
    Unfinished,
}

/// Two revisions that must not be live together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairOf {
    /// The client.
    pub caller: ServiceName,
    /// Its revision.
    pub caller_revision: String,
    /// The server.
    pub callee: ServiceName,
    /// Its revision, `absent` where nothing of it runs.
    pub callee_revision: String,
    /// What they speak.
    pub contract: ContractName,
}

/// The smallest split that makes an order exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposal {
    /// The services that must move more than once.
    pub split: Vec<ServiceName>,
    /// The waves then, by step.
    pub waves: Vec<Vec<String>>,
}

/// A revision that does not exist yet and that a proposal needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intermediate {
    /// The step that brings it, for instance `orders/expand`.
    pub id: String,
    /// What it must serve.
    pub serves: BTreeMap<ContractName, BTreeSet<Version>>,
    /// What it must call, as text: `catalog 2`, `catalog any of 1, 2`.
    pub calls: Vec<String>,
}

/// Why there is no plan, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// The stable code.
    #[serde(deserialize_with = "code")]
    pub code: Code,
    /// The sort of refusal.
    pub kind: RefusalKind,
    /// Every service that is on a cycle.
    pub cycle: Vec<ServiceName>,
    /// Every pair of revisions that forces the refusal.
    pub pairs: Vec<PairOf>,
    /// A split that makes an order exist, if one does.
    pub proposal: Option<Proposal>,
    /// The refusal in sentences: one for each pair or arc, with what to do.
    pub because: Vec<String>,
    /// What the steps of the proposal must serve and call, but for those that bring the target.
    pub intermediate: Vec<Intermediate>,
    /// Other splits of the same size.
    pub alternatives: Vec<Vec<ServiceName>>,
}

/// How services get from old calls to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Each moves once, in the order that contracts force.
    Ordered,
    /// Those that have a switch bring their new image first, which still calls as the old one did, and flip later.
    Flip,
}

/// What a strategy costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// How many waves, one after the other.
    pub waves: usize,
    /// How often the pods of a service are replaced, all services together.
    pub restarts: usize,
}

/// What the two strategies cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Costs {
    /// The one that this plan follows.
    pub chosen: Strategy,
    /// Without switches; none if there is no order.
    pub ordered: Option<Cost>,
    /// With switches; none if a caller that has to wait has no switch, or there is no order.
    pub flip: Option<Cost>,
}

/// The order of one release, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// `tidegate.dev/v1alpha1`.
    pub api_version: String,
    /// `Plan`.
    pub kind: String,
    /// Whether there is a safe order.
    pub verdict: Verdict,
    /// Of everything else here and of the system it was made for, but for the sentences of precedences, which say once
    /// more what both are: `sha256:` and 64 digits.
    pub digest: String,
    /// The steps that may run at the same time, behind one barrier each.
    pub waves: Vec<Vec<String>>,
    /// The steps in the order of the waves.
    pub steps: Vec<Step>,
    /// Every precedence that the plan keeps, also those that follow from others.
    pub precedences: Vec<Precedence>,
    /// How many edges need what.
    pub edges: EdgeCounts,
    /// A longest chain of steps.
    pub critical_path: Vec<String>,
    /// The steps before which there is a last chance to go back: nothing undoes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points_of_no_return: Vec<String>,
    /// What the two strategies cost, where a choice between them was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategies: Option<Costs>,
    /// What people should know although it stops nothing; each ends with its code in brackets.
    pub warnings: Vec<String>,
    /// Why there is no order.
    pub refusal: Option<Refusal>,
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let id = String::deserialize(deserializer)?;
    let known = Code::ALL.iter().find(|code| code.id() == id);
    known
        .copied()
        .ok_or_else(|| serde::de::Error::custom(format!("`{id}` is no code")))
}

impl Plan {
    /// A plan with nothing in it.
    pub(super) fn empty(verdict: Verdict) -> Self {
        Self {
            api_version: "tidegate.dev/v1alpha1".to_owned(),
            kind: "Plan".to_owned(),
            verdict,
            digest: String::new(),
            waves: Vec::new(),
            steps: Vec::new(),
            precedences: Vec::new(),
            edges: EdgeCounts::default(),
            critical_path: Vec::new(),
            points_of_no_return: Vec::new(),
            strategies: None,
            warnings: Vec::new(),
            refusal: None,
        }
    }

    /// The plan as JSON, deterministic, for `-o json` and for files.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The wave of a step, from 0.
    pub fn wave_of(&self, id: &str) -> Option<usize> {
        self.waves
            .iter()
            .position(|wave| wave.iter().any(|step| step == id))
    }

    /// The digest that this plan has if it was made for this system and nobody changed it since.
    pub fn digest_for(&self, system: &System) -> String {
        let Self {
            api_version,
            kind,
            verdict,
            digest: _,
            waves,
            steps,
            precedences,
            edges,
            critical_path,
            points_of_no_return,
            strategies,
            warnings,
            refusal,
        } = self;
        let order = (waves, critical_path, points_of_no_return, strategies);
        let document = (api_version, kind, verdict, order, edges, warnings, refusal);
        digest(&document, (steps, precedences), system)
    }

    /// The same with its digest.
    pub(super) fn sealed(mut self, system: &System) -> Self {
        self.digest = self.digest_for(system);
        self
    }
}
