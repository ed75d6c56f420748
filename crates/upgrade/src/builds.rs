//! Images that are built for a release: looked at, begun, ended; and the steps that wait for them.
//!
//! In: where the builds stand and what their engines show. Out: where they stand next, and what is to be done. What comes
//! next for one build is decided in [`tidegate_build`]; here is who waits, how many at once, and what a failure means.

use tidegate_build::{self as build, Build, Next, Stand};
use tidegate_spec::ServiceName;

use super::action::Action;
use super::agenda::{Agenda, Member};
use super::event::Event;
use super::state::{Standing, State};
use super::step_id::StepId;
use super::turn::{Came, REPEATED, Turn, came_of};
use super::written::fail;

/// The reason of a step whose image could not be built.
pub(super) const BUILD_FAILED: &str = "BuildFailed";

/// Takes in what was seen of the builds, and asks for what comes next.
pub(super) fn tend(turn: &mut Turn<'_>) {
    let watched = turn.state.builds.iter();
    let watched = watched.filter(|(_, build)| build.stand.is_watched());
    let watched: Vec<ServiceName> = watched.map(|(service, _)| service.clone()).collect();
    for service in watched {
        tend_one(turn, &service);
    }
    begin_waiting(turn);
}

fn tend_one(turn: &mut Turn<'_>, service: &ServiceName) {
    let seen = turn.seen.builds.get(service);
    let Some(build) = turn.state.builds.get(service) else {
        return;
    };
    let attempt = build.attempt;
    match build::next(build, seen) {
        Next::Wait => {}
        Next::Create => {
            if turn.may_try(Some(&key(service))) {
                turn.actions.push(Action::Build {
                    service: service.clone(),
                    attempt,
                });
            }
        }
        Next::Keep { uid, object, link } => {
            change(turn, service, |build| {
                build.stand = Stand::Beginning;
                build.uid = Some(uid);
                build.object = Some(object);
                build.link = link;
            });
            let_go(turn, service);
        }
        Next::LetGo => {
            if turn.may_try(Some(&key(service))) {
                let_go(turn, service);
            }
        }
        Next::Runs => change(turn, service, |build| build.stand = Stand::Running),
        Next::Tell { message } => change(turn, service, |build| build.message = message),
        Next::Done { digest } => done(turn, service, &digest),
        Next::Fail { reason, message } => failed(turn, service, reason, message),
    }
}

fn let_go(turn: &mut Turn<'_>, service: &ServiceName) {
    let build = turn.state.builds.get(service);
    if let Some(uid) = build.and_then(|build| build.uid.clone()) {
        turn.actions.push(Action::BeginBuild {
            service: service.clone(),
            attempt: build.map_or(0, |build| build.attempt),
            uid,
        });
    }
}

fn change(turn: &mut Turn<'_>, service: &ServiceName, how: impl FnOnce(&mut Build)) {
    if let Some(build) = turn.state.builds.get_mut(service) {
        how(build);
    }
}

fn done(turn: &mut Turn<'_>, service: &ServiceName, digest: &str) {
    let now = turn.now();
    let image = turn.agenda.images.get(service);
    let image = build::pinned(image.map_or("", String::as_str), digest);
    let Some(build) = turn.state.builds.get_mut(service) else {
        return;
    };
    build.stand = Stand::Succeeded;
    build.ended = Some(now);
    build.image = Some(image.clone());
    build.message.clear();
    turn.events.push(Event::Built {
        service: service.clone(),
        image,
        took: now.duration_since(build.started.unwrap_or(now)),
    });
    // The steps that waited are looked at with the image that they get now.
    turn.wish.wake(now);
}

fn failed(turn: &mut Turn<'_>, service: &ServiceName, reason: String, message: String) {
    let now = turn.now();
    let Some(build) = turn.state.builds.get_mut(service) else {
        return;
    };
    build.stand = Stand::Failed;
    build.ended = Some(now);
    build.reason.clone_from(&reason);
    build.message.clone_from(&message);
    turn.events.push(Event::BuildFailed {
        service: service.clone(),
        reason,
        message,
    });
    turn.wish.wake(now);
}

