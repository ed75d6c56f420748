//! What runs now, and what the manifests would change: reads and dry runs only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::{Api, Client};

use super::client::Connection;
use super::error::ClusterError;
use super::family::{self, Source, live_workload};
use super::inventory::{Going, Inventory};
use super::kinds::Kinds;
use super::manifests;
use super::prepare::{Preparing, Removal};
use super::reads;
use super::releases::Releases;
use crate::controller::{Survey, Surveyed, TemplateChange};
use crate::manifest::Bundle;
use crate::spec::crd::{HeldVariable, Planning, ServiceGraph};
use crate::spec::{Code, Graph, ObjectRef, Problem, ServiceName, check_graph};
use crate::upgrade::gate::{About, LiveRevision, Pool, revisions};

/// Surveys the cluster for a release.
///
/// In: who looks (`own` reads tidegate's objects, `preparing.client` everything else), the bundle, and what earlier
/// releases brought.
pub(super) async fn survey(
    own: &Client,
    preparing: &Preparing<'_>,
    inventory: &Inventory,
) -> Result<Survey, ClusterError> {
    let bundle = preparing.bundle;
    let declared = match inventory.declared() {
        // What ran when the last release was done. The object in the cluster is anybody's to change before the pods do.
        Some(declared) => Some(declared),
        None => declared(own, bundle).await?,
    };
    let (changes, mut problems) = preparing.rehearse().await?;
    let going = inventory.going(bundle);
    let objects: Vec<ObjectRef> = going.objects().cloned().collect();
    let Removal {
        present,
        of_others,
        refused,
    } = preparing.rehearse_removal(&objects).await?;
    problems.extend(refused.into_values());
    let gone: Vec<ObjectRef> = objects
        .into_iter()
        .filter(|object| !present.contains(object) && !of_others.contains(object))
        .filter(|object| inventory.is_workload(object))
        .collect();
    let going = going.only(&present);
    let services = match running(preparing, (inventory, &going, &gone), &changes).await {
        Ok((found, left_behind)) => {
            problems.extend(left_behind);
            found
        }
        // An account that may not write may often not read either: that one refusal must not hide all others.
        Err(_) if !problems.is_empty() => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    Ok(Survey {
        now: Timestamp::now(),
        services,
        declared,
        leaving: going.leaving,
        dropped: going.dropped,
        leftover: going.leftover,
        problems,
    })
}

/// What runs of each service, and of those that go away; and what runs of workloads that are gone already.
async fn running(
    preparing: &Preparing<'_>,
    (inventory, going, gone): (&Inventory, &Going, &[ObjectRef]),
    changes: &BTreeMap<ObjectRef, TemplateChange>,
) -> Result<(BTreeMap<ServiceName, Surveyed>, Vec<Problem>), ClusterError> {
    let bundle = preparing.bundle;
    let pool = reads::live(preparing.client, &bundle.namespace, None).await?;
    let source = Source {
        client: preparing.client,
        kinds: preparing.kinds,
    };
    let graph = check_graph(&bundle.graph_name, &bundle.graph).0;
    let variables: BTreeMap<&ServiceName, &str> = graph
        .services
        .iter()
        .filter_map(|(name, service)| Some((name, service.manner.switch.as_deref()?)))
        .collect();
    let mut services = BTreeMap::new();
    for (name, owned) in &bundle.services {
        let workloads = bundle.references(&owned.workloads);
        let change = workloads
            .iter()
            .filter_map(|workload| changes.get(workload))
            .max()
            .copied()
            .unwrap_or_else(|| untried(preparing.planning.moves(name)));
        let images = workloads
            .iter()
            .filter_map(|workload| bundle.manifest(workload))
            .flat_map(manifests::images);
        let to = images.collect::<Vec<_>>().join(", ");
        let mut live = live_revisions(source, &pool, &workloads).await?;
        if let Some(dropped) = going.dropped.get(name) {
            let revisions = live_revisions(source, &pool, dropped).await?;
            // Current for a workload that is to be gone is old for its service.
            live.extend(revisions.into_iter().map(|revision| LiveRevision {
                is_current: false,
                ..revision
            }));
        }
        let switched = values_that_run(source, &workloads, variables.get(name)).await?;
        let surveyed = Surveyed {
            live,
            change,
            to,
            switched,
        };
        services.insert(name.clone(), surveyed);
    }
    for (name, objects) in &going.leaving {
        let workloads: Vec<ObjectRef> = objects
            .iter()
            .filter(|object| inventory.is_workload(object))
            .cloned()
            .collect();
        let live = live_revisions(source, &pool, &workloads).await?;
        let surveyed = Surveyed {
            live,
            change: TemplateChange::Same,
            to: String::new(),
            switched: Vec::new(),
        };
        services.insert(name.clone(), surveyed);
    }
    let left_behind = gone.iter().filter_map(|workload| {
        let pods = pool.left_behind(workload, &inventory.selector(workload)?);
        (!pods.is_empty()).then(|| still_running(workload, &pods))
    });
    Ok((services, left_behind.collect()))
}

/// Nothing that a release does to an object would end them, and no gate would look at them.
fn still_running(workload: &ObjectRef, pods: &[String]) -> Problem {
    Problem::error(
        Code::PodsLeftBehind,
        workload.to_string(),
        format!("is deleted, and pods of it still run: {}", pods.join(", ")),
    )
    .hint("wait until they have ended, or delete them; then run again")
}

/// Surveys the cluster for a release that does not exist yet.
///
/// In: the way to the cluster, the frozen input, what of it is asked for, and the plan's name. Out: what runs and what would change. Writes
/// nothing.
pub async fn survey_only(
    connection: &Connection,
    (bundle, planning): (&Bundle, &Planning),
    plan: &str,
) -> Result<Survey, ClusterError> {
    let own = connection.client();
    let account = bundle.plan.service_account_name.as_deref();
    let acting = connection.acting_as(&bundle.namespace, account)?;
    let kinds = Kinds::discover(acting.clone()).await?;
    let releases = Releases::new(own.clone(), &bundle.namespace);
    let inventory = Inventory::read(&releases, plan).await?;
    let preparing = Preparing {
        releases: &releases,
        client: &acting,
        kinds: &kinds,
        bundle,
        plan,
        planning,
    };
    survey(&own, &preparing, &inventory).await
}

/// What the manifests of a service would do of which no workload was tried.
fn untried(is_asked: bool) -> TemplateChange {
    if is_asked {
        TemplateChange::Same
    } else {
        // What the files declare of it says nothing of what runs.
        TemplateChange::Changes
    }
}

/// The plain values that a service's switch has in what runs.
async fn values_that_run(
    source: Source<'_>,
    workloads: &[ObjectRef],
    switch: Option<&&str>,
) -> Result<Vec<HeldVariable>, ClusterError> {
    let Some(switch) = switch else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for workload in workloads {
        let Some(live) = live_workload(source, workload).await? else {
            continue;
        };
        let template = live.template();
        let pod = template.spec.as_ref();
        for container in pod.into_iter().flat_map(|pod| &pod.containers) {
            let mut env = container.env.iter().flatten();
            let set = env.find(|variable| variable.name == *switch);
            if let Some(value) = set.and_then(|variable| variable.value.clone()) {
                found.push(HeldVariable {
                    workload: workload.clone(),
                    container: container.name.clone(),
                    name: (*switch).to_owned(),
                    value,
                });
            }
        }
    }
    Ok(found)
}

async fn live_revisions(
    source: Source<'_>,
    pool: &Pool,
    workloads: &[ObjectRef],
) -> Result<Vec<LiveRevision>, ClusterError> {
    let recorded = BTreeSet::new();
    let mut live = Vec::new();
    for workload in workloads {
        let about = About {
            workload,
            siblings: workloads,
            recorded: &recorded,
            before: None,
            routers: &[],
            services: &[],
        };
        let found = family::live(source, workload).await?;
        if found.workload.is_some() {
            live.extend(revisions(&pool.snapshot(&about, found, Timestamp::now())));
        }
    }
    Ok(live)
}

/// The graph in the cluster, which somebody wrote who takes tidegate up for what runs already.
async fn declared(own: &Client, bundle: &Bundle) -> Result<Option<Graph>, ClusterError> {
    let graphs: Api<ServiceGraph> = Api::namespaced(own.clone(), &bundle.namespace);
    match graphs.get_opt(&bundle.graph_name).await {
        Ok(found) => Ok(found.map(|graph| check_graph(&bundle.graph_name, &graph.spec).0)),
        Err(error) => {
            let error = ClusterError::of(error, "the ServiceGraph");
            // Before the first release our kinds need not be there.
            if error.is_absent() {
                Ok(None)
            } else {
                Err(error)
            }
        }
    }
}
