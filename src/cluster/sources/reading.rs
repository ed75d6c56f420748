//! Reads the source of a plan, as the plan's account and into a folder of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};

use crate::cluster::client::Connection;
use crate::cluster::error::ClusterError;
use crate::manifest::Text;
use crate::source::{Cache, Commit, Credentials, Limits, Remote, SourceError, Wanted};
use crate::spec::GitAddress;
use crate::spec::crd::{GitSource, ReleasePlan, SecretReference};

/// The data of a Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// Reads the source of one plan.
pub struct SourceReader {
    connection: Connection,
    folder: PathBuf,
}

impl SourceReader {
    /// In: the way to the cluster, and the folder where fetched objects are kept.
    pub fn new(connection: Connection, folder: PathBuf) -> Self {
        Self { connection, folder }
    }

    pub(super) fn client(&self) -> Client {
        self.connection.client()
    }

    /// Gets the commit that is meant now, off the threads that others wait for. Errors: the API server's outside, those of the
    /// source inside.
    pub async fn fetch(
        &self,
        plan: &ReleasePlan,
    ) -> Result<Result<Commit, SourceError>, ClusterError> {
        let no_commit = || SourceError::Cache("the plan names no commit".to_owned());
        let Some(git) = plan.spec.source.as_ref().map(|source| &source.git) else {
            return Ok(Err(no_commit()));
        };
        let (Ok(address), Some(wanted)) = (GitAddress::parse(&git.url), Wanted::of(&git.reference))
        else {
            return Ok(Err(no_commit()));
        };
        let credentials = match self.secret(plan, git).await? {
            Ok(data) => Credentials::of(&data, &address),
            Err(error) => Err(error),
        };
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => return Ok(Err(error)),
        };
        let cache = self.cache();
        let remote = Remote {
            address,
            credentials,
        };
        Ok(blocking(move || cache.fetch(&remote, &wanted)).await)
    }

    pub(super) fn cache(&self) -> Cache {
        Cache::new(self.folder.clone(), Limits::default())
    }

    /// The files of a commit that was fetched, below the plan's path.
    pub async fn read(&self, plan: &ReleasePlan, commit: &str) -> Result<Vec<Text>, SourceError> {
        let cache = self.cache();
        let commit = commit.to_owned();
        let source = plan.spec.source.as_ref();
        let path = source.and_then(|source| source.git.path.clone());
        blocking(move || cache.read(&commit, path.as_deref())).await
    }

    /// The data of the Secret that the plan names, read as the plan's account.
    async fn secret(
        &self,
        plan: &ReleasePlan,
        git: &GitSource,
    ) -> Result<Result<Data, SourceError>, ClusterError> {
        match &git.secret_ref {
            Some(reference) => self.secret_of(plan, ("secretRef", reference)).await,
            None => Ok(Ok(BTreeMap::new())),
        }
    }

    /// The data of one Secret.
    pub(super) async fn secret_of(
        &self,
        plan: &ReleasePlan,
        (field, reference): (&str, &SecretReference),
    ) -> Result<Result<Data, SourceError>, ClusterError> {
        let namespace = plan.namespace().unwrap_or_default();
        let account = plan.spec.service_account_name.as_deref();
        let client = self.connection.acting_as(&namespace, account)?;
        let name = &reference.name;
        let unusable = |message: String, next: String| SourceError::Secret { message, next };
        match Api::<Secret>::namespaced(client, &namespace)
            .get(name)
            .await
        {
            Ok(secret) => {
                let data = secret.data.unwrap_or_default();
                let data = data.into_iter().map(|(key, value)| (key, value.0));
                Ok(Ok(data.collect()))
            }
            Err(error) => {
                let error = ClusterError::of(error, format!("secret `{name}`"));
                if error.is_passing() {
                    return Err(error);
                }
                let next = if error.is_absent() {
                    format!(
                        "create it in the namespace `{namespace}`, or correct `spec.source.git.{field}`"
                    )
                } else {
                    format!("give the plan's account `get` on the secret `{name}`")
                };
                Ok(Err(unusable(error.to_string(), next)))
            }
        }
    }
}

/// Runs what blocks where nobody waits for the thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(SourceError::Cache(error.to_string())),
    }
}
