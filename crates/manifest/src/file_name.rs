//! Which files of a folder hold manifests.

use std::path::Path;

/// The endings of files that are read from a folder.
pub const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Whether a file of this name is read from a folder.
pub fn is_manifest_name(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}
