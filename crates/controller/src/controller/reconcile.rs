//! The whole loop: `observe -> step -> save -> act -> tell`. A crash between any two of them loses nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};

use super::charter::charter;
use super::planning::{Planned, make_plan_with};
use super::world::{Loaded, Rival, World, WorldError};
use tidegate_build::{Build, Stand, begin};
use tidegate_manifest::Bundle;
use tidegate_spec::ServiceName;
use tidegate_upgrade::{
    Agenda, Course, Ending, Event, State, Step, Wish, builds_of, frozen, status, step,
};

/// The longest pause between two tries while the API server does not answer.
const RETRY_MAX: Duration = Duration::from_secs(10);
/// How long what was only seen may go unsaved.
const UNSAVED_MAX: SignedDuration = SignedDuration::from_millis(300);

/// Drives a release to its end.
///
/// In: the world that holds it. Out: how it ended. Errors: only those that no retry mends; the release itself is
/// then left as it stands, and another process may go on with it.
pub async fn drive(world: &mut impl World) -> Result<Ending, WorldError> {
    let mut retry = Retry::new();
    loop {
        match turns(world, &mut retry).await {
            Ok(ending) => return Ok(ending),
            // Somebody else wrote the release: what is remembered here is worth nothing any more.
            Err(WorldError::Conflict) => retry.after_conflict(world).await,
            Err(WorldError::Unreachable(message)) => retry.after(world, message).await?,
            Err(error @ (WorldError::Lost(_) | WorldError::Final(_))) => return Err(error),
        }
    }
}

async fn turns(world: &mut impl World, retry: &mut Retry) -> Result<Ending, WorldError> {
    let (mut agenda, mut state) = load(world).await?;
    let mut kept = Kept::of(&state);
    let mut wish = Wish::default();
    let mut outcomes = Vec::new();
    loop {
        // While a freeze window holds it, nothing is planned: what runs when it is over counts.
        if state.course == Course::Pending && state.frozen.is_none() {
            (agenda, state) = plan(world).await?;
            kept = Kept::of(&state);
        }
        if let Course::Ended(ending) = &state.course {
            return Ok(ending.clone());
        }
        let mut seen = world.observe(&agenda, &state, &wish).await?;
        retry.answered(world).await;
        seen.outcomes = outcomes;
        let Step {
            state: next,
            actions,
            events,
            wish: next_wish,
        } = step(&agenda, state, &seen);
        kept.untold.extend(events);
        outcomes = if actions.is_empty() && kept.may_wait(&next, seen.now) {
            Vec::new()
        } else {
            // Also where the state is the same, as at a second try: whoever went on in between has changed it, and
            // then this fails before anything is written on what was seen before that.
            let proof = world.save(&agenda, &next).await?;
            retry.saved();
            kept.saved(&next);
            world.act(&proof, &actions).await
        };
        if kept.differs_since.is_none() {
            world.tell(&std::mem::take(&mut kept.untold)).await;
        }
        state = next;
        wish = next_wish;
        // What came of the actions is looked at before anything else happens.
        if outcomes.is_empty() && !matches!(state.course, Course::Ended(_)) {
            world.wait(kept.wake_at(wish.wake_at)).await?;
        }
    }
}

/// What is in the release already. What only looks have changed may wait a little: a wave of many services opens its
/// gates one after the other, and each save costs as much as the looks at all of them. A crash in between only has
/// them looked at again.
struct Kept {
    state: State,
    /// Since when the state differs from it.
    differs_since: Option<Timestamp>,
    /// What has happened since: it is told when it is saved.
    untold: Vec<Event>,
}

impl Kept {
    fn of(state: &State) -> Self {
        Self {
            state: state.clone(),
            differs_since: None,
            untold: Vec::new(),
        }
    }

    /// Whether a state, of which nothing is to be done, need not be saved yet.
    fn may_wait(&mut self, next: &State, now: Timestamp) -> bool {
        if next.same_when_saved(&self.state) {
            self.differs_since = None;
            return true;
        }
        let since = *self.differs_since.get_or_insert(now);
        next.same_but_for_looks(&self.state) && now.duration_since(since) < UNSAVED_MAX
    }

    fn saved(&mut self, state: &State) {
        self.state = state.clone();
        self.differs_since = None;
    }

    fn wake_at(&self, wish: Option<Timestamp>) -> Option<Timestamp> {
        let save_at = self
            .differs_since
            .and_then(|since| since.checked_add(UNSAVED_MAX).ok());
        wish.into_iter().chain(save_at).min()
    }
}

async fn load(world: &mut impl World) -> Result<(Agenda, State), WorldError> {
    from_loaded(&world.load().await?)
}

fn from_loaded(loaded: &Loaded) -> Result<(Agenda, State), WorldError> {
    status::from_status(&loaded.status, &charter(&loaded.bundle))
        .map_err(|error| WorldError::Final(error.to_string()))
}

fn is_pending(loaded: &Loaded) -> Result<bool, WorldError> {
    from_loaded(loaded).map(|(_, state)| state.course == Course::Pending)
}

