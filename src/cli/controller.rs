//! `tidegate controller`: drives every release of a cluster, in the cluster.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::ResourceExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::archive::KeepArgs;
use super::archiving::{Archivist, Keeping};
use super::drive::{LogListener, Queue, drive_in_background};
use super::failure::{Exit, Failure};
use super::hooking::keep_hooks;
use super::notifying::Notifier;
use super::output::Output;
use super::sourcing::keeping;
use crate::archive::Archive;
use crate::cluster::{
    Access, Connection, EventRecorder, Installed, Listener, Releases, Webhooks, has_ended,
    identity, installed, keep_declared, keep_drift, keep_sources, watch_releases,
};
use crate::spec::crd::Release;
use crate::telemetry::{Health, Metrics, serve};
use crate::upgrade::Event;
use crate::web::{Door, LiveBackend};

/// How often to look whether the custom resources have come, before they are there.
const INSTALLED_EVERY: Duration = Duration::from_secs(5);

/// How long before a release is taken up again that something has stopped which no retry mends at once.
const STOPPED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Drive every release that is made in the cluster; runs until it is told to stop
#[derive(Debug, clap::Args)]
pub(super) struct ControllerArgs {
    /// Only this namespace; otherwise all
    #[arg(long, value_name = "NAMESPACE", env = "TIDEGATE_WATCH_NAMESPACE")]
    watch_namespace: Option<String>,
    /// Where health and metrics are served
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where fetched Git objects are kept; nothing in it is needed after a restart
    #[arg(long, value_name = "FOLDER", env = "TIDEGATE_CACHE")]
    cache: Option<std::path::PathBuf>,
    /// Where the page and the API are served; `none`: nowhere
    ///
    /// Whoever looks signs in with a Kubernetes token and sees what RBAC lets them see. Put TLS in front of any address
    /// but a loopback one: browsers send the session over nothing else.
    #[arg(
        long,
        default_value = "127.0.0.1:8090",
        value_name = "ADDRESS",
        env = "TIDEGATE_WEB"
    )]
    web: OptionalAddress,
    /// Where webhooks of plans are taken, at `/hooks/NAMESPACE/PLAN`; `none`: nowhere
    ///
    /// Nothing else is there, and nothing there is answered without the plan's secret. Put TLS in front of any address but
    /// a loopback one: GitLab sends the secret itself.
    #[arg(
        long,
        default_value = "127.0.0.1:8091",
        value_name = "ADDRESS",
        env = "TIDEGATE_HOOKS"
    )]
    hooks: OptionalAddress,
    /// A kubeconfig file; otherwise the pod's own account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// A context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    keep: KeepArgs,
}

/// Where something is served, if anywhere.
#[derive(Debug, Clone, Copy)]
struct OptionalAddress(Option<SocketAddr>);

impl std::str::FromStr for OptionalAddress {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self(None)),
            address => address.parse().map(|address| Self(Some(address))),
        }
    }
}

/// Serves the page until the process ends. Where that cannot be, releases go on: the page is not what they need.
async fn keep_page(args: &ControllerArgs, connection: Connection) {
    if let OptionalAddress(Some(address)) = args.web {
        let ended = serve_page(args, address, connection).await;
        let why = ended.map_or_else(|error| error.to_string(), |()| "it has ended".to_owned());
        tracing::error!(
            "the page is not served at {address}: {why}; choose another address with `--web`"
        );
    }
    std::future::pending::<()>().await;
}

