//! `tidegate run PLAN` without files: the files are those that the plan's source has now.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::failure::{Exit, Failure};
use super::output::Output;
use crate::build::Recipe;
use crate::cluster::{Connection, Releases, SourceReader};
use crate::manifest::Text;
use crate::source::{Commit, SourceError, short};
use crate::spec::ServiceName;
use crate::spec::crd::ReleasePlan;

/// What a source has.
pub(super) struct Fetched {
    pub(super) texts: Vec<Text>,
    pub(super) commit: Commit,
    pub(super) plan: ReleasePlan,
    /// What is built of the commit.
    pub(super) recipes: BTreeMap<ServiceName, Recipe>,
}

/// A folder that is gone with its last user.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over is in the system's folder for what does not stay.
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// Fetches the commit that a plan's source names now, and its files.
pub(super) async fn fetch(
    output: &Output,
    connection: &Connection,
    name: &str,
) -> Result<Fetched, Failure> {
    let releases = Releases::new(connection.client(), connection.namespace());
    let Some(plan) = releases.plan(name).await? else {
        let namespace = connection.namespace();
        let words = format!("there is no plan `{name}` in the namespace `{namespace}`");
        return Err(Failure::new(Exit::Usage, words)
            .hint("name files with `-f`, or the namespace with `-n`"));
    };
    if plan.spec.source.is_none() {
        let words = format!("plan `{name}` has no `source` that could be fetched");
        return Err(Failure::new(Exit::Usage, words).hint("name files with `-f`"));
    }
    let folder = std::env::temp_dir().join(format!("tidegate-run-{}", std::process::id()));
    let folder = Folder(folder);
    let reader = SourceReader::new(connection.clone(), folder.0.clone());
    let commit = reader
        .fetch(&plan)
        .await?
        .map_err(|error| unreadable(name, &error))?;
    output.say(&format!(
        "commit {} of {}: {}",
        short(&commit.id),
        if commit.reference.is_empty() {
            "the repository"
        } else {
            &commit.reference
        },
        commit.subject
    ));
    let texts = reader.read(&plan, &commit.id).await;
    let texts = texts.map_err(|error| unreadable(name, &error))?;
    let recipes = reader.recipes(&plan, &commit.id).await;
    let recipes = recipes.map_err(|error| unreadable(name, &error))?;
    Ok(Fetched {
        texts,
        commit,
        plan,
        recipes,
    })
}

fn unreadable(plan: &str, error: &SourceError) -> Failure {
    let exit = match error {
        SourceError::Unreachable(_)
        | SourceError::Credentials { .. }
        | SourceError::Untrusted { .. }
        | SourceError::Secret { .. } => Exit::Cluster,
        SourceError::NoReference { .. }
        | SourceError::Limit { .. }
        | SourceError::Tree { .. }
        | SourceError::Cache(_) => Exit::Usage,
    };
    Failure::new(exit, format!("the source of plan `{plan}`: {error}"))
}

/// A commit must not change as whom it is released.
pub(super) fn refuse_own_plan(plan_of_files: Option<&String>) -> Result<(), Failure> {
    let Some(name) = plan_of_files else {
        return Ok(());
    };
    let words = format!("the files of the source have a ReleasePlan of their own, `{name}`");
    Err(Failure::new(Exit::Usage, words)
        .hint("keep it outside of the source's `path`; the one in the cluster counts"))
}
