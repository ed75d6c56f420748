//! Hands progress for people on to what is saved, at most once a second, so that watching costs few writes. Along goes
//! what a gate remembers of how long nothing has moved: it changes when progress does.

use jiff::{SignedDuration, Timestamp};

use super::gate::Memory;
use super::observation::Wish;
use super::state::State;

/// How often numbers for people may cause a write of their own.
const PROGRESS_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// Copies the newest progress into what is saved, if something is saved anyway or the last copy is old.
pub(super) fn hand_on(state: &mut State, before: &State, now: Timestamp, wish: &mut Wish) {
    let saved_anyway = !state.same_when_saved(before);
    let due_at = state
        .fleeting
        .progress_at
        .and_then(|at| at.saturating_add(PROGRESS_EVERY).ok())
        .unwrap_or(now);
    let news = state.fleeting.progress.iter().any(|(name, progress)| {
        state
            .services
            .get(name)
            .is_some_and(|s| s.progress != *progress)
    });
    if !news {
        return;
    }
    if !saved_anyway && now < due_at {
        wish.wake(due_at);
        return;
    }
    for (name, progress) in &state.fleeting.progress {
        if let Some(service) = state.services.get_mut(name) {
            service.progress = progress.clone();
            for (workload, record) in &mut service.records {
                let memory = state.fleeting.memory.get(workload);
                record.memory = memory.map(Memory::lasting);
            }
        }
    }
    state.fleeting.progress_at = Some(now);
}
