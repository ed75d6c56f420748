//! Whether every controller gets its turns and none takes those of others: L5 and L6 of reliability.md.
//!
//! In: each call, and who sleeps until when. Out: what is wrong with that. The API server answers one call after the other, so
//! that a controller which calls without end makes all others wait.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// How long the API server is busy with a call.
const BUSY: SignedDuration = SignedDuration::from_millis(2);
/// How long a call may wait for those of others.
const QUEUED_MAX: SignedDuration = SignedDuration::from_secs(1);
/// More calls than these in a minute are a loop that waits for nothing.
pub(super) const CALLS_MAX: u32 = 1_500;
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Whoever does not look for so long has stopped, whatever it says of itself.
pub(super) const ASLEEP_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The calls of all controllers.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// When the API server has answered all that was asked.
    free_at: Timestamp,
    /// By controller, since when its calls are counted, and how many there were.
    counted: BTreeMap<usize, (Timestamp, u32)>,
}

impl Turns {
    /// A controller calls. Out: how long it waits for those who called before it, and what is wrong.
    pub(super) fn call(
        &mut self,
        controller: usize,
        now: Timestamp,
    ) -> (SignedDuration, Vec<String>) {
        let mut wrong = Vec::new();
        let begins_at = self.free_at.max(now);
        self.free_at = begins_at.saturating_add(BUSY).unwrap_or(begins_at);
        let queued = begins_at.duration_since(now);
        if queued > QUEUED_MAX {
            let words =
                format!("L5: controller {controller} waits {queued:#} for the calls of others");
            wrong.push(words);
        }
        let (since, calls) = self.counted.entry(controller).or_insert((now, 0));
        if now.duration_since(*since) > WINDOW {
            (*since, *calls) = (now, 0);
        }
        *calls += 1;
        if *calls == CALLS_MAX {
            let words = format!("L6: controller {controller} makes {CALLS_MAX} calls in a minute");
            wrong.push(words);
        }
        (queued, wrong)
    }
}

/// What is wrong with when a controller goes on that has not ended.
pub(super) fn sleeps(
    controller: usize,
    wakes_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let is_near = |at: Timestamp| at.duration_since(now) <= ASLEEP_MAX;
    match wakes_at {
        Some(at) if is_near(at) => None,
        Some(_) => Some(format!(
            "L6: controller {controller} does not look for more than five minutes"
        )),
        None => Some(format!("L6: nothing ever wakes controller {controller}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cluster::START;
    use super::*;

    fn after_ms(milliseconds: i64) -> Timestamp {
        START + SignedDuration::from_millis(milliseconds)
    }

    fn wrong(calls: impl Iterator<Item = (usize, i64)>) -> Vec<String> {
        let mut turns = Turns::default();
        let told = calls.flat_map(|(controller, at)| turns.call(controller, after_ms(at)).1);
        told.collect()
    }

    #[test]
    fn a_controller_that_calls_again_and_again_is_a_hot_loop() {
        let fast = (0..2_000).map(|call| (1, call * 20));
        assert_eq!(
            wrong(fast),
            ["L6: controller 1 makes 1500 calls in a minute"]
        );
        let patient = (0..2_000).map(|call| (1, call * 100));
        assert_eq!(wrong(patient), Vec::<String>::new());
    }

    #[test]
    fn a_controller_that_waits_for_the_calls_of_others_is_delayed() {
        let others = (0..600).map(|call| (call, 0));
        let told = wrong(others.chain([(7, 0)]));
        assert_eq!(
            told.last().map(String::as_str),
            Some("L5: controller 7 waits 1s 200ms for the calls of others")
        );
        assert_eq!(wrong((0..500).map(|call| (call, 0))), Vec::<String>::new());
    }

    #[test]
    fn a_controller_that_nothing_wakes_is_starved() {
        let now = after_ms(5);
        assert_eq!(sleeps(1, Some(after_ms(10_005)), now), None);
        assert_eq!(
            sleeps(1, None, now).unwrap(),
            "L6: nothing ever wakes controller 1"
        );
        assert_eq!(
            sleeps(1, Some(after_ms(300_006)), now).unwrap(),
            "L6: controller 1 does not look for more than five minutes"
        );
    }
}
