//! Releases that follow one another: a newer one in the middle, and the one that brings back what ran before.

use super::scenario::{Scenario, image, manifest};
use tidegate_spec::crd::{Concurrency, OnFailure};

/// A release that is made while another one is under way.
#[derive(Debug, Clone)]
pub(super) struct Next {
    pub(super) scenario: Scenario,
    pub(super) concurrency: Concurrency,
}

/// The tag of what a newer release brings.
const NEXT: &str = "next";
/// The tag of what is brought back.
const BACK: &str = "back";

impl Scenario {
    /// The same with a newer release that is made in the middle of this one. In: what it releases, compared with what this
    /// one does, and what its plan says about two at once.
    #[must_use]
    pub fn then(mut self, next: Self, concurrency: Concurrency) -> Self {
        let scenario = next.after(&self, NEXT);
        self.next = Some(Box::new(Next {
            scenario,
            concurrency,
        }));
        self
    }

    /// The same with the release that brings back what ran before, where the plan wants that after a failure.
    #[must_use]
    pub fn with_way_back(mut self, back: Self) -> Self {
        self.back = Some(Box::new(back.after(&self, BACK)));
        self
    }

    /// Whether the plan wants that after a failure.
    pub fn wants_way_back(&self) -> bool {
        self.bundle.plan.strategy.on_failure == OnFailure::Rollback
    }

    /// As a release after another one: what does not move has the images of that one, what does has new ones.
    fn after(mut self, first: &Self, tag: &str) -> Self {
        let Self {
            bundle,
            targets,
            system,
            ..
        } = &mut self;
        for (workload, target) in targets {
            let Some(service) = bundle.owner(workload).cloned() else {
                continue;
            };
            let member = system.services.get(&service);
            let moves = member.is_none_or(|member| member.moves.is_moving());
            target.image = match first.targets.get(workload) {
                Some(known) if !moves => known.image.clone(),
                Some(_) | None => image(&service, tag),
            };
            let of_workload = bundle
                .objects
                .iter_mut()
                .find(|entry| entry.reference == *workload);
            if let Some(entry) = of_workload {
                entry.value = manifest(&target.image);
            }
        }
        self
    }
}
