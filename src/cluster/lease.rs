//! One process per release: a Lease beside it. It keeps two processes from doing the same work; what keeps them
//! from doing harm are the preconditions of every write.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::ClusterError;
use super::holder;
use super::write::FIELD_MANAGER;

/// How long a process that says nothing is believed to be alive.
pub const LEASE_S: u64 = 10;
/// How long before that it says something.
const GRACE_S: u64 = 4;

/// A release's lease, held or waited for.
pub struct ReleaseLease {
    held: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl ReleaseLease {
    /// Asks for the lease of a release; whether it is held is told by [`ReleaseLease::held`].
    pub async fn ask(
        client: Client,
        namespace: &str,
        release: &str,
        identity: &str,
    ) -> Result<Self, ClusterError> {
        let name = format!("tidegate-{release}");
        free_of_the_dead(&Api::namespaced(client.clone(), namespace), &name)
            .await
            .map_err(|error| ClusterError::of(error, format!("lease `{name}`")))?;
        let manager = LeaseManagerBuilder::new(client, name)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(LEASE_S)
            .with_grace(GRACE_S)
            // Its own, for what keeps two processes from taking a free lease at once is the conflict of two managers.
            .with_field_manager(format!("{FIELD_MANAGER}-{identity}"))
            .build()
            .await
            .map_err(|error| refused(error, release))?;
        let (held, task) = manager.watch().await;
        Ok(Self { held, task })
    }

    /// Whether it is held now, and when that changes.
    pub fn held(&self) -> watch::Receiver<bool> {
        self.held.clone()
    }

    /// Waits until it is held, at most so long.
    pub async fn wait(&mut self, at_most: Duration) -> bool {
        let held = self.held.wait_for(|held| *held);
        matches!(tokio::time::timeout(at_most, held).await, Ok(Ok(_)))
    }

    /// Deletes the lease of a release that has ended. One that stays does no harm.
    pub async fn remove(client: Client, namespace: &str, release: &str) {
        let leases: Api<Lease> = Api::namespaced(client, namespace);
        let name = format!("tidegate-{release}");
        if let Err(error) = leases.delete(&name, &DeleteParams::default()).await {
            tracing::debug!(%error, "the lease `{name}` stays");
        }
    }

    /// Gives it back, so that the next one need not wait.
    pub async fn give_back(self) {
        let Self { held, task } = self;
        drop(held);
        let pause = Duration::from_secs(2);
        if let Ok(Ok(Ok(manager))) = tokio::time::timeout(pause, task).await {
            // If it cannot be given back, it runs out by itself.
            manager.release().await.unwrap_or_default();
        }
    }
}

/// Frees a lease that is held by a process beside this one that was killed, so that the next one need not wait until
/// it runs out.
async fn free_of_the_dead(leases: &Api<Lease>, name: &str) -> kube::Result<()> {
    let Some(lease) = leases.get_opt(name).await? else {
        return Ok(());
    };
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    if !holder.is_some_and(|holder| holder::is_gone(&holder)) {
        return Ok(());
    }
    let patch = json!({
        "metadata": {"resourceVersion": lease.metadata.resource_version},
        "spec": {"holderIdentity": null, "acquireTime": null, "renewTime": null, "leaseDurationSeconds": null},
    });
    match leases
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
    {
        // Another one came first; the lease tells who has it now.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => other.map(|_| ()),
    }
}

fn refused(error: LeaseManagerError, release: &str) -> ClusterError {
    let what = format!("the lease of release `{release}`");
    if let LeaseManagerError::KubeError(error) = error {
        return ClusterError::of(error, what);
    }
    ClusterError::Refused {
        what,
        message: error.to_string(),
    }
}
