//! What can go wrong between tidegate and the API server, in words that say what to do.

use kube::config::KubeconfigError;

use crate::spec::ObjectRef;

/// Why a call to the cluster did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[source] Box<KubeconfigError>),
    /// There is neither a kubeconfig nor a pod's account.
    #[error("no cluster is configured: {message}")]
    NoCluster {
        /// What was tried.
        message: String,
    },
    /// The API server does not answer, or not sensibly.
    #[error("the API server does not answer")]
    Unreachable(#[source] Box<kube::Error>),
    /// The account may not do it.
    #[error("not allowed: {message}")]
    Forbidden {
        /// The server's words.
        message: String,
    },
    /// Our kinds are not installed.
    #[error("tidegate's custom resources are not installed in this cluster")]
    NotInstalled,
    /// An object that must be there is not.
    #[error("{what} does not exist")]
    NotFound {
        /// Which.
        what: String,
    },
    /// A kind that the cluster does not know.
    #[error("{0} has a kind that the cluster does not know")]
    KindMissing(ObjectRef),
    /// Somebody else wrote in between.
    #[error("{what} was changed by somebody else in between")]
    Conflict {
        /// Which.
        what: String,
    },
    /// The server will not have it.
    #[error("the API server refuses {what}: {message}")]
    Refused {
        /// Which.
        what: String,
        /// The server's words.
        message: String,
    },
    /// The frozen input of a release is damaged or gone.
    #[error("the bundle of release {release} cannot be read: {message}")]
    Bundle {
        /// Which release.
        release: String,
        /// What is wrong.
        message: String,
    },
}

impl ClusterError {
    pub(super) fn kubeconfig(error: KubeconfigError) -> Self {
        Self::Kubeconfig(Box::new(error))
    }

    /// Whether the same call may succeed later without anybody's help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Kubeconfig(_)
            | Self::NoCluster { .. }
            | Self::Forbidden { .. }
            | Self::NotInstalled
            | Self::NotFound { .. }
            | Self::KindMissing(_)
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Bundle { .. } => false,
        }
    }

    /// Whether what was asked for is not there: the object, or our kinds altogether.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::NotFound { .. } | Self::NotInstalled => true,
            Self::Unreachable(_)
            | Self::Kubeconfig(_)
            | Self::NoCluster { .. }
            | Self::Forbidden { .. }
            | Self::KindMissing(_)
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Bundle { .. } => false,
        }
    }

    /// Tells an answer apart by what it says, for the object that was asked for.
    pub fn of(error: kube::Error, what: impl Into<String>) -> Self {
        let kube::Error::Api(status) = &error else {
            return Self::Unreachable(Box::new(error));
        };
        let what = what.into();
        let message = status.message.clone();
        match status.code {
            401 | 403 => Self::Forbidden { message },
            404 if message.contains("could not find the requested resource")
                || message.starts_with("404 page") =>
            {
                Self::NotInstalled
            }
            404 => Self::NotFound { what },
            409 => Self::Conflict { what },
            400 | 405 | 413 | 415 | 422 => Self::Refused { what, message },
            _ => Self::Unreachable(Box::new(error)),
        }
    }
}

impl From<kube::Error> for ClusterError {
    fn from(error: kube::Error) -> Self {
        Self::of(error, "the object")
    }
}
