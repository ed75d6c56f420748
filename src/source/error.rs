//! Why there is no commit, or why its files cannot be had.

/// Why a source gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No answer, or none that is Git's.
    #[error("the repository does not answer as a Git server does: {0}")]
    Unreachable(String),
    /// The server wants other credentials.
    #[error("the repository refuses the credentials: {message}; {next}")]
    Credentials {
        /// The server's words.
        message: String,
        /// What to change.
        next: String,
    },
    /// The server is not the one that was meant.
    #[error("{message}; {next}")]
    Untrusted {
        /// Which certificate or key it showed.
        message: String,
        /// What to change if it is the right one.
        next: String,
    },
    /// What the Secret holds cannot be used.
    #[error("{message}; {next}")]
    Secret {
        /// Which key of it, and why.
        message: String,
        /// What to change.
        next: String,
    },
    /// Nothing has that name.
    #[error("the repository has no {wanted}{near}")]
    NoReference {
        /// Which branch, tag, range or commit.
        wanted: String,
        /// What was meant perhaps, or what there is.
        near: String,
    },
    /// More than is allowed.
    #[error("{what} beyond the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// Something in the tree that is not taken.
    #[error("`{path}` {wrong}; {next}")]
    Tree {
        /// Where, from the root of the repository.
        path: String,
        /// What it is.
        wrong: String,
        /// What to do instead.
        next: String,
    },
    /// The folder where fetched objects are kept cannot be used.
    #[error("the cache of the repository cannot be used: {0}")]
    Cache(String),
}

impl SourceError {
    /// One word for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Unreachable",
            Self::Credentials { .. } => "CredentialsRefused",
            Self::Untrusted { .. } => "ServerUntrusted",
            Self::Secret { .. } => "SecretUnusable",
            Self::NoReference { .. } => "ReferenceMissing",
            Self::Limit { .. } => "LimitExceeded",
            Self::Tree { .. } => "TreeRefused",
            Self::Cache(_) => "CacheUnusable",
        }
    }
}
