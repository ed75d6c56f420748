//! When a webhook counts as lost.

use jiff::Timestamp;

use crate::hook::{Announcement, Unannounced, announcement};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// A commit that the look at 100 did not find and the one at 160 found.
fn found() -> Unannounced {
    Unannounced {
        commit: "c".to_owned(),
        found: at(160),
        looked_before: at(100),
    }
}

#[test]
fn a_commit_for_which_none_came_is_lost_once_the_provider_has_had_its_time() {
    assert_eq!(
        announcement(&found(), None, at(161)),
        Announcement::MayCome(at(165))
    );
    assert_eq!(announcement(&found(), None, at(165)), Announcement::Lost);
    // One that came before the look that did not find it was for an earlier commit.
    let earlier = Some(at(99));
    assert_eq!(
        announcement(&found(), earlier, at(161)),
        Announcement::MayCome(at(165))
    );
    assert_eq!(announcement(&found(), earlier, at(165)), Announcement::Lost);
}

#[test]
fn one_that_comes_a_little_later_than_the_look_is_not_lost() {
    for delivered in [100, 130, 160, 164] {
        let delivered = Some(at(delivered));
        assert_eq!(
            announcement(&found(), delivered, at(165)),
            Announcement::Came
        );
    }
}
