//! Whether a commit that was found is released now.

use jiff::Timestamp;

use crate::spec::crd::Trigger;

/// What is known when a commit was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// The commit that the source names now.
    pub commit: &'a str,
    /// The commit of the newest release that was made of this source.
    pub released: Option<&'a str>,
    /// A release of the plan that has not ended.
    pub unfinished: Option<&'a str>,
    /// Whether the plan is suspended.
    pub suspended: bool,
    /// Whether somebody asks for a release of whatever is there.
    pub requested: bool,
    /// Whether a webhook led to it.
    pub announced: bool,
    /// When the schedule allows a release.
    pub schedule: Timing,
}

/// When new commits may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Whenever they come.
    AtOnce,
    /// A time of the schedule has come, and nothing has been done for it yet.
    Come(Timestamp),
    /// At this time, or never if there is none.
    Later(Option<Timestamp>),
}

/// What to do about a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Release it, for that reason.
    Release(Trigger),
    /// It is released, or a release of it has been tried.
    Known,
    /// The plan is suspended; the commit waits.
    Suspended,
    /// Another release of the plan has not ended. Only the newest commit is released after it: what came in between
    /// would be outdated when its turn comes.
    Held(String),
    /// The schedule says when.
    At(Option<Timestamp>),
}

/// Decides.
pub fn due(known: &Known<'_>) -> Decision {
    let is_new = known.released != Some(known.commit);
    let trigger = match (known.requested, is_new, known.schedule) {
        (true, _, _) => Trigger::Manual,
        (false, false, _) => return Decision::Known,
        (false, true, Timing::AtOnce) if known.announced => Trigger::Webhook,
        (false, true, Timing::AtOnce) => Trigger::Poll,
        (false, true, Timing::Come(_)) => Trigger::Schedule,
        (false, true, Timing::Later(time)) => return Decision::At(time),
    };
    match (known.suspended, known.unfinished) {
        (true, _) => Decision::Suspended,
        (false, Some(release)) => Decision::Held(release.to_owned()),
        (false, None) => Decision::Release(trigger),
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Known, Timing, Trigger, due};

    const NEW: Known<'_> = Known {
        commit: "b",
        released: Some("a"),
        unfinished: None,
        suspended: false,
        requested: false,
        announced: false,
        schedule: Timing::AtOnce,
    };

    #[test]
    fn a_new_commit_is_released_and_a_known_one_is_not() {
        assert_eq!(due(&NEW), Decision::Release(Trigger::Poll));
        let known = Known { commit: "a", ..NEW };
        assert_eq!(due(&known), Decision::Known);
        let first = Known {
            released: None,
            ..NEW
        };
        assert_eq!(due(&first), Decision::Release(Trigger::Poll));
    }

    #[test]
    fn a_release_says_that_a_webhook_led_to_it() {
        let announced = Known {
            announced: true,
            ..NEW
        };
        assert_eq!(due(&announced), Decision::Release(Trigger::Webhook));
        let known = Known {
            commit: "a",
            ..announced
        };
        assert_eq!(due(&known), Decision::Known);
    }

    #[test]
    fn somebody_s_word_releases_what_was_released_before_and_does_not_wait_for_the_schedule() {
        let asked = Known {
            commit: "a",
            requested: true,
            schedule: Timing::Later(None),
            ..NEW
        };
        assert_eq!(due(&asked), Decision::Release(Trigger::Manual));
    }

    #[test]
    fn nothing_starts_beside_a_release_or_while_the_plan_is_suspended() {
        for requested in [false, true] {
            let held = Known {
                unfinished: Some("shop-3"),
                requested,
                ..NEW
            };
            assert_eq!(due(&held), Decision::Held("shop-3".to_owned()));
            let suspended = Known {
                suspended: true,
                ..held
            };
            assert_eq!(due(&suspended), Decision::Suspended);
        }
    }

    #[test]
    fn a_schedule_lets_commits_wait_for_its_time() {
        let time = "2026-03-27T12:00:00Z".parse().expect("a time");
        let later = Known {
            schedule: Timing::Later(Some(time)),
            ..NEW
        };
        assert_eq!(due(&later), Decision::At(Some(time)));
        let come = Known {
            schedule: Timing::Come(time),
            ..NEW
        };
        assert_eq!(due(&come), Decision::Release(Trigger::Schedule));
    }
}
