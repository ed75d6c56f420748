//! What a turn wants to see: snapshots of steps, live or from the caches, and the objects that may be written next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::error::ClusterError;
use super::family::{self, Source};
use super::prepare::Preparing;
use super::reads::{self, read_live};
use super::world::{ClusterWorld, world_error};
use crate::controller::WorldError;
use crate::spec::ObjectRef;
use crate::spec::crd::HeldVariable;
use crate::upgrade::gate::{About, Baseline, DrainLevel, Snapshot, is_router};
use crate::upgrade::{Agenda, Prepared, ServiceState, State, StepId};

impl ClusterWorld {
    /// A look at the objects that may be written next.
    pub(super) async fn prepared(
        &mut self,
        objects: BTreeSet<ObjectRef>,
        held: &[HeldVariable],
    ) -> Result<BTreeMap<ObjectRef, Prepared>, WorldError> {
        for object in &objects {
            // A kind whose CRD comes with the same release is not known before that is applied.
            match self.kinds.learn(&self.acting, object).await {
                Ok(()) | Err(ClusterError::KindMissing(_)) => {}
                Err(error) => return Err(world_error(&error)),
            }
        }
        let (known, unknown): (BTreeSet<_>, BTreeSet<_>) = objects
            .into_iter()
            .partition(|object| self.kinds.namespaced(object).is_some());
        let looked = self.preparing().look(&known, held).await;
        let mut prepared = looked.map_err(|error| world_error(&error))?;
        // What has no kind does not exist; without a word on it, nothing that goes along with it would ever start.
        let absent = unknown
            .into_iter()
            .map(|object| (object, Prepared::absent()));
        prepared.extend(absent);
        Ok(prepared)
    }

    /// Who looks.
    pub(super) fn preparing(&self) -> Preparing<'_> {
        Preparing {
            releases: &self.releases,
            client: &self.acting,
            kinds: &self.kinds,
            bundle: &self.bundle,
            plan: &self.release.spec.plan,
            planning: &self.release.spec.planning,
        }
    }

    /// Snapshots of steps, live or from the caches.
    pub(super) async fn snapshots(
        &mut self,
        agenda: &Agenda,
        state: &State,
        (live, cached): (&BTreeSet<StepId>, &BTreeSet<StepId>),
    ) -> Result<BTreeMap<StepId, Vec<(ObjectRef, Snapshot)>>, WorldError> {
        let (acting, namespace) = (self.acting.clone(), self.namespace.clone());
        let kinds = self.kinds.clone();
        let routers = self.routers();
        let source = Source {
            client: &acting,
            kinds: &kinds,
        };
        let known = self.caches().await?;
        let mut snapshots: BTreeMap<StepId, Vec<(ObjectRef, Snapshot)>> = BTreeMap::new();
        let live_targets = Targets::of(agenda, state, live, &routers);
        if !live.is_empty() {
            let abouts = live_targets.abouts();
            let read = read_live(source, &namespace, known, &abouts)
                .await
                .map_err(|error| world_error(&error))?;
            for (target, snapshot) in live_targets.list.iter().zip(read) {
                let of_service = snapshots.entry(target.service.clone()).or_default();
                of_service.push((target.workload.clone(), snapshot));
            }
        }
        let cached_targets = Targets::of(agenda, state, cached, &routers);
        let pool = reads::cached(known);
        let now = Timestamp::now();
        for (target, about) in cached_targets.list.iter().zip(cached_targets.abouts()) {
            let family = family::cached(source, known, (&target.workload, target.routers))
                .await
                .map_err(|error| world_error(&error))?;
            let of_service = snapshots.entry(target.service.clone()).or_default();
            of_service.push((target.workload.clone(), pool.snapshot(&about, family, now)));
        }
        Ok(snapshots)
    }
}

impl ClusterWorld {
    /// What of the release sends calls to Services by rules.
    fn routers(&self) -> Vec<ObjectRef> {
        let objects = self.bundle.objects.iter().map(|entry| &entry.reference);
        objects
            .filter(|object| is_router(object))
            .cloned()
            .collect()
    }
}

/// The workloads of some services, with what their snapshots need.
struct Targets<'a> {
    list: Vec<Target<'a>>,
}

struct Target<'a> {
    service: StepId,
    workload: ObjectRef,
    siblings: Vec<ObjectRef>,
    recorded: BTreeSet<String>,
    before: Option<&'a Baseline>,
    routers: &'a [ObjectRef],
    services: Vec<String>,
}

impl<'a> Targets<'a> {
    fn of(
        agenda: &Agenda,
        state: &'a State,
        services: &BTreeSet<StepId>,
        routers: &'a [ObjectRef],
    ) -> Self {
        let mut list = Vec::new();
        for name in services {
            let Some(member) = agenda.members.get(name) else {
                continue;
            };
            let service = state.services.get(name);
            let recorded = service.map(recorded_pods).unwrap_or_default();
            // Where nobody asks for old pods, nobody asks where calls lead.
            let routers = match member.belongings.drain {
                DrainLevel::Pods | DrainLevel::Endpoints => routers,
                DrainLevel::None => &[],
            };
            list.extend(member.judged().map(|workload| {
                Target {
                    service: name.clone(),
                    workload: workload.clone(),
                    siblings: member
                        .judged()
                        .filter(|other| *other != workload)
                        .cloned()
                        .collect(),
                    recorded: recorded.clone(),
                    before: service
                        .and_then(|service| service.records.get(workload)?.baseline.as_ref()),
                    routers,
                    services: service_names(&member.belongings.objects),
                }
            }));
        }
        Self { list }
    }

    fn abouts(&self) -> Vec<About<'_>> {
        self.list
            .iter()
            .map(|target| About {
                workload: &target.workload,
                siblings: &target.siblings,
                recorded: &target.recorded,
                before: target.before,
                routers: target.routers,
                services: &target.services,
            })
            .collect()
    }
}

/// The names of the Services among some objects.
fn service_names(objects: &[ObjectRef]) -> Vec<String> {
    let services = objects
        .iter()
        .filter(|it| it.api_version == "v1" && it.kind == "Service");
    services.map(|service| service.name.clone()).collect()
}

fn recorded_pods(service: &ServiceState) -> BTreeSet<String> {
    service
        .records
        .values()
        .filter_map(|record| record.baseline.as_ref())
        .flat_map(|baseline| baseline.pods.iter().map(|pod| pod.uid.clone()))
        .collect()
}
