//! Which archive: the arguments that many commands share, and releases found again in it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::SignedDuration;
use kube::ResourceExt;

use super::context::find_release;
use super::failure::{Exit, Failure};
use crate::archive::{Archive, ArchiveError, Filter, Retention};
use crate::cluster::{Releases, describe};
use crate::spec::crd::Release;

/// Which archive
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ArchiveArgs {
    /// Where ended releases are kept for long: `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        value_name = "URL",
        env = "TIDEGATE_ARCHIVE",
        hide_env_values = true
    )]
    archive: Option<String>,
}

impl ArchiveArgs {
    /// The archive to look into, if one is named.
    pub(super) async fn to_read(&self) -> Result<Option<Archive>, Failure> {
        match &self.archive {
            Some(url) => Ok(Some(Archive::open_to_read(url).await?)),
            None => Ok(None),
        }
    }

    /// The archive to write to, if one is named; nothing is asked of it yet.
    pub(super) fn to_write(&self) -> Result<Option<Archive>, Failure> {
        Ok(self.archive.as_deref().map(Archive::at).transpose()?)
    }
}

/// What a controller keeps, and for how long
#[derive(Debug, Clone, clap::Args)]
pub(super) struct KeepArgs {
    #[command(flatten)]
    archive: ArchiveArgs,
    /// A folder for what must outlive this process; without `--archive` the archive is a file in it
    #[arg(long, value_name = "FOLDER", env = "TIDEGATE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// For how many days releases stay in the archive; otherwise for ever
    #[arg(long, value_name = "DAYS", env = "TIDEGATE_ARCHIVE_KEEP_DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    archive_keep_days: Option<u32>,
    /// How many releases of each plan stay in the archive; otherwise all
    #[arg(long, value_name = "NUMBER", env = "TIDEGATE_ARCHIVE_KEEP_RELEASES", value_parser = clap::value_parser!(u32).range(1..))]
    archive_keep_releases: Option<u32>,
}

impl KeepArgs {
    /// The archive, if there is to be one; nothing is asked of it yet.
    pub(super) fn archive(&self) -> Result<Option<Archive>, Failure> {
        if let Some(archive) = self.archive.to_write()? {
            return Ok(Some(archive));
        }
        let Some(folder) = &self.data_dir else {
            return Ok(None);
        };
        let url = format!("sqlite:{}", folder.join("archive.db").display());
        Ok(Some(Archive::at(&url)?))
    }

    /// How long things stay in it.
    pub(super) fn retention(&self) -> Retention {
        Retention {
            age: self
                .archive_keep_days
                .map(|days| SignedDuration::from_hours(i64::from(days) * 24)),
            releases_per_plan: self.archive_keep_releases,
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let exit = match &error {
            ArchiveError::Address { .. } | ArchiveError::Missing { .. } => Exit::Usage,
            ArchiveError::OtherVersion { .. }
            | ArchiveError::Damaged { .. }
            | ArchiveError::Unavailable { .. }
            | ArchiveError::Refused { .. }
            | ArchiveError::NotKept { .. } => Exit::Cluster,
        };
        Self::new(exit, describe(&error))
    }
}

/// Finds a release as [`find_release`] does, and where the cluster has none, in the archive.
pub(super) async fn find_anywhere(
    releases: &Releases,
    archive: Option<&Archive>,
    (namespace, name): (&str, &str),
) -> Result<Release, Failure> {
    let failure = match find_release(releases, name).await {
        Ok(release) => return Ok(release),
        Err(failure) => failure,
    };
    let Some(archive) = archive.filter(|_| failure.exit == Exit::Usage) else {
        return Err(failure);
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    if let Some(release) = archive.release(namespace, name).await? {
        return Ok(release);
    }
    let (plan, number) = match name.split_once('#') {
        Some((plan, number)) => (plan, number.parse().ok()),
        None => (name, None),
    };
    let filter = Filter {
        namespaces: Some(vec![namespace.to_owned()]),
        plan: Some(plan.to_owned()),
        number,
        limit: 1,
        ..Filter::default()
    };
    let newest = archive.releases(&filter).await?.entries.pop();
    match newest {
        Some(entry) => archive.release_by_uid(&entry.uid).await?.ok_or(failure),
        None => Err(failure),
    }
}

/// Releases of the archive, newest first, beside those that the cluster has.
pub(super) async fn beside(
    archive: &Archive,
    live: &[Release],
    filter: &Filter,
) -> Result<Vec<Release>, Failure> {
    let known: BTreeSet<String> = live.iter().filter_map(ResourceExt::uid).collect();
    let mut found = Vec::new();
    for entry in archive.releases(filter).await?.entries {
        if known.contains(&entry.uid) {
            continue;
        }
        found.extend(archive.release_by_uid(&entry.uid).await?);
    }
    Ok(found)
}
