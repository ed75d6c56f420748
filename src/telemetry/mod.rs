//! What operators see: log lines, Prometheus metrics and health, all of them functions of events.
//!
//! In: [`Event`](crate::upgrade::Event)s. Out: log lines on stderr and a page for Prometheus. Decides nothing.

mod archive;
mod drift;
mod logging;
mod metrics;
mod serve;

pub use archive::ArchiveMetrics;
pub use logging::{LogFormat, start_logging};
pub use metrics::Metrics;
pub use serve::{Health, serve};
