//! One running control plane.
//!
//! In: [`Options`]. Out: a [`Cluster`] that is ready for pods, and that is gone, with all its
//! processes and files, when it is stopped, when it is dropped, and when this process ends in
//! whatever way. It does not depend on the async runtime that started it.

mod programs;
mod ready;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::config::{Config, Kubeconfig};

use crate::build::{self, Binaries, BuildError};
use crate::components::{
    API_SERVER, ARGO_ROLLOUTS, ARGO_WORKFLOWS, CONTROLLER_MANAGER, ETCD, Extras, FLAGGER, KWOK,
    SCHEDULER,
};
use crate::ports;
use crate::progress::Progress;
use crate::supervisor::{Supervisor, is_alive, log_path};
use crate::tail::tail;
use programs::{Layout, SETUP};

/// How often a start is tried again because somebody took the port meanwhile.
const PORT_ATTEMPTS: u32 = 5;

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many nodes KWOK plays; each has room for all pods of any test.
    pub nodes: usize,
    /// What runs beside it, with the custom resources of each.
    pub extras: Extras,
    /// Whether the API server records all writes.
    pub audit: bool,
    /// Whether the data folder, with logs and audit log, stays after the end.
    pub keep_data: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            extras: Extras::default(),
            audit: true,
            keep_data: false,
        }
    }
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A program could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file or process operation failed.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The certificates could not be made.
    #[error("cannot make the certificates")]
    Certificates(#[from] rcgen::Error),
    /// A program ended.
    #[error("{program} ended; the end of its log:\n{log_end}")]
    Ended {
        /// Which one.
        program: String,
        /// Its last words.
        log_end: String,
    },
    /// The control plane did not get ready.
    #[error("waited for {waiting_for} in vain; the end of the log of {program}:\n{log_end}")]
    TimedOut {
        /// What did not come.
        waiting_for: &'static str,
        /// Which program should have brought it.
        program: &'static str,
        /// Its last words.
        log_end: String,
    },
    /// The kubeconfig is not usable.
    #[error("cannot use the kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The API server refused something.
    #[error("the new API server refused a request")]
    Refused(#[from] kube::Error),
    /// An object of ours is not what its kind says.
    #[error("an object that belongs to the cluster cannot be read: {0}")]
    Definition(String),
}

impl StartError {
    fn io(doing: &str) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.to_owned();
        move |source| Self::Io { doing, source }
    }

    fn is_taken_port(&self) -> bool {
        matches!(self, Self::Ended { log_end, .. } if ports::is_taken(log_end))
    }
}

/// A control plane that runs.
#[derive(Debug)]
pub struct Cluster {
    running: Running,
    layout: Layout,
    kubeconfig: PathBuf,
    audit_log: PathBuf,
    setup_client: Kubeconfig,
    started_in: Duration,
}

/// The processes of a cluster.
#[derive(Debug)]
struct Running {
    supervisor: Mutex<Supervisor>,
    pids: Mutex<BTreeMap<String, u32>>,
    folder: PathBuf,
}

/// Builds what is missing, starts a control plane, and waits until it is ready for pods.
pub async fn start(options: Options, progress: &Progress) -> Result<Cluster, StartError> {
    let building = progress.clone();
    let extras = options.extras;
    let binaries = tokio::task::spawn_blocking(move || build::ensure(extras, &building))
        .await
        .map_err(|error| StartError::Io {
            doing: "build".to_owned(),
            source: error.into(),
        })??;
    let step = progress.begin(&format!(
        "starting Kubernetes {}",
        crate::KUBERNETES_VERSION
    ));
    let mut attempts = 1;
    let cluster = loop {
        match launch(&options, &binaries).await {
            Err(error) if error.is_taken_port() && attempts < PORT_ATTEMPTS => attempts += 1,
            result => break result?,
        }
    };
    step.done(&format!(
        "Kubernetes {} is ready at {}",
        crate::KUBERNETES_VERSION,
        cluster.server_url()
    ));
    Ok(cluster)
}

