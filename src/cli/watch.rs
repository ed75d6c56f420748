//! `tidegate watch`: a release as it goes, whoever drives it.

use std::time::Duration;

use super::context::{ClusterArgs, find_release};
use super::drive::{Seeing, exit_of, see_through};
use super::failure::Failure;
use super::output::Output;
use super::release::parse_timeout;
use super::release_view::{Progress, View};
use crate::cluster::{Releases, has_ended};

/// Show a release until it has ended; the exit code says how
#[derive(Debug, clap::Args)]
pub(super) struct WatchArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t, env = "TIDEGATE_PROGRESS")]
    progress: Progress,
    /// How long to watch at the most, for instance `30m`
    #[arg(long, value_parser = parse_timeout, value_name = "TIME")]
    timeout: Option<Duration>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn watch(output: &Output, args: &WatchArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let release = find_release(&releases, &args.release).await?;
    if has_ended(&release) {
        View::new(output, Progress::Tty, release.clone()).finish();
        return exit_of(&release);
    }
    let seeing = Seeing {
        output,
        connection: &connection,
        progress: args.progress,
        timeout: args.timeout,
        drives: false,
        leaves_when_asked: false,
        also: Vec::new(),
    };
    let ended = see_through(&seeing, release).await?;
    exit_of(&ended)
}
