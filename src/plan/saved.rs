//! A plan in a file: with the system that it was made for and the proof of each edge, so that anybody can check it
//! again, and so that it is run as it is or not at all.
//!
//! In: a system, its plan, and the digests of the manifests if there are any. Out: a document, the same bytes for
//! the same input; or, from such bytes, everything that is wrong with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::check;
use super::digest::sha256;
use super::document::{EdgeCounts, Plan};
use super::proof::{path, prove};
use super::saved_system::SavedSystem;
use super::words::ABSENT;
use crate::graph::{Revision, System};
use crate::spec::crd::Planning;
use crate::spec::{Edge, ServiceName};

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
    /// Which plan of the files was asked for.
    #[serde(default, skip_serializing_if = "Planning::is_plain")]
    pub planning: Planning,
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

/// Why one pair of revisions is never live together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedCertificate {
    /// On which edge.
    pub edge: Edge,
    /// The caller's revision.
    pub caller_revision: String,
    /// The callee's revision, `absent` where nothing runs.
    pub callee_revision: String,
    /// Steps, each of which waits for the one before: the first is done, all of it, before the last starts.
    pub chain: Vec<String>,
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
        let certificates = prove(system, plan).into_iter().map(|proved| {
            let chain = path(plan, &proved.first, &proved.then);
            SavedCertificate {
                edge: proved.edge,
                caller_revision: proved.caller_revision,
                callee_revision: proved.callee_revision,
                chain: chain.unwrap_or_default(),
            }
        });
        let saved = Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            digest: String::new(),
            plan: plan.clone(),
            manifests,
            planning: Planning::default(),
            system: SavedSystem::from(system),
            certificates: certificates.collect(),
        };
        let digest = saved.digest_of_all();
        Self { digest, ..saved }
    }

    /// The same with which plan of the files was asked for.
    #[must_use]
    pub fn asked(self, planning: Planning) -> Self {
        let saved = Self { planning, ..self };
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
                faults.extend(
                    self.certificates
                        .iter()
                        .filter_map(|one| self.fault_of(one, &system)),
                );
            }
            Err(error) => faults.push(error.to_string()),
        }
        if faults.is_empty() {
            Ok(self.plan.edges)
        } else {
            Err(faults)
        }
    }

    /// What is wrong with a certificate.
    fn fault_of(&self, certificate: &SavedCertificate, system: &System) -> Option<String> {
        let SavedCertificate {
            edge,
            caller_revision,
            callee_revision,
            chain,
        } = certificate;
        let told = format!(
            "the certificate for {}@{caller_revision} and {}@{callee_revision}",
            edge.caller, edge.callee
        );
        let known = has_revision(system, &edge.caller, caller_revision)
            && (callee_revision == ABSENT || has_revision(system, &edge.callee, callee_revision));
        if !known {
            return Some(format!(
                "{told} speaks of a revision that the system does not have"
            ));
        }
        let ends = (chain.first(), chain.last());
        let names = (Some(&edge.caller), Some(&edge.callee));
        let of_step = |id: &String| {
            let step = self.plan.steps.iter().find(|step| step.id == *id);
            step.map(|step| &step.service)
        };
        let ends = (ends.0.and_then(of_step), ends.1.and_then(of_step));
        if chain.len() < 2 || (ends != names && (ends.1, ends.0) != names) {
            return Some(format!(
                "{told} does not lead from one of the two to the other"
            ));
        }
        chain.windows(2).find_map(|pair| {
            let [first, then] = pair else { return None };
            let step = self.plan.steps.iter().find(|step| step.id == *then);
            let waits = step.is_some_and(|step| step.after.contains(first));
            let later = self.plan.wave_of(first) < self.plan.wave_of(then);
            (!waits || !later)
                .then(|| format!("{told} says that `{then}` waits for `{first}`, and it does not"))
        })
    }

    fn digest_of_all(&self) -> String {
        let Self {
            api_version,
            kind,
            digest: _,
            plan,
            manifests,
            planning,
            system,
            certificates,
        } = self;
        let made_with = (manifests, planning);
        let all = (api_version, kind, plan, made_with, system, certificates);
        // Plain data always has a JSON form; if it ever had none, no file would match its digest.
        sha256(&serde_json::to_vec(&all).unwrap_or_default())
    }
}

fn has_revision(system: &System, name: &ServiceName, revision: &str) -> bool {
    let named = |known: &Revision| known.name == revision;
    let service = system.services.get(name).is_some_and(|member| {
        let live = member.live.iter().chain(&member.target);
        live.chain(&member.retained).any(named)
    });
    let outside = system
        .external
        .get(name)
        .is_some_and(|outside| outside.live.iter().chain(&outside.coming).any(named));
    service || outside
}
