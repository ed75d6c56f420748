//! Looks at objects right before they are written: what the write will demand, and whether a pod template changes.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use kube::api::DynamicObject;
use serde_json::Value;

use super::claims::{claimant, claimed};
use super::error::ClusterError;
use super::kinds::Kinds;
use super::manifests;
use super::releases::Releases;
use super::write::{self, Deletion, WriteError};
use crate::controller::TemplateChange;
use crate::manifest::{Bundle, Entry};
use crate::spec::crd::{HeldVariable, Planning};
use crate::spec::{Code, ObjectRef, Problem};
use crate::upgrade::gate::Workload;
use crate::upgrade::{Precondition, Prepared};

/// How many objects are looked at at once.
const PARALLEL: usize = 8;

/// Who looks, and at what.
pub(super) struct Preparing<'a> {
    /// Where plans and releases are looked up, as tidegate itself.
    pub(super) releases: &'a Releases,
    pub(super) client: &'a Client,
    pub(super) kinds: &'a Kinds,
    pub(super) bundle: &'a Bundle,
    pub(super) plan: &'a str,
    /// Which plan of the bundle is asked for.
    pub(super) planning: &'a Planning,
}

/// What a deletion would do to some objects; those that it does not name are not there.
#[derive(Default)]
pub(super) struct Removal {
    /// Those that are there and this plan's.
    pub(super) present: BTreeSet<ObjectRef>,
    /// Those that are there and do not carry this plan's label.
    pub(super) of_others: BTreeSet<ObjectRef>,
    /// What the server would refuse.
    pub(super) refused: BTreeMap<ObjectRef, Problem>,
}

