//! What an authentic delivery means: whether the repository is to be looked at. Which commit it names is kept for people and
//! believed by nobody.

use serde::Deserialize;

use super::claim::{Claim, TRIGGER};
use super::door::Door;
use crate::spec::crd::WebhookProvider;

/// What a delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The provider tries whether we are there.
    Ping,
    /// Something in the repository has moved.
    Push {
        /// The commit that it names.
        commit: Option<String>,
    },
    /// It tells of something else.
    Other,
    /// It is about another repository.
    Elsewhere,
}

/// A body that is not what its sender sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}")]
pub struct Unreadable {
    /// Where.
    pub line: usize,
    /// Where in it.
    pub column: usize,
}

#[derive(Deserialize)]
struct Body {
    after: Option<String>,
    checkout_sha: Option<String>,
    repository: Option<Repository>,
    project: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
    path_with_namespace: Option<String>,
}

/// In: whose delivery it is, what its headers say, its body. The body is authentic already.
pub fn meaning(door: &Door, claim: &Claim, body: &[u8]) -> Result<Meaning, Unreadable> {
    if claim.event == TRIGGER {
        return Ok(Meaning::Push { commit: None });
    }
    let tells_of_commits = match door.provider {
        WebhookProvider::GitHub | WebhookProvider::Gitea => {
            matches!(claim.event.as_str(), "push" | "create")
        }
        WebhookProvider::GitLab => matches!(claim.event.as_str(), "Push Hook" | "Tag Push Hook"),
        WebhookProvider::Generic => false,
    };
    if claim.event == "ping" && super::judge::is_signed(door.provider) {
        return Ok(Meaning::Ping);
    }
    if !tells_of_commits {
        return Ok(Meaning::Other);
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| Unreadable {
        line: error.line(),
        column: error.column(),
    })?;
    let repositories = [body.repository, body.project];
    let names = repositories.into_iter().flatten().flat_map(|repository| {
        let Repository {
            full_name,
            path_with_namespace,
        } = repository;
        full_name.into_iter().chain(path_with_namespace)
    });
    if names.into_iter().any(|name| !door.is_about(&name)) {
        return Ok(Meaning::Elsewhere);
    }
    let commit = body.checkout_sha.or(body.after);
    Ok(Meaning::Push {
        commit: commit.filter(|commit| is_commit(commit)),
    })
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
