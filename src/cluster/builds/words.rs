//! Somebody else's words, for a status.

/// How much of somebody else's message is kept.
const MESSAGE_MAX: usize = 600;

/// Somebody else's words, on one line and not without end.
pub(super) fn plain(words: &str) -> String {
    let line = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MESSAGE_MAX).collect::<String>().trim().to_owned()
}
