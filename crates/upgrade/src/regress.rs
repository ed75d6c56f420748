//! Looks after what was done, while what comes after it moves (completion.md §6.6): new pods start there only since no
//! old one was left here.
//!
//! In: a turn with its looks. Out: which services are not done any more, and, where the plan wants that, the pause of
//! what moves after them. The looks of caches raise no alarm: they ask for the live one that does.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::action::Action;
use super::agenda::{Agenda, Change, Member};
use super::event::Event;
use super::gate::{Assessment, Class, Drain, Verdict};
use super::state::{ServiceState, Standing, State};
use super::step_id::StepId;
use super::turn::{Came, TRY_AGAIN_MS, Turn, came_of};
use super::watch_gates::{look, second_read};
use super::why::REGRESSED;
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::OnRegression;

/// The condition of a release in which a service that was done is not any more, while others move.
const INVARIANT_BROKEN: &str = "InvariantBroken";

/// The steps that are done and must stay so, since new pods of one that comes after them start.
pub(super) fn grounds(agenda: &Agenda, state: &State) -> BTreeSet<StepId> {
    let members = agenda.members.iter();
    let moving = members.filter(|(step, _)| brings_pods(state, step));
    moving
        .flat_map(|(step, member)| rests_on(agenda, state, step, member))
        .cloned()
        .collect()
}

/// Whether new pods of a step may start. Before its write the servers are looked at once more anyway.
fn brings_pods(state: &State, step: &StepId) -> bool {
    let standing = state.services.get(step).map(|service| service.standing);
    match standing {
        Some(Standing::Moving | Standing::Retiring) => true,
        Some(
            Standing::Waiting
            | Standing::Starting
            | Standing::Removing
            | Standing::Clearing
            | Standing::Draining
            | Standing::Done
            | Standing::Failed,
        )
        | None => false,
    }
}

/// Of what comes before a step, what is done and was not followed by a later step of its own service: that one's gate
/// looks then.
fn rests_on<'a>(
    agenda: &'a Agenda,
    state: &State,
    step: &StepId,
    member: &'a Member,
) -> impl Iterator<Item = &'a StepId> {
    let is_ground = |first: &&StepId| {
        let change = agenda.members.get(*first).map(|member| member.change);
        let has_pods = match change {
            Some(Change::Create | Change::Roll | Change::Flip | Change::Job) => true,
            Some(Change::Delete | Change::Drain) | None => false,
        };
        // What somebody has forced is good enough whatever it shows.
        let service = state.services.get(*first);
        has_pods
            && first.service != step.service
            && service.is_some_and(|it| it.standing == Standing::Done && it.forced.is_none())
            && !is_followed(agenda, state, first)
    };
    let grounds: Vec<&StepId> = member.after.iter().filter(is_ground).collect();
    grounds.into_iter()
}

fn is_followed(agenda: &Agenda, state: &State, first: &StepId) -> bool {
    let wave = agenda.wave_of(first).map_or(0, |wave| wave + 1);
    let later = agenda.waves.iter().skip(wave).flatten();
    let mut later = later.filter(|other| other.service == first.service);
    later.any(|other| {
        let service = state.services.get(other);
        service.is_some_and(|service| service.standing != Standing::Waiting)
    })
}

/// Looks at all of them, and pauses or lets go what moves after them.
pub(super) fn watch_done(turn: &mut Turn<'_>) {
    take_outcomes(turn);
    for step in grounds(turn.agenda, &turn.state) {
        watch(turn, &step);
    }
    let agenda = turn.agenda;
    for (step, member) in &agenda.members {
        hold(turn, step, member);
    }
}

fn watch(turn: &mut Turn<'_>, step: &StepId) {
    let agenda = turn.agenda;
    let Some((member, service)) = agenda.members.get(step).zip(turn.state.services.get(step))
    else {
        return;
    };
    let was_broken = service.regressed.is_some();
    let Some(look) = look(turn, step, member, service) else {
        return;
    };
    let broken = look.assessed.iter().map(|(_, seen, _)| seen);
    let broken = broken.clone().find(|seen| is_broken(seen));
    match (broken.map(Assessment::sentence), look.live) {
        (Some(words), true) => alarm(turn, step, &words),
        (None, true) if was_broken => seen_sound(turn, step),
        // Once a second: a cache that has gone silent shows for minutes what has long been mended.
        (Some(_), false) => ask(turn, step),
        (None, false) if was_broken => ask(turn, step),
        (None, true | false) => {}
    }
}

