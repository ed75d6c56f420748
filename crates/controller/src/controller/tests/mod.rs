//! The loop on a small cluster in memory ([`cluster`]), and plans from what was found.

mod cluster;
mod driver;
mod faults;
#[expect(dead_code, reason = "the tests of `upgrade` use more of it")]
#[path = "../../../../upgrade/src/tests/objects.rs"]
mod objects;
mod planning;
mod presence;
mod scenario;
mod switches;
