//! What an installation is made of: the files of `deploy/`, filled in.
//!
//! In: the [`Settings`]. Out: YAML with the comments of the files ([`text`]), the same as objects ([`objects`]), or a Helm chart
//! ([`chart`]). All three are the same texts with other words in the same places, so they cannot say different things.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod chart;
mod fill;
mod settings;
#[cfg(test)]
mod tests;

pub use chart::chart;
pub use fill::{kinds, objects, text};
pub use settings::{Reach, Settings, SettingsError};

/// The label by which everything is found that was installed.
pub const INSTALLED_LABEL: (&str, &str) = ("app.kubernetes.io/name", "tidegate");
/// Where the controller runs, unless somebody says otherwise.
pub const SYSTEM_NAMESPACE: &str = "tidegate-system";
