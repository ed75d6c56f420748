//! News as the request that one receiver understands. Pure; whatever is secret is in the address or a header only.

use serde_json::{Value, json};

use super::news::News;
use crate::spec::crd::{CommitStatus, Notify, Occasion, Provider, SecretReference};

/// How long a description may be: GitHub takes 140 characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 140;
/// What the status of a commit is called there.
const CONTEXT: &str = "tidegate";

/// A request to be sent with POST. It has no `Debug`: its parts are secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The address.
    pub url: String,
    /// A header that says who asks: its name and value.
    pub authorization: Option<(&'static str, String)>,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// What is released is no commit, so no status can be set.
    #[error("revision `{0}` is no commit, so it has no commit status")]
    NoCommit(String),
    /// The Secret lacks what is needed.
    #[error("secret `{name}` has no key `{key}`")]
    NoKey {
        /// The Secret.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// The entry names no receiver, or more than one: the API server lets none such in.
    #[error("it names no receiver")]
    NoReceiver,
}

/// Whether somebody wants to be told some news. A commit's status says nothing of webhooks.
pub fn concerns(notify: &Notify, news: &News) -> bool {
    let wants = notify.on.is_empty() || notify.on.contains(&news.occasion);
    wants && !(notify.commit_status.is_some() && news.occasion == Occasion::WebhookLost)
}

/// The Secret that a receiver needs, and the key of it.
pub fn secret_of(notify: &Notify) -> Option<(&SecretReference, &'static str)> {
    let slack = notify
        .slack
        .as_ref()
        .map(|slack| (&slack.secret_ref, "url"));
    let events = notify
        .cloud_events
        .as_ref()
        .and_then(|events| events.secret_ref.as_ref());
    let status = notify
        .commit_status
        .as_ref()
        .map(|status| (&status.secret_ref, "token"));
    slack
        .or_else(|| events.map(|secret| (secret, "token")))
        .or(status)
}

/// The request that tells a receiver some news. `secret` is the value of what [`secret_of`] names.
pub fn request(
    notify: &Notify,
    news: &News,
    secret: Option<&str>,
) -> Result<Request, RequestError> {
    let needed = || {
        let (secret_ref, key) = secret_of(notify).ok_or(RequestError::NoReceiver)?;
        let found = secret
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| !secret.is_empty());
        found.ok_or_else(|| RequestError::NoKey {
            name: secret_ref.name.clone(),
            key,
        })
    };
    match (&notify.slack, &notify.cloud_events, &notify.commit_status) {
        (Some(_), None, None) => Ok(Request {
            url: needed()?,
            authorization: None,
            content_type: "application/json",
            body: json!({"text": plain(&news.line())}).to_string(),
        }),
        (None, Some(events), None) => Ok(Request {
            url: events.url.clone(),
            authorization: match &events.secret_ref {
                Some(_) => Some(("authorization", format!("Bearer {}", needed()?))),
                None => None,
            },
            content_type: "application/cloudevents+json",
            body: cloud_event(news).to_string(),
        }),
        (None, None, Some(status)) => commit_status(status, news, &needed()?),
        _ => Err(RequestError::NoReceiver),
    }
}

/// Slack takes these three as marks of its own: a name must not become a link or call somebody.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// CloudEvents 1.0, structured mode: <https://github.com/cloudevents/spec>.
fn cloud_event(news: &News) -> Value {
    json!({
        "specversion": "1.0",
        "id": news.id(),
        "source": format!("/tidegate.dev/namespaces/{}/releaseplans/{}", news.namespace, news.plan),
        "type": format!("dev.tidegate.{}.{}", if news.release.is_empty() { "source" } else { "release" }, news.word()),
        "subject": news.subject(),
        "datacontenttype": "application/json",
        "data": {
            "namespace": news.namespace,
            "plan": news.plan,
            "release": news.release,
            "uid": news.uid,
            "revision": news.revision,
            "step": news.step,
            "message": news.message,
        },
    })
}

fn commit_status(status: &CommitStatus, news: &News, token: &str) -> Result<Request, RequestError> {
    let commit = &news.revision;
    if commit.len() != 40 || !commit.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(RequestError::NoCommit(commit.clone()));
    }
    let description: String = news
        .line()
        .chars()
        .take(DESCRIPTION_CHARACTERS_MAX)
        .collect();
    let context = format!("{CONTEXT}/{}", news.plan);
    let default = match status.provider {
        Provider::GitHub => "https://api.github.com",
        Provider::GitLab => "https://gitlab.com/api/v4",
    };
    let api = status
        .api_url
        .as_deref()
        .unwrap_or(default)
        .trim_end_matches('/');
    let (path, state, name) = match status.provider {
        Provider::GitHub => (
            format!("repos/{}/statuses/{commit}", status.repository),
            github_state(news.occasion),
            "context",
        ),
        Provider::GitLab => (
            format!(
                "projects/{}/statuses/{commit}",
                status.repository.replace('/', "%2F")
            ),
            gitlab_state(news.occasion),
            "name",
        ),
    };
    let authorization = match status.provider {
        Provider::GitHub => ("authorization", format!("Bearer {token}")),
        Provider::GitLab => ("private-token", token.to_owned()),
    };
    Ok(Request {
        url: format!("{api}/{path}"),
        authorization: Some(authorization),
        content_type: "application/json",
        body: json!({"state": state, name: context, "description": description}).to_string(),
    })
}

/// `pending`, `success`, `failure` and `error` are all that GitHub knows.
fn github_state(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Started | Occasion::NeedsApproval | Occasion::WebhookLost => "pending",
        Occasion::Succeeded | Occasion::RolledBack => "success",
        Occasion::Failed => "failure",
        Occasion::Aborted => "error",
    }
}

fn gitlab_state(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Started => "running",
        Occasion::NeedsApproval | Occasion::WebhookLost => "pending",
        Occasion::Succeeded | Occasion::RolledBack => "success",
        Occasion::Failed => "failed",
        Occasion::Aborted => "canceled",
    }
}
