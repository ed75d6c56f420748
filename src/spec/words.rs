//! Singular and plural, made in one place.

/// A number with its noun: `1 wave`, `3 waves`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// What somebody waits for, in the words of plans, conditions and commands alike.
pub fn waits_for(parts: &[String]) -> String {
    format!("waits for {}", parts.join("; "))
}
