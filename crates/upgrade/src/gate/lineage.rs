//! Whose a pod is, and of which revision.
//!
//! In: the baseline and a snapshot. Out: for each pod whether it is the workload's, and new or old.
//! Owner references alone do not say it: an old ReplicaSet is deleted while its pods still end, and a
//! pod whose labels were changed has no owner any more (completion.md §5.1, §5.2).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};

use super::argo_rollouts::{ArgoRollout, HASH_LABEL};
use super::baseline::Baseline;
use super::digested::Digested;
use super::snapshot::{self, Snapshot};
use super::template::POD_TEMPLATE_HASH;
use super::workload::Workload;
use super::{cron_job, kin, stamps};
use tidegate_spec::ObjectRef;

/// The label by which a StatefulSet or DaemonSet names a pod's revision.
const CONTROLLER_REVISION_HASH: &str = "controller-revision-hash";

/// What a pod is to the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its own, of the revision that is wanted.
    Current,
    /// Its own, of another revision.
    Old,
    /// Someone else's.
    Foreign(ObjectRef),
    /// Nobody's.
    Orphan,
}

/// By what a pod of the wanted revision is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Current {
    /// The hash labels, under one key, and uids of all ReplicaSets whose template is the wanted one.
    ReplicaSets {
        key: &'static str,
        hashes: BTreeSet<String>,
        uids: BTreeSet<String>,
    },
    /// The uids of ReplicaSets of someone else's with the very same template.
    Twins(BTreeSet<String>),
    /// The value of the label `controller-revision-hash`.
    Revision(String),
    /// The uid of its owner.
    Owner(String),
    /// The same, as long as nobody has told it to go: of whose pods no more is known.
    Staying(String),
    /// The uid of its owner, and the digest that it must be stamped with.
    Stamped(String, String),
    /// Its own uid.
    Itself(String),
}

/// The root of a pod's owners.
enum Root<'a> {
    Ours,
    /// What had our name before, and was deleted.
    Namesake,
    /// A ReplicaSet that is not there any more.
    GoneReplicaSet(&'a OwnerReference),
    Other(&'a OwnerReference),
    Nobody,
}

/// Whose the pods of a namespace are, as seen from one workload.
pub(super) struct Lineage<'a> {
    namespace: &'a str,
    /// The workload, and what had its name before.
    uids: BTreeSet<&'a str>,
    /// ReplicaSets and Jobs: they stand between a pod and what owns them.
    between: BTreeMap<&'a str, &'a ObjectMeta>,
    selectors: Vec<&'a LabelSelector>,
    /// Pods that were recorded before the apply, with their revisions, by uid.
    known: BTreeMap<&'a str, &'a str>,
    workload: &'a ObjectRef,
    current: Vec<Current>,
}

impl<'a> Lineage<'a> {
    /// Seen from a workload that is to be there.
    pub(super) fn of(baseline: &'a Baseline, snapshot: &'a Snapshot) -> Self {
        let live = snapshot.workload.as_ref();
        let kin = kin::of(snapshot);
        let own = live.into_iter().chain(kin.iter().copied());
        let sets = snapshot.replica_sets.iter().map(|set| &set.metadata);
        let jobs = snapshot.jobs.iter().map(|job| &job.metadata);
        Self {
            namespace: &baseline.workload.namespace,
            uids: own
                .clone()
                .map(|own| snapshot::uid(own.metadata()))
                .chain(baseline.uid.as_deref())
                .collect(),
            between: sets.chain(jobs).map(|it| (snapshot::uid(it), it)).collect(),
            selectors: own
                .filter_map(Workload::selector)
                .chain(baseline.selector.as_ref())
                .filter(|selector| !snapshot::is_empty(selector))
                .collect(),
            known: baseline
                .pods
                .iter()
                .map(|pod| (pod.uid.as_str(), pod.revision.as_str()))
                .collect(),
            workload: &baseline.workload,
            current: live.map(|live| current(live, snapshot)).unwrap_or_default(),
        }
    }

    /// Seen from a workload that is to be gone: no pod is of a wanted revision.
    pub(super) fn of_removed(baseline: &'a Baseline, snapshot: &'a Snapshot) -> Self {
        let mut lineage = Self::of(baseline, snapshot);
        lineage.current = Vec::new();
        lineage
    }

