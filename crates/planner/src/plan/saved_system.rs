//! The planner's input as a document, and back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::saved::SavedError;
use crate::graph::{Member, Moves, Outside, Revision, System, Verified};
use tidegate_spec::crd::{AssumePolicy, Routing};
use tidegate_spec::stamp::Stamp;
use tidegate_spec::{Assume, Interface, Manner, ServiceName};

/// The planner's input as a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedSystem {
    assume: AssumePolicy,
    /// Whether what runs may be unsafe already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repair: bool,
    services: Vec<SavedMember>,
    external: Vec<SavedOutside>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedMember {
    name: String,
    moves: Moves,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    after: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "SavedManner::is_plain")]
    manner: SavedManner,
    live: Vec<SavedRevision>,
    /// Without a pod any more, and with something durable left unread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retained: Vec<SavedRevision>,
    target: Option<SavedRevision>,
}

/// How a service may move.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedManner {
    #[serde(default, skip_serializing_if = "is_blind")]
    routing: Routing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    switch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclusive: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reversible: Option<bool>,
}

impl SavedManner {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it a reference"
)]
fn is_blind(routing: &Routing) -> bool {
    *routing == Routing::Blind
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedOutside {
    name: String,
    live: Vec<SavedRevision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coming: Option<SavedRevision>,
    /// What shows that its calls have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedRevision {
    revision: String,
    /// `null` where nobody declared it.
    contract: Option<Stamp>,
    /// With whom it was verified, by callee and its revision.
    #[serde(default, skip_serializing_if = "Verified::is_empty")]
    verified: Verified,
}

impl From<&System> for SavedSystem {
    fn from(system: &System) -> Self {
        let System {
            services,
            external,
            assume,
            repair,
        } = system;
        let services = services.iter().map(|(name, member)| {
            let Member {
                live,
                retained,
                target,
                moves,
                after,
                manner,
            } = member;
            SavedMember {
                name: name.to_string(),
                moves: *moves,
                after: after.iter().map(ToString::to_string).collect(),
                manner: SavedManner::from(manner),
                live: live.iter().map(SavedRevision::from).collect(),
                retained: retained.iter().map(SavedRevision::from).collect(),
                target: target.as_ref().map(SavedRevision::from),
            }
        });
        let external = external.iter().map(|(name, outside)| {
            let Outside {
                live,
                coming,
                ended,
            } = outside;
            SavedOutside {
                name: name.to_string(),
                live: live.iter().map(SavedRevision::from).collect(),
                coming: coming.as_ref().map(SavedRevision::from),
                ended: ended.clone(),
            }
        });
        Self {
            assume: match assume {
                Assume::ServerFirst => AssumePolicy::ServerFirst,
                Assume::Strict => AssumePolicy::Strict,
            },
            repair: *repair,
            services: services.collect(),
            external: external.collect(),
        }
    }
}

impl From<&Manner> for SavedManner {
    fn from(manner: &Manner) -> Self {
        let Manner {
            routing,
            switch,
            exclusive,
            reversible,
        } = manner;
        Self {
            routing: *routing,
            switch: switch.clone(),
            exclusive: exclusive.clone(),
            reversible: *reversible,
        }
    }
}

impl From<&SavedManner> for Manner {
    fn from(saved: &SavedManner) -> Self {
        let SavedManner {
            routing,
            switch,
            exclusive,
            reversible,
        } = saved;
        Self {
            routing: *routing,
            switch: switch.clone(),
            exclusive: exclusive.clone(),
            reversible: *reversible,
        }
    }
}

impl From<&Revision> for SavedRevision {
    fn from(revision: &Revision) -> Self {
        let Revision {
            name,
            interface,
            verified,
        } = revision;
        Self {
            revision: name.clone(),
            contract: interface.as_ref().map(Stamp::from),
            verified: verified.clone(),
        }
    }
}

impl TryFrom<&SavedSystem> for System {
    type Error = SavedError;

    fn try_from(saved: &SavedSystem) -> Result<Self, SavedError> {
        let mut system = Self {
            assume: match saved.assume {
                AssumePolicy::ServerFirst => Assume::ServerFirst,
                AssumePolicy::Strict => Assume::Strict,
            },
            repair: saved.repair,
            ..Self::default()
        };
        for member in &saved.services {
            let after: Result<_, _> = member.after.iter().map(|name| name_of(name)).collect();
            let value = Member {
                live: revisions(&member.live)?,
                retained: revisions(&member.retained)?,
                manner: Manner::from(&member.manner),
                target: member.target.as_ref().map(revision).transpose()?,
                moves: member.moves,
                after: after?,
            };
            if system
                .services
                .insert(name_of(&member.name)?, value)
                .is_some()
            {
                return Err(twice(&member.name));
            }
        }
        for outside in &saved.external {
            let value = Outside {
                live: revisions(&outside.live)?,
                coming: outside.coming.as_ref().map(revision).transpose()?,
                ended: outside.ended.clone(),
            };
            if system
                .external
                .insert(name_of(&outside.name)?, value)
                .is_some()
            {
                return Err(twice(&outside.name));
            }
        }
        Ok(system)
    }
}

fn twice(name: &str) -> SavedError {
    SavedError::Invalid(format!("`{name}` is in the system twice"))
}

fn name_of(text: &str) -> Result<ServiceName, SavedError> {
    ServiceName::parse(text)
        .map_err(|error| SavedError::Invalid(format!("the service `{text}` {error}")))
}

fn revisions(saved: &[SavedRevision]) -> Result<Vec<Revision>, SavedError> {
    saved.iter().map(revision).collect()
}

fn revision(saved: &SavedRevision) -> Result<Revision, SavedError> {
    let interface = saved.contract.clone().map(Interface::try_from).transpose();
    Ok(Revision {
        name: saved.revision.clone(),
        interface: interface.map_err(|error| {
            SavedError::Invalid(format!("revision `{}`: {error}", saved.revision))
        })?,
        verified: saved.verified.clone(),
    })
}
