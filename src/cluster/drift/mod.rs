//! Looks after systems at rest: what somebody else changes of what a plan released is told, and put back where the plan
//! says so.
//!
//! In: plans and releases, and the objects that the releases brought, by watches of their metadata. Out: the plan's
//! condition `Drifted`, Events, and Releases that put things back. What is done is decided in [`crate::drift`]. While
//! nobody else writes, nothing is asked of the API server.

mod guard;
mod healing;
mod look;
mod seen;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::select;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::Event as Watched;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use tokio::task::{AbortHandle, JoinSet};

use super::client::Connection;
use crate::drift::{DriftEvent, Resting, resting};
use crate::spec::crd::{DriftPolicy, Release, ReleasePlan};
use guard::Guard;

/// Whoever wants to hear what happens to systems at rest.
pub trait DriftListener: Send + Sync {
    /// Hears of an event about a plan.
    fn hear(&self, plan: &ReleasePlan, event: &DriftEvent);
}

/// Namespace and name of a plan.
type Key = (String, String);

/// Looks after the systems of a namespace, or of all, for ever.
pub async fn keep_drift(
    connection: Connection,
    namespace: Option<&str>,
    listeners: Vec<Arc<dyn DriftListener>>,
) {
    let (plans, plan_writer) = reflector::store::<ReleasePlan>();
    let (releases, release_writer) = reflector::store::<Release>();
    let of_plans = watcher(api(&connection, namespace), watcher::Config::default())
        .default_backoff()
        .modify(|plan: &mut ReleasePlan| plan.managed_fields_mut().clear())
        .reflect(plan_writer)
        .map(|next| touched(next, ResourceExt::name_any));
    let of_releases = watcher(api(&connection, namespace), watcher::Config::default())
        .default_backoff()
        .modify(bare)
        .reflect(release_writer)
        .map(|next| touched(next, |release| release.spec.plan.clone()));
    let mut touched = std::pin::pin!(select(of_plans, of_releases));
    let mut keeper = Keeper {
        connection,
        listeners,
        plans,
        releases,
        guards: BTreeMap::new(),
        tasks: JoinSet::new(),
    };
    let mut listed = 0;
    while let Some(next) = touched.next().await {
        match next {
            Touched::All => {
                listed += 1;
                // Both lists have to be there: plans without their releases look like plans at rest.
                if listed >= 2 {
                    keeper.consider_all();
                }
            }
            Touched::One(key) if listed >= 2 => keeper.consider(&key),
            Touched::One(_) | Touched::Nothing => {}
        }
    }
}

fn api<K>(connection: &Connection, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(connection.client(), namespace),
        None => Api::all(connection.client()),
    }
}

/// What nobody here reads is not kept.
fn bare(release: &mut Release) {
    release.managed_fields_mut().clear();
    if let Some(status) = &mut release.status {
        status.waves.clear();
    }
}

/// Which plan an event is about.
enum Touched {
    Nothing,
    One(Key),
    All,
}

fn touched<K: Resource>(
    next: Result<Watched<K>, watcher::Error>,
    plan: impl Fn(&K) -> String,
) -> Touched {
    match next {
        Ok(Watched::Apply(object) | Watched::Delete(object)) => {
            let namespace = object.meta().namespace.clone();
            Touched::One((namespace.unwrap_or_default(), plan(&object)))
        }
        Ok(Watched::InitDone) => Touched::All,
        Ok(Watched::Init | Watched::InitApply(_)) => Touched::Nothing,
        Err(error) => {
            tracing::debug!(%error, "a watch was cut; taking it up again");
            Touched::Nothing
        }
    }
}

/// What a guard was started for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reason {
    uid: Option<String>,
    policy: DriftPolicy,
    is_suspended: bool,
    account: Option<String>,
    resting: Resting,
}

struct Keeper {
    connection: Connection,
    listeners: Vec<Arc<dyn DriftListener>>,
    plans: Store<ReleasePlan>,
    releases: Store<Release>,
    guards: BTreeMap<Key, (Reason, AbortHandle)>,
    tasks: JoinSet<()>,
}

impl Keeper {
    fn consider_all(&mut self) {
        let known = self.plans.state();
        let known = known.iter();
        let mut keys: Vec<Key> = known
            .map(|plan| (plan.namespace().unwrap_or_default(), plan.name_any()))
            .collect();
        keys.extend(self.guards.keys().cloned());
        for key in &keys {
            self.consider(key);
        }
    }

    /// Starts, leaves or ends the guard of a plan.
    fn consider(&mut self, key: &Key) {
        while self.tasks.try_join_next().is_some() {}
        let wanted = self.wanted(key);
        let known = self.guards.get(key).map(|(reason, _)| reason);
        if known == wanted.as_ref().map(|(reason, _)| reason) {
            return;
        }
        if let Some((_, task)) = self.guards.remove(key) {
            task.abort();
        }
        if let Some((reason, plan)) = wanted {
            let guard = Guard::new(
                self.connection.clone(),
                &plan,
                reason.resting.clone(),
                self.listeners.clone(),
            );
            let task = self.tasks.spawn(guard.keep());
            self.guards.insert(key.clone(), (reason, task));
        }
    }

    /// What a guard of a plan would be for; `None`: it is not there, or not at rest.
    fn wanted(&self, key: &Key) -> Option<(Reason, Arc<ReleasePlan>)> {
        let (namespace, name) = key;
        let plan = self
            .plans
            .get(&reflector::ObjectRef::new(name).within(namespace))?;
        let is_of_plan = |release: &&Arc<Release>| {
            release.spec.plan == *name && release.namespace().as_deref() == Some(namespace)
        };
        let all = self.releases.state();
        let of_plan = all.iter().filter(is_of_plan);
        let mut of_plan: Vec<Release> = of_plan.map(|release| (**release).clone()).collect();
        of_plan.sort_by_key(|release| release.spec.number);
        let reason = Reason {
            uid: plan.uid(),
            policy: plan.spec.drift,
            is_suspended: plan.spec.suspend,
            account: plan.spec.service_account_name.clone(),
            resting: resting(&of_plan)?,
        };
        Some((reason, plan))
    }
}
