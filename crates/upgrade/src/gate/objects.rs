//! Objects as the API server writes them, sorted for judging without a cluster.
//!
//! In: objects of any kind. Out: the workloads among them, and for each a [`Snapshot`] of its namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::assessment::Assessment;
use super::baseline::{Applied, Baseline, is_in_front_of};
use super::digested::{Digested, Templated};
use super::fault::{Fault, typed};
use super::memory::Memory;
use super::policy::Policy;
use super::record::Recorded;
use super::routers::is_router;
use super::snapshot::{self, Read, Snapshot, Unreadable};
use super::workload::Workload;
use super::{assess, assess_removed, kin};
use tidegate_spec::{Identity, ObjectRef};

/// What can matter to a gate, of all namespaces.
#[derive(Debug, Default)]
pub struct Objects {
    /// Those that have a gate of their own.
    workloads: Vec<Workload>,
    /// Those that others own, as a Canary owns its primary.
    owned: Vec<Workload>,
    jobs: Vec<Digested<Job>>,
    replica_sets: Vec<Digested<ReplicaSet>>,
    controller_revisions: Vec<ControllerRevision>,
    pods: Vec<Pod>,
    services: Vec<Service>,
    endpoint_slices: Vec<EndpointSlice>,
    events: Vec<Event>,
    nodes: Vec<Node>,
    unreadable: Vec<Unreadable>,
}

impl Objects {
    /// Takes one object in; `false` if no gate looks at its kind.
    ///
    /// Error: a field is not as its kind says. It is taken in all the same: nobody knows how far it is, nor how far
    /// that is of which it would tell.
    pub fn take(&mut self, object: &Value) -> Result<bool, Fault> {
        let read = self.read(object);
        if let Err(fault) = &read {
            self.take_unreadable(object, fault);
        }
        read
    }

    fn take_unreadable(&mut self, object: &Value, fault: &Fault) {
        let plain = Workload::unreadable(object, fault);
        let reference = plain.reference();
        let metadata = plain.metadata().clone();
        match (reference.group(), reference.kind.as_str()) {
            // Only a hint.
            ("", "Event") => {}
            // It is there, and nobody can say that it is ready.
            ("", "Node") => self.nodes.push(Node {
                metadata,
                ..Node::default()
            }),
            (group, kind) => {
                let is_evidence = matches!(
                    (group, kind),
                    ("apps", "ReplicaSet" | "ControllerRevision")
                        | ("batch", "Job")
                        | ("", "Pod" | "Service")
                        | ("discovery.k8s.io", "EndpointSlice")
                );
                if is_evidence {
                    self.unreadable.push(Unreadable {
                        object: reference,
                        metadata,
                        fault: fault.to_string(),
                    });
                }
                self.workloads.push(plain);
            }
        }
    }

