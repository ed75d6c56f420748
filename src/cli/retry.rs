//! `tidegate retry` and `skip`: a release once more, with the same input, whole or without a service.

use kube::ResourceExt;

use super::approve::{steps, words_of};
use super::context::{ClusterArgs, find_release};
use super::control::step_of;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release::{Again, Reach, WatchingArgs};
use crate::cluster::{Connection, Releases, Word, has_ended};
use crate::spec::crd::{Concurrency, Planning, Release, ServiceStatus, Trigger};
use crate::spec::did_you_mean;

/// Do once more what a release left undone: a new release with the same input, planned from what runs now
#[derive(Debug, clap::Args)]
pub(super) struct RetryArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// Only this service; the others stay as they are
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what would happen; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Go on without a service: a new release with the same input takes the place of this one and leaves the service as it is
///
/// Only where the order of all others is still proved safe; otherwise it is refused with the pairs that could meet.
#[derive(Debug, clap::Args)]
pub(super) struct SkipArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The services that stay as they are
    #[arg(value_name = "SERVICE", required = true)]
    services: Vec<String>,
    /// Why; kept with the release
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
    /// Show what would happen; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs `retry`.
pub(super) async fn retry(output: &Output, args: &RetryArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let source = newest(&releases, &args.release).await?;
    let name = source.name_any();
    let outcome = source
        .status
        .as_ref()
        .and_then(|status| status.outcome.as_deref());
    match outcome {
        None => return retry_within(output, &connection, &source, args).await,
        Some("Succeeded") => {
            let words = format!("release `{name}` has succeeded: there is nothing to do once more");
            return Err(Failure::new(Exit::Refused, words));
        }
        Some(_) => {}
    }
    let mut planning = source.spec.planning.clone();
    if let Some(service) = &args.service {
        planning.only = vec![service.clone()];
    }
    let reach = Reach {
        output,
        connection: &connection,
        releases: &releases,
    };
    let again = Again {
        source: &source,
        planning,
        trigger: Trigger::Retry,
        concurrency: None,
        reason: args.reason.clone(),
        rollback_of: source.spec.rollback_of.clone(),
        retry_of: Some(name),
        shows_diff: false,
    };
    reach
        .release_again(&again, args.dry_run, &args.watching)
        .await
}

/// Has a service tried again in a release that goes on beside its failure.
async fn retry_within(
    output: &Output,
    connection: &Connection,
    release: &Release,
    args: &RetryArgs,
) -> Result<(), Failure> {
    let name = release.name_any();
    let failed: Vec<&ServiceStatus> = steps(release)
        .filter(|step| step.state == "Failed")
        .collect();
    let step = match (&args.service, failed.as_slice()) {
        (Some(service), _) => step_of(release, service)?,
        (None, [only]) => *only,
        (None, _) => {
            let words = format!(
                "release `{name}` has not ended, and {} of its services have failed",
                failed.len()
            );
            return Err(Failure::new(Exit::Refused, words).hint(format!(
                "`tidegate retry {name} SERVICE` tries one again; `tidegate why {name}` tells more"
            )));
        }
    };
    if step.state != "Failed" {
        let words = format!(
            "`{}` of release `{name}` has not failed: it is {}",
            step.name, step.state
        );
        return Err(Failure::new(Exit::Refused, words).hint(format!(
            "`tidegate why {} --release {name}` tells what it waits for",
            step.name
        )));
    }
    if args.dry_run {
        output.say(&format!(
            "`{}` of release `{name}` would be tried again",
            step.name
        ));
        return Ok(());
    }
    let asked = [step.name.clone()];
    let words = words_of(connection, &asked, args.reason.as_deref()).await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    releases.say(&name, Word::Retry, &words).await?;
    output.say(&format!(
        "`{}` of release `{name}` is tried again",
        step.name
    ));
    Ok(())
}

/// Runs `skip`.
pub(super) async fn skip(output: &Output, args: &SkipArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let source = newest(&releases, &args.release).await?;
    let name = source.name_any();
    let bundle = releases.bundle(&source).await?;
    let known: Vec<String> = bundle.services.keys().map(ToString::to_string).collect();
    for service in &args.services {
        if known.contains(service) {
            continue;
        }
        let words = format!("release `{name}` has no service `{service}`");
        let failure = Failure::new(Exit::Usage, words);
        return Err(
            match did_you_mean(service, known.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(format!("it has {}", known.join(", "))),
            },
        );
    }
    let planning = without(&source, &known, &args.services);
    if planning.only.is_empty() {
        let words = "no service would be left; nothing was written";
        return Err(Failure::new(Exit::Refused, words)
            .hint(format!("`tidegate abort {name}` ends the release")));
    }
    let reach = Reach {
        output,
        connection: &connection,
        releases: &releases,
    };
    let again = Again {
        source: &source,
        planning,
        trigger: Trigger::Retry,
        concurrency: (!has_ended(&source)).then_some(Concurrency::Supersede),
        reason: Some(format!(
            "without {}: {}",
            args.services.join(", "),
            args.reason
        )),
        rollback_of: source.spec.rollback_of.clone(),
        retry_of: Some(name),
        shows_diff: false,
    };
    reach
        .release_again(&again, args.dry_run, &args.watching)
        .await
}

/// The plan of the same input in which some services more stay as they are.
fn without(source: &Release, known: &[String], left_out: &[String]) -> Planning {
    let planning = source.spec.planning.clone();
    let asked = if planning.only.is_empty() {
        known.to_vec()
    } else {
        planning.only.clone()
    };
    let only = asked.into_iter().filter(|name| !left_out.contains(name));
    Planning {
        only: only.collect(),
        ..planning
    }
}

/// A release that nothing newer has followed.
async fn newest(releases: &Releases, name: &str) -> Result<Release, Failure> {
    let release = find_release(releases, name).await?;
    let all = releases.list(Some(&release.spec.plan)).await?;
    match all.last() {
        Some(newest) if newest.spec.number > release.spec.number => {
            let (name, newest) = (release.name_any(), newest.name_any());
            let words =
                format!("`{name}` is not the newest release of its plan: `{newest}` came after it");
            Err(Failure::new(Exit::Refused, words)
                .hint("release the files that you want with `tidegate run -f …`"))
        }
        Some(_) | None => Ok(release),
    }
}

#[cfg(test)]
mod tests {
    use super::without;
    use crate::spec::crd::{Planning, Release, ReleaseSpec};

    #[test]
    fn what_is_left_out_stays_left_out_in_the_next_one() {
        let names = |text: &str| -> Vec<String> {
            text.split_whitespace().map(ToOwned::to_owned).collect()
        };
        let known = names("cart db web");
        let source = |only: &str| {
            let planning = Planning {
                only: names(only),
                ..Planning::default()
            };
            let spec = ReleaseSpec {
                planning,
                ..ReleaseSpec::default()
            };
            Release::new("shop-1", spec)
        };
        let left = |only: &str, out: &str| without(&source(only), &known, &names(out)).only;
        assert_eq!(left("", "web"), names("cart db"));
        assert_eq!(left("cart web", "web"), names("cart"));
        assert_eq!(left("web", "web"), names(""));
    }
}
