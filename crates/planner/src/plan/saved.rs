//! A plan in a file: with the system that it was made for and the proof of each edge, so that anybody can check it
//! again, and so that it is run as it is or not at all.
//!
//! In: a system, its plan, and the digests of the manifests if there are any. Out: a document, the same bytes for
//! the same input; or, from such bytes, everything that is wrong with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::certificates::{SavedCertificate, certificate_faults, certificates};
use super::check::check;
use super::digest::sha256;
use super::document::{EdgeCounts, Plan};
use super::saved_system::SavedSystem;
use crate::graph::System;
use tidegate_spec::crd::Planning;

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
            planning: Planning::default(),
            system: SavedSystem::from(system),
            certificates: certificates(system, plan),
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
        if head.kind.is_empty() {
            return Err(SavedError::Unreadable("it has no `kind`".to_owned()));
        }
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
