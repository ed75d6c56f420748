//! Durations as people write them in Kubernetes: `90s`, `1h30m`, `500ms`.

use jiff::SignedDuration;

/// Reads a duration; `None` if the text is none or is beyond what can be counted.
///
/// The form is Go's `time.ParseDuration` without sign, `us` and `ns`.
pub fn parse(text: &str) -> Option<SignedDuration> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total_ms: f64 = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit_ms = match unit {
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            _ => return None,
        };
        total_ms += number * unit_ms;
        rest = tail;
    }
    SignedDuration::try_from_secs_f64(total_ms / 1_000.0).ok()
}

/// A duration as people say it: `2m05s`, `40s`, `1.5s` below ten seconds.
pub fn describe(duration: SignedDuration) -> String {
    let total_s = duration.as_secs().max(0);
    let (hours, minutes, seconds) = (total_s / 3600, total_s / 60 % 60, total_s % 60);
    if hours > 0 {
        format!("{hours}h{minutes:02}m")
    } else if minutes > 0 {
        format!("{minutes}m{seconds:02}s")
    } else if total_s >= 10 {
        format!("{seconds}s")
    } else {
        format!("{:.1}s", duration.as_secs_f64().max(0.0))
    }
}
