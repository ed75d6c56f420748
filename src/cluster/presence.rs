//! What runs of one service now, for whoever waits for it: live reads with the caller's own rights.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::client::Connection;
use super::error::ClusterError;
use super::family::{self, Source};
use super::kinds::Kinds;
use super::reads;
use crate::spec::crd::ServiceGraph;
use crate::spec::{Interface, ObjectRef, ServiceName, check_graph};
use crate::upgrade::gate::{About, Snapshot};

/// What was found of a service.
#[derive(Debug)]
pub struct Presence {
    /// What a graph in the namespace declares of it, if one has it.
    pub declared: Option<Interface>,
    /// Its workloads, those of the graph or the Deployment of its name, with what was read of each.
    pub looks: Vec<(ObjectRef, Snapshot)>,
}

/// Reads what runs of a service in the connection's namespace.
pub async fn presence(
    connection: &Connection,
    service: &ServiceName,
) -> Result<Presence, ClusterError> {
    let client = connection.client();
    let namespace = connection.namespace();
    let graphs: Api<ServiceGraph> = Api::namespaced(client.clone(), namespace);
    let graphs = graphs
        .list(&ListParams::default())
        .await
        .map_err(|error| ClusterError::of(error, "the ServiceGraphs"))?;
    let mut declared = graphs.items.iter().filter_map(|graph| {
        let (mut checked, _) = check_graph(&graph.name_any(), &graph.spec);
        checked.services.remove(service)
    });
    let declared = declared.next();
    let mut workloads = declared
        .as_ref()
        .map(|declared| declared.workloads.clone())
        .unwrap_or_default();
    if workloads.is_empty() {
        workloads.push(ObjectRef::deployment_of(service));
    }
    for workload in &mut workloads {
        namespace.clone_into(&mut workload.namespace);
    }
    let kinds = Kinds::discover(client.clone()).await?;
    let source = Source {
        client: &client,
        kinds: &kinds,
    };
    // What owns is read before what is owned, so that no pod is missed that comes in between.
    let mut families = Vec::new();
    for workload in &workloads {
        families.push(family::live(source, workload).await?);
    }
    let pool = reads::live(&client, namespace, None).await?;
    let recorded = BTreeSet::new();
    let mut looks = Vec::new();
    for (workload, family) in workloads.iter().zip(families) {
        let about = About {
            workload,
            siblings: &workloads,
            recorded: &recorded,
            before: None,
            routers: &[],
            services: &[],
        };
        let look = pool.snapshot(&about, family, Timestamp::now());
        looks.push((workload.clone(), look));
    }
    Ok(Presence {
        declared: declared.map(|declared| declared.interface),
        looks,
    })
}
