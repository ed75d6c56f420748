//! The archive: what releases leave behind, for longer than the cluster keeps it.
//!
//! In: releases that have ended, what happened in them, what people did, webhooks, builds and their logs, sessions of the
//! page. Out: the same, found again by name, by time and by words. SQLite or PostgreSQL, one set of functions and, but for
//! the search, one text of each statement. Decides nothing: a release goes on whether the archive answers or not.

#[macro_use]
mod statement;

#[macro_use]
mod acts;
mod builds;
mod deliveries;
mod error;
mod events;
mod find;
mod logs;
mod open;
mod releases;
mod retention;
mod rows;
mod sessions;
mod words;

pub use acts::Act;
pub use builds::Build;
pub use deliveries::Delivery;
pub use error::ArchiveError;
pub use events::ArchivedEvent;
pub use find::{Cursor, Entry, Filter, Move, Page};
pub use logs::{LOG_BYTES_MAX, LogPiece};
pub use open::{Archive, Size};
pub use retention::{Pruned, Retention};
pub use sessions::Session;