async fn launch(options: &Options, binaries: &Binaries) -> Result<Cluster, StartError> {
    let began = Instant::now();
    let [port] = ports::free().map_err(StartError::io("find a free port"))?;
    // Only the owner may enter it: it holds keys and etcd's socket.
    let folder = tempfile::Builder::new()
        .prefix("devcluster-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(StartError::io("make a data folder"))?;
    let supervisor = Supervisor::spawn(folder.path(), !options.keep_data)
        .map_err(StartError::io("start the supervisor"))?;
    // From here on the supervisor removes it.
    let folder = folder.keep();
    let layout = Layout::write(&folder, port, options.audit)?;
    let running = Running {
        supervisor: Mutex::new(supervisor),
        pids: Mutex::new(BTreeMap::new()),
        folder,
    };
    for program in [ETCD, API_SERVER] {
        running.start(program, binaries, &layout)?;
    }
    let setup_client = Kubeconfig::read_from(layout.kubeconfig(SETUP))?;
    let client = ready::client(setup_client.clone()).await?;
    ready::api_server(&running, &client).await?;
    for program in [CONTROLLER_MANAGER, KWOK, SCHEDULER] {
        running.start(program, binaries, &layout)?;
    }
    ready::create_nodes(&client, options.nodes).await?;
    let Extras {
        argo_rollouts,
        argo_workflows,
        buildkit: _,
        flagger,
    } = options.extras;
    if argo_workflows {
        ready::create_argo_settings(&client).await?;
    }
    let extras = [
        (ARGO_ROLLOUTS, argo_rollouts),
        (ARGO_WORKFLOWS, argo_workflows),
        (FLAGGER, flagger),
    ];
    for (program, _) in extras.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        let texts = read_all(binaries.definitions(program))?;
        ready::create_definitions(&running, &client, &texts).await?;
        running.start(program, binaries, &layout)?;
    }
    ready::service_accounts(&running, &client).await?;
    ready::nodes(&running, &client, options.nodes).await?;
    Ok(Cluster {
        kubeconfig: layout.kubeconfig("admin"),
        audit_log: layout.audit_log(),
        running,
        layout,
        setup_client,
        started_in: began.elapsed(),
    })
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<String>, StartError> {
    paths
        .iter()
        .map(|path| fs::read_to_string(path).map_err(StartError::io("read the custom resources")))
        .collect()
}

impl Cluster {
    /// The file that makes a client the administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client configuration for the administrator, which ignores any proxy that the environment
    /// names: kube itself would send loopback traffic there.
    pub async fn config(&self) -> Result<Config, StartError> {
        ready::config(Kubeconfig::read_from(&self.kubeconfig)?).await
    }

    /// What the API server recorded; [`crate::audit`] reads it.
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    /// Everything that belongs to the cluster.
    pub fn data_folder(&self) -> &Path {
        &self.layout.folder
    }

    /// Where the API server listens.
    pub fn server_url(&self) -> &str {
        &self.layout.server_url
    }

    /// The certificate that signs the API server's, as PEM.
    pub fn authority(&self) -> &str {
        &self.layout.authority_pem
    }

    /// How long it took from nothing to ready.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The processes, by the names of their programs.
    pub fn pids(&self) -> BTreeMap<String, u32> {
        lock(&self.running.pids).clone()
    }

    /// Kills the API server alone, as a crash would; etcd keeps the state.
    pub fn pause_api_server(&self) -> Result<(), StartError> {
        lock(&self.running.supervisor)
            .stop(API_SERVER)
            .map_err(StartError::io("stop the API server"))
    }

    /// Starts the API server again, at the same address, and waits until it is ready.
    pub async fn resume_api_server(&self) -> Result<(), StartError> {
        let pid = lock(&self.running.supervisor)
            .start_again(API_SERVER)
            .map_err(StartError::io("start the API server"))?;
        lock(&self.running.pids).insert(API_SERVER.to_owned(), pid);
        let client = ready::client(self.setup_client.clone()).await?;
        ready::api_server(&self.running, &client).await
    }

    /// Ends all processes, removes the data folder, and waits until that is done.
    pub async fn stop(self) -> Result<(), StartError> {
        let supervisor = self.running.into_supervisor();
        tokio::task::spawn_blocking(move || supervisor.finish())
            .await
            .map_err(io::Error::from)
            .flatten()
            .map_err(StartError::io("stop the cluster"))
    }

    /// Lets the cluster outlive this process.
    pub fn keep(self) -> Result<Kept, StartError> {
        let supervisor_pid = self
            .running
            .into_supervisor()
            .keep()
            .map_err(StartError::io("hand over the cluster"))?;
        Ok(Kept {
            kubeconfig: self.kubeconfig,
            supervisor_pid,
        })
    }
}

impl Running {
    fn start(&self, program: &str, binaries: &Binaries, layout: &Layout) -> Result<(), StartError> {
        let path = binaries.path(program).unwrap_or_else(|| Path::new(program));
        let (path, arguments) = layout.command(program, path);
        let pid = lock(&self.supervisor)
            .start(program, &path, &arguments)
            .map_err(StartError::io(&format!("start {program}")))?;
        lock(&self.pids).insert(program.to_owned(), pid);
        Ok(())
    }

    /// Names the first program that ended on its own.
    fn check(&self) -> Result<(), StartError> {
        let ended = lock(&self.pids)
            .iter()
            .find(|(_, pid)| !is_alive(**pid))
            .map(|(name, _)| name.clone());
        match ended {
            None => Ok(()),
            Some(program) => Err(StartError::Ended {
                log_end: self.log_end(&program),
                program,
            }),
        }
    }

    fn log_end(&self, program: &str) -> String {
        tail(&log_path(&self.folder, program))
    }

    fn into_supervisor(self) -> Supervisor {
        self.supervisor
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cluster that nobody in this process owns any more.
#[derive(Debug)]
pub struct Kept {
    /// The file that makes a client the administrator.
    pub kubeconfig: PathBuf,
    /// SIGTERM to this process ends the cluster.
    pub supervisor_pid: u32,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the cluster goes on; stop it with `kill {}`",
            self.supervisor_pid
        )
    }
}

/// What is behind the locks cannot be half changed, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_taken_port_is_worth_another_try() {
        let ended = |log_end: &str| StartError::Ended {
            program: API_SERVER.to_owned(),
            log_end: log_end.to_owned(),
        };
        assert!(ended("listen tcp 127.0.0.1:6443: bind: address already in use").is_taken_port());
        assert!(!ended("no such file or directory").is_taken_port());
    }

    #[test]
    fn nothing_listens_beyond_loopback_and_the_audit_is_optional() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::write(folder.path(), 6443, false).unwrap();
        let etcd = layout.arguments(ETCD);
        assert!(
            etcd.iter()
                .filter(|flag| flag.contains("-urls="))
                .all(|flag| flag.contains("unix://"))
        );
        let api_server = layout.arguments(API_SERVER);
        assert!(api_server.contains(&"--bind-address=127.0.0.1".to_owned()));
        assert!(!api_server.iter().any(|flag| flag.starts_with("--audit")));
        for program in [CONTROLLER_MANAGER, SCHEDULER] {
            assert!(
                layout
                    .arguments(program)
                    .contains(&"--secure-port=0".to_owned())
            );
        }
        Kubeconfig::read_from(layout.kubeconfig(SETUP)).unwrap();
    }
}
