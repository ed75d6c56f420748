//! One cluster for all tests of a process.
//!
//! In: options. Out: the cluster, started by whoever asks first and stopped when the process ends.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use crate::cluster::{Cluster, Options, StartError, start};
use crate::progress::Progress;

/// Meant for a `static`: `static SHARED: Shared = Shared::new(Options::default);`
#[derive(Debug)]
pub struct Shared {
    options: fn() -> Options,
    cluster: OnceCell<Result<Cluster, StartError>>,
}

impl Shared {
    /// Starts nothing yet.
    pub const fn new(options: fn() -> Options) -> Self {
        Self {
            options,
            cluster: OnceCell::const_new(),
        }
    }

    /// The cluster; a start that failed is not tried again.
    pub async fn get(&self) -> Result<&Cluster, &StartError> {
        self.cluster
            .get_or_init(async || start((self.options)(), &Progress::to_stderr()).await)
            .await
            .as_ref()
    }
}

/// A name that no other test has, in this process or another.
pub fn unique_namespace(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_different() {
        assert_ne!(unique_namespace("roll"), unique_namespace("roll"));
    }
}
