//! `tidegate pause`, `resume` and `abort`: what people ask of a running release.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::context::{ClusterArgs, find_release};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{Releases, has_ended};

/// Start nothing more in a release until `resume`; what moves goes on
#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Go on with a paused release
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    target: Target,
}

/// End a release: start nothing more; what moves is left to the cluster
#[derive(Debug, clap::Args)]
pub(super) struct AbortArgs {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct Target {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs `pause`.
pub(super) async fn pause(output: &Output, args: &PauseArgs) -> Result<(), Failure> {
    ask(
        output,
        &args.target,
        json!({"pause": true}),
        "paused: nothing more is started until `tidegate resume`",
    )
    .await
}

/// Runs `resume`.
pub(super) async fn resume(output: &Output, args: &ResumeArgs) -> Result<(), Failure> {
    ask(output, &args.target, json!({"pause": false}), "resumed").await
}

/// Runs `abort`.
pub(super) async fn abort(output: &Output, args: &AbortArgs) -> Result<(), Failure> {
    ask(
        output,
        &args.target,
        json!({"abort": true}),
        "aborted: nothing more is started",
    )
    .await
}

async fn ask(
    output: &Output,
    target: &Target,
    mut control: Value,
    words: &str,
) -> Result<(), Failure> {
    let connection = target.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let release = find_release(&releases, &target.release).await?;
    let name = release.name_any();
    if has_ended(&release) {
        return Err(Failure::new(
            Exit::Refused,
            format!("release `{name}` has ended already"),
        ));
    }
    if let (Some(fields), Some(reason)) = (control.as_object_mut(), &target.reason) {
        fields.insert("reason".to_owned(), Value::String(reason.clone()));
    }
    releases.control(&name, &control).await?;
    output.say(&format!("release `{name}` is {words}"));
    Ok(())
}
