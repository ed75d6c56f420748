//! Which cluster, which namespace, which release: the arguments that many commands share.

use std::path::PathBuf;

use kube::ResourceExt;

use super::failure::{Exit, Failure};
use crate::cluster::{Access, Connection, Releases};
use crate::spec::crd::Release;
use crate::spec::did_you_mean;

/// Which cluster
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ClusterArgs {
    /// The namespace; otherwise the context's
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// A context of the kubeconfig; otherwise the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// A kubeconfig file; otherwise `KUBECONFIG` or `~/.kube/config`
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

impl ClusterArgs {
    /// Opens the way to the cluster.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        let access = Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            requests: None,
        };
        Ok(Connection::open(&access).await?)
    }
}

/// Finds a release by its name (`shop-3`, `tgr/shop-3`), by its plan (`shop`: the newest), or by plan and number
/// (`shop#3`).
pub(super) async fn find_release(releases: &Releases, name: &str) -> Result<Release, Failure> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let all = releases.list(None).await?;
    let exact = all.iter().find(|release| release.name_any() == name);
    let by_number = name.split_once('#').and_then(|(plan, number)| {
        let number: u64 = number.parse().ok()?;
        all.iter()
            .find(|release| release.spec.plan == plan && release.spec.number == number)
    });
    let newest = all.iter().rfind(|release| release.spec.plan == name);
    if let Some(release) = exact.or(by_number).or(newest) {
        return Ok(release.clone());
    }
    let names: Vec<String> = all.iter().map(ResourceExt::name_any).collect();
    let candidates = names
        .iter()
        .map(String::as_str)
        .chain(all.iter().map(|r| r.spec.plan.as_str()));
    let failure = Failure::new(Exit::Usage, format!("there is no release or plan `{name}`"));
    Err(match did_you_mean(name, candidates) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if all.is_empty() => {
            failure.hint("this namespace has no releases yet: `tidegate run -f DIR`")
        }
        None => failure.hint("`tidegate history` lists them"),
    })
}
