//! What must be done before each step of a plan, those included that follow from others: each of them is looked at once
//! more right before the start.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_planner::plan::{Plan, Step};
use tidegate_spec::ServiceName;
use tidegate_upgrade::StepId;

/// The orders of a plan, by step and by service.
pub(super) struct Orders<'p> {
    steps: BTreeMap<&'p str, &'p Step>,
    /// The steps of each service, in the order of the waves.
    of_service: BTreeMap<&'p ServiceName, Vec<&'p Step>>,
    /// Who goes before whom, by who waits.
    firsts: BTreeMap<&'p ServiceName, BTreeSet<&'p ServiceName>>,
}

impl<'p> Orders<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut orders = Self {
            steps: BTreeMap::new(),
            of_service: BTreeMap::new(),
            firsts: BTreeMap::new(),
        };
        for step in &plan.steps {
            orders.steps.insert(&step.id, step);
            let of_service = orders.of_service.entry(&step.service).or_default();
            of_service.push(step);
        }
        for precedence in &plan.precedences {
            let firsts = orders.firsts.entry(&precedence.then).or_default();
            firsts.insert(&precedence.first);
        }
        orders
    }

    /// What must be done before a step: all that its service comes after, and what the plan names for it. Of a service
    /// that moves more than once it is the last step that this one follows.
    pub(super) fn before(&self, step: &Step) -> BTreeSet<StepId> {
        let mut before: BTreeSet<&str> = step.after.iter().map(String::as_str).collect();
        let firsts = self.firsts.get(&step.service).into_iter().flatten();
        let mut ancestors = None;
        for first in firsts {
            let steps = self.of_service.get(first).map_or(&[][..], Vec::as_slice);
            let own = self.of_service.get(&step.service).map_or(0, Vec::len);
            if let ([only], 1) = (steps, own) {
                before.insert(&only.id);
                continue;
            }
            let ancestors = ancestors.get_or_insert_with(|| self.ancestors(step));
            let mut followed = steps
                .iter()
                .filter(|first| ancestors.contains(first.id.as_str()));
            before.extend(followed.next_back().map(|last| last.id.as_str()));
        }
        let parsed = before.into_iter().filter_map(|id| StepId::parse(id).ok());
        parsed.collect()
    }

    /// Every step that is done before one starts, whatever its kind.
    fn ancestors(&self, step: &Step) -> BTreeSet<&'p str> {
        let mut found = BTreeSet::new();
        let own = self.steps.get(step.id.as_str()).copied();
        let mut open: Vec<&'p Step> = own.into_iter().collect();
        while let Some(step) = open.pop() {
            for id in &step.after {
                if found.insert(id.as_str()) {
                    open.extend(self.steps.get(id.as_str()).copied());
                }
            }
        }
        found
    }
}