/// Makes the plan from what runs, and saves it or the refusal, before the first write.
async fn plan(world: &mut impl World) -> Result<(Agenda, State), WorldError> {
    let loaded = world.load().await?;
    if !is_pending(&loaded)? {
        // Whoever else drives it has planned it since it was looked at, or even ended it.
        return from_loaded(&loaded);
    }
    if let Some(rival) = &loaded.rival {
        return give_way(world, &loaded, rival).await;
    }
    if frozen(&loaded.wanted, loaded.now).is_some() {
        // The turn after this says so, and wakes when it is over.
        return from_loaded(&loaded);
    }
    let builds = builds(&loaded)?;
    let survey = world.survey(&with_images(&loaded.bundle, &builds)).await?;
    let planned = make_plan_with(&loaded.bundle, &survey, &loaded.planning, &builds);
    let Planned {
        agenda,
        mut state,
        plan: _,
        system: _,
    } = planned.only(loaded.plan_digest.as_deref());
    if let Some(started) = &loaded.status.start_time {
        again(&mut state, started.0);
    }
    world.save(&agenda, &state).await?;
    let event = match &state.course {
        Course::Ended(Ending::Refused { message } | Ending::Failed { message, .. }) => {
            Event::Refused {
                message: message.clone(),
            }
        }
        Course::Ended(_)
        | Course::Pending
        | Course::Preparing
        | Course::Moving
        | Course::Publishing => Event::Planned {
            waves: agenda.waves.len(),
            services: agenda.members.len(),
        },
    };
    let mut events = skipped(&state);
    events.push(event);
    world.tell(&events).await;
    Ok((agenda, state))
}

/// What has to be built: what stands in the status already, where a plan is made anew, and what the frozen input asks for.
fn builds(loaded: &Loaded) -> Result<BTreeMap<ServiceName, Build>, WorldError> {
    let known = builds_of(&loaded.status.builds).map_err(WorldError::Final)?;
    Ok(begin(&loaded.bundle.builds, &known, &loaded.built))
}

/// The frozen input with the images that are known.
pub fn with_images(bundle: &Bundle, builds: &BTreeMap<ServiceName, Build>) -> Bundle {
    let known = builds
        .iter()
        .filter_map(|(service, build)| Some((service.clone(), build.image.clone()?)));
    bundle.with_images(&known.collect())
}

fn skipped(state: &State) -> Vec<Event> {
    let builds = state.builds.iter();
    let skipped = builds.filter(|(_, build)| build.stand == Stand::Skipped);
    skipped
        .map(|(service, build)| Event::BuildSkipped {
            service: service.clone(),
            message: build.message.clone(),
        })
        .collect()
}

/// Ends a release that has not begun, for the sake of another one.
async fn give_way(
    world: &mut impl World,
    loaded: &Loaded,
    rival: &Rival,
) -> Result<(Agenda, State), WorldError> {
    let (agenda, mut state) = from_loaded(loaded)?;
    let ending = rival.ending();
    let event = Event::Ended {
        outcome: ending.word(),
        message: ending.message().to_owned(),
    };
    state.course = Course::Ended(ending);
    state.ended = Some(loaded.now);
    world.save(&agenda, &state).await?;
    world.tell(&[event]).await;
    Ok((agenda, state))
}

/// What a plan that is made anew takes over from the one before: its time runs on, and since that one may have applied
/// what belongs to nobody, it does not end as one that has written nothing.
fn again(state: &mut State, started: Timestamp) {
    state.started = Some(started);
    if let Course::Ended(Ending::Refused { message }) = &state.course {
        state.course = Course::Ended(Ending::Failed {
            reason: "PlanRefused".to_owned(),
            message: message.clone(),
        });
    }
}

/// Waits longer from try to try while the API server does not answer, and says so once.
struct Retry {
    pauses: backon::ExponentialBackoff,
    told: bool,
    /// `None` until the first save in a row that somebody else came before.
    contested: Option<backon::ExponentialBackoff>,
}

impl Retry {
    fn new() -> Self {
        Self {
            pauses: Self::pauses(),
            told: false,
            contested: None,
        }
    }

    fn pauses() -> backon::ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(RETRY_MAX)
            .without_max_times()
            .build()
    }

    async fn after(&mut self, world: &mut impl World, message: String) -> Result<(), WorldError> {
        if !self.told {
            self.told = true;
            world.tell(&[Event::Unreachable { message }]).await;
        }
        world.rest(self.pauses.next().unwrap_or(RETRY_MAX)).await;
        Ok(())
    }

    /// One conflict is everyday business and tried again at once; whoever writes the release again and again is given way.
    async fn after_conflict(&mut self, world: &mut impl World) {
        match &mut self.contested {
            None => self.contested = Some(Self::pauses()),
            Some(pauses) => {
                let pause = pauses.next().unwrap_or(RETRY_MAX);
                world.rest(pause).await;
            }
        }
    }

    fn saved(&mut self) {
        self.contested = None;
    }

    async fn answered(&mut self, world: &mut impl World) {
        if self.told {
            self.told = false;
            self.pauses = Self::pauses();
            world.tell(&[Event::Reachable]).await;
        }
    }
}
