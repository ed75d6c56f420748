//! `tidegate diff`: what a release would change, object by object.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use super::assemble::{assemble, tell_problems};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::{Format, Output};
use super::release::placed;
use crate::cluster::{Difference, differences};
use crate::spec::Problem;

/// Show what a release would change in the cluster; exit code 1 if it would change something
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// Manifests and ServiceGraph: files, folders, or `-` for stdin
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
    /// How many lines around a change
    #[arg(short = 'U', long, default_value_t = 3, value_name = "LINES")]
    context_lines: usize,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
pub(super) struct Change {
    object: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    diff: String,
}

/// Runs the command.
pub(super) async fn diff(output: &Output, args: &DiffArgs) -> Result<(), Failure> {
    let texts = read_all(&args.files)?;
    let connection = args.cluster.connect().await?;
    let (assembled, problems) = assemble(&texts, connection.namespace(), None);
    tell_problems(output, &problems, &texts)?;
    let Some(assembled) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    let plan = assembled
        .plan_name
        .clone()
        .unwrap_or_else(|| assembled.bundle.graph_name.clone());
    let found = differences(&connection, &assembled.bundle, &plan).await?;
    let (changes, refused) = changes(&found, args.context_lines)?;
    // With nothing but refusals, "no differences" would be wrong.
    if refused.is_empty() || !changes.is_empty() || args.output != Format::Text {
        output.document(args.output, &changes, || text(&changes))?;
    }
    if !refused.is_empty() {
        tell_problems(output, &placed(refused, &assembled), &[]).unwrap_or_default();
        return Err(Failure::new(
            Exit::Refused,
            "the API server would refuse this release",
        ));
    }
    if changes.is_empty() {
        Ok(())
    } else {
        Err(Failure::told(Exit::No))
    }
}

/// What would change, and what the API server would refuse.
pub(super) fn changes(
    found: &[Difference],
    context_lines: usize,
) -> Result<(Vec<Change>, Vec<Problem>), Failure> {
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    for difference in found {
        match &difference.after {
            Ok(after) => changes.extend(change(difference, after.as_ref(), context_lines)?),
            Err(problem) if refused.contains(&**problem) => {}
            Err(problem) => refused.push((**problem).clone()),
        }
    }
    Ok((changes, refused))
}

fn change(
    difference: &Difference,
    after: Option<&Value>,
    lines: usize,
) -> Result<Option<Change>, Failure> {
    let object = difference.object.to_string();
    let before = difference.before.as_ref();
    let kind = match (before, after) {
        (before, after) if before == after => return Ok(None),
        (None, _) => "create",
        (Some(_), Some(_)) => "change",
        (Some(_), None) => "delete",
    };
    let old = before.map(yaml).transpose()?.unwrap_or_default();
    let new = after.map(yaml).transpose()?.unwrap_or_default();
    let header = (format!("live/{object}"), format!("release/{object}"));
    let diff = TextDiff::from_lines(old.as_str(), new.as_str())
        .unified_diff()
        .context_radius(lines)
        .header(&header.0, &header.1)
        .to_string();
    Ok(Some(Change { object, kind, diff }))
}

fn yaml(value: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(|error| Failure::new(Exit::Bug, error.to_string()))
}

pub(super) fn text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no differences".to_owned();
    }
    let diffs: Vec<&str> = changes
        .iter()
        .map(|change| change.diff.trim_end())
        .collect();
    let many = |kind: &str| changes.iter().filter(|change| change.kind == kind).count();
    format!(
        "{}\n\n{} to create, {} to change, {} to delete",
        diffs.join("\n"),
        many("create"),
        many("change"),
        many("delete")
    )
}