impl Preparing<'_> {
    /// Looks at objects that may be written next, with the variables that workloads keep in the next write.
    pub(super) async fn look(
        &self,
        objects: &BTreeSet<ObjectRef>,
        held: &[HeldVariable],
    ) -> Result<BTreeMap<ObjectRef, Prepared>, ClusterError> {
        let looks: Vec<_> = objects
            .iter()
            .map(|object| self.look_at_named(object, held))
            .collect();
        stream::iter(looks)
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }

    async fn look_at_named(
        &self,
        object: &ObjectRef,
        held: &[HeldVariable],
    ) -> Result<(ObjectRef, Prepared), ClusterError> {
        Ok((object.clone(), self.look_at(object, held).await?))
    }

    async fn look_at(
        &self,
        object: &ObjectRef,
        held: &[HeldVariable],
    ) -> Result<Prepared, ClusterError> {
        let api = self.kinds.api(self.client, object)?;
        let live = api
            .get_opt(&object.name)
            .await
            .map_err(|error| ClusterError::of(error, object.to_string()))?;
        let Some(live) = live else {
            return Ok(Prepared {
                starts_pods: self.bundle.is_workload(object),
                ..Prepared::absent()
            });
        };
        let stamp = stamp(&live);
        let starts_pods = self.bundle.is_workload(object)
            && match self.would_change(object, &live, held).await {
                Ok(change) => change == TemplateChange::Changes,
                // The write itself will tell.
                Err(WriteError::Refused(..) | WriteError::Moved) => true,
                // Taken for a change, it would bring a stamp along that starts pods anew.
                Err(WriteError::Unreachable(message)) => return Err(ClusterError::silent(message)),
            };
        Ok(Prepared {
            claimed_by: self.claimant(object, &live).await?,
            precondition: Precondition::Unchanged {
                uid: live.metadata.uid.unwrap_or_default(),
                resource_version: live.metadata.resource_version.unwrap_or_default(),
            },
            starts_pods,
            live_stamp: stamp,
        })
    }

    /// Another plan that has an object. What belongs to no service two plans may both bring, a namespace for instance.
    async fn claimant(
        &self,
        object: &ObjectRef,
        live: &DynamicObject,
    ) -> Result<Option<String>, ClusterError> {
        if object.namespace.is_empty() || self.bundle.owner(object).is_none() {
            return Ok(None);
        }
        claimant(self.releases, live, self.plan).await
    }

    /// What applying a workload would do to its pod template, by server dry-run with the stamp that it has.
    async fn would_change(
        &self,
        object: &ObjectRef,
        live: &DynamicObject,
        held: &[HeldVariable],
    ) -> Result<TemplateChange, WriteError> {
        let api = self
            .kinds
            .api(self.client, object)
            .map_err(|error| WriteError::Refused(Code::KindMissing, error.to_string()))?;
        let manifest = self.bundle.manifest(object).cloned().unwrap_or_default();
        let stamp = stamp(live);
        let held: Vec<HeldVariable> = held
            .iter()
            .filter(|one| one.workload == *object)
            .cloned()
            .collect();
        let sent = self.sent((object, &manifest), (stamp.as_deref(), &held), true);
        let stored = write::dry_run(&api, &sent, &object.name, &self.bundle.plan.take_over).await?;
        Ok(if digest(live) == digest(&stored) {
            TemplateChange::Same
        } else {
            TemplateChange::Changes
        })
    }

    /// Applies every object that may be written as a dry run.
    ///
    /// Out: what each workload's template would do, and all that the server would refuse. Error: no answer, which is
    /// no refusal.
    pub(super) async fn rehearse(
        &self,
    ) -> Result<(BTreeMap<ObjectRef, TemplateChange>, Vec<Problem>), ClusterError> {
        let is_asked = |entry: &&Entry| {
            let owner = self.bundle.owner(&entry.reference);
            owner.is_none_or(|owner| self.planning.moves(owner))
        };
        let entries: Vec<&Entry> = self.bundle.objects.iter().filter(is_asked).collect();
        let rehearsals: Vec<_> = entries
            .iter()
            .map(|entry| self.rehearse_one(&entry.reference, &entry.value))
            .collect();
        let results: Vec<_> = stream::iter(rehearsals).buffered(PARALLEL).collect().await;
        let mut changes = BTreeMap::new();
        let mut problems = Vec::new();
        for (entry, result) in entries.iter().zip(results) {
            let object = &entry.reference;
            match result {
                Ok(Some(change)) => {
                    changes.insert(object.clone(), change);
                }
                Ok(None) => {}
                Err(WriteError::Unreachable(message)) => return Err(ClusterError::silent(message)),
                Err(WriteError::Refused(Code::Claimed, other)) => {
                    problems.push(claimed(object, &other, self.plan));
                }
                Err(error) => {
                    let problem = problem(object, error);
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        Ok((changes, problems))
    }

    /// Deletes objects as a dry run.
    ///
    /// Error: no answer.
    pub(super) async fn rehearse_removal(
        &self,
        objects: &[ObjectRef],
    ) -> Result<Removal, ClusterError> {
        let rehearsals: Vec<_> = objects
            .iter()
            .map(|object| async {
                // What has no kind any more is gone with it.
                match self.kinds.api(self.client, object) {
                    Ok(api) => write::delete(&api, &object.name, self.plan, true).await,
                    Err(_) => Ok(Deletion::Absent),
                }
            })
            .collect();
        let results: Vec<_> = stream::iter(rehearsals).buffered(PARALLEL).collect().await;
        let mut removal = Removal::default();
        for (object, result) in objects.iter().zip(results) {
            match result {
                Ok(Deletion::Done) => drop(removal.present.insert(object.clone())),
                Ok(Deletion::NotOurs) => drop(removal.of_others.insert(object.clone())),
                Ok(Deletion::Absent) => {}
                Err(WriteError::Unreachable(message)) => return Err(ClusterError::silent(message)),
                Err(error) => {
                    let problem = problem(object, error);
                    removal.refused.insert(object.clone(), problem);
                }
            }
        }
        Ok(removal)
    }

    async fn rehearse_one(
        &self,
        object: &ObjectRef,
        manifest: &Value,
    ) -> Result<Option<TemplateChange>, WriteError> {
        let Ok(api) = self.kinds.api(self.client, object) else {
            return if self.bundle.brings_kind(object) {
                Ok(None)
            } else {
                Err(WriteError::Refused(Code::KindMissing, String::new()))
            };
        };
        let live = api
            .get_opt(&object.name)
            .await
            .map_err(|error| write::judge(&error))?;
        let workload = self.bundle.is_workload(object);
        let Some(live) = live else {
            // What lives in a namespace that the release brings along cannot be tried before that is there.
            if !self.brings_namespace(object) {
                let sent = self.sent((object, manifest), (None, &[]), false);
                write::dry_run(&api, &sent, &object.name, &self.bundle.plan.take_over).await?;
            }
            return Ok(workload.then_some(TemplateChange::Absent));
        };
        let other = self.claimant(object, &live).await;
        let other = other.map_err(|error| WriteError::Unreachable(super::describe(&error)))?;
        if let Some(other) = other {
            return Err(WriteError::Refused(Code::Claimed, other));
        }
        if workload {
            return self.would_change(object, &live, &[]).await.map(Some);
        }
        let sent = self.sent((object, manifest), (None, &[]), true);
        write::dry_run(&api, &sent, &object.name, &self.bundle.plan.take_over).await?;
        Ok(None)
    }

    /// What would be sent of an object.
    fn sent(
        &self,
        (object, manifest): (&ObjectRef, &Value),
        along: (Option<&str>, &[HeldVariable]),
        is_there: bool,
    ) -> Value {
        manifests::sent(self.bundle, (object, manifest), self.plan, along, is_there)
    }

    fn brings_namespace(&self, object: &ObjectRef) -> bool {
        self.bundle.objects.iter().any(|entry| {
            entry.reference.kind == "Namespace" && entry.reference.name == object.namespace
        })
    }
}

pub(super) fn stamp(live: &DynamicObject) -> Option<String> {
    manifests::stamp_of(&serde_json::json!({"spec": live.data.get("spec")}))
}

/// The digest of an object's pod template; `None` for what has none.
fn digest(object: &DynamicObject) -> Option<String> {
    let value = serde_json::to_value(object).ok()?;
    Some(Workload::stored(&value)?.content_digest())
}

pub(super) fn kind_missing(object: &ObjectRef) -> Problem {
    Problem::error(
        Code::KindMissing,
        object.to_string(),
        format!(
            "the cluster has no kind `{}` in `{}`",
            object.kind, object.api_version
        ),
    )
    .hint("install its CustomResourceDefinition first, or add it to the manifests")
}

/// The same for every object in it, so that it is told once.
fn namespace_missing(name: &str) -> Problem {
    Problem::error(
        Code::NamespaceMissing,
        format!("Namespace/{name}"),
        format!("the cluster has no namespace `{name}`"),
    )
    .hint(format!(
        "`kubectl create namespace {name}`, or add it to the manifests"
    ))
}

/// What to do about a refusal.
const HINTS: [(Code, &str); 3] = [
    (
        Code::Forbidden,
        "give the plan's account the right, or run as another one",
    ),
    (
        Code::Immutable,
        "the field cannot be changed in place: give the object a new name, or delete it first",
    ),
    (
        Code::FieldConflict,
        "another manager owns the field: remove it from the manifest, or name that manager under `takeOver` of the plan",
    ),
];

pub(super) fn problem(object: &ObjectRef, error: WriteError) -> Problem {
    let (code, message) = match error {
        WriteError::Moved => (
            Code::DryRunRefused,
            "was changed while it was looked at".to_owned(),
        ),
        WriteError::Refused(Code::KindMissing, _) => return kind_missing(object),
        WriteError::Refused(Code::NamespaceMissing, name) => return namespace_missing(&name),
        WriteError::Refused(code, message) => (code, message),
        WriteError::Unreachable(message) => (Code::DryRunRefused, message),
    };
    let problem = Problem::error(code, object.to_string(), message);
    let hint = HINTS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, hint)| *hint);
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
