//! Whether a moment is within a freeze window, and until when.
//!
//! In: the windows as a plan has them, and a time. Out: what holds then. A window that cannot be read holds until it is
//! mended: to go on would be what somebody wanted to prevent.

use jiff::{SignedDuration, Timestamp};

use super::crd::{FreezeWindow, ReleaseSpec, Schedule, Trigger};
use super::timetable::Timetable;
use super::{Code, Problem, duration};

/// The longest time that a window lasts which comes again and again.
const LASTS_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How many windows in a row are followed to say when it is over.
const FOLLOWED_MAX: usize = 50;

/// What holds at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When it is over, as far as is known.
    pub until: Option<Timestamp>,
    /// Why, in the words of the plan.
    pub why: String,
}

/// The windows that hold a release: one that brings back what ran before waits only where that is asked for.
pub fn that_hold(windows: &[FreezeWindow], release: &ReleaseSpec) -> Vec<FreezeWindow> {
    let is_way_back = release.rollback_of.is_some()
        || release.planning.rollback
        || release.trigger == Trigger::Rollback.word();
    let holds = |window: &&FreezeWindow| !is_way_back || window.holds_rollbacks;
    windows.iter().filter(holds).cloned().collect()
}

/// What holds at a moment, if something does.
pub fn held(windows: &[FreezeWindow], now: Timestamp) -> Option<Held> {
    let first = holding(windows, now)?;
    let mut until = first.until;
    // Windows that follow one another without a gap are one wait.
    for _ in 0..FOLLOWED_MAX {
        let Some(next) = until.and_then(|end| holding(windows, end)) else {
            break;
        };
        until = next.until;
    }
    Some(Held {
        until,
        why: first.why,
    })
}

/// Of the windows that hold at a moment, the one that ends last.
fn holding(windows: &[FreezeWindow], now: Timestamp) -> Option<Held> {
    let held = windows.iter().filter_map(|window| {
        let until = match times(window) {
            Ok(times) => Some(times.end_at(now)?),
            Err(_) => None,
        };
        let why = match (until, &window.reason) {
            (None, _) => {
                "a freeze window of the plan cannot be read; `tidegate lint` says why".to_owned()
            }
            (Some(_), Some(reason)) => reason.clone(),
            (Some(_), None) => "freeze window of the plan".to_owned(),
        };
        Some(Held { until, why })
    });
    // No end is later than any.
    held.max_by_key(|held| held.until.unwrap_or(Timestamp::MAX))
}

/// What is wrong with the windows of a plan.
pub(super) fn check_windows(windows: &[FreezeWindow]) -> Vec<Problem> {
    let wrong = windows.iter().enumerate().filter_map(|(index, window)| {
        let Err(Wrong { field, words, hint }) = times(window) else {
            return None;
        };
        let path = format!("spec.freeze[{index}]{field}");
        Some(Problem::error(Code::InvalidValue, path, words).hint(hint))
    });
    wrong.collect()
}

/// A window that can be asked.
enum Times {
    Again(Box<Timetable>, SignedDuration),
    Once(Timestamp, Timestamp),
}

struct Wrong {
    /// `.cron`; empty for the whole window.
    field: String,
    words: String,
    hint: String,
}

impl Times {
    /// When the window ends that holds at a moment.
    fn end_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once(from, until) => (*from <= now && now < *until).then_some(*until),
            Self::Again(timetable, lasts) => {
                let earliest = now.saturating_sub(*lasts).ok()?;
                let began = timetable.last_between(earliest, now)?;
                began.saturating_add(*lasts).ok()
            }
        }
    }
}

