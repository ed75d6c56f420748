//! The files of a plan from where they are kept: a Git repository, by https or ssh.
//!
//! In: what a plan says of its source, and the bytes of its Secret. Out: a commit, and its files as texts, straight from
//! Git's objects. Writes no work tree, runs no program, reads no Git configuration of the machine; knows no cluster.
//! Whether and when a commit is released is decided by [`due`], on data.

mod code;
mod credentials;
mod due;
mod error;
mod event;
mod fetch;
mod known_hosts;
mod limits;
mod reference;
#[cfg(test)]
mod tests;
mod tree;

pub use credentials::Credentials;
pub use due::{Decision, Known, Timing, due};
pub use error::SourceError;
pub use event::{SourceEvent, short};
pub use fetch::{Cache, Commit, Remote};
pub use limits::{Limits, jittered};
pub use reference::Wanted;
