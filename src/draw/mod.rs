//! A plan as a picture: for Graphviz, for Mermaid, for a pull request, and as an SVG that needs nothing else.
//!
//! In: a plan, and what each service changes. Out: text in the form asked for. Waves stand from left to right; an
//! arrow leads from what must be done to what waits for it, dashed where that is assumed; arrows that follow from
//! others are left out. A refusal is drawn as its cycle, or as the calls that would fail.
//! Decides nothing, and has no words of its own for what a plan says.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod dot;
mod layout;
mod markdown;
mod mermaid;
mod place;
mod svg;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Action, Plan, Refusal, Step, StepWords};
use crate::spec::ServiceName;

pub use dot::dot;
pub use markdown::markdown;
pub use mermaid::mermaid;
pub use place::{Places, Spot, place};
pub use svg::svg;

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the plan says in one line.
    pub title: String,
    /// Groups of boxes from left to right: waves, or one group without a name for a refusal.
    pub groups: Vec<Group>,
    /// Who waits for whom, or whose calls fail.
    pub arrows: Vec<Arrow>,
    /// What people should know beside it: warnings, or why it was refused and the way out.
    pub notes: Vec<String>,
    /// Whether no order is safe.
    pub refused: bool,
}

/// Boxes that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `Wave 1`; empty for a refusal.
    pub name: String,
    /// The boxes.
    pub boxes: Vec<Card>,
}

/// One step, or one service of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The step's id.
    pub id: String,
    /// What is done to it, in one word; empty for a refusal.
    pub action: &'static str,
    /// What it serves and calls differently.
    pub changes: Vec<String>,
    /// Why it is not earlier.
    pub because: Vec<String>,
}

/// From one box to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The box that it leaves.
    pub from: String,
    /// The box that it leads to.
    pub to: String,
    /// Whether it rests on an assumption.
    pub assumed: bool,
    /// What is written on it: the contract of a call that would fail; else nothing.
    pub label: String,
}

impl Picture {
    /// Makes the picture of a plan.
    ///
    /// In: the plan, the line that tells it, and what is said of each of its steps.
    pub fn new(plan: &Plan, title: String, words: &BTreeMap<&str, StepWords>) -> Self {
        match &plan.refusal {
            Some(refusal) => Self::of_refusal(plan, title, refusal),
            None => Self::of_order(plan, title, words),
        }
    }

    fn of_order(plan: &Plan, title: String, words: &BTreeMap<&str, StepWords>) -> Self {
        // The steps of one service follow one another whatever is assumed.
        let mut firm: BTreeSet<(&ServiceName, &ServiceName)> = BTreeSet::new();
        let kept = plan.precedences.iter();
        let kept = kept.filter(|precedence| !precedence.assumed);
        firm.extend(kept.map(|precedence| (&precedence.first, &precedence.then)));
        let steps: BTreeMap<&str, &Step> = plan
            .steps
            .iter()
            .map(|step| (step.id.as_str(), step))
            .collect();
        let card = |step: &Step| {
            let words = words.get(step.id.as_str());
            Card {
                id: step.id.clone(),
                action: word(step.action),
                changes: words.map(|words| words.changes.clone()).unwrap_or_default(),
                because: words.map(|words| words.because.clone()).unwrap_or_default(),
            }
        };
        let groups = plan.waves.iter().enumerate().map(|(at, wave)| Group {
            name: format!("Wave {}", at + 1),
            boxes: wave
                .iter()
                .filter_map(|id| steps.get(id.as_str()))
                .map(|step| card(step))
                .collect(),
        });
        let is_firm = |first: &str, then: &Step| {
            let first = steps.get(first).map(|first| &first.service);
            first.is_some_and(|first| {
                *first == then.service || firm.contains(&(first, &then.service))
            })
        };
        let is_firm = &is_firm;
        let arrows = plan.steps.iter().flat_map(|step| {
            step.after.iter().map(move |first| Arrow {
                from: first.clone(),
                to: step.id.clone(),
                assumed: !is_firm(first, step),
                label: String::new(),
            })
        });
        Self {
            title,
            groups: groups.collect(),
            arrows: arrows.collect(),
            notes: plan.warnings.clone(),
            refused: false,
        }
    }

    fn of_refusal(plan: &Plan, title: String, refusal: &Refusal) -> Self {
        let mut names: BTreeSet<&ServiceName> = refusal.cycle.iter().collect();
        let mut arrows: Vec<Arrow> = Vec::new();
        if refusal.cycle.is_empty() {
            for pair in &refusal.pairs {
                names.extend([&pair.caller, &pair.callee]);
                arrows.push(Arrow {
                    from: pair.caller.to_string(),
                    to: pair.callee.to_string(),
                    assumed: false,
                    label: pair.contract.to_string(),
                });
            }
        } else {
            arrows.extend(plan.precedences.iter().map(|precedence| Arrow {
                from: precedence.first.to_string(),
                to: precedence.then.to_string(),
                assumed: precedence.assumed,
                label: String::new(),
            }));
        }
        let mut met = BTreeSet::new();
        arrows.retain(|arrow| {
            met.insert((arrow.from.clone(), arrow.to.clone(), arrow.label.clone()))
        });
        let boxes = names.into_iter().map(|name| Card {
            id: name.to_string(),
            action: "",
            changes: Vec::new(),
            because: Vec::new(),
        });
        let mut notes = refusal.because.clone();
        notes.extend(refusal.proposal.as_ref().map(|proposal| {
            let split: Vec<&str> = proposal.split.iter().map(ServiceName::as_str).collect();
            format!("way out: split {}", split.join(", "))
        }));
        Self {
            title,
            groups: vec![Group {
                name: String::new(),
                boxes: boxes.collect(),
            }],
            arrows,
            notes,
            refused: true,
        }
    }

    fn cards(&self) -> impl Iterator<Item = &Card> {
        self.groups.iter().flat_map(|group| &group.boxes)
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "new",
        Action::Roll => "roll",
        Action::Delete => "delete",
        Action::Job => "job",
        Action::Flip => "flip",
        Action::Drain => "drain",
    }
}