fn times(window: &FreezeWindow) -> Result<Times, Wrong> {
    let at = |field: &str, words: String, hint: &str| Wrong {
        field: field.to_owned(),
        words,
        hint: hint.to_owned(),
    };
    match (&window.cron, &window.lasts, &window.from, &window.until) {
        (Some(cron), Some(lasts), None, None) => {
            let schedule = Schedule {
                cron: cron.clone(),
                time_zone: window.time_zone.clone(),
            };
            let timetable = Timetable::of(&schedule)
                .map_err(|error| at(&format!(".{}", error.field), error.wrong, &error.hint))?;
            let words = "write it as `90m`, `12h` or `62h`";
            match duration::parse(lasts) {
                None => Err(at(".lasts", format!("`{lasts}` is no duration"), words)),
                Some(SignedDuration::ZERO) => Err(at(
                    ".lasts",
                    "the window is over when it begins".to_owned(),
                    words,
                )),
                Some(long) if long > LASTS_MAX => Err(at(
                    ".lasts",
                    format!("`{lasts}` is longer than 31 days"),
                    "write a window that comes once, with `from` and `until`",
                )),
                Some(lasts) => Ok(Times::Again(Box::new(timetable), lasts)),
            }
        }
        (None, None, Some(from), Some(until)) if from.0 < until.0 => {
            Ok(Times::Once(from.0, until.0))
        }
        (None, None, Some(_), Some(until)) => Err(at(
            ".until",
            format!("the window ends at {}, before it begins", until.0),
            "`until` comes after `from`",
        )),
        (Some(_) | None, Some(_) | None, Some(_) | None, Some(_) | None) => Err(at(
            "",
            "a window has either `cron` and `lasts`, or `from` and `until`".to_owned(),
            "write `{cron: \"0 16 * * Fri\", lasts: 62h}`, or `{from: 2026-12-23T18:00:00Z, until: 2027-01-02T06:00:00Z}`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{FreezeWindow, ReleaseSpec, Timestamp, check_windows, held, that_hold};

    fn windows(yaml: &str) -> Vec<FreezeWindow> {
        serde_saphyr::from_str(yaml).expect("windows")
    }

    /// What holds at each moment, a line each.
    fn told(yaml: &str, moments: &str) -> String {
        let windows = windows(yaml);
        let lines = moments.split_whitespace().map(|text| {
            let now: Timestamp = text.parse().expect("a time");
            match held(&windows, now) {
                None => format!("{text} free"),
                Some(held) => {
                    let until = held
                        .until
                        .map_or_else(|| "?".to_owned(), |end| end.to_string());
                    format!("{text} until {until}: {}", held.why)
                }
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_window_that_comes_again_holds_from_its_first_moment_to_its_last_in_its_time_zone() {
        let weekend =
            "[{cron: '0 16 * * Fri', lasts: 62h, timeZone: Europe/Berlin, reason: weekend}]";
        insta::assert_snapshot!(told(weekend, "
            2026-11-27T14:59:59Z 2026-11-27T15:00:00Z 2026-11-30T04:59:59Z 2026-11-30T05:00:00Z
            2026-07-03T13:59:59Z 2026-07-03T14:00:00Z
        "), @r"
        2026-11-27T14:59:59Z free
        2026-11-27T15:00:00Z until 2026-11-30T05:00:00Z: weekend
        2026-11-30T04:59:59Z until 2026-11-30T05:00:00Z: weekend
        2026-11-30T05:00:00Z free
        2026-07-03T13:59:59Z free
        2026-07-03T14:00:00Z until 2026-07-06T04:00:00Z: weekend
        ");
    }

    #[test]
    fn a_window_that_comes_once_holds_between_its_two_times_and_neighbours_are_one_wait() {
        let holidays = "
            - {from: '2026-12-23T18:00:00+01:00', until: '2026-12-27T00:00:00Z', reason: holidays}
            - {from: '2026-12-27T00:00:00Z', until: '2026-12-28T00:00:00Z'}
            - {from: '2026-12-26T00:00:00Z', until: '2026-12-26T01:00:00Z', reason: backup}";
        insta::assert_snapshot!(told(holidays, "
            2026-12-23T16:59:59Z 2026-12-23T17:00:00Z 2026-12-26T00:30:00Z 2026-12-27T00:00:00Z 2026-12-28T00:00:00Z
        "), @r"
        2026-12-23T16:59:59Z free
        2026-12-23T17:00:00Z until 2026-12-28T00:00:00Z: holidays
        2026-12-26T00:30:00Z until 2026-12-28T00:00:00Z: holidays
        2026-12-27T00:00:00Z until 2026-12-28T00:00:00Z: freeze window of the plan
        2026-12-28T00:00:00Z free
        ");
    }

    #[test]
    fn a_window_that_cannot_be_read_holds_until_it_is_mended_and_each_mistake_is_told() {
        let wrong = "
            - {cron: '0 16 * * 5', lasts: 1h}
            - {cron: '0 16 * * Fri', lasts: 1d}
            - {cron: '0 16 * * Fri', lasts: 0s}
            - {cron: '0 16 1 * *', lasts: 800h}
            - {cron: '0 16 * * Fri', lasts: 1h, timeZone: Mars/Olympus}
            - {cron: '0 16 * * Fri'}
            - {from: '2026-12-23T18:00:00Z', until: '2026-12-23T18:00:00Z'}
            - {}";
        let problems: Vec<String> = check_windows(&windows(wrong))
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        spec.freeze[0].cron: `5` gives weekdays as numbers, and crons disagree on which day is 1 [TG0104]; write their names, for instance `Mon-Fri`
        spec.freeze[1].lasts: `1d` is no duration [TG0104]; write it as `90m`, `12h` or `62h`
        spec.freeze[2].lasts: the window is over when it begins [TG0104]; write it as `90m`, `12h` or `62h`
        spec.freeze[3].lasts: `800h` is longer than 31 days [TG0104]; write a window that comes once, with `from` and `until`
        spec.freeze[4].timeZone: there is no time zone `Mars/Olympus` [TG0104]; write it as in the IANA database, for instance `Europe/Berlin`
        spec.freeze[5]: a window has either `cron` and `lasts`, or `from` and `until` [TG0104]; write `{cron: "0 16 * * Fri", lasts: 62h}`, or `{from: 2026-12-23T18:00:00Z, until: 2027-01-02T06:00:00Z}`
        spec.freeze[6].until: the window ends at 2026-12-23T18:00:00Z, before it begins [TG0104]; `until` comes after `from`
        spec.freeze[7]: a window has either `cron` and `lasts`, or `from` and `until` [TG0104]; write `{cron: "0 16 * * Fri", lasts: 62h}`, or `{from: 2026-12-23T18:00:00Z, until: 2027-01-02T06:00:00Z}`
        "#);
        insta::assert_snapshot!(told("[{}]", "2026-12-23T16:59:59Z"), @"2026-12-23T16:59:59Z until ?: a freeze window of the plan cannot be read; `tidegate lint` says why");
    }

    #[test]
    fn a_way_back_waits_only_where_that_is_asked_for() {
        let both = windows(
            "[{cron: '* * * * *', lasts: 2m}, {cron: '* * * * *', lasts: 2m, holdsRollbacks: true}]",
        );
        let mut release = ReleaseSpec::default();
        assert_eq!(that_hold(&both, &release).len(), 2);
        release.rollback_of = Some("shop-3".to_owned());
        assert_eq!(that_hold(&both, &release), both[1..]);
    }
}
