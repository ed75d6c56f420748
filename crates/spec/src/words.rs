//! Words that more than one module needs, made in one place.

/// A number with its noun: `1 wave`, `3 waves`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// `registry/a/b:1.2` as `b:1.2`: the registry says nothing about what changes.
pub fn short_image(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}

/// What somebody waits for, in the words of plans, conditions and commands alike.
pub fn waits_for(parts: &[String]) -> String {
    format!("waits for {}", parts.join("; "))
}
