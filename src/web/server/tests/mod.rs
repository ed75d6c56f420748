//! Requests in, answers out, over HTTP: who may see and do what, and what is refused.

mod api;
mod rights;
mod scene;
mod stream;
