//! The end of a release whose services are all done: what nobody has any more goes, and the graph is written.

use super::action::Action;
use super::event::Event;
use super::state::Ending;
use super::turn::{Came, Turn, came_of};

/// Deletes what nobody has any more and writes the graph into the cluster; then the release has succeeded.
pub(super) fn publish(turn: &mut Turn<'_>) {
    let is_tidy =
        |turn: &Turn<'_>| turn.agenda.leftover.is_empty() || turn.state.fleeting.leftover_removed;
    if !is_tidy(turn) {
        remove_leftover(turn);
    }
    if is_tidy(turn) {
        publish_graph(turn);
    }
}

fn remove_leftover(turn: &mut Turn<'_>) {
    let is_it = |action: &Action| matches!(action, Action::RemoveLeftover { .. });
    match came_of(&turn.seen.outcomes, is_it) {
        Came::Well(_) => {
            turn.state.fleeting.repeated.remove(&None);
            turn.state.fleeting.leftover_removed = true;
        }
        // Every service is done, so no call hangs on it.
        Came::Refused(message, _) => {
            turn.events.push(Event::NotRemoved { message });
            turn.state.fleeting.leftover_removed = true;
        }
        Came::Again(message, milliseconds) => {
            if !turn.try_again(None, &message, milliseconds) {
                turn.state.fleeting.repeated.remove(&None);
                turn.events.push(Event::NotRemoved { message });
                turn.state.fleeting.leftover_removed = true;
            }
        }
        Came::Nothing if !turn.state.paused && turn.may_try(None) => {
            turn.actions.push(Action::RemoveLeftover {
                objects: turn.agenda.leftover.clone(),
            });
        }
        Came::Nothing => {}
    }
}

fn publish_graph(turn: &mut Turn<'_>) {
    match came_of(&turn.seen.outcomes, |action| {
        matches!(action, Action::Publish { .. })
    }) {
        Came::Well(_) => turn.end(Ending::Succeeded),
        Came::Refused(message, _) => {
            turn.events.push(Event::NotPublished { message });
            turn.end(Ending::Succeeded);
        }
        Came::Again(message, milliseconds) => {
            if !turn.try_again(None, &message, milliseconds) {
                turn.events.push(Event::NotPublished { message });
                turn.end(Ending::Succeeded);
            }
        }
        Came::Nothing if turn.may_try(None) => turn.actions.push(Action::Publish {
            held_out: turn.agenda.held_out.clone(),
        }),
        Came::Nothing => {}
    }
}
