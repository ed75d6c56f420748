//! Whether what somebody else has changed is put back now.
//!
//! In: what the plan says, and how earlier attempts went. Out: a decision. Who changes it again and again is not answered
//! ever faster, and what could not be put back is left to a person.

use jiff::{SignedDuration, Timestamp};

use crate::spec::crd::{DriftPolicy, Release, Trigger};

/// The pause after the first time; it doubles each time that the same is needed again.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The longest pause.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Say it, and leave it.
    Tell,
    /// Put it back now.
    Heal,
    /// Put it back, but not before this time.
    HealAt(Timestamp),
    /// It cannot be put back, for this reason.
    Not(String),
}

/// Decides.
///
/// In: what the plan says, whether it is suspended, and its releases in the order of their numbers, all of them ended.
pub fn decide(
    policy: DriftPolicy,
    is_suspended: bool,
    releases: &[Release],
    now: Timestamp,
) -> Decision {
    match policy {
        DriftPolicy::Ignore | DriftPolicy::Tell => return Decision::Tell,
        DriftPolicy::Heal => {}
    }
    if is_suspended {
        return Decision::Not("the plan is suspended".to_owned());
    }
    let is_heal = |release: &&Release| release.spec.trigger == Trigger::Drift.word();
    let outcome = |release: &Release| release.status.as_ref()?.outcome.clone();
    let newest = releases.last().filter(is_heal);
    if let Some(newest) = newest
        && let Some(ended) = outcome(newest).filter(|outcome| outcome != "Succeeded")
    {
        return Decision::Not(format!(
            "`{}`, which was to put it back, has ended as {ended}; release again, or `tidegate retry {}`",
            newest.metadata.name.as_deref().unwrap_or_default(),
            newest.spec.plan
        ));
    }
    let heals: Vec<&Release> = releases.iter().rev().take_while(is_heal).collect();
    let ended = heals
        .first()
        .and_then(|heal| heal.status.as_ref()?.completion_time.clone());
    let Some(ended) = ended else {
        return Decision::Heal;
    };
    let doublings = u32::try_from(heals.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    let pause = PAUSE
        .checked_mul(factor)
        .unwrap_or(PAUSE_MAX)
        .min(PAUSE_MAX);
    match ended.0.saturating_add(pause) {
        Ok(at) if at > now => Decision::HealAt(at),
        Ok(_) | Err(_) => Decision::Heal,
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::{DriftPolicy, Release, decide};
    use crate::spec::crd::{ReleaseSpec, ReleaseStatus};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// `manual Succeeded 0, drift Succeeded 100`: what started it, how and when it ended.
    fn decided(policy: DriftPolicy, text: &str, now_s: i64) -> String {
        let one = |words: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let spec = ReleaseSpec {
                plan: "shop".to_owned(),
                trigger: words[0].to_owned(),
                ..ReleaseSpec::default()
            };
            let mut release = Release::new("shop-9", spec);
            release.status = Some(ReleaseStatus {
                outcome: Some(words[1].to_owned()),
                completion_time: Some(Time(at(words[2].parse().unwrap()))),
                ..ReleaseStatus::default()
            });
            release
        };
        let releases: Vec<Release> = text.split(',').map(one).collect();
        format!("{:?}", decide(policy, false, &releases, at(now_s)))
    }

    #[test]
    fn it_is_put_back_only_where_the_plan_says_so() {
        let past = "manual Succeeded 0";
        assert_eq!(decided(DriftPolicy::Tell, past, 10), "Tell");
        assert_eq!(decided(DriftPolicy::Heal, past, 10), "Heal");
        let suspended = decide(DriftPolicy::Heal, true, &[], at(0));
        insta::assert_snapshot!(format!("{suspended:?}"), @r#"Not("the plan is suspended")"#);
    }

    #[test]
    fn who_changes_it_again_and_again_waits_longer_each_time() {
        let mut past = "manual Succeeded 0".to_owned();
        let mut waits = Vec::new();
        for _ in 0..9 {
            past.push_str(", drift Succeeded 1000");
            let first =
                (0..10_000).find(|wait| decided(DriftPolicy::Heal, &past, 1000 + wait) == "Heal");
            waits.push(SignedDuration::from_secs(first.unwrap()).as_mins());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        past.push_str(", poll Succeeded 1000");
        assert_eq!(decided(DriftPolicy::Heal, &past, 1001), "Heal");
    }

    #[test]
    fn what_could_not_be_put_back_is_left_to_a_person() {
        let past = "manual Succeeded 0, drift Failed 100";
        insta::assert_snapshot!(decided(DriftPolicy::Heal, past, 1_000_000), @r#"Not("`shop-9`, which was to put it back, has ended as Failed; release again, or `tidegate retry shop`")"#);
    }
}
