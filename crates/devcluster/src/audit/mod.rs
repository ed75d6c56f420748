//! Reads what the API server recorded.
//!
//! In: its audit log, one JSON event a line. Out: a [`History`]: all writes in the order in which
//! they were done, and who read what. Knows nothing of what the objects mean.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// What the log says, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Everything that changed something, or tried to.
    pub writes: Vec<Write>,
    /// Everything that only looked, but for the reads of the control plane itself.
    pub reads: Vec<Read>,
}

/// One request to change something.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// When the answer was complete; the change itself is a little older.
    pub at: Timestamp,
    /// When the request came.
    pub received: Timestamp,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The kind of object, for instance `pods`.
    pub resource: String,
    /// For instance `status`.
    pub subresource: Option<String>,
    /// None for what has no namespace.
    pub namespace: Option<String>,
    /// The name, also when the server chose it; None for a deleted collection.
    pub name: Option<String>,
    /// The identity of the object.
    pub uid: Option<String>,
    /// Who asked.
    pub user: String,
    /// In whose name.
    pub impersonated_user: Option<String>,
    /// With which program.
    pub user_agent: String,
    /// The field manager that the request named.
    pub field_manager: Option<String>,
    /// The HTTP status of the answer.
    pub code: u16,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// What was sent; None where the policy records metadata only.
    pub request_object: Option<Value>,
    /// What was answered.
    pub response_object: Option<Value>,
}

impl Write {
    /// Whether it changed something.
    pub fn is_successful(&self) -> bool {
        (200..300).contains(&self.code) && !self.dry_run
    }
}

/// One request to look at something; a watch is one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// When it began to be answered.
    pub at: Timestamp,
    /// `get`, `list` or `watch`.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The kind of object.
    pub resource: String,
    /// None for all namespaces, and for what has none.
    pub namespace: Option<String>,
    /// Who asked.
    pub user: String,
    /// In whose name.
    pub impersonated_user: Option<String>,
    /// With which program.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub code: u16,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log cannot be read.
    #[error("cannot read the audit log {path}")]
    Io {
        /// Where it should be.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line is not an event.
    #[error("line {line} of the audit log is not an event")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads the log of a cluster, which may be writing it.
pub fn read(path: &Path) -> Result<History, AuditError> {
    let text = fs::read(path).map_err(|source| AuditError::Io {
        path: path.display().to_string(),
        source,
    })?;
    parse(&String::from_utf8_lossy(&text))
}

/// Reads a log's text. The end of a line that is still being written is left out.
pub fn parse(log: &str) -> Result<History, AuditError> {
    let mut history = History::default();
    let mut seen = BTreeSet::new();
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for (index, line) in whole.lines().enumerate() {
        let event: Event = serde_json::from_str(line).map_err(|source| AuditError::Line {
            line: index + 1,
            source,
        })?;
        match event.verb.as_str() {
            // A watch is told at its begin and at its end.
            "get" | "list" | "watch" if seen.insert(event.audit_id.clone()) => {
                history.reads.push(event.into_read());
            }
            "get" | "list" | "watch" => {}
            _ if event.stage == "ResponseComplete" => history.writes.push(event.into_write()),
            _ => {}
        }
    }
    history.writes.sort_by_key(|write| write.at);
    history.reads.sort_by_key(|read| read.at);
    Ok(history)
}

impl History {
    /// The writes that changed something.
    pub fn successful(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().filter(|write| write.is_successful())
    }

    /// The successful writes of programs whose user agent begins like this, since then.
    pub fn writes_by<'a>(
        &'a self,
        user_agent: &'a str,
        since: Timestamp,
    ) -> impl Iterator<Item = &'a Write> {
        self.successful()
            .filter(move |write| write.at >= since && write.user_agent.starts_with(user_agent))
    }

    /// How many requests each program made since then, by its name (the user agent up to the first
    /// slash) and verb; failed ones count too.
    pub fn request_counts(&self, since: Timestamp) -> BTreeMap<(String, String), usize> {
        let writes = self
            .writes
            .iter()
            .map(|write| (write.at, &write.user_agent, &write.verb));
        let reads = self
            .reads
            .iter()
            .map(|read| (read.at, &read.user_agent, &read.verb));
        let mut counts = BTreeMap::new();
        for (_, user_agent, verb) in writes.chain(reads).filter(|(at, _, _)| *at >= since) {
            let program = user_agent.split('/').next().unwrap_or_default();
            *counts
                .entry((program.to_owned(), verb.clone()))
                .or_default() += 1;
        }
        counts
    }
}

/// One line of the log, as audit.k8s.io/v1 has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectReference,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
    request_object: Option<Value>,
    response_object: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectReference {
    api_group: String,
    resource: String,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl Event {
    fn into_read(self) -> Read {
        Read {
            at: self.stage_timestamp,
            verb: self.verb,
            group: self.object_ref.api_group,
            resource: self.object_ref.resource,
            namespace: self.object_ref.namespace,
            user: self.user.username,
            impersonated_user: self.impersonated_user.map(|user| user.username),
            user_agent: self.user_agent,
            code: self.response_status.code,
        }
    }

    fn into_write(self) -> Write {
        let answered = |field: &str| {
            let value = self
                .response_object
                .as_ref()?
                .get("metadata")?
                .get(field)?
                .as_str()?;
            Some(value.to_owned())
        };
        let options = self
            .request_object
            .as_ref()
            .and_then(|object| object.get("dryRun"));
        let dry_run = query(&self.request_uri, "dryRun").is_some()
            || options
                .and_then(Value::as_array)
                .is_some_and(|values| !values.is_empty());
        Write {
            at: self.stage_timestamp,
            received: self.request_received_timestamp,
            name: self.object_ref.name.or_else(|| answered("name")),
            uid: self.object_ref.uid.or_else(|| answered("uid")),
            verb: self.verb,
            group: self.object_ref.api_group,
            resource: self.object_ref.resource,
            subresource: self.object_ref.subresource,
            namespace: self.object_ref.namespace,
            user: self.user.username,
            impersonated_user: self.impersonated_user.map(|user| user.username),
            user_agent: self.user_agent,
            field_manager: query(&self.request_uri, "fieldManager"),
            code: self.response_status.code,
            dry_run,
            request_object: self.request_object,
            response_object: self.response_object,
        }
    }
}

/// A parameter of a request's address. Names of field managers are plain enough not to need more.
fn query(uri: &str, name: &str) -> Option<String> {
    let (_, parameters) = uri.split_once('?')?;
    parameters
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.replace("%2F", "/"))
}
