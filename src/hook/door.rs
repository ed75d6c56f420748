//! What a plan says of those who may tell of new commits.

use std::collections::BTreeMap;

use crate::spec::GitAddress;
use crate::spec::crd::{Webhook, WebhookProvider};

/// The shortest secret that is taken. Longer ones are better; a shorter one is a word that somebody can guess.
const SECRET_BYTES_MIN: usize = 16;

/// The keys of the Secret.
const SECRET: &str = "secret";
const SECRET_PREVIOUS: &str = "secret-previous";
const TOKEN: &str = "token";
const TOKEN_PREVIOUS: &str = "token-previous";

/// Whose deliveries a plan takes. It has no `Debug`: it holds secrets.
pub struct Door {
    pub(super) provider: WebhookProvider,
    pub(super) secrets: Vec<Vec<u8>>,
    pub(super) tokens: Vec<Vec<u8>>,
    repository: String,
}

/// Why nobody can be let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// The Secret lacks what the provider needs.
    #[error("secret `{name}` has no key `{key}`; add it, with what the provider's webhook has")]
    Lacks {
        /// The Secret.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// What is there can be guessed.
    #[error(
        "key `{key}` of secret `{name}` is shorter than {SECRET_BYTES_MIN} bytes; `openssl rand -hex 32` makes a good one"
    )]
    TooShort {
        /// The Secret.
        name: String,
        /// The key.
        key: &'static str,
    },
}

impl Door {
    /// In: what the plan says, the data of the Secret that it names, and the repository.
    pub fn of(
        webhook: &Webhook,
        data: &BTreeMap<String, Vec<u8>>,
        address: &GitAddress,
    ) -> Result<Self, DoorError> {
        let name = || webhook.secret_ref.name.clone();
        // Whoever writes a Secret with `echo` has a line break at its end that the provider does not have.
        let value = |key: &'static str| match data.get(key).map(|value| value.trim_ascii()) {
            None | Some([]) => Ok(None),
            Some(value) if value.len() < SECRET_BYTES_MIN => {
                Err(DoorError::TooShort { name: name(), key })
            }
            Some(value) => Ok(Some(value.to_vec())),
        };
        let secrets = [value(SECRET)?, value(SECRET_PREVIOUS)?];
        let tokens = [value(TOKEN)?, value(TOKEN_PREVIOUS)?];
        let (needed, key) = match webhook.provider {
            WebhookProvider::GitHub | WebhookProvider::GitLab | WebhookProvider::Gitea => {
                (&secrets, SECRET)
            }
            WebhookProvider::Generic => (&tokens, TOKEN),
        };
        if needed.iter().all(Option::is_none) {
            return Err(DoorError::Lacks { name: name(), key });
        }
        Ok(Self {
            provider: webhook.provider,
            secrets: secrets.into_iter().flatten().collect(),
            tokens: tokens.into_iter().flatten().collect(),
            repository: path_of(address),
        })
    }

    /// Whose webhooks they are.
    pub fn provider(&self) -> WebhookProvider {
        self.provider
    }

    /// Whether a repository, as a provider names it (`team/shop`), is the plan's. The same server may have another path in
    /// front of it, so ends are compared.
    pub(super) fn is_about(&self, repository: &str) -> bool {
        let theirs = parts(repository);
        let ours = parts(&self.repository);
        let mut both = theirs.iter().rev().zip(ours.iter().rev());
        both.all(|(theirs, ours)| theirs == ours)
    }
}

fn path_of(address: &GitAddress) -> String {
    let rest = address.text().split_once("://").map(|(_, rest)| rest);
    let path = rest.and_then(|rest| rest.split_once('/'));
    path.map(|(_, path)| path.to_owned()).unwrap_or_default()
}

fn parts(path: &str) -> Vec<String> {
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.split('/').map(str::to_ascii_lowercase).collect()
}
