//! The name of what builds an image: it follows from the release, so that whoever goes on after a crash finds it.

use sha2::{Digest, Sha256};

use super::recipe::digits;

/// A name becomes a label's value and the beginning of a pod's name.
const NAME_MAX: usize = 52;
/// How many digits keep two names apart.
const MARK_DIGITS: usize = 10;

/// The name.
///
/// In: the release with its uid, since another one may have its name later; the service; how often it was tried before.
pub fn object_name((release, uid): (&str, &str), service: &str, attempt: u32) -> String {
    let mut hash = Sha256::new();
    for part in [uid, service, &attempt.to_string()] {
        hash.update(part);
        hash.update([0]);
    }
    let mark = digits(&hash.finalize());
    let mark = mark.get(..MARK_DIGITS).unwrap_or(&mark);
    let words: String = format!("{release}-{service}")
        .chars()
        .take(NAME_MAX - 1 - MARK_DIGITS)
        .collect();
    // Dots are allowed in names of releases and not in those of pods.
    let words = words.replace('.', "-");
    format!("{}-{mark}", words.trim_end_matches('-'))
}
