//! The frozen input of a release: graph, strategy and manifests, with who owns what.
//!
//! It is kept with the release, so that the release can be gone on with by anybody after a crash, and looked at
//! later. Equal input gives equal bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use tidegate_build::Recipe;
use tidegate_spec::crd::{ReleasePlanSpec, ServiceGraphSpec};
use tidegate_spec::{ObjectRef, ServiceName};

/// The objects of one service, as indexes into [`Bundle::objects`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnedEntries {
    /// Its workloads.
    pub workloads: Vec<usize>,
    /// All of its objects, workloads included, in the order in which they are applied.
    pub objects: Vec<usize>,
}

/// What one release applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// The name of the ServiceGraph.
    pub graph_name: String,
    /// The ServiceGraph.
    pub graph: ServiceGraphSpec,
    /// The plan as it was when the release was made.
    pub plan: ReleasePlanSpec,
    /// The namespace of the release, where its objects go.
    pub namespace: String,
    /// The manifests.
    pub objects: Vec<Entry>,
    /// Who owns what.
    pub services: BTreeMap<ServiceName, OwnedEntries>,
    /// What belongs to nobody, in the order in which it is applied.
    pub shared: Vec<usize>,
    /// What is built for it, by the service that each build is declared for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub builds: BTreeMap<ServiceName, Recipe>,
}

/// One manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name.
    pub reference: ObjectRef,
    /// The object.
    pub value: Value,
}

impl Bundle {
    /// The bytes that are kept. Plain data of texts and numbers always has a JSON form.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the bytes back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// `sha256:` and the digest of bytes.
    pub fn digest(bytes: &[u8]) -> String {
        let mut text = "sha256:".to_owned();
        for byte in Sha256::digest(bytes) {
            // Writing into a String cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
        }
        text
    }

    /// The manifest of an object.
    pub fn manifest(&self, object: &ObjectRef) -> Option<&Value> {
        self.objects
            .iter()
            .find(|entry| entry.reference == *object)
            .map(|entry| &entry.value)
    }

    /// The names of some objects.
    pub fn references(&self, indexes: &[usize]) -> Vec<ObjectRef> {
        indexes
            .iter()
            .filter_map(|index| Some(self.objects.get(*index)?.reference.clone()))
            .collect()
    }

    /// Whether the `CustomResourceDefinition` of an object's kind is among the manifests.
    pub fn brings_kind(&self, object: &ObjectRef) -> bool {
        self.objects.iter().any(|entry| {
            let text = |path: &str| entry.value.pointer(path).and_then(Value::as_str);
            entry.reference.kind == "CustomResourceDefinition"
                && text("/spec/group") == Some(object.group())
                && text("/spec/names/kind") == Some(object.kind.as_str())
        })
    }

    /// Whether something among the manifests chooses how many pods an object has: an autoscaler, or Flagger, which keeps
    /// the target of a Canary at none.
    pub fn is_scaled(&self, object: &ObjectRef) -> bool {
        self.objects.iter().any(|entry| {
            let target = match (entry.reference.group(), entry.reference.kind.as_str()) {
                ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject") => {
                    "/spec/scaleTargetRef"
                }
                ("flagger.app", "Canary") => "/spec/targetRef",
                _ => return false,
            };
            let text = |key: &str| {
                let target = entry.value.pointer(target);
                target
                    .and_then(|target| target.get(key))
                    .and_then(Value::as_str)
            };
            // KEDA means a Deployment where it names no kind.
            text("kind").unwrap_or("Deployment") == object.kind
                && text("name") == Some(object.name.as_str())
                && entry.reference.namespace == object.namespace
        })
    }

    /// The service that an object belongs to, if one.
    pub fn owner(&self, object: &ObjectRef) -> Option<&ServiceName> {
        let index = self
            .objects
            .iter()
            .position(|entry| entry.reference == *object)?;
        self.services
            .iter()
            .find(|(_, owned)| owned.objects.contains(&index) || owned.workloads.contains(&index))
            .map(|(name, _)| name)
    }

    /// Whether an object is a workload of one of the services.
    pub fn is_workload(&self, object: &ObjectRef) -> bool {
        self.services
            .values()
            .flat_map(|owned| &owned.workloads)
            .any(|index| {
                self.objects
                    .get(*index)
                    .is_some_and(|entry| entry.reference == *object)
            })
    }
}
