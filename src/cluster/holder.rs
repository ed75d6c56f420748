//! Who holds a lease: a process, named so that another one beside it can tell whether it still lives.
//!
//! In: what Linux tells of processes. Out: a name for leases, and whether the process of a name is gone for certain.
//! Processes of other machines, containers or users are never judged: they cannot be seen from here.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process;

/// How much of the host's name goes into ours: a field manager may have 128 characters in all.
const HOST_CHARACTERS_MAX: usize = 60;

/// The name of this process: its host, its number, when it began, and where its number counts.
pub fn identity() -> String {
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host: String = host.trim().chars().take(HOST_CHARACTERS_MAX).collect();
    let host = if host.is_empty() { "tidegate" } else { &host };
    let pid = process::id();
    match place().zip(began(pid)) {
        Some((place, began)) => format!("{host}_{pid}_{began}_{place}"),
        None => format!("{host}-{pid}"),
    }
}

/// Whether the process that gave itself this name has ended.
pub(super) fn is_gone(identity: &str) -> bool {
    let mut parts = identity.rsplitn(4, '_');
    let (Some(there), Some(was_begun), Some(pid), Some(_)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    place().is_some_and(|here| here == there)
        && began(pid).is_none_or(|began| began.to_string() != was_begun)
}

/// Where process numbers mean the same and can be seen: this boot, this PID namespace, this user. `None` where
/// that cannot be told.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot: String = boot.chars().take(8).collect();
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let namespace: String = namespace
        .to_str()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    // A `/proc` of another namespace would show other processes.
    let own = fs::read_link("/proc/self").ok()?;
    let user = fs::metadata("/proc/self").ok()?.uid();
    (own.to_str()? == process::id().to_string()).then(|| format!("{boot}.{namespace}.{user}"))
}

/// When a process began, in ticks since the boot; `None` if it has ended.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let has_ended = matches!(state, "Z" | "X");
    if has_ended {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_gone() {
        assert!(!is_gone(&identity()));
    }

    #[test]
    fn a_process_whose_number_another_one_has_is_gone() {
        let (pid, place) = (process::id(), place().unwrap());
        assert!(is_gone(&format!("host_{pid}_1_{place}")));
    }

    #[test]
    fn a_process_that_has_ended_is_gone() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let (pid, place) = (child.id(), place().unwrap());
        let began = began(pid).unwrap_or_default();
        child.wait().unwrap();
        assert!(is_gone(&format!("a_host_{pid}_{began}_{place}")));
    }

    #[test]
    fn what_cannot_be_seen_from_here_is_not_judged() {
        let pid = process::id();
        for identity in [
            format!("host_{pid}_1_00000000.1.0"),
            format!("host-{pid}"),
            String::new(),
        ] {
            assert!(!is_gone(&identity), "{identity}");
        }
    }
}
