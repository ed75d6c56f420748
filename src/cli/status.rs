//! `tidegate status`: where releases stand now.

use jiff::Timestamp;

use super::archive::{ArchiveArgs, find_anywhere};
use super::context::ClusterArgs;
use super::drifting::drifted;
use super::failure::Failure;
use super::output::{Format, Output};
use super::release_view::tree;
use crate::cluster::{Releases, has_ended};
use crate::spec::crd::Release;

/// Show where a release stands, or every release that is under way
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release); otherwise all that are under way
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    archive: ArchiveArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn status(output: &Output, args: &StatusArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let shown = if let Some(name) = &args.release {
        let archive = args.archive.to_read().await?;
        let named = (connection.namespace(), name.as_str());
        vec![find_anywhere(&releases, archive.as_ref(), named).await?]
    } else {
        let all = releases.list(None).await?;
        all.into_iter()
            .filter(|release| !has_ended(release))
            .collect()
    };
    let drifted = drifted_of(&releases, args.release.as_ref().and_then(|_| shown.first())).await;
    output.document(args.output, &shown, || {
        if shown.is_empty() {
            let nothing = "no release is under way; `tidegate history` shows the ended ones";
            return [&[nothing.to_owned()], &drifted[..]].concat().join("\n");
        }
        let now = Timestamp::now();
        let trees = shown.iter().map(|release| {
            let lines: Vec<String> = tree(release, now)
                .into_iter()
                .map(|line| line.text)
                .collect();
            lines.join("\n")
        });
        let trees = trees.collect::<Vec<_>>().join("\n\n");
        [&[trees], &drifted[..]].concat().join("\n")
    })
}

/// What others have changed at rest: of the plan of one release, or of all plans. Who may not read plans is not told.
async fn drifted_of(releases: &Releases, release: Option<&Release>) -> Vec<String> {
    let plans = match release {
        Some(release) => releases.plan(&release.spec.plan).await.map(Vec::from_iter),
        None => releases.all_plans().await,
    };
    plans
        .unwrap_or_default()
        .iter()
        .filter_map(drifted)
        .collect()
}
