//! Which plan of a release is asked for: of a part of it, as a repair, as a way back, by which strategy.
//!
//! In: the flags of `tidegate plan` that say so. Out: the part of a system that is to be planned, and its plan.

use std::collections::BTreeSet;

use super::failure::{Exit, Failure};
use crate::graph::{OnlyError, System};
use crate::plan::{Choice, Plan, plan, plan_with};
use crate::spec::ServiceName;

/// The flags.
#[derive(Debug, clap::Args)]
pub(super) struct KindArgs {
    /// Plan only these services; the others stay as they are
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    only: Vec<String>,
    /// Accept that what runs is unsafe already, and let nothing else break
    #[arg(long)]
    repair: bool,
    /// The release goes back to an earlier one: what Jobs did stays
    #[arg(long, requires = "from")]
    pub(super) rollback: bool,
    /// How services that have a switch move: once and in order, or all images first and all switches later; with both costs
    #[arg(long, value_enum)]
    strategy: Option<StrategyChoice>,
}

/// The value of `--strategy`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum StrategyChoice {
    /// Each service moves once
    Ordered,
    /// All images with the old parameter, then all switches
    Flip,
    /// The one with fewer waves
    Auto,
}

impl KindArgs {
    /// Refuses to save what `run` would not make: the controller makes the plan again, without these flags, and
    /// carries out only what has the digest of the saved one.
    pub(super) fn refuse_to_save(&self) -> Result<(), Failure> {
        let flags = [
            ("--only", !self.only.is_empty()),
            ("--repair", self.repair),
            ("--rollback", self.rollback),
            ("--strategy", self.strategy.is_some()),
        ];
        let Some((flag, _)) = flags.iter().find(|(_, is_used)| *is_used) else {
            return Ok(());
        };
        let words = format!(
            "a plan made with `{flag}` cannot be saved: `tidegate run` does not know `{flag}` yet, so it would make \
             another plan and refuse this one"
        );
        let hint = format!(
            "leave out `--out` to look at this plan, or `{flag}` to save one that can be run"
        );
        Err(Failure::new(Exit::Usage, words).hint(hint))
    }

    /// The part of a system that is asked for.
    pub(super) fn part(&self, mut system: System) -> Result<System, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        if !self.only.is_empty() {
            let names = self.only.iter().map(|text| {
                ServiceName::parse(text.trim())
                    .map_err(|error| usage(format!("`--only`: the name `{text}` {error}")))
            });
            let names: BTreeSet<ServiceName> = names.collect::<Result<_, _>>()?;
            system = system.only(&names).map_err(|error| match error {
                OnlyError::Unknown(_) => usage(error.to_string()),
                OnlyError::Mixed(_) => Failure::new(Exit::Refused, error.to_string()),
            })?;
        }
        system.repair = self.repair;
        Ok(system)
    }

    /// The plan by the strategy that is asked for.
    pub(super) fn make(&self, system: &System) -> Result<Plan, Failure> {
        let choice = match self.strategy {
            None => return Ok(plan(system)),
            Some(StrategyChoice::Ordered) => Choice::Ordered,
            Some(StrategyChoice::Flip) => Choice::Flip,
            Some(StrategyChoice::Auto) => Choice::Auto,
        };
        plan_with(system, choice).map_err(|error| {
            Failure::new(Exit::Refused, error.to_string())
                .hint("declare `switch: {env: NAME}` for each, or use `--strategy ordered`")
        })
    }
}