    fn read(&mut self, object: &Value) -> Result<bool, Fault> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_seen = match (text("apiVersion"), text("kind")) {
            ("apps/v1", "ReplicaSet") => push_digested(&mut self.replica_sets, object),
            ("apps/v1", "ControllerRevision") => push(&mut self.controller_revisions, object),
            ("batch/v1", "Job") => push_digested(&mut self.jobs, object),
            ("v1", "Pod") => push(&mut self.pods, object),
            ("v1", "Service") => push(&mut self.services, object),
            ("discovery.k8s.io/v1", "EndpointSlice") => push(&mut self.endpoint_slices, object),
            ("v1", "Event") => push(&mut self.events, object),
            ("events.k8s.io/v1", "Event") => push(&mut self.events, &of_core(object)),
            ("v1", "Node") => push(&mut self.nodes, object),
            _ => Ok(false),
        }?;
        let Some(workload) = Workload::from_object(object.clone())? else {
            return Ok(is_seen);
        };
        // A ReplicaSet, a Job, a pod or what has no pods is judged with what owns it; all else has a gate of its own,
        // whoever made it.
        let is_left_to_owner = matches!(
            workload,
            Workload::ReplicaSet(_) | Workload::Job(_) | Workload::Pod(_) | Workload::Plain(_)
        );
        if !is_left_to_owner || snapshot::controller(workload.metadata()).is_none() {
            self.workloads.push(workload);
        } else {
            self.owned.push(workload);
        }
        Ok(true)
    }

    /// What would be recorded of every workload before an apply, were these the objects then.
    pub fn as_before(&self, now: Timestamp) -> Vec<Recorded> {
        let known = self.workloads.iter().map(|live| (live, live.reference()));
        known
            .map(|(live, object)| {
                let snapshot = self.snapshot_of(Some(live), &object, now);
                let baseline = Baseline::capture(&object, &snapshot);
                Recorded {
                    memory: last_look(live, &baseline, &snapshot),
                    baseline: Some(baseline),
                    applied: None,
                    object,
                }
            })
            .collect()
    }

    /// The workloads that have a gate of their own, in the order in which they were taken in.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    /// Those whose pods belong to another one that is there: a Canary's target, the Deployment that a Rollout takes its
    /// template from.
    fn parts(&self) -> BTreeSet<Identity> {
        let with_pods: BTreeSet<Identity> = self
            .workloads
            .iter()
            .filter(|object| object.has_pods())
            .map(|object| object.reference().identity())
            .collect();
        let kin = self.workloads.iter().flat_map(kin::references);
        let kin = kin.map(|wanted| wanted.identity());
        kin.filter(|kin| with_pods.contains(kin)).collect()
    }

    /// The Services in front of pods, which are judged with those.
    fn fronts(&self) -> BTreeSet<Identity> {
        let mut fronts = BTreeSet::new();
        let called: Vec<(&Workload, Vec<Workload>)> = self
            .workloads
            .iter()
            .filter(|object| object.has_pods())
            .map(|object| (object, self.others(Some(object))))
            .collect();
        for service in &self.services {
            let balances = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
            // A load balancer has an address to wait for.
            let is_front = balances != Some("LoadBalancer")
                && called
                    .iter()
                    .any(|(workload, others)| is_in_front_of(service, workload, others));
            if is_front {
                let metadata = &service.metadata;
                fronts.insert((
                    String::new(),
                    "Service".to_owned(),
                    metadata.namespace.clone().unwrap_or_default(),
                    metadata.name.clone().unwrap_or_default(),
                ));
            }
        }
        fronts
    }

    /// What a workload refers to.
    fn others(&self, workload: Option<&Workload>) -> Vec<Workload> {
        let Some(workload) = workload else {
            return Vec::new();
        };
        let wanted = kin::references(workload);
        let is_claim = workload.reference().kind == "PersistentVolumeClaim";
        if wanted.is_empty() && !is_claim {
            return Vec::new();
        }
        let is_wanted = |other: &&Workload| {
            let reference = other.reference();
            // A claim that names no class has the default one.
            let is_class =
                reference.group() == "storage.k8s.io" && reference.kind == "StorageClass";
            is_class
                || wanted
                    .iter()
                    .any(|wanted| wanted.identity() == reference.identity())
        };
        self.workloads
            .iter()
            .chain(&self.owned)
            .filter(is_wanted)
            .cloned()
            .collect()
    }

    /// What sends calls to Services by rules, of all namespaces: a rule may be about another one.
    fn routers(&self) -> impl Iterator<Item = Workload> {
        let all = self.workloads.iter().chain(&self.owned);
        all.filter(|object| is_router(&object.reference())).cloned()
    }

    /// Everything about one workload, as of a moment.
    pub fn snapshot(&self, workload: &ObjectRef, now: Timestamp) -> Snapshot {
        let mut all = self.workloads.iter();
        self.snapshot_of(
            all.find(|known| known.reference() == *workload),
            workload,
            now,
        )
    }

    fn snapshot_of(
        &self,
        live: Option<&Workload>,
        workload: &ObjectRef,
        now: Timestamp,
    ) -> Snapshot {
        // What has no pods needs none to be looked through.
        let has_pods =
            live.is_none_or(|live| live.has_pods() || snapshot::owns(live.metadata(), &self.pods));
        // What leaves its namespace out may be of any.
        let is_here = |metadata: &ObjectMeta| {
            let namespace = metadata.namespace.as_deref().unwrap_or_default();
            has_pods && (namespace.is_empty() || namespace == workload.namespace)
        };
        Snapshot {
            now,
            read: Read::File,
            others: self
                .others(live)
                .into_iter()
                .chain(self.routers())
                .collect(),
            workload: live.cloned(),
            jobs: pick(&self.jobs, |object| is_here(&object.metadata)),
            replica_sets: pick(&self.replica_sets, |object| is_here(&object.metadata)),
            controller_revisions: pick(&self.controller_revisions, |object| {
                is_here(&object.metadata)
            }),
            pods: pick(&self.pods, |object| is_here(&object.metadata)),
            services: pick(&self.services, |object| is_here(&object.metadata)),
            endpoint_slices: pick(&self.endpoint_slices, |object| is_here(&object.metadata)),
            events: pick(&self.events, |object| {
                object.metadata.namespace.as_deref().unwrap_or_default() == workload.namespace
            }),
            departed: None,
            unreadable: if has_pods {
                let here = |object: &&Unreadable| object.object.namespace == workload.namespace;
                self.unreadable.iter().filter(here).cloned().collect()
            } else {
                Vec::new()
            },
            // No node at all was hardly meant to say that every node is gone.
            nodes: (!self.nodes.is_empty()).then(|| Arc::from(self.nodes.clone())),
            siblings: Vec::new(),
        }
    }
}

