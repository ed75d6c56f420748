//! How the cluster is reached, and as whom.

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::counting::{Counting, RequestListener};
use super::error::ClusterError;

/// What every request says of its sender.
const USER_AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// Where the cluster is and who asks, as the user chose on the command line.
#[derive(Clone, Default)]
pub struct Access {
    /// A kubeconfig file; otherwise `KUBECONFIG`, `~/.kube/config`, or the pod's own account.
    pub kubeconfig: Option<std::path::PathBuf>,
    /// A context of it; otherwise the current one.
    pub context: Option<String>,
    /// The namespace; otherwise the context's.
    pub namespace: Option<String>,
    /// Hears of every request.
    pub requests: Option<RequestListener>,
}

/// A way to the cluster.
#[derive(Clone)]
pub struct Connection {
    config: Config,
    client: Client,
    namespace: String,
    requests: Option<RequestListener>,
}

impl Connection {
    /// Opens a way to the cluster. Errors: no kubeconfig, a context that does not exist, a broken certificate.
    pub async fn open(access: &Access) -> Result<Self, ClusterError> {
        let options = KubeConfigOptions {
            context: access.context.clone(),
            ..KubeConfigOptions::default()
        };
        let mut config = match &access.kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path).map_err(ClusterError::kubeconfig)?;
                Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(ClusterError::kubeconfig)?
            }
            None if access.context.is_some() => Config::from_kubeconfig(&options)
                .await
                .map_err(ClusterError::kubeconfig)?,
            None => Config::infer()
                .await
                .map_err(|error| ClusterError::NoCluster {
                    message: error.to_string(),
                })?,
        };
        config.headers.push((
            http::header::USER_AGENT,
            http::HeaderValue::from_static(USER_AGENT),
        ));
        let namespace = access
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let requests = access.requests.clone();
        let client = client(config.clone(), requests.as_ref())?;
        Ok(Self {
            config,
            client,
            namespace,
            requests,
        })
    }

    /// The client of whoever runs this program.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The chosen namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The address of the API server, for people.
    pub fn server(&self) -> String {
        self.config.cluster_url.to_string()
    }

    /// A client that acts as a ServiceAccount; without one, as whoever runs this program.
    pub fn acting_as(
        &self,
        namespace: &str,
        account: Option<&str>,
    ) -> Result<Client, ClusterError> {
        let Some(account) = account else {
            return Ok(self.client());
        };
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{account}"));
        client(config, self.requests.as_ref())
    }
}

fn client(config: Config, requests: Option<&RequestListener>) -> Result<Client, ClusterError> {
    let builder = ClientBuilder::try_from(config)?;
    #[cfg(feature = "cluster-tests")]
    if let Some(fault) = super::faults::of_this_process() {
        return Ok(builder.with_layer(&super::faults::Faults(fault)).build());
    }
    Ok(match requests {
        Some(listener) => builder.with_layer(&Counting(listener.clone())).build(),
        None => builder.build(),
    })
}
