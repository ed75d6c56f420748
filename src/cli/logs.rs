//! `tidegate logs`: what a build says.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::ResourceExt;

use super::archive::{ArchiveArgs, find_anywhere};
use super::build_logs::log_name;
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::archive::Archive;
use crate::cluster::{BuildPods, Connection, PodStands, Releases, has_ended};
use crate::spec::crd::{BuildStatus, Release};
use crate::spec::did_you_mean;

/// How often a build that says nothing is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many pieces of an archived log are read at once.
const PIECES: u32 = 16;

/// Show what the build of an image says: as it comes while it runs, later from its pods or from the archive
#[derive(Debug, clap::Args)]
pub(super) struct LogsArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The service whose image is built
    #[arg(value_name = "SERVICE")]
    service: String,
    /// Show what there is, and do not wait for more
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn logs(output: &Output, args: &LogsArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let archive = args.archive.to_read().await?;
    let named = (connection.namespace(), args.release.as_str());
    let release = find_anywhere(&releases, archive.as_ref(), named).await?;
    let release = planned(output, &releases, release, args).await?;
    let build = build_of(&release, &args.service)?;
    if build.state == "Skipped" {
        let words = format!(
            "the image of {} was not built for `{}`: {}",
            build.service,
            release.name_any(),
            build.message
        );
        return Err(Failure::new(Exit::No, words));
    }
    let mut reader = Reader {
        output,
        releases: &releases,
        args,
        told: BTreeMap::new(),
        waits: String::new(),
    };
    let has_pods = reader.read_pods(&release, &connection).await?;
    if has_pods || from_archive(output, archive.as_ref(), &release, &build).await? {
        return Ok(());
    }
    Err(nothing(&release, &build, archive.is_some()))
}

/// The release once it is known what is built for it.
async fn planned(
    output: &Output,
    releases: &Releases,
    mut release: Release,
    args: &LogsArgs,
) -> Result<Release, Failure> {
    let is_planned = |release: &Release| {
        let status = release.status.as_ref();
        has_ended(release) || status.is_some_and(|status| !status.waves.is_empty())
    };
    let words = format!("release `{}` is not planned yet", release.name_any());
    if !is_planned(&release) && args.no_follow {
        return Err(Failure::new(Exit::No, words));
    }
    if !is_planned(&release) {
        output.say(&words);
    }
    while !is_planned(&release) {
        tokio::time::sleep(LOOK_EVERY).await;
        release = releases.get(&release.name_any()).await?;
    }
    Ok(release)
}

/// The build of a service in a release.
fn build_of(release: &Release, service: &str) -> Result<BuildStatus, Failure> {
    let builds = || release.status.iter().flat_map(|status| &status.builds);
    if let Some(build) = builds().find(|build| build.service == service) {
        return Ok(build.clone());
    }
    let name = release.name_any();
    let failure = Failure::new(
        Exit::Usage,
        format!("release `{name}` builds no image of `{service}`"),
    );
    let near = did_you_mean(service, builds().map(|build| build.service.as_str()));
    Err(match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("`tidegate status {name}` shows what it builds")),
    })
}

/// Why there is nothing to be seen, and where there may be.
fn nothing(release: &Release, build: &BuildStatus, has_archive: bool) -> Failure {
    let place = if has_archive {
        "its pods are gone, and the archive has no log of it"
    } else {
        "its pods are gone"
    };
    let words = format!(
        "there is no log of the image of {} in `{}`: {place}",
        build.service,
        release.name_any()
    );
    let failure = Failure::new(Exit::No, words);
    match &build.link {
        Some(link) => failure.hint(format!("perhaps there: {link}")),
        None if has_archive => failure.hint(format!("what is known: {}", build.message)),
        None => failure.hint("`--archive URL` looks into the controller's archive"),
    }
}

/// Prints a log from the archive. Out: whether there is one.
async fn from_archive(
    output: &Output,
    archive: Option<&Archive>,
    release: &Release,
    build: &BuildStatus,
) -> Result<bool, Failure> {
    let Some(archive) = archive else {
        return Ok(false);
    };
    let name = log_name(release, build);
    let mut from = 0;
    loop {
        let pieces = archive.read_log(&name, from, PIECES).await?;
        let Some(last) = pieces.last() else {
            return Ok(from > 0);
        };
        from = last.first_line + u64::try_from(last.lines.len()).unwrap_or(u64::MAX);
        for line in pieces.iter().flat_map(|piece| &piece.lines) {
            output.data(line)?;
        }
    }
}

/// Prints what pods say.
struct Reader<'a> {
    output: &'a Output,
    releases: &'a Releases,
    args: &'a LogsArgs,
    /// How many lines of each pod were printed.
    told: BTreeMap<String, usize>,
    /// What was said last of a pod that waits.
    waits: String,
}

impl Reader<'_> {
    /// Prints what the pods of a build say until it has ended. Out: whether there was any pod.
    async fn read_pods(
        &mut self,
        release: &Release,
        connection: &Connection,
    ) -> Result<bool, Failure> {
        let client = connection.client();
        let mut release = release.clone();
        loop {
            let build = build_of(&release, &self.args.service)?;
            let has_ended = build.end_time.is_some();
            let pods = BuildPods::of(&client, &build);
            if let Some(pods) = &pods {
                self.tell(pods, has_ended).await?;
            }
            if has_ended || self.args.no_follow {
                return Ok(!self.told.is_empty());
            }
            if self.told.is_empty() && pods.is_none() {
                self.wait_for(&format!("the build has not begun: it is {}", build.state));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            release = self.releases.get(&release.name_any()).await?;
        }
    }

    /// Prints what is new of all pods.
    async fn tell(&mut self, pods: &BuildPods, has_ended: bool) -> Result<(), Failure> {
        for pod in pods.list().await? {
            match pod.stands {
                PodStands::Waits(words) => {
                    self.wait_for(&format!("pod `{}` waits: {words}", pod.name));
                }
                PodStands::Speaks if !self.args.no_follow && !has_ended => {
                    self.follow(pods, &pod.name).await?;
                }
                PodStands::Speaks | PodStands::Over => {
                    let said = pods.said(&pod.name, u64::MAX).await?;
                    let known = self.told.entry(pod.name).or_default();
                    for line in said.lines().skip(*known) {
                        self.output.data(line)?;
                        *known += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Prints the lines of a pod as they come. A connection that is cut is made anew by the next look.
    async fn follow(&mut self, pods: &BuildPods, pod: &str) -> Result<(), Failure> {
        let known = self.told.entry(pod.to_owned()).or_default();
        let (mut number, mut result) = (0, Ok(()));
        let output = self.output;
        let followed = pods.follow(pod, |line| {
            number += 1;
            if number > *known && result.is_ok() {
                *known = number;
                result = output.data(line);
            }
        });
        match followed.await {
            Ok(()) => result,
            Err(error) if error.is_passing() => result,
            Err(error) => Err(error.into()),
        }
    }

    /// Says what is waited for, once.
    fn wait_for(&mut self, words: &str) {
        if self.waits != words {
            self.output.say(words);
            words.clone_into(&mut self.waits);
        }
    }
}
