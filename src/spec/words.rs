//! Singular and plural, made in one place.

/// A number with its noun: `1 wave`, `3 waves`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