    /// What a pod is to the workload.
    pub(super) fn standing(&self, pod: &Pod) -> Standing {
        let root = self.root(pod);
        // By uid whatever its labels: a pod that was taken out of the selector keeps its connections.
        let recorded = self.known.get(snapshot::uid(&pod.metadata)).copied();
        let is_known = recorded.is_some();
        let is_ours = is_known
            || match &root {
                Root::Ours | Root::Namesake => true,
                Root::GoneReplicaSet(_) => self.selects(pod),
                Root::Other(_) => self.is_twin(pod),
                Root::Nobody => false,
            };
        // A pod is one process: a label that it got since makes no other program of it.
        let was_old = || {
            recorded.is_some_and(|revision| {
                !revision.is_empty()
                    && !self.is_twin(pod)
                    && !self.current_revisions().contains(revision)
            })
        };
        if is_ours && self.is_current(pod, &root) && !was_old() {
            Standing::Current
        } else if is_ours {
            Standing::Old
        } else {
            match root {
                Root::Ours | Root::Namesake | Root::Nobody => Standing::Orphan,
                Root::GoneReplicaSet(owner) | Root::Other(owner) => Standing::Foreign(ObjectRef {
                    api_version: owner.api_version.clone(),
                    kind: owner.kind.clone(),
                    namespace: pod.metadata.namespace.clone().unwrap_or_default(),
                    name: owner.name.clone(),
                }),
            }
        }
    }

    /// Whether a uid is the workload's.
    pub(super) fn is_own(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }

    /// Whether a pod of which nothing but the metadata is known may be the workload's.
    pub(super) fn may_own(&self, pod: &ObjectMeta) -> bool {
        let is_claimed = |selector: &&LabelSelector| snapshot::selects(selector, pod);
        match snapshot::controller(pod) {
            None => pod.labels.is_none() || self.selectors.iter().any(is_claimed),
            Some(owner) => {
                let above = self.between.get(owner.uid.as_str());
                let above = above.and_then(|set| snapshot::controller(set));
                self.is_own(&owner.uid)
                    || above.is_some_and(|above| self.is_own(&above.uid))
                    || self.selectors.iter().any(is_claimed)
            }
        }
    }

    /// The hashes that name the wanted revision.
    pub(super) fn current_revisions(&self) -> BTreeSet<String> {
        let named = |current: &Current| match current {
            Current::ReplicaSets {
                key: _,
                hashes,
                uids: _,
            } => hashes.clone(),
            Current::Twins(_) => BTreeSet::new(),
            Current::Revision(name)
            | Current::Owner(name)
            | Current::Staying(name)
            | Current::Stamped(name, _)
            | Current::Itself(name) => BTreeSet::from([name.clone()]),
        };
        self.current.iter().flat_map(named).collect()
    }

    /// Whether a pod's owner, whoever it belongs to, has the very template that is wanted.
    fn is_twin(&self, pod: &Pod) -> bool {
        let owner = snapshot::controller(&pod.metadata).map(|owner| owner.uid.as_str());
        self.current.iter().any(|current| match current {
            Current::Twins(uids) => owner.is_some_and(|owner| uids.contains(owner)),
            Current::ReplicaSets { .. }
            | Current::Revision(_)
            | Current::Owner(_)
            | Current::Staying(_)
            | Current::Stamped(..)
            | Current::Itself(_) => false,
        })
    }

