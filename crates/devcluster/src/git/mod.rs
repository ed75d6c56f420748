//! A real Git server on loopback: smart HTTP over TLS with authentication, by git's own `http-backend`.
//!
//! In: nothing but a `git` on the path. Out: an address, the authority that vouches for it, a name and a password, and
//! repositories that commits can be made in.

mod repository;
mod server;

pub use repository::GitRepository;
pub use server::{GitError, GitServer};
