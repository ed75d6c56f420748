//! `tidegate run`: a release, from files to its end.

use std::path::PathBuf;
use std::time::Duration;

use kube::ResourceExt;

use super::approve::{self, approvals};
use super::assemble::{Assembled, assemble, tell_problems};
use super::context::ClusterArgs;
use super::drive::{Seeing, exit_of, see_through};
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::kinds::KindArgs;
use super::output::Output;
use super::release_view::Progress;
use super::saved::SavedFile;
use crate::cluster::{
    ClusterError, Connection, Installed, NewRelease, Releases, has_ended, install, installed,
    survey_only,
};
use crate::controller::{make_plan, part, system};
use crate::manifest::Bundle;
use crate::plan::{Plan, Verdict, explain};
use crate::spec::crd::{Planning, Release, ReleasePlan, Trigger};
use crate::spec::{Code, Problem, duration};

/// How long a controller may take to take up a release that was left to it, before that is told.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Release what the files declare: plan, prove, apply wave by wave, wait at each gate
///
/// The release is kept in the cluster. It goes on where it stood if this process is killed and `run` is called
/// again with the same files, or if a controller takes it up.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The plan; otherwise the name of the ReleasePlan or the ServiceGraph in the files
    #[arg(value_name = "PLAN")]
    plan: Option<String>,
    /// Manifests and ServiceGraph: files, folders with all below them, or `-` for stdin
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true)]
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
    /// Make the release and leave it to a controller in the cluster
    #[arg(long)]
    detach: bool,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t, env = "TIDEGATE_PROGRESS")]
    progress: Progress,
    /// How long to watch at the most, for instance `30m`; the release itself goes on
    #[arg(long, value_parser = parse_timeout, value_name = "TIME")]
    timeout: Option<Duration>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Who answers where a release asks
#[derive(Debug, clap::Args)]
struct Answers {
    /// Approve now every step of the plan that nothing undoes
    #[arg(long)]
    yes: bool,
    /// End with exit code 7 where the release waits for somebody, also on a terminal
    #[arg(long)]
    no_input: bool,
}

/// Reads a time such as `90s`.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write it as `90s`, `10m` or `1h30m`");
    duration::parse(text)
        .and_then(|d| Duration::try_from(d).ok())
        .ok_or_else(wrong)
}

