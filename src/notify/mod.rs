//! Telling people and programs outside of the cluster what became of a release.
//!
//! In: events of a release, who is to be told, and their secret. Out: one HTTP request each, sent again while that may help.
//! Decides nothing; what cannot be told keeps no release from going on.

mod news;
mod request;
mod send;

#[cfg(test)]
mod tests;

pub use news::News;
pub use request::{Request, RequestError, concerns, request, secret_of};
pub use send::{SendError, Sender};
