//! `tidegate run`: a release, from files to its end.

use std::path::PathBuf;

use kube::ResourceExt;

use super::approve::{self, demand, words_of};
use super::assemble::{Assembled, assemble, tell_problems};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::kinds::KindArgs;
use super::output::Output;
use super::release::{Reach, WatchingArgs, refusal};
use super::run_source::{self, Fetched};
use super::saved::SavedFile;
use crate::cluster::{
    ClusterError, Connection, NewRelease, Releases, Word, has_ended, is_to_be_aborted,
};
use crate::controller::Planned;
use crate::manifest::{Bundle, Text};
use crate::plan::Plan;
use crate::spec::crd::{Approval, Concurrency, Planning, Release, ReleasePlan, Trigger};
use crate::upgrade::THAW;

/// Release what the files declare: plan, prove, apply wave by wave, wait at each gate
///
/// The release is kept in the cluster. It goes on where it stood if this process is killed and `run` is called
/// again with the same files, or if a controller takes it up. Without files those count that the source of the plan has
/// now.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The plan; otherwise the name of the ReleasePlan or the ServiceGraph in the files
    #[arg(value_name = "PLAN")]
    plan: Option<String>,
    /// Manifests and ServiceGraph: files, folders with all below them, or `-` for stdin; without them, what the source of the
    /// plan has now
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "PATH",
        required_unless_present = "plan"
    )]
    files: Vec<PathBuf>,
    /// Carry out exactly the plan that `tidegate plan --out FILE` wrote, or nothing if the world moved since
    #[arg(long = "plan", value_name = "FILE")]
    saved: Option<PathBuf>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    answers: Answers,
    /// Show what would happen; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Who answers where a release asks
#[derive(Debug, clap::Args)]
struct Answers {
    /// Approve now every step of the plan that nothing undoes
    #[arg(long)]
    yes: bool,
    /// Go on in the freeze windows of the plan; who and why is kept with the release
    #[arg(long, requires = "reason")]
    despite_freeze: bool,
    /// End with exit code 7 where the release waits for somebody, also on a terminal
    #[arg(long)]
    no_input: bool,
}

/// Runs the command.
pub(super) async fn run(output: &Output, args: &RunArgs) -> Result<(), Failure> {
    let read = read_all(&args.files)?;
    let saved = args.saved.as_deref();
    let saved = saved
        .map(|path| SavedFile::open(output, path))
        .transpose()?;
    let connection = args.cluster.connect().await?;
    let (mut assembled, fetched) = input(output, args, (&connection, read)).await?;
    let name = plan_name(args, &assembled);
    let releases = Releases::new(connection.client(), connection.namespace());
    if let Some(plan) = take_plan_of_cluster(&releases, &name, &mut assembled).await? {
        refuse_suspended(&plan)?;
    }
    refuse_unbuilt(&name, &assembled.bundle)?;
    let reach = Reach {
        output,
        connection: &connection,
        releases: &releases,
    };
    let planning = planning(args, saved.as_ref())?;
    let mut is_alone = true;
    match reach.unfinished(&name, &assembled.bundle).await? {
        Beside::Nobody => {}
        Beside::Other(words) => {
            is_alone = false;
            output.say(&words);
        }
        Beside::Same(release) => {
            let is_it = saved.as_ref().is_none_or(|saved| saved.is_of(&release));
            if !is_it || release.spec.planning != planning {
                return Err(other_plan(&release));
            }
            return reach.go_on(args, *release, &assembled.bundle).await;
        }
    }
    let planned = reach
        .rehearse((&name, &planning), &assembled, saved.as_ref())
        .await?;
    let plan = judged(output, planned, is_alone)?;
    if args.dry_run {
        return Ok(());
    }
    let wanted = saved.map(|_| plan.digest.clone());
    let approvals = approved_now(args, (&connection, &releases), &plan).await?;
    let (revision, subject) = revision(&assembled.bundle, fetched.as_ref());
    let forces = thawed_now(args, (&connection, &releases)).await?;
    let new = NewRelease {
        plan_digest: wanted,
        plan: name,
        revision,
        trigger: Trigger::Manual,
        reason: args.reason.clone().or(subject),
        planning,
        concurrency: assembled.bundle.plan.concurrency,
        approvals,
        forces,
        rollback_of: None,
        retry_of: None,
    };
    let release = reach.create(&new, &assembled, &args.watching).await?;
    reach
        .see_to(&args.watching, release, args.answers.no_input)
        .await
}