/// Runs the command.
pub(super) async fn run(output: &Output, args: &RunArgs) -> Result<(), Failure> {
    let texts = read_all(&args.files)?;
    let saved = args.saved.as_deref();
    let saved = saved
        .map(|path| SavedFile::open(output, path))
        .transpose()?;
    let connection = args.cluster.connect().await?;
    // Files are checked before anything is asked of the cluster.
    let (assembled, problems) = assemble(&texts, connection.namespace(), None);
    tell_problems(output, &problems, &texts)?;
    let Some(mut assembled) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    tell_problems(output, &assembled.too_large, &texts)?;
    let name = plan_name(args, &assembled);
    let releases = Releases::new(connection.client(), connection.namespace());
    if let Some(plan) = take_plan_of_cluster(&releases, &name, &mut assembled).await? {
        refuse_suspended(&plan)?;
    }
    let reach = Reach {
        output,
        connection: &connection,
        releases: &releases,
    };
    let planning = planning(args, saved.as_ref())?;
    if let Some(release) = reach.unfinished(args, (&name, &assembled.bundle)).await? {
        let is_it = saved.as_ref().is_none_or(|saved| saved.is_of(&release));
        if !is_it || release.spec.planning != planning {
            return Err(other_plan(&release));
        }
        return reach.go_on(args, release, &assembled.bundle).await;
    }
    let plan = reach
        .rehearse((&name, &planning), &assembled, saved.as_ref())
        .await?;
    if args.dry_run {
        return Ok(());
    }
    let wanted = saved.map(|_| plan.digest.clone());
    let approved = if args.answers.yes {
        &plan.points_of_no_return[..]
    } else {
        &[]
    };
    let approvals = approvals(&connection, approved, args.reason.as_deref()).await?;
    let digest = Bundle::digest(&assembled.bundle.to_bytes());
    let new = NewRelease {
        plan_digest: wanted,
        plan: name,
        trigger: Trigger::Manual,
        revision: digest.chars().take("sha256:".len() + 12).collect(),
        reason: args.reason.clone(),
        planning,
        approvals,
    };
    let release = reach.create(&new, &assembled).await?;
    if args.detach {
        output.data(&format!("release.tidegate.dev/{}", release.name_any()))?;
        return tell_if_left_alone(output, &releases, &release).await;
    }
    reach.watch_to_the_end(args, release).await
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

/// Says so if no controller takes a release up.
async fn tell_if_left_alone(
    output: &Output,
    releases: &Releases,
    release: &Release,
) -> Result<(), Failure> {
    let name = release.name_any();
    for _ in 0..TAKEN_UP_WITHIN.as_millis() / LOOK_EVERY.as_millis() {
        if releases.get(&name).await?.status.is_some() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    output.say(&format!(
        "no controller has taken `{name}` up within {} s; `tidegate run` with the same files goes on with it",
        TAKEN_UP_WITHIN.as_secs()
    ));
    Ok(())
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

fn refuse_suspended(plan: &ReleasePlan) -> Result<(), Failure> {
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

/// Where words go, and the way to the cluster.
struct Reach<'a> {
    output: &'a Output,
    connection: &'a Connection,
    releases: &'a Releases,
}

impl Reach<'_> {
    /// The release of this plan that has not ended: the same input goes on, another one is refused; one that is to be
    /// aborted, and that nobody drives any more, is ended first.
    async fn unfinished(
        &self,
        args: &RunArgs,
        (name, bundle): (&str, &Bundle),
    ) -> Result<Option<Release>, Failure> {
        let all = match self.releases.list(Some(name)).await {
            Ok(all) => all,
            Err(ClusterError::NotInstalled) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(release) = all.into_iter().rfind(|release| !has_ended(release)) else {
            return Ok(None);
        };
        if release.spec.bundle.digest == Bundle::digest(&bundle.to_bytes()) {
            return Ok(Some(release));
        }
        let running = release.name_any();
        let is_aborted = release
            .spec
            .control
            .as_ref()
            .is_some_and(|control| control.abort);
        if is_aborted && args.dry_run {
            return Ok(None);
        }
        if is_aborted {
            self.output
                .say(&format!("ending the aborted release `{running}` first"));
            see_through(&self.seeing(Progress::Quiet, None), release).await?;
            return Ok(None);
        }
        Err(Failure::new(
        Exit::Refused,
        format!("release `{running}` of plan `{name}` is not done, and these are other files"),
    )
    .hint(format!(
        "`tidegate watch {running}` shows it; `tidegate abort {running}` ends it, then run again"
    )))
    }

    fn seeing(&self, progress: Progress, timeout: Option<Duration>) -> Seeing<'_> {
        Seeing {
            output: self.output,
            connection: self.connection,
            progress,
            timeout,
            drives: true,
            leaves_when_asked: false,
            also: Vec::new(),
        }
    }

    /// Everything that can go wrong is found before the first write: rights, immutable fields, conflicts, unsafe orders,
    /// and that the world is not the one of the saved plan. Out: the plan as it is made now.
    async fn rehearse(
        &self,
        (name, planning): (&str, &Planning),
        assembled: &Assembled,
        saved: Option<&SavedFile>,
    ) -> Result<Plan, Failure> {
        let survey = survey_only(self.connection, (&assembled.bundle, planning), name).await?;
        let refused = placed(survey.problems.clone(), assembled);
        if !refused.is_empty() {
            tell_problems(self.output, &refused, &[]).unwrap_or_default();
            let rights = refused.iter().all(|problem| {
                matches!(
                    problem.code,
                    Code::Forbidden | Code::KindMissing | Code::NamespaceMissing
                )
            });
            let exit = if rights { Exit::Cluster } else { Exit::Refused };
            return Err(Failure::new(
                exit,
                "the API server would refuse this release; nothing was written",
            ));
        }
        let output = self.output;
        let whole = system(&assembled.graph, &survey);
        part(whole, planning, survey.declared.as_ref())?;
        let planned = make_plan(&assembled.bundle, &survey, planning);
        let system = &planned.system;
        output.say(&explain(system, &planned.plan).join("\n"));
        output.say("");
        if let Some(saved) = saved {
            saved.holds_for(output, &assembled.bundle, (system, &planned.plan))?;
        }
        match (planned.plan.verdict, planned.refusal()) {
            (Verdict::Ordered, None) => Ok(planned.plan),
            (Verdict::Ordered, Some(message)) => {
                let words = format!("{message}; nothing was written");
                Err(Failure::new(Exit::Refused, words))
            }
            (Verdict::Refused, _) => Err(Failure::new(
                Exit::Refused,
                "no order is safe; nothing was written",
            )),
        }
    }

    async fn create(&self, new: &NewRelease, assembled: &Assembled) -> Result<Release, Failure> {
        let client = self.connection.client();
        if installed(&client).await? != Installed::Yes {
            install(&client).await.map_err(|error| {
                Failure::from(error).hint(
                    "somebody with the right must run `tidegate crds | kubectl apply -f -` first",
                )
            })?;
        }
        let (name, spec) = (&new.plan, &assembled.bundle.plan);
        let plan = match &assembled.plan_name {
            Some(_) => self.releases.declare_plan(name, spec).await?,
            None => self.releases.ensure_plan(name, spec).await?,
        };
        Ok(self.releases.create(&plan, new, &assembled.bundle).await?)
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
        if args.answers.yes {
            let asked = approve::steps(&release).filter(|step| step.is_final);
            let asked: Vec<String> = asked.map(|step| step.name.clone()).collect();
            let approvals = approvals(self.connection, &asked, args.reason.as_deref()).await?;
            self.releases.approve(&name, &approvals).await?;
        }
        self.watch_to_the_end(args, release).await
    }

    async fn watch_to_the_end(&self, args: &RunArgs, release: Release) -> Result<(), Failure> {
        let seeing = Seeing {
            // Nobody sits there who could answer.
            leaves_when_asked: args.answers.no_input || !self.output.live,
            ..self.seeing(args.progress, args.timeout)
        };
        let ended = see_through(&seeing, release).await?;
        exit_of(&ended)
    }
}

/// Problems that the API server told, with the place of the object in the files.
pub(super) fn placed(problems: Vec<Problem>, assembled: &Assembled) -> Vec<Problem> {
    let place = |problem: &Problem| {
        let found = assembled
            .places
            .iter()
            .find(|(object, _)| object.to_string() == problem.path);
        found.map(|(_, place)| place.clone())
    };
    problems
        .into_iter()
        .map(|problem| match place(&problem) {
            Some(place) => {
                let wrong = format!("{}: {}", problem.path, problem.wrong);
                Problem { wrong, ..problem }.at(place)
            }
            None => problem,
        })
        .collect()
}