    /// The pods of the wanted revision, dead ones included.
    pub(super) fn current_pods<'p>(&self, pods: &'p [Pod]) -> Vec<&'p Pod> {
        pods.iter()
            .filter(|pod| self.standing(pod) == Standing::Current)
            .collect()
    }

    /// Whether the workload claims a pod by its labels, or did.
    pub(super) fn selects(&self, pod: &Pod) -> bool {
        pod.metadata.namespace.as_deref().unwrap_or_default() == self.namespace
            && self
                .selectors
                .iter()
                .any(|selector| snapshot::selects(selector, &pod.metadata))
    }

    fn root<'p>(&self, pod: &'p Pod) -> Root<'p>
    where
        'a: 'p,
    {
        if self.uids.contains(snapshot::uid(&pod.metadata)) {
            return Root::Ours;
        }
        let Some(owner) = snapshot::controller(&pod.metadata) else {
            return Root::Nobody;
        };
        if self.uids.contains(owner.uid.as_str()) {
            return Root::Ours;
        }
        match self.between.get(owner.uid.as_str()) {
            Some(set) => match snapshot::controller(set) {
                Some(above) if self.uids.contains(above.uid.as_str()) => Root::Ours,
                Some(above) if self.is_namesake(above) => Root::Namesake,
                Some(above) => Root::Other(above),
                None => Root::Other(owner),
            },
            None if self.is_namesake(owner) => Root::Namesake,
            None if owner.kind == "ReplicaSet" => Root::GoneReplicaSet(owner),
            // Its template went with the Job: nobody can say that it was the new one.
            None if owner.kind == "Job" && self.is_job_of_cron(&owner.name) => Root::Ours,
            None => Root::Other(owner),
        }
    }

    /// Whether an owner has our kind and name, and another uid: it was deleted and created again.
    fn is_namesake(&self, owner: &OwnerReference) -> bool {
        let group = |version: &str| {
            version
                .split_once('/')
                .map_or("", |(group, _)| group)
                .to_owned()
        };
        let ours = self.workload;
        owner.kind == ours.kind
            && owner.name == ours.name
            && group(&owner.api_version) == group(&ours.api_version)
    }

    /// Whether a Job that is gone was a CronJob's, by its name: that of the CronJob and when it was due.
    fn is_job_of_cron(&self, job: &str) -> bool {
        job.rsplit_once('-').is_some_and(|(cron, due)| {
            self.workload.kind == "CronJob"
                && self.workload.name == cron
                && !due.is_empty()
                && due.bytes().all(|b| b.is_ascii_digit())
        })
    }

    fn is_current(&self, pod: &Pod, root: &Root<'_>) -> bool {
        let owner = snapshot::controller(&pod.metadata).map(|owner| owner.uid.as_str());
        let label = |key| snapshot::label(&pod.metadata, key);
        self.current.iter().any(|current| match current {
            Current::ReplicaSets { key, hashes, uids } => {
                let is_of_new_set = match root {
                    Root::Ours => owner.is_some_and(|owner| uids.contains(owner)),
                    Root::GoneReplicaSet(_) | Root::Nobody => true,
                    Root::Namesake | Root::Other(_) => false,
                };
                is_of_new_set && label(key).is_some_and(|hash| hashes.contains(hash))
            }
            Current::Revision(revision) => {
                !matches!(root, Root::Namesake | Root::Other(_))
                    && label(CONTROLLER_REVISION_HASH) == Some(revision)
            }
            Current::Twins(uids) => owner.is_some_and(|owner| uids.contains(owner)),
            Current::Owner(uid) => owner == Some(uid.as_str()),
            Current::Staying(uid) => owner == Some(uid.as_str()) && !snapshot::is_terminating(pod),
            Current::Stamped(uid, stamp) => {
                owner == Some(uid.as_str()) && stamps::digest(&pod.metadata) == Some(stamp)
            }
            Current::Itself(uid) => snapshot::uid(&pod.metadata) == uid,
        })
    }
}

/// The hash that names a pod's revision; its owner where it has no label, or itself.
pub(super) fn revision(pod: &Pod) -> &str {
    let label = |key| snapshot::label(&pod.metadata, key);
    label(CONTROLLER_REVISION_HASH)
        .or_else(|| label(POD_TEMPLATE_HASH))
        .or_else(|| label(HASH_LABEL))
        .or_else(|| snapshot::controller(&pod.metadata).map(|owner| owner.uid.as_str()))
        .unwrap_or_else(|| snapshot::uid(&pod.metadata))
}

fn current(live: &Workload, snapshot: &Snapshot) -> Vec<Current> {
    let revision = |revision: Option<&str>| match revision {
        // Until the controller has seen the apply, its status names the revision before.
        Some(revision) if live.is_observed() && !revision.is_empty() => {
            vec![Current::Revision(revision.to_owned())]
        }
        Some(_) | None => Vec::new(),
    };
    let uid = || snapshot::uid(live.metadata()).to_owned();
    match live {
        Workload::Deployment(deployment) => {
            let sets = new_replica_sets(deployment, &snapshot.replica_sets);
            let hashes = sets
                .iter()
                .filter_map(|set| snapshot::label(&set.metadata, POD_TEMPLATE_HASH));
            vec![Current::ReplicaSets {
                key: POD_TEMPLATE_HASH,
                hashes: hashes.map(str::to_owned).collect(),
                uids: sets
                    .iter()
                    .map(|set| snapshot::uid(&set.metadata).to_owned())
                    .collect(),
            }]
        }
        Workload::StatefulSet(set) => {
            let status = set.status.as_ref();
            revision(status.and_then(|status| status.update_revision.as_deref()))
        }
        Workload::DaemonSet(set) => revision(daemon_set_hash(set, snapshot)),
        Workload::ReplicaSet(_) => {
            let template = live.template();
            let stamp = template.metadata.as_ref().and_then(stamps::digest);
            vec![match stamp {
                Some(stamp) => Current::Stamped(uid(), stamp.to_owned()),
                None => Current::Owner(uid()),
            }]
        }
        Workload::CronJob(cron) => cron_job::jobs(&snapshot.jobs, |owner| owner == uid())
            .filter(|job| cron_job::is_current(cron, job))
            .map(|job| Current::Owner(snapshot::uid(&job.metadata).to_owned()))
            .collect(),
        Workload::ArgoRollout(rollout) => of_rollout(rollout, snapshot),
        Workload::FlaggerCanary(canary) => {
            // Until the template is promoted every pod of the primary is old.
            let promoted = canary
                .is_promoted(snapshot)
                .then(|| canary.primary(snapshot));
            let of_primary = promoted.flatten().map(|primary| current(primary, snapshot));
            let of_target = canary
                .target(snapshot)
                .map(|target| current(target, snapshot));
            of_primary.into_iter().chain(of_target).flatten().collect()
        }
        Workload::Plain(object) if !object.runs_pods() => vec![Current::Staying(uid())],
        Workload::Job(_) | Workload::Plain(_) => vec![Current::Owner(uid())],
        Workload::Pod(_) => vec![Current::Itself(uid())],
    }
}

