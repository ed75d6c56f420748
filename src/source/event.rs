//! What happens at a source, for people and for counters.

/// Something happened at the source of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEvent {
    /// A commit that was not known.
    Found {
        /// Its digits.
        commit: String,
        /// What named it.
        reference: String,
        /// The first line of its message.
        subject: String,
    },
    /// The repository gave nothing, for this reason.
    Failed {
        /// One word, as [`SourceError::reason`](super::SourceError::reason) has it.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
    /// What a commit holds cannot be released.
    Invalid {
        /// Its digits.
        commit: String,
        /// Every problem, with file, line and column.
        message: String,
    },
    /// A release was made of a commit.
    Released {
        /// Its digits.
        commit: String,
        /// The release.
        release: String,
    },
    /// A commit waits, for this reason.
    Waits {
        /// Its digits.
        commit: String,
        /// One word.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
    /// The plan names a webhook, and a look that none asked for found a new commit.
    WebhookLost {
        /// Its digits.
        commit: String,
    },
}

impl SourceEvent {
    /// One word for conditions, Events and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Found { .. } => "CommitFound",
            Self::Failed { reason, .. } | Self::Waits { reason, .. } => reason,
            Self::Invalid { .. } => "ManifestsInvalid",
            Self::Released { .. } => "ReleaseMade",
            Self::WebhookLost { .. } => "WebhookLost",
        }
    }

    /// Whether somebody should look.
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Invalid { .. } | Self::WebhookLost { .. } => true,
            Self::Found { .. } | Self::Released { .. } | Self::Waits { .. } => false,
        }
    }

    /// A sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Found {
                commit,
                reference,
                subject,
            } => {
                let named = if reference.is_empty() {
                    String::new()
                } else {
                    format!(" of {reference}")
                };
                format!("found commit {}{named}: {subject}", short(commit))
            }
            Self::Failed { reason: _, message } => message.clone(),
            Self::Invalid { commit, message } => {
                format!("commit {} cannot be released: {message}", short(commit))
            }
            Self::Released { commit, release } => {
                format!("commit {} is released as `{release}`", short(commit))
            }
            Self::Waits {
                commit,
                reason: _,
                message,
            } => format!("commit {} waits: {message}", short(commit)),
            Self::WebhookLost { commit } => format!(
                "commit {} was found without its webhook, by the look that is due every `interval`; see the deliveries at the \
                 provider, and whether it reaches `/hooks/` of the controller",
                short(commit)
            ),
        }
    }
}

/// A commit as people say it.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
