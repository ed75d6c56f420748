//! `tidegate controller`: drives every release of a cluster, in the cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::ResourceExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::drive::{LogListener, drive_in_background};
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{
    Access, Connection, EventRecorder, Installed, Listener, has_ended, identity, installed,
    keep_declared, watch_releases,
};
use crate::controller::WorldError;
use crate::spec::crd::Release;
use crate::telemetry::{Health, Metrics, serve};
use crate::upgrade::Event;

/// How often to look whether the custom resources have come, before they are there.
const INSTALLED_EVERY: Duration = Duration::from_secs(5);

/// Drive every release that is made in the cluster; runs until it is told to stop
#[derive(Debug, clap::Args)]
pub(super) struct ControllerArgs {
    /// Only this namespace; otherwise all
    #[arg(long, value_name = "NAMESPACE", env = "TIDEGATE_WATCH_NAMESPACE")]
    watch_namespace: Option<String>,
    /// Where health and metrics are served
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// A kubeconfig file; otherwise the pod's own account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// A context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Counts what happens.
struct MetricsListener(Metrics);

impl Listener for MetricsListener {
    fn hear(&self, release: &Release, events: &[Event]) {
        self.0.hear(&release.spec.plan, events);
    }
}

/// Runs the command.
pub(super) async fn controller(_output: &Output, args: &ControllerArgs) -> Result<(), Failure> {
    let metrics = Metrics::new().map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    let counted = metrics.clone();
    let access = Access {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
        namespace: args.watch_namespace.clone(),
        requests: Some(Arc::new(move |method, code| {
            counted.count_request(method, code);
        })),
    };
    let connection = Connection::open(&access).await?;
    let health = Health::default();
    let serving = tokio::spawn(serve(args.listen, metrics.clone(), health.clone()));
    let driving = drive_all(
        &connection,
        args.watch_namespace.as_deref(),
        &metrics,
        &health,
    );
    let declared = keep_declared(connection.client(), args.watch_namespace.as_deref());
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    tokio::select! {
        ended = serving => {
            let message = match ended {
                Ok(Ok(())) => "the server has ended".to_owned(),
                Ok(Err(error)) => format!("cannot listen on {}: {error}", args.listen),
                Err(error) => error.to_string(),
            };
            Err(Failure::new(Exit::Usage, message).hint("choose another address with `--listen`"))
        }
        () = driving => Ok(()),
        () = async { wait_installed(&connection).await; declared.await } => Ok(()),
        _ = terminate.recv() => {
            tracing::info!("told to stop; releases go on where another process takes them up");
            Ok(())
        }
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Waits until our kinds are there: a controller may be installed before them.
async fn wait_installed(connection: &Connection) {
    let mut told = false;
    loop {
        match installed(&connection.client()).await {
            Ok(Installed::Yes) => return,
            Ok(Installed::Missing(names)) if !told => {
                told = true;
                tracing::warn!(
                    "custom resources are missing: {}; run `tidegate crds | kubectl apply -f -`",
                    names.join(", ")
                );
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!("{}; waiting", crate::cluster::describe(&error));
            }
            Ok(Installed::Missing(_)) | Err(_) => {}
        }
        tokio::time::sleep(INSTALLED_EVERY).await;
    }
}

type Drivers = BTreeMap<(String, String), JoinHandle<Result<(), WorldError>>>;

async fn drive_all(
    connection: &Connection,
    namespace: Option<&str>,
    metrics: &Metrics,
    health: &Health,
) {
    wait_installed(connection).await;
    health.set_ready(true);
    tracing::info!(server = connection.server(), namespace, "watching releases");
    let recorder = Arc::new(EventRecorder::start(connection.client(), &identity()));
    let mut releases = std::pin::pin!(watch_releases(connection.client(), namespace));
    let mut drivers = Drivers::new();
    while let Some(release) = releases.next().await {
        drivers.retain(|_, driver| !driver.is_finished());
        let key = (release.namespace().unwrap_or_default(), release.name_any());
        if !has_ended(&release) && !drivers.contains_key(&key) {
            let listeners: Vec<Arc<dyn Listener>> = vec![
                Arc::new(LogListener),
                Arc::new(MetricsListener(metrics.clone())),
                recorder.clone(),
            ];
            drivers.insert(
                key,
                drive_in_background(connection.clone(), release, listeners),
            );
        }
        metrics.set_active(drivers.len());
    }
}
