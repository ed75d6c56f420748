//! Keeps what builds have said, before their pods go.

use kube::ResourceExt;

use crate::archive::{Archive, ArchiveError, LOG_BYTES_MAX, LogPiece};
use crate::cluster::{BuildPods, ClusterError, Connection, PodStands, Releases, describe};
use crate::spec::crd::{BuildStatus, Release};
use jiff::Timestamp;

/// Under which name the archive has the log of a build: another try is another log.
pub(super) fn log_name(release: &Release, build: &BuildStatus) -> String {
    let uid = release.uid().unwrap_or_default();
    format!("build/{uid}/{}/{}", build.service, build.attempt)
}

/// Whether something was built that nothing more will be said of.
fn has_said_all(build: &BuildStatus) -> bool {
    build.object.is_some() && build.end_time.is_some()
}

/// Keeps the logs of a release's builds that have ended, as far as they are not kept yet and their pods are still there.
/// Errors: the archive's. What the cluster does not give is told in the log, and nothing waits for it.
pub(super) async fn keep_logs(
    archive: &Archive,
    connection: &Connection,
    release: &Release,
) -> Result<(), ArchiveError> {
    let builds = release.status.iter().flat_map(|status| &status.builds);
    for build in builds.filter(|build| has_said_all(build)) {
        let name = log_name(release, build);
        if !archive.read_log(&name, 0, 1).await?.is_empty() {
            continue;
        }
        match read(connection, release, build).await {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                let piece = LogPiece {
                    first_line: 0,
                    lines,
                };
                archive.append_log(&name, &piece, Timestamp::now()).await?;
            }
            Err(error) => {
                let release = release.name_any();
                let service = &build.service;
                tracing::warn!(%release, %service, "what its build said is not kept: {}", describe(&error));
            }
        }
    }
    Ok(())
}

/// What the pods of a build have said, as the plan's account.
async fn read(
    connection: &Connection,
    release: &Release,
    build: &BuildStatus,
) -> Result<Vec<String>, ClusterError> {
    let namespace = release.namespace().unwrap_or_default();
    let releases = Releases::new(connection.client(), &namespace);
    let bundle = releases.bundle(release).await?;
    let account = bundle.plan.service_account_name.as_deref();
    let client = connection.acting_as(&namespace, account)?;
    let Some(pods) = BuildPods::of(&client, build) else {
        return Ok(Vec::new());
    };
    let mut lines: Vec<String> = Vec::new();
    let mut left = LOG_BYTES_MAX;
    for pod in pods.list().await? {
        if left == 0 || matches!(pod.stands, PodStands::Waits(_)) {
            continue;
        }
        let said = pods.said(&pod.name, left).await?;
        left = left.saturating_sub(u64::try_from(said.len()).unwrap_or(u64::MAX));
        lines.extend(said.lines().map(ToOwned::to_owned));
    }
    Ok(lines)
}
