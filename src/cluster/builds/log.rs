//! What the pods of a build say, while there are any.
//!
//! In: a build as the status of its release has it. Out: its pods, oldest first, and their lines. Decides nothing.

use futures::{AsyncBufReadExt as _, AsyncReadExt as _};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, Client, ResourceExt};

use super::job_status::waits_for;
use super::{JOB_UID_LABEL, PODS_MAX, buildkit};
use crate::cluster::error::ClusterError;
use crate::spec::crd::BuildStatus;

/// The label by which a Workflow finds its pods.
const WORKFLOW_LABEL: &str = "workflows.argoproj.io/workflow";
/// The container of a Workflow's pod that does the work.
const WORKFLOW_CONTAINER: &str = "main";
/// Where a line is broken that has no end.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// The pods of one build.
#[derive(Clone)]
pub struct BuildPods {
    api: Api<Pod>,
    selector: String,
    container: &'static str,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPod {
    /// Its name.
    pub name: String,
    /// Whether it has said something already.
    pub stands: PodStands,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodStands {
    /// It says nothing yet, since it waits for this.
    Waits(String),
    /// It runs.
    Speaks,
    /// It has said all.
    Over,
}

impl BuildPods {
    /// The pods of a build; `None` where nothing was made for it.
    pub fn of(client: &Client, build: &BuildStatus) -> Option<Self> {
        let mut parts = build.object.as_deref()?.split('/');
        let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
        let (selector, container) = match kind {
            "Job" => {
                let uid = build.uid.as_deref()?;
                (format!("{JOB_UID_LABEL}={uid}"), buildkit::CONTAINER)
            }
            _ => (format!("{WORKFLOW_LABEL}={name}"), WORKFLOW_CONTAINER),
        };
        Some(Self {
            api: Api::namespaced(client.clone(), namespace),
            selector,
            container,
        })
    }

    /// Those that are there, oldest first.
    pub async fn list(&self) -> Result<Vec<BuildPod>, ClusterError> {
        let wanted = ListParams::default().labels(&self.selector).limit(PODS_MAX);
        let found = self.api.list(&wanted).await;
        let mut pods = found
            .map_err(|error| ClusterError::of(error, "the pods of the build"))?
            .items;
        pods.sort_by_key(|pod| (pod.creation_timestamp().map(|time| time.0), pod.name_any()));
        let of_one = |pod: Pod| BuildPod {
            name: pod.name_any(),
            stands: stands(&pod, self.container),
        };
        Ok(pods.into_iter().map(of_one).collect())
    }

    /// What a pod has said up to now, from its beginning, no more than so many bytes.
    pub async fn said(&self, pod: &str, bytes_max: u64) -> Result<String, ClusterError> {
        let parameters = LogParams {
            limit_bytes: Some(i64::try_from(bytes_max).unwrap_or(i64::MAX)),
            ..self.parameters()
        };
        let said = self.api.logs(pod, &parameters).await;
        said.map_err(|error| ClusterError::of(error, format!("the log of pod `{pod}`")))
    }

    /// Tells each line of a pod as it comes, until the pod has said all or the connection is cut.
    pub async fn follow(&self, pod: &str, mut tell: impl FnMut(&str)) -> Result<(), ClusterError> {
        let what = || format!("the log of pod `{pod}`");
        let parameters = LogParams {
            follow: true,
            ..self.parameters()
        };
        let stream = self.api.log_stream(pod, &parameters).await;
        let stream = stream.map_err(|error| ClusterError::of(error, what()))?;
        let mut stream = std::pin::pin!(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = stream.as_mut().take(LINE_BYTES_MAX);
            match limited.read_until(b'\n', &mut line).await {
                Ok(0) => return Ok(()),
                Ok(_) => tell(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])),
                Err(error) => return Err(ClusterError::silent(format!("{}: {error}", what()))),
            }
        }
    }

    fn parameters(&self) -> LogParams {
        LogParams {
            container: Some(self.container.to_owned()),
            ..LogParams::default()
        }
    }
}

fn stands(pod: &Pod, container: &str) -> PodStands {
    let status = pod.status.as_ref();
    let statuses = status.and_then(|status| status.container_statuses.as_ref());
    let own = statuses
        .iter()
        .flat_map(|all| all.iter())
        .find(|one| one.name == container);
    let state = own.and_then(|own: &ContainerStatus| own.state.as_ref());
    if state.is_some_and(|state| state.terminated.is_some()) {
        return PodStands::Over;
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return PodStands::Speaks;
    }
    let words = waits_for(pod, container);
    let phase = || status.and_then(|status| status.phase.clone());
    PodStands::Waits(words.or_else(phase).unwrap_or_else(|| "Pending".to_owned()))
}
