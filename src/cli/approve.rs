//! `tidegate approve`: somebody's word for what nothing undoes, or that a drain is over.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::context::{ClusterArgs, find_release};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{Connection, Releases, has_ended, who_am_i};
use crate::spec::crd::{Approval, Release, ServiceStatus};
use crate::spec::did_you_mean;
use crate::upgrade::why::AWAITING;

/// Let a step start that nothing undoes, or say that a drain has nothing left to wait for
///
/// Who approved it, when and why is kept with the release.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The step, also ahead of time; otherwise the one that waits for somebody
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
    let approvals = approvals(
        &connection,
        std::slice::from_ref(&step.name),
        args.reason.as_deref(),
    )
    .await?;
    releases.approve(&name, &approvals).await?;
    let by = approvals.first().map_or("", |one| one.by.as_str());
    output.say(&format!(
        "approved `{}` of release `{name}` as {by}",
        step.name
    ));
    Ok(())
}

/// Approvals of steps in the name of whoever runs this program.
pub(super) async fn approvals(
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
    step.is_final || step.action == "drain"
}

fn chosen<'r>(release: &'r Release, wanted: Option<&str>) -> Result<&'r ServiceStatus, Failure> {
    let name = release.name_any();
    let Some(wanted) = wanted else {
        let waiting: Vec<&ServiceStatus> =
            steps(release).filter(|step| is_awaiting(step)).collect();
        return match waiting.as_slice() {
            [only] => Ok(only),
            [] => {
                let words = format!("release `{name}` does not wait for anybody");
                let failure = Failure::new(Exit::Refused, words);
                let ahead: Vec<&str> = steps(release)
                    .filter(|step| asks(step))
                    .map(|s| s.name.as_str())
                    .collect();
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
                let names: Vec<&str> = waiting.iter().map(|step| step.name.as_str()).collect();
                let words = format!(
                    "release `{name}` waits for more than one: {}",
                    names.join(", ")
                );
                Err(Failure::new(Exit::Usage, words)
                    .hint(format!("name one: `tidegate approve {name} STEP`")))
            }
        };
    };
    let of_service = |step: &&ServiceStatus| step.name.split('/').next() == Some(wanted);
    let exact = steps(release).find(|step| step.name == wanted && asks(step));
    if let Some(step) = exact.or_else(|| steps(release).filter(|step| asks(step)).find(of_service))
    {
        return Ok(step);
    }
    if steps(release).any(|step| step.name == wanted) {
        let words = format!("nobody has to approve `{wanted}`: what it does can be undone");
        return Err(Failure::new(Exit::Refused, words));
    }
    let failure = Failure::new(
        Exit::Usage,
        format!("release `{name}` has no step `{wanted}`"),
    );
    let known = steps(release).map(|step| step.name.as_str());
    Err(match did_you_mean(wanted, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    })
}