/// Begins those for which there is room, those of earlier waves first.
fn begin_waiting(turn: &mut Turn<'_>) {
    if turn.state.paused || turn.state.superseded_by.is_some() {
        return;
    }
    let now = turn.now();
    let builds = turn.state.builds.values();
    let under_way = builds.filter(|build| build.stand.is_under_way()).count();
    let room = turn.agenda.strategy.builds_max.saturating_sub(under_way);
    let next = in_order(turn.agenda, &turn.state);
    for service in next.into_iter().take(room) {
        let mut attempt = 0;
        change(turn, &service, |build| {
            build.stand = Stand::Creating;
            build.started = Some(now);
            attempt = build.attempt;
        });
        turn.actions.push(Action::Build {
            service: service.clone(),
            attempt,
        });
        turn.events.push(Event::BuildStarted { service });
    }
}

/// The builds that nobody has begun, in the order in which their images are needed.
fn in_order(agenda: &Agenda, state: &State) -> Vec<ServiceName> {
    let needed_in = |service: &ServiceName| {
        let needs = |step: &StepId| {
            agenda
                .members
                .get(step)
                .is_some_and(|it| needs(it, service))
        };
        agenda.waves.iter().position(|wave| wave.iter().any(needs))
    };
    let waiting = state.builds.iter();
    let waiting = waiting.filter(|(_, build)| build.stand == Stand::Waiting);
    let mut waiting: Vec<(Option<usize>, &ServiceName)> = waiting
        .map(|(service, _)| (needed_in(service), service))
        .filter(|(wave, _)| wave.is_some())
        .collect();
    waiting.sort();
    waiting
        .into_iter()
        .map(|(_, service)| service.clone())
        .collect()
}

fn needs(member: &Member, build: &ServiceName) -> bool {
    member.belongings.builds.contains(build)
}

/// What came of the last actions about builds.
pub(super) fn take_outcomes(turn: &mut Turn<'_>) {
    let services: Vec<ServiceName> = turn.state.builds.keys().cloned().collect();
    for service in services {
        let is_make = |action: &Action| {
            matches!(action, Action::Build { service: of, .. } | Action::BeginBuild { service: of, .. }
                if *of == service)
        };
        match came_of(&turn.seen.outcomes, is_make) {
            Came::Nothing => {}
            Came::Well(_) => settled(turn, &service),
            Came::Refused(message, title) => {
                failed(
                    turn,
                    &service,
                    "NotStarted".to_owned(),
                    format!("{message} ({title})"),
                );
            }
            Came::Again(message, milliseconds) => {
                if !turn.try_again(Some(&key(&service)), &message, milliseconds) {
                    failed(turn, &service, REPEATED.to_owned(), message);
                }
            }
        }
        let is_cancel = |action: &Action| matches!(action, Action::CancelBuild { service: of, .. } if *of == service);
        match came_of(&turn.seen.outcomes, is_cancel) {
            Came::Nothing => {}
            Came::Well(_) => cancelled(turn, &service, "nobody needs it any more".to_owned()),
            Came::Refused(message, _) => {
                cancelled(turn, &service, format!("it may go on: {message}"));
            }
            Came::Again(message, milliseconds) => {
                if !turn.try_again(Some(&key(&service)), &message, milliseconds) {
                    cancelled(turn, &service, format!("it may go on: {message}"));
                }
            }
        }
    }
}

fn settled(turn: &mut Turn<'_>, service: &ServiceName) {
    let key = Some(key(service));
    turn.state.fleeting.repeated.remove(&key);
    turn.state.fleeting.retry_at.remove(&key);
}

/// Under which name tries are counted.
fn key(service: &ServiceName) -> StepId {
    StepId {
        service: service.clone(),
        part: None,
    }
}

fn cancelled(turn: &mut Turn<'_>, service: &ServiceName, message: String) {
    let now = turn.now();
    settled(turn, service);
    change(turn, service, |build| {
        build.stand = Stand::Cancelled;
        build.ended = Some(now);
        "Cancelled".clone_into(&mut build.reason);
        build.message.clone_from(&message);
    });
    turn.events.push(Event::BuildCancelled {
        service: service.clone(),
        message,
    });
}

