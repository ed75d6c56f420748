//! `tidegate approve`: somebody's word for what nothing undoes or the plan asks for, or that a drain is over.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::context::{ClusterArgs, find_release};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{Connection, Releases, Word, has_ended, who_am_i};
use crate::spec::crd::{Approval, Release, ServiceStatus};
use crate::spec::did_you_mean;
use crate::upgrade::why::AWAITING;

/// Let a step or a wave start that waits for somebody, or say that a drain has nothing left to wait for
///
/// Who approved it, when and why is kept with the release.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The step, or a wave (`wave/3`), also ahead of time; otherwise the one that waits for somebody
    #[arg(value_name = "STEP")]
    step: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn approve(output: &Output, args: &ApproveArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let release = find_release(&releases, &args.release).await?;
    let name = release.name_any();
    if has_ended(&release) {
        let words = format!("release `{name}` has ended already");
        return Err(Failure::new(Exit::Refused, words));
    }
    let step = chosen(&release, args.step.as_deref())?;
    demand(&releases, Word::Approve, Some(&name)).await?;
    let steps = std::slice::from_ref(&step);
    let approvals = words_of(&connection, steps, args.reason.as_deref()).await?;
    releases.say(&name, Word::Approve, &approvals).await?;
    let by = approvals.first().map_or("", |one| one.by.as_str());
    output.say(&format!("approved `{step}` of release `{name}` as {by}"));
    Ok(())
}

/// Ends with a sentence where whoever runs this program may not say a word.
pub(super) async fn demand(
    releases: &Releases,
    word: Word,
    release: Option<&str>,
) -> Result<(), Failure> {
    if releases.may_say(word, release).await? {
        return Ok(());
    }
    let verb = word.verb().unwrap_or_default();
    let namespace = releases.namespace();
    let words =
        format!("you may not `{verb}` releases in namespace `{namespace}`; nothing was written");
    Err(Failure::new(Exit::Cluster, words).hint(format!(
        "the right is the verb `{verb}` on `releases.tidegate.dev`; `deploy/approver.yaml` has a Role with it"
    )))
}

/// Words about steps in the name of whoever runs this program.
pub(super) async fn words_of(
    connection: &Connection,
    steps: &[String],
    reason: Option<&str>,
) -> Result<Vec<Approval>, Failure> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let by = who_am_i(&connection.client()).await?;
    // The API server keeps whole seconds.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let approval = |step: &String| Approval {
        step: step.clone(),
        by: by.clone(),
        time: Some(Time(now)),
        reason: reason.map(ToOwned::to_owned),
    };
    Ok(steps.iter().map(approval).collect())
}

/// Every step of a release.
pub(super) fn steps(release: &Release) -> impl Iterator<Item = &ServiceStatus> {
    let waves = release.status.iter().flat_map(|status| &status.waves);
    waves.flat_map(|wave| &wave.services)
}

/// Whether a step waits for somebody's word now.
pub(super) fn is_awaiting(step: &ServiceStatus) -> bool {
    step.reason == AWAITING
}

/// Whether somebody may be asked for a step.
fn asks(step: &ServiceStatus) -> bool {
    step.is_final || step.needs_approval || step.action == "drain"
}

/// What has to be approved so that a step goes on: its wave, or itself.
pub(super) fn asked_for(release: &Release, step: &ServiceStatus) -> String {
    let mut waves = release.status.iter().flat_map(|status| &status.waves);
    let wave = waves.find(|wave| wave.services.iter().any(|other| other.name == step.name));
    match wave.filter(|wave| wave.needs_approval && wave.approval.is_none()) {
        Some(wave) => format!("wave/{}", wave.index),
        None => step.name.clone(),
    }
}

fn chosen(release: &Release, wanted: Option<&str>) -> Result<String, Failure> {
    match wanted {
        None => the_one_that_waits(release),
        Some(wanted) => named(release, wanted),
    }
}

fn the_one_that_waits(release: &Release) -> Result<String, Failure> {
    let name = release.name_any();
    let waiting = steps(release).filter(|step| is_awaiting(step));
    let waiting: BTreeSet<String> = waiting.map(|step| asked_for(release, step)).collect();
    let waiting: Vec<String> = waiting.into_iter().collect();
    match waiting.as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            let words = format!("release `{name}` does not wait for anybody");
            let failure = Failure::new(Exit::Refused, words);
            let ahead: BTreeSet<String> = steps(release)
                .filter(|step| asks(step))
                .map(|step| step.name.clone())
                .chain(asked_waves(release))
                .collect();
            let ahead: Vec<String> = ahead.into_iter().collect();
            Err(if ahead.is_empty() {
                failure.hint(format!("`tidegate why {name}` tells what it waits for"))
            } else {
                let steps = ahead.join("`, `");
                failure.hint(format!(
                    "ahead of time: `tidegate approve {name} STEP`, of `{steps}`"
                ))
            })
        }
        [_, _, ..] => {
            let words = format!(
                "release `{name}` waits for more than one: {}",
                waiting.join(", ")
            );
            Err(Failure::new(Exit::Usage, words)
                .hint(format!("name one: `tidegate approve {name} STEP`")))
        }
    }
}

/// The waves that start only with somebody's word.
fn asked_waves(release: &Release) -> impl Iterator<Item = String> {
    let waves = release.status.iter().flat_map(|status| &status.waves);
    let asked = waves.filter(|wave| wave.needs_approval);
    asked.map(|wave| format!("wave/{}", wave.index))
}

fn named(release: &Release, wanted: &str) -> Result<String, Failure> {
    let name = release.name_any();
    if asked_waves(release).any(|wave| wave == wanted) {
        return Ok(wanted.to_owned());
    }
    let of_service = |step: &&ServiceStatus| step.name.split('/').next() == Some(wanted);
    let exact = steps(release).find(|step| step.name == wanted && asks(step));
    if let Some(step) = exact.or_else(|| steps(release).filter(|step| asks(step)).find(of_service))
    {
        return Ok(step.name.clone());
    }
    if steps(release).any(|step| step.name == wanted) {
        let words = format!(
            "nobody has to approve `{wanted}`: what it does can be undone, and the plan does not ask for it"
        );
        return Err(Failure::new(Exit::Refused, words));
    }
    let failure = Failure::new(
        Exit::Usage,
        format!("release `{name}` has no step `{wanted}` that somebody has to approve"),
    );
    let known: Vec<String> = steps(release)
        .map(|step| step.name.clone())
        .chain(asked_waves(release))
        .collect();
    Err(
        match did_you_mean(wanted, known.iter().map(String::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        },
    )
}
