//! `tidegate pause`, `resume`, `abort`, `reject` and `force`: what people ask of a running release.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::approve::{demand, is_awaiting, steps, words_of};
use super::context::{ClusterArgs, find_release};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{Connection, Releases, Word, has_ended, who_am_i};
use crate::spec::crd::{Release, ServiceStatus};
use crate::spec::did_you_mean;
use crate::upgrade::THAW;

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

/// What people type for [`THAW`], where no step has that name.
const FREEZE: &str = "freeze";

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

/// End a release that waits for somebody, with the reason why it may not go on
#[derive(Debug, clap::Args)]
pub(super) struct RejectArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// Why; kept with the release
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Let the gate of a step count as open, whatever it shows: what comes after it starts, and calls may fail
///
/// For what the gate cannot see, or a pod that will never end. Who, when and why are kept with the release for ever.
#[derive(Debug, clap::Args)]
pub(super) struct ForceArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The step that moves, has failed while others go on, or was done and is not any more; `freeze`: the release goes on in the freeze windows of its plan
    #[arg(value_name = "STEP")]
    step: String,
    /// Why; kept with the release
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs `reject`.
pub(super) async fn reject(output: &Output, args: &RejectArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let release = find_release(&releases, &args.release).await?;
    let name = release.name_any();
    refuse_ended(&release)?;
    if !steps(&release).any(is_awaiting) {
        let words = format!("release `{name}` does not wait for anybody");
        return Err(Failure::new(Exit::Refused, words)
            .hint(format!("`tidegate abort {name}` ends it all the same")));
    }
    demand(&releases, Word::Approve, Some(&name)).await?;
    let by = who_am_i(&connection.client()).await?;
    let reason = format!("rejected by {by}: {}", args.reason);
    let control = json!({"abort": true, "reason": reason});
    releases.control(&name, &control).await?;
    output.say(&format!(
        "release `{name}` is rejected as {by}: nothing more is started"
    ));
    Ok(())
}

/// Runs `force`.
pub(super) async fn force(output: &Output, args: &ForceArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let release = find_release(&releases, &args.release).await?;
    let name = release.name_any();
    refuse_ended(&release)?;
    let is_step = steps(&release).any(|step| step.name == args.step);
    if args.step == THAW || (args.step == FREEZE && !is_step) {
        return thaw(output, args, (&connection, &releases), &name).await;
    }
    let step = step_of(&release, &args.step)?;
    let is_shut = matches!(
        step.state.as_str(),
        "Moving" | "Removing" | "Draining" | "Failed"
    );
    if !is_shut && step.regressed.is_empty() {
        let words = format!(
            "`{}` of release `{name}` is {}: it has no gate that is shut",
            step.name, step.state
        );
        return Err(Failure::new(Exit::Refused, words).hint(format!(
            "`tidegate why {} --release {name}` tells what it waits for",
            step.name
        )));
    }
    demand(&releases, Word::Force, Some(&name)).await?;
    let asked = [step.name.clone()];
    let words = words_of(&connection, &asked, Some(&args.reason)).await?;
    releases.say(&name, Word::Force, &words).await?;
    output.say(&format!(
        "`{}` of release `{name}` counts as done, though: {}",
        step.name, step.message
    ));
    Ok(())
}

/// Lets a release go on in the freeze windows of its plan.
async fn thaw(
    output: &Output,
    args: &ForceArgs,
    (connection, releases): (&Connection, &Releases),
    name: &str,
) -> Result<(), Failure> {
    demand(releases, Word::Force, Some(name)).await?;
    let words = words_of(connection, &[THAW.to_owned()], Some(&args.reason)).await?;
    releases.say(name, Word::Force, &words).await?;
    output.say(&format!(
        "release `{name}` goes on in the freeze windows of its plan"
    ));
    Ok(())
}

/// A step of a release, by its name or its service's.
pub(super) fn step_of<'r>(
    release: &'r Release,
    wanted: &str,
) -> Result<&'r ServiceStatus, Failure> {
    let exact = steps(release).find(|step| step.name == wanted);
    let of_service = |step: &&ServiceStatus| {
        step.name.split('/').next() == Some(wanted)
            && step.state != "Waiting"
            && step.state != "Done"
    };
    if let Some(step) = exact.or_else(|| steps(release).find(of_service)) {
        return Ok(step);
    }
    let words = format!("release `{}` has no step `{wanted}`", release.name_any());
    let failure = Failure::new(Exit::Usage, words);
    let known = steps(release).map(|step| step.name.as_str());
    Err(match did_you_mean(wanted, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    })
}

fn refuse_ended(release: &Release) -> Result<(), Failure> {
    if !has_ended(release) {
        return Ok(());
    }
    let words = format!("release `{}` has ended already", release.name_any());
    Err(Failure::new(Exit::Refused, words))
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
    refuse_ended(&release)?;
    if let (Some(fields), Some(reason)) = (control.as_object_mut(), &target.reason) {
        fields.insert("reason".to_owned(), Value::String(reason.clone()));
    }
    releases.control(&name, &control).await?;
    output.say(&format!("release `{name}` is {words}"));
    Ok(())
}
