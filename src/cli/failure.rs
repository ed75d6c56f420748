//! Why a command did not succeed, and what its exit code is.

use crate::cluster::{ClusterError, describe};

/// The exit codes; scripts depend on them, so they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// An expected "no": differences, findings.
    No = 1,
    /// The command line or the files are wrong.
    Usage = 2,
    /// The cluster cannot be reached, or does not allow it.
    Cluster = 3,
    /// Refused: no order is safe, a saved plan does not hold, a write would not be taken, another release runs.
    Refused = 4,
    /// The release failed.
    Failed = 5,
    /// The release was aborted.
    Aborted = 6,
    /// The release waits for somebody's word.
    Waiting = 7,
    /// A bug in tidegate.
    Bug = 70,
    /// `--timeout` ran out; the release goes on.
    Timeout = 124,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command did not succeed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong; empty if all was said already.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure with words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A failure whose words were printed already.
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let message = describe(&error);
        match error {
            ClusterError::Kubeconfig(_) => Self::new(Exit::Cluster, message)
                .hint("check the file and the context: `kubectl config get-contexts`"),
            ClusterError::NoCluster { .. } => Self::new(Exit::Cluster, message)
                .hint("set `KUBECONFIG` or pass `--kubeconfig FILE`; `tidegate demo` needs no cluster of yours"),
            ClusterError::Unreachable(_) => Self::new(Exit::Cluster, message)
                .hint("is the API server up, and is the right context chosen?"),
            ClusterError::Forbidden { .. } => Self::new(Exit::Cluster, message)
                .hint("`tidegate check` lists the rights that are missing"),
            ClusterError::NotInstalled => Self::new(Exit::Cluster, message)
                .hint("install them with `tidegate crds | kubectl apply -f -`"),
            ClusterError::NotFound { .. } => Self::new(Exit::Usage, message),
            ClusterError::Conflict { .. } | ClusterError::Refused { .. } => {
                Self::new(Exit::Refused, message)
            }
            ClusterError::KindMissing(_) | ClusterError::Bundle { .. } => {
                Self::new(Exit::Cluster, message)
            }
        }
    }
}