/// Whether nothing is built any more, as it must be when the release ends. What is built still is cancelled; the end comes
/// when that is done.
pub(super) fn are_over(turn: &mut Turn<'_>) -> bool {
    for build in turn.state.builds.values_mut() {
        if build.stand == Stand::Waiting {
            build.stand = Stand::Cancelled;
            "Cancelled".clone_into(&mut build.reason);
            "it was not begun".clone_into(&mut build.message);
        }
    }
    let under_way = under_way(&turn.state);
    let under_way: Vec<ServiceName> = under_way.into_iter().cloned().collect();
    if under_way.is_empty() {
        return true;
    }
    for service in under_way {
        let mut attempt = 0;
        change(turn, &service, |build| {
            build.stand = Stand::Cancelling;
            attempt = build.attempt;
        });
        if turn.may_try(Some(&key(&service))) {
            turn.actions.push(Action::CancelBuild { service, attempt });
        }
    }
    false
}

/// Fails the steps whose image will not come.
pub(super) fn fail_steps(turn: &mut Turn<'_>) {
    let agenda = turn.agenda;
    for step in agenda.waves.iter().flatten() {
        let is_waiting = turn
            .state
            .services
            .get(step)
            .is_some_and(|service| service.standing == Standing::Waiting);
        let Some(member) = agenda.members.get(step).filter(|_| is_waiting) else {
            continue;
        };
        let failed = member.belongings.builds.iter().find_map(|service| {
            let build = turn.state.builds.get(service)?;
            (build.stand == Stand::Failed).then(|| told(service, build))
        });
        if let Some(message) = failed {
            fail(turn, step, BUILD_FAILED, message);
        }
    }
}

/// A failed build in words.
fn told(service: &ServiceName, build: &Build) -> String {
    let object = build.object.as_ref();
    let object = object.map(|it| format!(" ({it})")).unwrap_or_default();
    let link = build.link.as_ref();
    let link = link.map(|it| format!("; see {it}")).unwrap_or_default();
    format!(
        "the image of {service} was not built{object}: {}: {}{link}",
        build.reason, build.message
    )
}

/// Whether the images of a step were known when its objects were looked at.
pub(super) fn are_known(turn: &Turn<'_>, member: &Member) -> bool {
    let known = |service: &ServiceName| {
        let build = turn.before.builds.get(service);
        build.is_some_and(|build| build.image.is_some())
    };
    member.belongings.builds.iter().all(known)
}

/// Takes back what was cancelled for an end that does not come.
pub(super) fn revive(state: &mut State) {
    for build in state.builds.values_mut() {
        if build.stand == Stand::Cancelled {
            *build = build.again();
        }
    }
}

/// Tries the builds once more for which a step failed.
pub(super) fn try_again(state: &mut State, member: &Member) {
    for service in &member.belongings.builds {
        if let Some(build) = state.builds.get_mut(service)
            && matches!(build.stand, Stand::Failed | Stand::Cancelled)
        {
            *build = build.again();
        }
    }
}

/// What a step waits for that is being built, in words.
pub(super) fn awaited(agenda: &Agenda, state: &State, step: &StepId) -> Option<String> {
    let member = agenda.members.get(step)?;
    let open = |service: &&ServiceName| {
        let build = state.builds.get(*service);
        build.is_none_or(|build| build.image.is_none())
    };
    let words = member.belongings.builds.iter().filter(open).map(|service| {
        let build = state.builds.get(service);
        let waits = build.map_or("", |build| build.message.as_str());
        match build.map(|build| build.stand) {
            Some(Stand::Waiting) | None => {
                format!("the image of {service}, whose build waits for room")
            }
            Some(Stand::Cancelling | Stand::Cancelled) => {
                format!("the image of {service}, whose build was cancelled")
            }
            Some(Stand::Running) if !waits.is_empty() => {
                format!("the image of {service}, whose build waits: {waits}")
            }
            Some(
                Stand::Creating
                | Stand::Beginning
                | Stand::Running
                | Stand::Failed
                | Stand::Succeeded
                | Stand::Skipped,
            ) => format!("the image of {service}, which is being built"),
        }
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| tidegate_spec::words::waits_for(&words))
}

/// The services whose images are being built now.
pub(super) fn under_way(state: &State) -> Vec<&ServiceName> {
    let builds = state.builds.iter();
    let builds = builds.filter(|(_, build)| build.stand.is_under_way());
    builds.map(|(service, _)| service).collect()
}
