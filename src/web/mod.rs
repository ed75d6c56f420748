//! The page and the API: what there is, why it waits, and the few things that people ask of it.
//!
//! In: a [`Backend`] (a cluster, or a simulated one), and requests. Out: HTML that works without scripts, the same as
//! JSON, and a stream of what changed. Views are plain functions of a [`view::Sight`]; every sentence about an order or
//! a gate comes from where the condition and the command line have it too.

mod backend;
mod explained;
pub mod hooks;
mod live;
mod page;
mod server;
pub mod view;
mod words;

pub use backend::{Ask, Backend, Explained, Fact, Person, Question, Refused, Right, Wish};
pub use explained::explained;
pub use live::LiveBackend;
pub use server::{Crank, Door, serve};
pub use words::Language;