/// How an object stands in a list of verdicts: what has pods first, what does nothing by itself last.
fn place(object: &Workload) -> u8 {
    match object {
        Workload::Plain(object) if object.is_inert() => 2,
        Workload::Plain(_) => 1,
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_) => 0,
    }
}

/// What has become of an object that was recorded before an apply, has no record of one, and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It was to be removed.
    Removed,
    /// Somebody has deleted it, or it is missing in what was given.
    Deleted,
}

/// Judges every object that has a gate of its own, and every one that was recorded and is not there.
pub fn judge_all(
    objects: &Objects,
    (recorded, absent): (&[Recorded], Absent),
    policy: &Policy,
    now: Timestamp,
) -> Vec<Assessment> {
    // Of several records of one object the last is the newest.
    let records: BTreeMap<Identity, &Recorded> = recorded
        .iter()
        .map(|record| (record.object.identity(), record))
        .collect();
    let (parts, fronts) = (objects.parts(), objects.fronts());
    let mut here: Vec<(ObjectRef, Option<&Workload>)> = Vec::new();
    let mut present = BTreeSet::new();
    let mut judged: Vec<&Workload> = objects.workloads().collect();
    judged.sort_by_key(|object| place(object));
    for live in judged {
        let reference = live.reference();
        let name = reference.identity();
        if records.contains_key(&name) || !(parts.contains(&name) || fronts.contains(&name)) {
            here.push((reference, Some(live)));
        }
        present.insert(name);
    }
    let gone = recorded
        .iter()
        .filter(|record| present.insert(record.object.identity()));
    here.extend(gone.map(|record| (record.object.clone(), None)));
    here.iter()
        .filter_map(|(workload, live)| {
            let record = records.get(&workload.identity());
            let baseline = record
                .and_then(|record| record.baseline.clone())
                .unwrap_or_else(|| Baseline::absent(workload.clone()));
            let kin = live.map(kin::references).unwrap_or_default();
            let with_it = kin.iter().filter_map(|part| records.get(&part.identity()));
            let baseline =
                baseline.with_pods_of(with_it.filter_map(|record| record.baseline.as_ref()));
            let applied = record
                .and_then(|record| record.applied.clone())
                .map(|applied| completed(applied, *live))
                .or_else(|| {
                    let is_removed = |live: &&Workload| {
                        let is_going = live.metadata().deletion_timestamp.is_some();
                        record.is_some() && absent == Absent::Removed && is_going
                    };
                    let live = live.filter(|live| !is_removed(live));
                    live.map(|live| as_it_stands(live, &baseline))
                })
                .or_else(|| (absent == Absent::Deleted).then(|| as_it_was(&baseline)));
            let snapshot = objects.snapshot_of(*live, workload, now);
            let last = record.filter(|_| live.is_none());
            let memory = last.and_then(|record| record.memory.clone());
            let memory = memory.unwrap_or_default();
            let assessment = match applied {
                Some(applied) => assess(&baseline, &applied, &snapshot, policy, &memory).0,
                None => assess_removed(&baseline, &snapshot, policy, &memory).0,
            };
            // Of a part that is what was applied, what it is a part of says how far it is.
            let is_judged_with_another = parts.contains(&workload.identity());
            (!is_judged_with_another || !assessment.is_of_the_applied()).then_some(assessment)
        })
        .collect()
}