/// The frozen input: of the files, or of what the plan's source has. Files are checked before anything is asked of the
/// cluster.
async fn input(
    output: &Output,
    args: &RunArgs,
    (connection, read): (&Connection, Vec<Text>),
) -> Result<(Assembled, Option<Fetched>), Failure> {
    let fetched = match (&args.plan, read.is_empty()) {
        (Some(plan), true) => Some(run_source::fetch(output, connection, plan).await?),
        (Some(_) | None, _) => None,
    };
    let texts = fetched.as_ref().map_or(&read, |fetched| &fetched.texts);
    let of_cluster = fetched.as_ref().map(|fetched| &fetched.plan.spec);
    let (assembled, problems) = assemble(texts, connection.namespace(), of_cluster);
    tell_problems(output, &problems, texts)?;
    let Some(mut assembled) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    tell_problems(output, &assembled.too_large, texts)?;
    if let Some(fetched) = &fetched {
        run_source::refuse_own_plan(assembled.plan_name.as_ref())?;
        assembled.bundle.builds.clone_from(&fetched.recipes);
    }
    Ok((assembled, fetched))
}

/// What is released, for people: the commit with its subject, or the digest of the files.
fn revision(bundle: &Bundle, fetched: Option<&Fetched>) -> (String, Option<String>) {
    if let Some(Fetched { commit, .. }) = fetched {
        let subject = Some(commit.subject.clone()).filter(|subject| !subject.is_empty());
        return (commit.id.clone(), subject);
    }
    let digest = Bundle::digest(&bundle.to_bytes());
    (digest.chars().take("sha256:".len() + 12).collect(), None)
}

/// The plan, unless nothing may be written by what runs now. Where another release runs still, it is planned anew when
/// that has ended.
fn judged(output: &Output, planned: Planned, is_alone: bool) -> Result<Plan, Failure> {
    match refusal(&planned) {
        Some(message) if is_alone => {
            let words = format!("{message}; nothing was written");
            return Err(Failure::new(Exit::Refused, words));
        }
        Some(message) => output.say(&format!(
            "by what runs now: {message}; it is planned anew when its turn has come"
        )),
        None => {}
    }
    Ok(planned.plan)
}

/// What is approved ahead of time: with `--yes` everything that nothing undoes.
async fn approved_now(
    args: &RunArgs,
    (connection, releases): (&Connection, &Releases),
    plan: &Plan,
) -> Result<Vec<Approval>, Failure> {
    if !args.answers.yes || plan.points_of_no_return.is_empty() {
        return Ok(Vec::new());
    }
    demand(releases, Word::Approve, None).await?;
    words_of(
        connection,
        &plan.points_of_no_return,
        args.reason.as_deref(),
    )
    .await
}

/// What counts as open ahead of time: with `--despite-freeze` the freeze windows of the plan.
async fn thawed_now(
    args: &RunArgs,
    (connection, releases): (&Connection, &Releases),
) -> Result<Vec<Approval>, Failure> {
    if !args.answers.despite_freeze {
        return Ok(Vec::new());
    }
    demand(releases, Word::Force, None).await?;
    words_of(connection, &[THAW.to_owned()], args.reason.as_deref()).await
}

/// Which plan of the files is asked for: as the saved one was, or as the flags say.
fn planning(args: &RunArgs, saved: Option<&SavedFile>) -> Result<Planning, Failure> {
    let flags = args.kind.planning();
    let Some(saved) = saved else {
        return Ok(flags);
    };
    if flags.is_plain() || flags == *saved.planning() {
        return Ok(saved.planning().clone());
    }
    let words = "the saved plan was made with other flags than these";
    Err(Failure::new(Exit::Usage, words).hint("leave them out: the file says which plan it is"))
}

fn plan_name(args: &RunArgs, assembled: &Assembled) -> String {
    let declared = args.plan.clone().or_else(|| assembled.plan_name.clone());
    declared.unwrap_or_else(|| assembled.bundle.graph_name.clone())
}

