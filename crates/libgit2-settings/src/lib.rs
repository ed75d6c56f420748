//! The process-wide settings of libgit2 that tidegate relies on: no configuration of the user or the machine, and an end
//! to every wait for a server.
//!
//! A crate of its own, since the bindings call these three functions unsafe: they write global variables of libgit2
//! without a lock. Everything else in the workspace forbids unsafe code.

use std::sync::OnceLock;

use git2::{ConfigLevel, Error, opts};

/// How long a server may take to accept a connection.
const CONNECT_MS: i32 = 10_000;
/// How long a server may be silent in the middle of an answer.
const SILENT_MS: i32 = 30_000;

/// Makes the settings, once in the life of the process, however many call it.
///
/// Whoever uses libgit2 calls this first: then no other thread is inside libgit2 while they are made.
/// Errors: those of libgit2, for all callers.
pub fn settle() -> Result<(), String> {
    static SETTLED: OnceLock<Result<(), String>> = OnceLock::new();
    let settled = SETTLED.get_or_init(|| apply().map_err(|error| error.message().to_owned()));
    settled.clone()
}

#[expect(
    unsafe_code,
    reason = "the bindings have no safe way to these settings; `settle` says why nobody else is in libgit2 meanwhile"
)]
fn apply() -> Result<(), Error> {
    let levels = [
        ConfigLevel::ProgramData,
        ConfigLevel::System,
        ConfigLevel::XDG,
        ConfigLevel::Global,
    ];
    for level in levels {
        // SAFETY: no other thread uses libgit2 yet, see `settle`.
        unsafe { opts::set_search_path(level, "")? };
    }
    // SAFETY: as above.
    unsafe { opts::set_server_connect_timeout_in_milliseconds(CONNECT_MS)? };
    // SAFETY: as above.
    unsafe { opts::set_server_timeout_in_milliseconds(SILENT_MS) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn settings_can_be_made_more_than_once() {
        assert_eq!(super::settle(), Ok(()));
        assert_eq!(super::settle(), Ok(()));
    }
}
