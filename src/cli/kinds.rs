//! Which plan of a release is asked for: of a part of it, as a repair, as a way back, by which strategy.
//!
//! In: the flags of `tidegate plan` and `tidegate run` that say so. Out: the same as a Release keeps it.

use super::failure::{Exit, Failure};
use crate::controller::NameError;
use crate::spec::crd::{Order, Planning};

/// The flags.
#[derive(Debug, clap::Args)]
pub(super) struct KindArgs {
    /// Plan only these services; the others stay as they are
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    only: Vec<String>,
    /// Accept that what runs is unsafe already, and let nothing else break
    #[arg(long)]
    repair: bool,
    /// The files are those of an earlier release: what Jobs did stays
    #[arg(long)]
    rollback: bool,
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
    /// The same as a Release keeps it.
    pub(super) fn planning(&self) -> Planning {
        Planning {
            only: self
                .only
                .iter()
                .map(|name| name.trim().to_owned())
                .collect(),
            repair: self.repair,
            rollback: self.rollback,
            order: self.strategy.map(|strategy| match strategy {
                StrategyChoice::Ordered => Order::Ordered,
                StrategyChoice::Flip => Order::Flip,
                StrategyChoice::Auto => Order::Auto,
            }),
        }
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}