/// A ReleasePlan in the cluster counts where the files have none.
pub(super) async fn take_plan_of_cluster(
    releases: &Releases,
    name: &str,
    assembled: &mut Assembled,
) -> Result<Option<ReleasePlan>, Failure> {
    let plan = match releases.plan(name).await {
        Ok(Some(plan)) => plan,
        Ok(None) | Err(ClusterError::NotInstalled | ClusterError::NotFound { .. }) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if assembled.plan_name.is_none() {
        assembled.bundle.plan = plan.spec.clone();
    }
    Ok(Some(plan))
}

/// Files that somebody gives have no commit, and what is built is built of a commit.
fn refuse_unbuilt(name: &str, bundle: &Bundle) -> Result<(), Failure> {
    if bundle.plan.builds.is_empty() || !bundle.builds.is_empty() {
        return Ok(());
    }
    let words = format!("plan `{name}` builds its images of commits, and files have none");
    let hint = format!("push a commit; `tidegate run {name}` without `-f` releases the newest one");
    Err(Failure::new(Exit::Refused, words).hint(hint))
}

pub(super) fn refuse_suspended(plan: &ReleasePlan) -> Result<(), Failure> {
    if !plan.spec.suspend {
        return Ok(());
    }
    let name = plan.name_any();
    Err(
        Failure::new(Exit::Refused, format!("plan `{name}` is suspended")).hint(format!(
            "`kubectl patch tgp {name} --type=merge -p '{{\"spec\":{{\"suspend\":false}}}}'`"
        )),
    )
}

/// The release that goes on is not of the plan that was asked for.
fn other_plan(release: &Release) -> Failure {
    let name = release.name_any();
    let words = format!(
        "release `{name}` of these files is under way, by another plan than the one asked for"
    );
    Failure::new(Exit::Refused, words).hint(format!(
        "`tidegate watch {name}` shows it; the flags that it was made with go on with it, `tidegate abort {name}` ends it"
    ))
}

/// What else there is of the plan that has not ended.
enum Beside {
    /// Nothing.
    Nobody,
    /// A release of the same input, which goes on.
    Same(Box<Release>),
    /// One of another input; what becomes of the two, in words.
    Other(String),
}

impl Reach<'_> {
    /// The newest release of this plan that has not ended, if it stands in the way of a new one or has the same input and
    /// so goes on. What a new one does beside one with other input is the plan's to say.
    async fn unfinished(&self, name: &str, bundle: &Bundle) -> Result<Beside, Failure> {
        let all = match self.releases.list(Some(name)).await {
            Ok(all) => all,
            Err(ClusterError::NotInstalled) => return Ok(Beside::Nobody),
            Err(error) => return Err(error.into()),
        };
        let Some(release) = all.into_iter().rfind(|release| !has_ended(release)) else {
            return Ok(Beside::Nobody);
        };
        if release.spec.bundle.digest == Bundle::digest(&bundle.to_bytes()) {
            return Ok(Beside::Same(Box::new(release)));
        }
        let running = release.name_any();
        let words = match bundle.plan.concurrency {
            _ if is_to_be_aborted(&release) => {
                format!("release `{running}` is to be aborted; this one comes after it")
            }
            Concurrency::Queue => {
                format!("release `{running}` has not ended; this one waits until it has")
            }
            Concurrency::Supersede => format!(
                "release `{running}` has not ended; this one takes its place when what it moves is done or does not \
                 get on"
            ),
            Concurrency::Forbid => {
                let words = format!(
                    "release `{running}` of plan `{name}` is not done, and these are other files"
                );
                return Err(Failure::new(Exit::Refused, words).hint(format!(
                    "`tidegate watch {running}` shows it; `tidegate abort {running}` ends it, then run again; a plan \
                     with `concurrency: Queue` or `Supersede` takes both"
                )));
            }
        };
        Ok(Beside::Other(words))
    }

    /// Goes on with a release of the same files.
    async fn go_on(
        &self,
        args: &RunArgs,
        release: Release,
        bundle: &Bundle,
    ) -> Result<(), Failure> {
        let name = release.name_any();
        if args.dry_run {
            self.output
                .say(&format!("release `{name}` of these files is under way"));
            return Ok(());
        }
        self.output.say(&format!("going on with release `{name}`"));
        self.releases.complete(&release, bundle).await?;
        let thawed = thawed_now(args, (self.connection, self.releases)).await?;
        self.releases.say(&name, Word::Force, &thawed).await?;
        if args.answers.yes {
            let asked = approve::steps(&release).filter(|step| step.is_final);
            let asked: Vec<String> = asked.map(|step| step.name.clone()).collect();
            if !asked.is_empty() {
                demand(self.releases, Word::Approve, Some(&name)).await?;
            }
            let approvals = words_of(self.connection, &asked, args.reason.as_deref()).await?;
            self.releases.say(&name, Word::Approve, &approvals).await?;
        }
        self.watch(&args.watching, release, args.answers.no_input)
            .await
    }
}
