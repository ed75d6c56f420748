//! What `run`, `rollback` and `retry` have in common: a rehearsal before anything is written, a Release, and watching it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::archive::ArchiveArgs;
use super::assemble::{Assembled, tell_problems};
use super::diff::{changes, text as diff_text};
use super::drive::{Seeing, exit_of, see_through};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::outside::Outside;
use super::release_view::Progress;
use super::run::refuse_suspended;
use super::saved::SavedFile;
use crate::cluster::{
    ClusterError, Connection, Installed, NewRelease, Releases, differences, install, installed,
    survey_only,
};
use crate::controller::{Planned, asked_names, graph_of, make_plan, system};
use crate::manifest::Bundle;
use crate::plan::{Verdict, explain};
use crate::spec::crd::{
    Concurrency, FreezeWindow, Planning, Release, ReleasePlanSpec, ReleaseSpec, Trigger,
};
use crate::spec::freeze::that_hold;
use crate::spec::{Code, ObjectRef, Problem, duration};
use crate::upgrade::{Wanted, frozen};

/// How long a controller may take to take up a release that was left to it, before that is told.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many lines around a change are shown of a release that is made of an earlier one.
const CONTEXT_LINES: usize = 3;

/// How a release that was made is watched
#[derive(Debug, clap::Args)]
pub(super) struct WatchingArgs {
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
    archive: ArchiveArgs,
}

/// Reads a time such as `90s`.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write it as `90s`, `10m` or `1h30m`");
    duration::parse(text)
        .and_then(|d| Duration::try_from(d).ok())
        .ok_or_else(wrong)
}

/// Where words go, and the way to the cluster.
pub(super) struct Reach<'a> {
    pub(super) output: &'a Output,
    pub(super) connection: &'a Connection,
    pub(super) releases: &'a Releases,
}

impl Reach<'_> {
    /// Everything that can go wrong is found before the first write: rights, immutable fields, conflicts, unsafe orders,
    /// and that the world is not the one of the saved plan. Out: the plan as it is made now, ordered or refused.
    pub(super) async fn rehearse(
        &self,
        (name, planning): (&str, &Planning),
        assembled: &Assembled,
        saved: Option<&SavedFile>,
    ) -> Result<Planned, Failure> {
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
        asked_names(&system(&assembled.graph, &survey), planning)?;
        let planned = make_plan(&assembled.bundle, &survey, planning);
        let system = &planned.system;
        output.say(&explain(system, &planned.plan).join("\n"));
        output.say("");
        if let Some(saved) = saved {
            saved.holds_for(output, &assembled.bundle, (system, &planned.plan))?;
        }
        Ok(planned)
    }

    /// Makes a release, with our kinds and its plan if they are not there yet.
    pub(super) async fn create(
        &self,
        new: &NewRelease,
        assembled: &Assembled,
        watching: &WatchingArgs,
    ) -> Result<Release, Failure> {
        if !watching.detach {
            self.refuse_frozen(new, &assembled.bundle.plan).await?;
        }
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

    /// Nobody waits at a terminal until a freeze window is over.
    async fn refuse_frozen(
        &self,
        new: &NewRelease,
        brought: &ReleasePlanSpec,
    ) -> Result<(), Failure> {
        let known = match self.releases.plan(&new.plan).await {
            Ok(plan) => plan.map(|plan| plan.spec.freeze),
            Err(ClusterError::NotInstalled) => None,
            Err(error) => return Err(error.into()),
        };
        let windows: Vec<FreezeWindow> = known
            .into_iter()
            .flatten()
            .chain(brought.freeze.iter().cloned())
            .collect();
        let asked = ReleaseSpec {
            planning: new.planning.clone(),
            rollback_of: new.rollback_of.clone(),
            trigger: new.trigger.word().to_owned(),
            ..ReleaseSpec::default()
        };
        let wanted = Wanted {
            freeze: that_hold(&windows, &asked),
            forces: new.forces.clone(),
            ..Wanted::default()
        };
        let Some(held) = frozen(&wanted, Timestamp::now()) else {
            return Ok(());
        };
        let until = held
            .until
            .map(|until| format!(" until {}", until.strftime("%Y-%m-%dT%H:%M:%SZ")));
        let words = format!(
            "plan `{}` is frozen{}: {}; nothing was written",
            new.plan,
            until.unwrap_or_default(),
            held.why
        );
        Err(Failure::new(Exit::Refused, words)
            .hint("`--detach` leaves the release to a controller, which begins when the window is over")
            .hint("`tidegate run --despite-freeze --reason …` goes on all the same, with the right `force`"))
    }

    /// Watches a new release to its end, or leaves it to a controller.
    pub(super) async fn see_to(
        &self,
        watching: &WatchingArgs,
        release: Release,
        no_input: bool,
    ) -> Result<(), Failure> {
        if !watching.detach {
            return self.watch(watching, release, no_input).await;
        }
        self.output
            .data(&format!("release.tidegate.dev/{}", release.name_any()))?;
        tell_if_left_alone(self.output, self.releases, &release).await
    }

    /// Watches a release to its end, and drives it if nobody else does.
    pub(super) async fn watch(
        &self,
        watching: &WatchingArgs,
        release: Release,
        no_input: bool,
    ) -> Result<(), Failure> {
        let outside = Outside::of_command(self.connection, &watching.archive)?;
        let seeing = Seeing {
            output: self.output,
            connection: self.connection,
            progress: watching.progress,
            timeout: watching.timeout,
            drives: true,
            // Nobody sits there who could answer.
            leaves_when_asked: no_input || !self.output.live,
            also: outside.listeners(),
        };
        let ended = see_through(&seeing, release).await?;
        let result = match self.way_back_of(&ended).await? {
            None => exit_of(&ended),
            Some(back) => self.watch_back(&seeing, &ended, back).await,
        };
        outside.settle(self.output, self.releases, &ended).await?;
        result
    }

    /// Watches the release that brings back what a failed one moved.
    async fn watch_back(
        &self,
        seeing: &Seeing<'_>,
        ended: &Release,
        back: Release,
    ) -> Result<(), Failure> {
        let (name, back_name) = (ended.name_any(), back.name_any());
        self.output.say(&format!(
            "release `{name}` has failed; `{back_name}` brings back what it moved"
        ));
        let ending = exit_of(ended).err();
        let words = ending.map(|failure| failure.message).unwrap_or_default();
        match exit_of(&see_through(seeing, back).await?) {
            Ok(()) => Err(Failure::new(
                Exit::Aborted,
                format!("{words}; `{back_name}` has brought back what it moved"),
            )),
            Err(failure) => {
                let words = format!("{words}; and its way back: {}", failure.message);
                Err(Failure {
                    message: words,
                    exit: Exit::Failed,
                    ..failure
                })
            }
        }
    }

    /// The release that was made because one has failed, to bring back what that one moved.
    async fn way_back_of(&self, ended: &Release) -> Result<Option<Release>, Failure> {
        let outcome = ended
            .status
            .as_ref()
            .and_then(|status| status.outcome.as_deref());
        if outcome != Some("Failed") {
            return Ok(None);
        }
        let all = self.releases.list(Some(&ended.spec.plan)).await?;
        let name = ended.name_any();
        Ok(all.into_iter().find(|other| {
            other.spec.number == ended.spec.number + 1
                && other.spec.rollback_of.as_ref() == Some(&name)
        }))
    }
}

