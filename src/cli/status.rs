//! `tidegate status`: where releases stand now.

use jiff::Timestamp;

use super::archive::{ArchiveArgs, find_anywhere};
use super::context::ClusterArgs;
use super::failure::Failure;
use super::output::{Format, Output};
use super::release_view::tree;
use crate::cluster::{Releases, has_ended};

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
    output.document(args.output, &shown, || {
        if shown.is_empty() {
            return "no release is under way; `tidegate history` shows the ended ones".to_owned();
        }
        let now = Timestamp::now();
        let trees = shown.iter().map(|release| {
            let lines: Vec<String> = tree(release, now)
                .into_iter()
                .map(|line| line.text)
                .collect();
            lines.join("\n")
        });
        trees.collect::<Vec<_>>().join("\n\n")
    })
}