/// The ReplicaSets of a Rollout's own that have its hash, and those of experiments with its template.
fn of_rollout(rollout: &Digested<ArgoRollout>, snapshot: &Snapshot) -> Vec<Current> {
    let Some(hash) = rollout.new_hash(snapshot) else {
        return Vec::new();
    };
    let own = snapshot::uid(&rollout.metadata);
    let owner = |set: &ReplicaSet| snapshot::controller(&set.metadata).cloned();
    let uids = |wanted: &dyn Fn(&Digested<ReplicaSet>) -> bool| {
        let sets = snapshot.replica_sets.iter().filter(|set| wanted(set));
        sets.map(|set| snapshot::uid(&set.metadata).to_owned())
            .collect()
    };
    let is_twin = |set: &Digested<ReplicaSet>| {
        owner(set).is_some_and(|owner| owner.kind == "Experiment")
            && set.spec.template.is_some()
            && set.digest() == rollout.digest()
    };
    let is_new = |set: &Digested<ReplicaSet>| {
        owner(set).is_some_and(|owner| owner.uid == own)
            && snapshot::label(&set.metadata, HASH_LABEL) == Some(hash)
    };
    vec![
        Current::ReplicaSets {
            key: HASH_LABEL,
            hashes: BTreeSet::from([hash.to_owned()]),
            uids: uids(&is_new),
        },
        Current::Twins(uids(&is_twin)),
    ]
}

/// The ReplicaSets of a Deployment.
pub(super) fn owned_replica_sets<'a>(
    deployment: &'a Deployment,
    sets: &'a [Digested<ReplicaSet>],
) -> impl Iterator<Item = &'a Digested<ReplicaSet>> {
    owned_by(snapshot::uid(&deployment.metadata), sets)
}

/// The ReplicaSets of an owner.
pub(super) fn owned_by<'a>(
    uid: &'a str,
    sets: &'a [Digested<ReplicaSet>],
) -> impl Iterator<Item = &'a Digested<ReplicaSet>> {
    sets.iter()
        .filter(move |set| snapshot::controller(&set.metadata).is_some_and(|it| it.uid == uid))
}

/// Those of its ReplicaSets which have its template; the controller uses the first one.
pub(super) fn new_replica_sets<'a>(
    deployment: &'a Digested<Deployment>,
    sets: &'a [Digested<ReplicaSet>],
) -> Vec<&'a Digested<ReplicaSet>> {
    let mut new: Vec<_> = owned_replica_sets(deployment, sets)
        .filter(|set| set.digest() == deployment.digest())
        .collect();
    new.sort_by_key(|set| {
        (
            set.metadata.creation_timestamp.as_ref().map(|time| time.0),
            snapshot::name(&set.metadata),
        )
    });
    new
}

/// The hash of a DaemonSet's newest revision. Its pods carry the hash alone.
pub(super) fn daemon_set_hash<'a>(set: &DaemonSet, snapshot: &'a Snapshot) -> Option<&'a str> {
    let owned = snapshot.controller_revisions.iter().filter(|revision| {
        snapshot::controller(&revision.metadata)
            .is_some_and(|owner| owner.uid == snapshot::uid(&set.metadata))
    });
    let newest = owned.max_by_key(|revision| {
        (
            revision.revision.unwrap_or_default(),
            snapshot::name(&revision.metadata),
        )
    })?;
    let label = snapshot::label(&newest.metadata, CONTROLLER_REVISION_HASH);
    label.or(newest.metadata.name.as_deref())
}