/// A release that is made of the input of an earlier one.
pub(super) struct Again<'a> {
    /// The release whose input is taken.
    pub(super) source: &'a Release,
    /// Which plan of it is asked for.
    pub(super) planning: Planning,
    /// What starts it.
    pub(super) trigger: Trigger,
    /// What it does beside a release that has not ended; otherwise as the plan says.
    pub(super) concurrency: Option<Concurrency>,
    /// Why, for the record.
    pub(super) reason: Option<String>,
    /// The release that it takes back.
    pub(super) rollback_of: Option<String>,
    /// The release that it does once more.
    pub(super) retry_of: Option<String>,
    /// Whether what would change is shown object by object.
    pub(super) shows_diff: bool,
}

impl Reach<'_> {
    /// Shows what a release of an earlier input would do. Out: that input, if nothing speaks against it by what runs now.
    pub(super) async fn prepare_again(&self, again: &Again<'_>) -> Result<Assembled, Failure> {
        let name = &again.source.spec.plan;
        let mut bundle = self.releases.bundle(again.source).await?;
        if let Some(plan) = self.releases.plan(name).await? {
            refuse_suspended(&plan)?;
            // How things roll is said by the plan of today.
            bundle.plan = plan.spec;
        }
        if again.shows_diff {
            let mut found = differences(self.connection, &bundle, name).await?;
            found.retain(|difference| is_asked(&bundle, &difference.object, &again.planning));
            let (changes, _) = changes(&found, CONTEXT_LINES)?;
            self.output.say(&diff_text(&changes));
            self.output.say("");
        }
        let assembled = Assembled {
            graph: graph_of(&bundle),
            bundle,
            plan_name: None,
            places: BTreeMap::new(),
            too_large: Vec::new(),
        };
        let asked = (name.as_str(), &again.planning);
        let planned = self.rehearse(asked, &assembled, None).await?;
        match refusal(&planned) {
            Some(message) => {
                let words = format!("{message}; nothing was written");
                Err(Failure::new(Exit::Refused, words))
            }
            None => Ok(assembled),
        }
    }

    /// Shows it, and unless that was all that was asked for, makes it and sees to it.
    pub(super) async fn release_again(
        &self,
        again: &Again<'_>,
        dry_run: bool,
        watching: &WatchingArgs,
    ) -> Result<(), Failure> {
        let prepared = self.prepare_again(again).await?;
        if dry_run {
            return Ok(());
        }
        let release = self.create_again(again, &prepared, watching).await?;
        self.see_to(watching, release, false).await
    }

    /// Makes the release.
    pub(super) async fn create_again(
        &self,
        again: &Again<'_>,
        assembled: &Assembled,
        watching: &WatchingArgs,
    ) -> Result<Release, Failure> {
        let new = NewRelease {
            plan: again.source.spec.plan.clone(),
            revision: again.source.spec.revision.clone(),
            trigger: again.trigger,
            reason: again.reason.clone(),
            plan_digest: None,
            planning: again.planning.clone(),
            concurrency: again
                .concurrency
                .unwrap_or(assembled.bundle.plan.concurrency),
            approvals: Vec::new(),
            forces: Vec::new(),
            rollback_of: again.rollback_of.clone(),
            retry_of: again.retry_of.clone(),
        };
        self.create(&new, assembled, watching).await
    }
}

/// Whether an object is one of those that a part of a release touches.
fn is_asked(bundle: &Bundle, object: &ObjectRef, planning: &Planning) -> bool {
    match bundle.owner(object) {
        Some(service) => planning.moves(service),
        // What belongs to nobody is applied, and what nobody has any more goes with a whole release only.
        None => planning.only.is_empty() || bundle.manifest(object).is_some(),
    }
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

/// Why nothing may be written by what runs now, if so.
pub(super) fn refusal(planned: &Planned) -> Option<String> {
    match (planned.plan.verdict, planned.refusal()) {
        (Verdict::Ordered, None) => None,
        (Verdict::Ordered, Some(message)) => Some(message.to_owned()),
        (Verdict::Refused, _) => Some("no order is safe".to_owned()),
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
