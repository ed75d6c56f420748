//! Webhooks over HTTP, on an address of their own: nothing else is there, and nobody signs in.
//!
//! In: requests to `/hooks/NAMESPACE/PLAN`. Out: a kept delivery, and a bell that is rung. First the size is limited, then the
//! proof is judged, then the body is read. What it costs is bounded whoever sends how much.

mod ports;
mod remembered;
mod serve;
mod take;
#[cfg(test)]
mod tests;

pub use ports::{Counter, Deliveries, Doors, NotKept};
pub use remembered::Remembered;
pub use serve::{Porter, serve};
pub use take::Bounds;