fn ask(turn: &mut Turn<'_>, step: &StepId) {
    if turn.may_try(Some(step)) {
        turn.put_off(Some(step), TRY_AGAIN_MS);
        turn.wish.live_from(step, turn.seen.now);
    }
}

/// Whether an old pod may serve again, or nobody knows. A new pod that breaks is an incident and nothing that a caller of
/// the new version could not meet at any time.
fn is_broken(seen: &Assessment) -> bool {
    let undone = match &seen.rollout {
        Verdict::Failed { class, .. } => *class == Class::Terminal,
        Verdict::Progressing { .. } | Verdict::Paused { .. } | Verdict::Complete => false,
    };
    let returned = match &seen.drain {
        Drain::Draining(_) | Drain::Stuck(..) | Drain::Unprovable(..) => true,
        Drain::Drained | Drain::NotNeeded => false,
    };
    undone || returned
}

fn alarm(turn: &mut Turn<'_>, step: &StepId, words: &str) {
    let Some(service) = turn.state.services.get_mut(step) else {
        return;
    };
    let is_new = service.regressed.replace(words.to_owned()).is_none();
    if is_new {
        let moving = names(&moving_after(turn, step));
        turn.events.push(Event::InvariantBroken {
            service: step.clone(),
            message: format!("{step} was done and is not any more, while {moving} moves: {words}"),
        });
    }
    turn.state.fleeting.first_open.remove(step);
    // Nobody may say when it recovers.
    ask(turn, step);
}

/// As a gate opens, it recovers at the second live look after the settle time: one may be between two old pods.
fn seen_sound(turn: &mut Turn<'_>, step: &StepId) {
    let now = turn.now();
    let known = &mut turn.state.fleeting.first_open;
    let first = *known.entry(step.clone()).or_insert(now);
    let second = second_read(turn, step, first);
    if first < now && second <= now {
        turn.state.fleeting.first_open.remove(step);
        recover(turn, step);
    } else {
        turn.wish.live_from(step, second);
    }
}

fn recover(turn: &mut Turn<'_>, step: &StepId) {
    if let Some(service) = turn.state.services.get_mut(step) {
        service.regressed = None;
        turn.events.push(Event::Recovered {
            service: step.clone(),
            message: format!("{step} is done again"),
        });
    }
}

fn moving_after(turn: &Turn<'_>, step: &StepId) -> Vec<StepId> {
    let members = turn.agenda.members.iter();
    let after = members.filter(|(_, member)| member.after.contains(step));
    let moving = after.filter(|(name, _)| brings_pods(&turn.state, name));
    moving.map(|(name, _)| name.clone()).collect()
}

