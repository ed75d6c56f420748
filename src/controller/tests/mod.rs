//! The loop on a small cluster in memory ([`cluster`]), and plans from what was found.

mod cluster;
mod driver;
mod faults;
mod planning;
mod presence;
mod scenario;
mod switches;
