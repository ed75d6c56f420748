//! `tidegate why`: what a service waits for, in one screen.

use std::fmt::Write as _;

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use super::approve::{asked_for, is_awaiting};
use super::archive::{ArchiveArgs, find_anywhere};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use super::release_view::frozen;
use crate::cluster::{Releases, has_ended};
use crate::spec::crd::{Release, ServiceStatus};
use crate::spec::did_you_mean;
use crate::spec::duration::describe;
use crate::upgrade::unblocked_by;

/// Tell what a service waits for, which pods hold it, since when, and what would unblock it
#[derive(Debug, clap::Args)]
pub(super) struct WhyArgs {
    /// A service, or one of its steps; or a release, to hear of all of its services
    #[arg(value_name = "SERVICE")]
    service: String,
    /// The release; otherwise the newest that has the service, one that is under way first
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    archive: ArchiveArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    release: String,
    wave: u32,
    service: ServiceStatus,
    /// What has to be approved where it waits for a person.
    #[serde(skip)]
    asked_for: String,
}

/// Runs the command.
pub(super) async fn why(output: &Output, args: &WhyArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let archive = args.archive.to_read().await?;
    let find = async |name: &str| {
        find_anywhere(&releases, archive.as_ref(), (connection.namespace(), name)).await
    };
    let candidates = if let Some(name) = &args.release {
        vec![find(name).await?]
    } else {
        let mut all = releases.list(None).await?;
        all.sort_by_key(|release| (!has_ended(release), release.spec.number));
        all.reverse();
        all
    };
    let is_it = |service: &ServiceStatus| {
        let of_service = service.name.split('/').next();
        service.name == args.service || of_service == Some(&args.service)
    };
    let mut answers = answers(&candidates, is_it);
    if answers.is_empty() && args.release.is_none() {
        // Not a service: perhaps a release.
        if let Ok(release) = find(&args.service).await {
            answers = self::answers(std::slice::from_ref(&release), |s| s.state != "Done");
            if answers.is_empty() {
                return output.document(args.output, &answers, || {
                    let status = release.status.clone().unwrap_or_default();
                    if let Some(words) = frozen(&status) {
                        return format!("{}: {words}", release.name_any());
                    }
                    format!("every service of release `{}` is done", release.name_any())
                });
            }
        }
    }
    if answers.is_empty() {
        return Err(unknown(&args.service, &candidates));
    }
    output.document(args.output, &answers, || {
        answers.iter().map(text).collect::<Vec<_>>().join("\n")
    })
}

/// The steps that are wanted, of the first release that has one.
fn answers(releases: &[Release], wanted: impl Fn(&ServiceStatus) -> bool) -> Vec<Answer> {
    let mut found = Vec::new();
    for release in releases {
        let Some(status) = release.status.as_ref().filter(|_| found.is_empty()) else {
            continue;
        };
        for wave in &status.waves {
            for service in wave.services.iter().filter(|service| wanted(service)) {
                found.push(Answer {
                    release: release.name_any(),
                    wave: wave.index,
                    asked_for: asked_for(release, service),
                    service: ServiceStatus {
                        records: std::collections::BTreeMap::new(),
                        ..service.clone()
                    },
                });
            }
        }
    }
    found
}

fn text(answer: &Answer) -> String {
    let Answer {
        release,
        wave,
        service,
        asked_for: _,
    } = answer;
    let mut text = format!(
        "{}  {} in wave {wave} of {release}\n",
        service.name, service.state
    );
    // Writing into a String cannot fail.
    let mut line = |words: String| writeln!(text, "  {words}").unwrap_or_default();
    if !service.message.is_empty() {
        line(service.message.clone());
    }
    if let Some(since) = &service.since {
        line(format!(
            "since {} ({})",
            since.0,
            describe(Timestamp::now().duration_since(since.0))
        ));
    }
    if let Some(what) = unblocked_by(service) {
        line(format!("goes on when {what}"));
    }
    if is_awaiting(service) {
        line(format!("`tidegate approve {release} {}`", answer.asked_for));
    }
    if let Some(approval) = &service.approval {
        let at = approval.time.as_ref().map(|time| format!(" at {}", time.0));
        let why = approval.reason.as_ref().map(|reason| format!(": {reason}"));
        let (at, why) = (at.unwrap_or_default(), why.unwrap_or_default());
        line(format!("approved by {}{at}{why}", approval.by));
    }
    if let Some(forced) = &service.forced {
        let why = forced.reason.as_ref().map(|reason| format!(": {reason}"));
        let why = why.unwrap_or_default();
        line(format!(
            "its gate counts as open by the word of {}{why}",
            forced.by
        ));
    }
    if !service.after.is_empty() {
        line(format!("must come after {}", service.after.join(", ")));
    }
    if service.new_wanted > 0 {
        line(format!(
            "{}/{} new pods ready, {} old pods alive",
            service.new_ready, service.new_wanted, service.old_alive
        ));
    }
    text
}

fn unknown(service: &str, releases: &[Release]) -> Failure {
    let names: Vec<String> = releases
        .iter()
        .filter_map(|release| release.status.as_ref())
        .flat_map(|status| &status.waves)
        .flat_map(|wave| &wave.services)
        .map(|service| service.name.clone())
        .collect();
    let failure = Failure::new(
        Exit::Usage,
        format!("no release here moves a service `{service}`"),
    );
    match did_you_mean(service, names.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`tidegate status` shows what is under way"),
    }
}
