//! Looks once more, right before a start, at what it rests on (completion.md §6.5).

use super::agenda::{Change, Member};
use super::event::Event;
use super::gate::{Gate, Read, revisions};
use super::state::Standing;
use super::step_id::StepId;
use super::turn::Turn;
use super::watch_gates::{look, shows_all};
use super::why::REGRESSED;

/// How soon a start is tried again that a service which fell back has held.
const FALLEN_BACK_MS: i64 = 1_000;

/// The last step of a service that has begun, from one on: then what this one has brought is no more what is wanted, and
/// its own gate would call it undone. The later one began only after this one was done, so its gate asks for no less.
/// What begins in this very turn has written nothing yet. For the sake of another step, which does not count itself.
pub(super) fn newest_begun(turn: &Turn<'_>, step: &StepId, held: &StepId) -> StepId {
    let later = turn.agenda.wave_of(step).map_or(0, |wave| wave + 1);
    let later = turn.agenda.waves.iter().skip(later).flatten();
    let mut later = later.filter(|other| other.service == step.service && *other != held);
    let newest = later.rfind(|other| turn.had_begun(other));
    newest.unwrap_or(step).clone()
}

/// Whether every live pod of a service, of which a later step is on its way, is one that a step from this one on has
/// brought: by the stamps, which each of them gives to the pods that it starts.
fn is_carried_on(turn: &Turn<'_>, from: &StepId, newest: &StepId) -> bool {
    let (Some(member), Some(snapshots)) = (
        turn.agenda.members.get(newest),
        turn.seen.snapshots.get(newest),
    ) else {
        return false;
    };
    let wave = turn.agenda.wave_of(from).unwrap_or(0);
    let steps = turn.agenda.waves.iter().skip(wave).flatten();
    let steps = steps.filter(|step| step.service == from.service && *step <= newest);
    let members = steps.filter_map(|step| turn.agenda.members.get(step));
    let stamps: Vec<&str> = members
        .map(|member| member.belongings.stamp.as_str())
        .collect();
    let is_known = |stamp: Option<&str>| stamp.is_some_and(|stamp| stamps.contains(&stamp));
    shows_all(snapshots, member)
        && snapshots.iter().all(|(_, snapshot)| {
            let mut live = revisions(snapshot).into_iter();
            snapshot.read == Read::Live
                && live.all(|revision| is_known(revision.contract.as_deref()))
        })
}

/// Re-checks the gates that protect it, in this observation (completion.md §6.5).
pub(super) fn still_done(turn: &mut Turn<'_>, name: &StepId, member: &Member) -> bool {
    let mut all_open = true;
    let is_starting = |turn: &Turn<'_>| {
        let own = turn.state.services.get(name);
        own.is_some_and(|own| own.standing == Standing::Starting)
    };
    for server in &member.after {
        if server.service == name.service && is_starting(turn) {
            // Its own write may have been made, and then it is no more what its earlier step has brought.
            continue;
        }
        let newest = &newest_begun(turn, server, name);
        let is_done = |step: &StepId| {
            let service = turn.state.services.get(step);
            service.is_some_and(|service| service.standing == Standing::Done)
        };
        let server = match (newest == server, is_done(newest)) {
            (true, _) | (false, false) => server,
            (false, true) => newest,
        };
        if !is_done(newest) && is_carried_on(turn, server, newest) {
            continue;
        }
        let Some((server_member, service)) = turn
            .agenda
            .members
            .get(server)
            .zip(turn.state.services.get(server))
        else {
            continue;
        };
        if service.forced.is_some() {
            // Somebody has said that whatever it shows is good enough.
            continue;
        }
        match server_member.change {
            Change::Delete | Change::Drain => continue,
            Change::Create | Change::Roll | Change::Flip | Change::Job => {}
        }
        let Some(look) = look(turn, server, server_member, service) else {
            all_open = false;
            if turn.seen.snapshots.contains_key(server) {
                // Shown, and not to be judged: somebody took its records away. Not in a hot loop.
                turn.put_off(Some(name), FALLEN_BACK_MS);
            }
            continue;
        };
        match (look.gate(), look.live) {
            (Gate::Open, true) => {
                turn.state.fleeting.regressed.remove(server);
            }
            (Gate::Open, false) => all_open = false,
            (Gate::Shut | Gate::Failed, _) if newest != server => {
                // Its later step moves, and an older revision than this one's is still to be seen.
                all_open = false;
                turn.put_off(Some(name), FALLEN_BACK_MS);
            }
            (Gate::Shut | Gate::Failed, _) => {
                all_open = false;
                let words = look
                    .assessed
                    .iter()
                    .find(|(_, a, _)| a.gate() != Gate::Open);
                let message = words.map(|(_, a, _)| a.sentence()).unwrap_or_default();
                regress(turn, server, name, &message);
            }
        }
    }
    all_open
}

fn regress(turn: &mut Turn<'_>, server: &StepId, held: &StepId, message: &str) {
    let sentence = format!("{held} is held: {server} was done and is not any more: {message}");
    let known = turn
        .state
        .fleeting
        .regressed
        .insert(server.clone(), message.to_owned());
    if known.as_deref() != Some(message) {
        turn.events.push(Event::Regressed {
            service: server.clone(),
            message: sentence.clone(),
        });
    }
    // Nobody may say when it recovers, and looking costs reads and dry runs: not in a hot loop.
    turn.put_off(Some(held), FALLEN_BACK_MS);
    if let Some(service) = turn.state.services.get_mut(held) {
        REGRESSED.clone_into(&mut service.progress.reason);
        service.progress.message = sentence;
        service.progress.since.get_or_insert(turn.seen.now);
    }
}