async fn serve_page(
    args: &ControllerArgs,
    address: SocketAddr,
    connection: Connection,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!("the page is at http://{}", listener.local_addr()?);
    wait_installed(&connection).await;
    let backend = LiveBackend::start(connection, args.watch_namespace.as_deref());
    crate::web::serve(listener, Arc::new(backend), Door::SignIn, None).await
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
    let archive = args.keep.archive()?;
    let archivist = archive.clone().map(|archive| {
        tracing::info!(place = archive.place(), "archiving what ends");
        Arc::new(Archivist::start(Keeping {
            archive,
            connection: connection.clone(),
            retention: args.keep.retention(),
            metrics: metrics.clone(),
            health: health.clone(),
        }))
    });
    let notifier = Notifier::start(&connection, &metrics)
        .map_err(|error| Failure::new(Exit::Bug, crate::cluster::describe(&error)))?;
    let notifier = Arc::new(notifier);
    let mut outside: Vec<Arc<dyn Listener>> = vec![notifier.clone()];
    outside.extend(
        archivist
            .clone()
            .map(|archivist| archivist as Arc<dyn Listener>),
    );
    let driving = drive_all(
        &connection,
        args.watch_namespace.as_deref(),
        (&metrics, &health),
        (archivist, outside),
    );
    let beside = keep_beside(args, &connection, &metrics, (notifier, archive));
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    tokio::select! {
        ended = serving => Err(not_served(args, ended)),
        () = keep_page(args, connection.clone()) => Ok(()),
        () = driving => Ok(()),
        () = beside => Ok(()),
        _ = terminate.recv() => {
            tracing::info!("told to stop; releases go on where another process takes them up");
            Ok(())
        }
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Why health and metrics are not served any more.
fn not_served(
    args: &ControllerArgs,
    ended: Result<std::io::Result<()>, tokio::task::JoinError>,
) -> Failure {
    let message = match ended {
        Ok(Ok(())) => "the server has ended".to_owned(),
        Ok(Err(error)) => format!("cannot listen on {}: {error}", args.listen),
        Err(error) => error.to_string(),
    };
    Failure::new(Exit::Usage, message).hint("choose another address with `--listen`")
}

/// Keeps what goes on beside releases: what is declared, sources and their webhooks, and systems at rest.
async fn keep_beside(
    args: &ControllerArgs,
    connection: &Connection,
    metrics: &Metrics,
    (notifier, archive): (Arc<Notifier>, Option<Archive>),
) {
    let namespace = args.watch_namespace.as_deref();
    let webhooks = Webhooks::default();
    let hooks = async {
        if let OptionalAddress(Some(address)) = args.hooks {
            keep_hooks(address, webhooks.clone(), (archive, metrics.clone())).await;
        }
        std::future::pending::<()>().await;
    };
    let kept = async {
        wait_installed(connection).await;
        let keeping = keeping(args.cache.clone(), metrics, (webhooks.clone(), notifier));
        futures::join!(
            keep_declared(connection.client(), namespace),
            keep_sources(connection.clone(), namespace, keeping),
            keep_drift(
                connection.clone(),
                namespace,
                super::drifting::listeners(metrics)
            ),
        );
    };
    futures::join!(hooks, kept);
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

/// Namespace and name of a release.
type Key = (String, String);

/// Drives a release to its end, over what stops it too: a right may be given and a bundle completed later, and
/// nobody else would tell.
async fn keep_driving(connection: Connection, release: Release, listeners: Vec<Arc<dyn Listener>>) {
    let (namespace, name) = (release.namespace().unwrap_or_default(), release.name_any());
    let releases = Releases::new(connection.client(), &namespace);
    loop {
        let driver = drive_in_background(
            connection.clone(),
            release.clone(),
            listeners.clone(),
            Queue::Wait,
        );
        match driver.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!(release = %name, "{error}; standing still, trying again later");
            }
            Err(panic) => tracing::error!(release = %name, "{panic}; trying again later"),
        }
        tokio::time::sleep(STOPPED_AGAIN_AFTER).await;
        match releases.get(&name).await {
            Ok(release) if has_ended(&release) => return,
            Err(error) if error.is_absent() => return,
            Ok(_) | Err(_) => {}
        }
    }
}

async fn drive_all(
    connection: &Connection,
    namespace: Option<&str>,
    (metrics, health): (&Metrics, &Health),
    (archivist, outside): (Option<Arc<Archivist>>, Vec<Arc<dyn Listener>>),
) {
    wait_installed(connection).await;
    health.set_ready(true);
    tracing::info!(server = connection.server(), namespace, "watching releases");
    let recorder = Arc::new(EventRecorder::start(connection.client(), &identity()));
    let mut releases = std::pin::pin!(watch_releases(connection.client(), namespace));
    let mut drivers: JoinSet<Key> = JoinSet::new();
    let mut driven: BTreeSet<Key> = BTreeSet::new();
    let mut queued: BTreeSet<Key> = BTreeSet::new();
    loop {
        tokio::select! {
            release = releases.next() => {
                let Some(release) = release else { return };
                let key = (release.namespace().unwrap_or_default(), release.name_any());
                if is_queued(&release) {
                    queued.insert(key.clone());
                } else {
                    queued.remove(&key);
                }
                if let Some(archivist) = archivist.as_ref().filter(|_| has_ended(&release)) {
                    archivist.take(&release);
                }
                if !has_ended(&release) && driven.insert(key.clone()) {
                    let mut listeners: Vec<Arc<dyn Listener>> = vec![
                        Arc::new(LogListener),
                        Arc::new(MetricsListener(metrics.clone())),
                        recorder.clone(),
                    ];
                    listeners.extend(outside.iter().cloned());
                    let connection = connection.clone();
                    drivers.spawn(async move {
                        keep_driving(connection, release, listeners).await;
                        key
                    });
                }
            }
            Some(ended) = drivers.join_next() => match ended {
                Ok(key) => {
                    queued.remove(&key);
                    driven.remove(&key);
                }
                Err(error) => tracing::error!("{error}"),
            },
        }
        metrics.set_active(driven.len());
        metrics.set_queued(queued.len());
    }
}

/// Whether a release is made and nothing has begun with it.
fn is_queued(release: &Release) -> bool {
    let status = release.status.as_ref();
    !has_ended(release) && status.is_none_or(|status| status.start_time.is_none())
}
