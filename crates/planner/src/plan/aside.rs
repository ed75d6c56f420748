//! Two things at the same time.
//!
//! In: two functions. Out: what they return. The checker of a system of many thousand services takes most of the time of a
//! plan; it reads what nobody writes, so its parts may run side by side. Does no I/O.

use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// With fewer services a thread costs more than it saves.
const SERVICES_MIN: usize = 2_000;

/// Both of them; side by side where the system is large and a thread can be had.
pub(super) fn both<A: Send, B>(
    services: usize,
    one: impl Fn() -> A + Sync,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if services < SERVICES_MIN {
        return (one(), other());
    }
    scope(|scope| match Builder::new().spawn_scoped(scope, &one) {
        Ok(thread) => {
            let other = other();
            let one = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            (one, other)
        }
        Err(_) => (one(), other()),
    })
}
