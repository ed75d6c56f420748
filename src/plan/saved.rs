//! A plan in a file: with the system that it was made for and the proof of each edge, so that anybody can check it
//! again, and so that it is run as it is or not at all.
//!
//! In: a system, its plan, and the digests of the manifests if there are any. Out: a document, the same bytes for
//! the same input; or, from such bytes, everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::certificates::{SavedCertificate, certificate_faults, certificates};
use super::check::check;
use super::digest::sha256;
use super::document::{EdgeCounts, Plan};
use crate::graph::{Member, Moves, Outside, Revision, System, Verified};
use crate::spec::crd::{AssumePolicy, Routing};
use crate::spec::stamp::Stamp;
use crate::spec::{Assume, Interface, Manner, ServiceName};

/// The kind of the document.
const KIND: &str = "SavedPlan";
/// The version of the document.
const API_VERSION: &str = "tidegate.dev/v1alpha1";

/// A plan as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedPlan {
    /// `tidegate.dev/v1alpha1`.
    pub api_version: String,
    /// `SavedPlan`.
    pub kind: String,
    /// Of everything else here: `sha256:` and 64 digits.
    pub digest: String,
    /// The plan.
    pub plan: Plan,
    /// What was planned with; none if the plan was made offline, from declared graphs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<Manifests>,
    /// What the plan was made for.
    pub system: SavedSystem,
    /// Why no pair of revisions that cannot talk is ever live together.
    pub certificates: Vec<SavedCertificate>,
}

/// The manifests that a plan was made with, by digest: the file holds none, since they may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifests {
    /// Of the release's whole frozen input: graph, strategy and manifests.
    pub digest: String,
    /// Of each object. A Secret has none: a digest of few bits can be guessed.
    pub objects: BTreeMap<String, Option<String>>,
}

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

/// Why a text is no saved plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read as one.
    #[error("it is damaged, or no saved plan: {0}")]
    Unreadable(String),
    /// It is a document of another kind.
    #[error("it is a `{0}`, not a saved plan")]
    OtherKind(String),
    /// A later tidegate wrote it.
    #[error("its version is `{0}`; this tidegate reads `tidegate.dev/v1alpha1`")]
    OtherVersion(String),
    /// A name or a version in it is none.
    #[error("{0}")]
    Invalid(String),
}

impl SavedPlan {
    /// Puts a plan together with what it was made for.
    pub fn new(system: &System, plan: &Plan, manifests: Option<Manifests>) -> Self {
        let saved = Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            digest: String::new(),
            plan: plan.clone(),
            manifests,
            system: SavedSystem::from(system),
            certificates: certificates(system, plan),
        };
        let digest = saved.digest_of_all();
        Self { digest, ..saved }
    }

    /// The text of the file.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a file's text; whether what it says is true is the business of [`SavedPlan::verify`].
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            #[serde(default)]
            api_version: String,
            #[serde(default)]
            kind: String,
        }
        let unreadable = |error: serde_json::Error| SavedError::Unreadable(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(unreadable)?;
        if head.kind != KIND {
            return Err(SavedError::OtherKind(head.kind));
        }
        if head.api_version != API_VERSION {
            return Err(SavedError::OtherVersion(head.api_version));
        }
        serde_json::from_str(text).map_err(unreadable)
    }

    /// The system that the plan was made for.
    pub fn system(&self) -> Result<System, SavedError> {
        System::try_from(&self.system)
    }

    /// Checks all of it: that nobody changed it, that every moment of the plan is safe, and that every certificate
    /// holds. Out: how many edges rest on what, or every fault as a sentence.
    pub fn verify(&self) -> Result<EdgeCounts, Vec<String>> {
        let mut faults = Vec::new();
        if self.digest != self.digest_of_all() {
            faults.push(
                "the file was changed after it was written: its digest does not match".to_owned(),
            );
        }
        match self.system() {
            Ok(system) => {
                if let Err(found) = check(&system, &self.plan) {
                    faults.extend(found.iter().map(ToString::to_string));
                }
                faults.extend(certificate_faults(&self.certificates, &system, &self.plan));
            }
            Err(error) => faults.push(error.to_string()),
        }
        if faults.is_empty() {
            Ok(self.plan.edges)
        } else {
            Err(faults)
        }
    }

    fn digest_of_all(&self) -> String {
        let Self {
            api_version,
            kind,
            digest: _,
            plan,
            manifests,
            system,
            certificates,
        } = self;
        let all = (api_version, kind, plan, manifests, system, certificates);
        // Plain data always has a JSON form; if it ever had none, no file would match its digest.
        sha256(&serde_json::to_vec(&all).unwrap_or_default())
    }
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
