//! `tidegate crds`: our custom resource definitions as YAML.

use super::failure::{Exit, Failure};
use super::output::Output;
use crate::spec::crd;

/// Print the custom resource definitions, for `kubectl apply -f -`
#[derive(Debug, clap::Args)]
pub(super) struct CrdsArgs {}

/// Runs the command.
pub(super) fn crds(output: &Output, _args: &CrdsArgs) -> Result<(), Failure> {
    output.data(text()?.trim_end())
}

/// The three definitions as one stream of YAML documents.
pub(super) fn text() -> Result<String, Failure> {
    let mut text = String::new();
    for definition in crd::definitions() {
        let yaml = serde_saphyr::to_string(&definition)
            .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        text.push_str("---\n");
        text.push_str(&yaml);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}