fn names(steps: &[StepId]) -> String {
    let names: Vec<String> = steps.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Pauses a step that moves after one that is not done any more, and lets it go on afterwards.
fn hold(turn: &mut Turn<'_>, step: &StepId, member: &Member) {
    let agenda = turn.agenda;
    let Some(service) = turn.state.services.get(step) else {
        return;
    };
    let (standing, paused_for) = (service.standing, service.paused_for.clone());
    let cause = cause(turn, step, member, service);
    match (paused_for, cause) {
        (None, None) => drop(turn.state.fleeting.paused.remove(step)),
        // It was refused.
        (None, Some(_)) if turn.state.fleeting.paused.contains(step) => {}
        (None, Some(cause)) => match agenda.strategy.on_regression {
            OnRegression::Alarm => {}
            OnRegression::Pause => begin(turn, step, member, cause),
        },
        (Some(_), Some(_)) => {
            if !turn.state.fleeting.paused.contains(step) && turn.may_try(Some(step)) {
                say(turn, step, member, true);
            }
        }
        (Some(_), None) if turn.may_try(Some(step)) => {
            let unproved = unproved(turn, step, member, standing);
            if unproved.is_empty() {
                say(turn, step, member, false);
            }
            for first in &unproved {
                ask(turn, first);
            }
        }
        (Some(_), None) => {}
    }
}

/// What a step rests on and this very observation does not prove, read live: it goes on as it started, with a look at all
/// of that right before (completion.md §6.5).
fn unproved(turn: &Turn<'_>, step: &StepId, member: &Member, standing: Standing) -> Vec<StepId> {
    if standing != Standing::Moving {
        return Vec::new();
    }
    let is_proved = |first: &&StepId| {
        let known = turn.agenda.members.get(*first);
        let known = known.zip(turn.state.services.get(*first));
        let look = known.and_then(|(member, service)| look(turn, first, member, service));
        look.is_some_and(|look| look.live && !look.assessed.iter().any(|(_, it, _)| is_broken(it)))
    };
    let grounds = rests_on(turn.agenda, &turn.state, step, member);
    grounds.filter(|first| !is_proved(first)).cloned().collect()
}

/// What it is to be paused for.
fn cause(
    turn: &Turn<'_>,
    step: &StepId,
    member: &Member,
    service: &ServiceState,
) -> Option<StepId> {
    if service.standing != Standing::Moving {
        return None;
    }
    let mut grounds = rests_on(turn.agenda, &turn.state, step, member);
    let is_broken = |first: &&StepId| {
        let service = turn.state.services.get(*first);
        service.is_some_and(|service| service.regressed.is_some())
    };
    grounds.find(is_broken).cloned()
}

fn begin(turn: &mut Turn<'_>, step: &StepId, member: &Member, cause: StepId) {
    if pausable(member).is_empty() {
        return;
    }
    if let Some(service) = turn.state.services.get_mut(step) {
        service.paused_for = Some(cause);
        say(turn, step, member, true);
    }
}

fn say(turn: &mut Turn<'_>, step: &StepId, member: &Member, is_paused: bool) {
    turn.actions.push(Action::Pause {
        service: step.clone(),
        objects: pausable(member),
        is_paused,
    });
}

/// Its workloads whose kind has a pause.
fn pausable(member: &Member) -> Vec<ObjectRef> {
    let workloads = member.belongings.workloads.iter();
    let has_one = |it: &&ObjectRef| {
        matches!(
            (it.group(), it.kind.as_str()),
            ("apps", "Deployment") | ("argoproj.io", "Rollout")
        )
    };
    workloads.filter(has_one).cloned().collect()
}

/// What came of the pauses.
fn take_outcomes(turn: &mut Turn<'_>) {
    let steps: Vec<StepId> = turn.state.services.keys().cloned().collect();
    for step in steps {
        take_outcome(turn, &step);
    }
}

fn take_outcome(turn: &mut Turn<'_>, step: &StepId) {
    let seen = turn.seen;
    let is_it =
        |action: &Action| matches!(action, Action::Pause { service, .. } if service == step);
    match came_of(&seen.outcomes, is_it) {
        Came::Nothing => {}
        Came::Well(outcome) => {
            turn.state.fleeting.repeated.remove(&Some(step.clone()));
            if matches!(
                outcome.action,
                Action::Pause {
                    is_paused: true,
                    ..
                }
            ) {
                turn.state.fleeting.paused.insert(step.clone());
            } else {
                turn.state.fleeting.paused.remove(step);
                give_up(turn, step);
            }
        }
        // Somebody else has it in hand. Once is told enough.
        Came::Refused(message, title) => {
            turn.state.fleeting.paused.insert(step.clone());
            give_up(turn, step);
            turn.events.push(Event::WriteRepeated {
                message: format!("{step} can be neither paused nor let go on: {message} ({title})"),
            });
        }
        Came::Again(message, milliseconds) => {
            turn.try_again(Some(step), &message, milliseconds);
        }
    }
}

fn give_up(turn: &mut Turn<'_>, step: &StepId) {
    if let Some(service) = turn.state.services.get_mut(step) {
        service.paused_for = None;
    }
}

/// What a step says of itself while it is paused.
pub(super) fn words(state: &State, service: &ServiceState) -> Option<String> {
    let first = service.paused_for.as_ref()?;
    let why = state.services.get(first)?.regressed.as_ref()?;
    Some(format!(
        "paused, since {first} was done and is not any more: {why}; it goes on when that is done again"
    ))
}

/// The condition that says so of the release: kind, status, reason and message.
pub(super) fn condition(
    agenda: &Agenda,
    state: &State,
    before: &[Condition],
) -> Option<(&'static str, &'static str, String, String)> {
    let waves = agenda.waves.iter().flatten();
    let broken =
        waves.filter_map(|step| Some((step, state.services.get(step)?.regressed.as_ref()?)));
    let broken: Vec<String> = broken
        .map(|(step, words)| format!("{step} was done and is not any more: {words}"))
        .collect();
    let was_told = before
        .iter()
        .any(|condition| condition.type_ == INVARIANT_BROKEN);
    match (broken.is_empty(), was_told) {
        (false, _) => Some((
            INVARIANT_BROKEN,
            "True",
            REGRESSED.to_owned(),
            broken.join("; "),
        )),
        (true, true) => {
            let words = "every service that was done is done".to_owned();
            Some((INVARIANT_BROKEN, "False", "Recovered".to_owned(), words))
        }
        (true, false) => None,
    }
}