/// What a look at a Job has to remember that is taken away when it has ended for a while (J6).
fn last_look(live: &Workload, before: &Baseline, snapshot: &Snapshot) -> Option<Memory> {
    let Workload::Job(job) = live else {
        return None;
    };
    let ttl = job.spec.as_ref()?.ttl_seconds_after_finished;
    let (applied, policy) = (as_it_was(before), Policy::default());
    ttl.map(|_| assess(before, &applied, snapshot, &policy, &Memory::default()).1)
}

/// An object that was there before and counts as applied just as it was.
fn as_it_was(before: &Baseline) -> Applied {
    Applied {
        workload: before.workload.clone(),
        uid: before.uid.clone().unwrap_or_default(),
        generation: before.generation,
        resource_version: String::new(),
        template_digest: before.template_digest.clone().unwrap_or_default(),
        changed: false,
    }
}

/// A record that leaves out what the object says itself.
fn completed(mut applied: Applied, live: Option<&Workload>) -> Applied {
    if let Some(live) = live {
        if applied.uid.is_empty() {
            snapshot::uid(live.metadata()).clone_into(&mut applied.uid);
        }
        if applied.template_digest.is_empty() {
            applied.template_digest = live.digest();
        }
    }
    applied
}

/// An object that counts as applied just as it is. When that was nobody knows: every event may be newer.
fn as_it_stands(live: &Workload, before: &Baseline) -> Applied {
    let is_known = before.uid.is_some() && before.uid == live.metadata().uid;
    Applied {
        resource_version: String::new(),
        changed: !is_known || before.generation != snapshot::generation(live.metadata()),
        ..Applied::from_response(live, None)
    }
}

/// An event of the newer group as the older one writes it.
fn of_core(event: &Value) -> Value {
    let names = [
        ("regarding", "involvedObject"),
        ("note", "message"),
        ("deprecatedCount", "count"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
    ];
    let mut fields = event.as_object().cloned().unwrap_or_default();
    for (newer, older) in names {
        if let Some(field) = fields.shift_remove(newer) {
            fields.insert(older.to_owned(), field);
        }
    }
    fields.insert("apiVersion".to_owned(), Value::from("v1"));
    Value::Object(fields)
}

fn push<K: DeserializeOwned>(list: &mut Vec<K>, object: &Value) -> Result<bool, Fault> {
    list.push(typed(object.clone())?);
    Ok(true)
}

fn push_digested<K: Templated + DeserializeOwned>(
    list: &mut Vec<Digested<K>>,
    object: &Value,
) -> Result<bool, Fault> {
    list.push(Digested::of(object)?);
    Ok(true)
}

fn pick<K: Clone>(objects: &[K], wanted: impl Fn(&K) -> bool) -> Vec<K> {
    objects
        .iter()
        .filter(|object| wanted(object))
        .cloned()
        .collect()
}
