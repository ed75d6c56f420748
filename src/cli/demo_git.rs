//! The demo from commits: a Git server on this machine, a plan that names it, and a webhook after each push.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devcluster::git::{GitRepository, GitServer};
use kube::ResourceExt;
use tokio::task::JoinSet;

use super::failure::{Exit, Failure};
use super::hooking::take_hooks;
use super::output::Output;
use super::sourcing::SourceLog;
use crate::cluster::{Connection, Releases, SourceKeeping, Webhooks, keep_sources, put_secret};
use crate::spec::crd::{
    GitReference, GitSource, Release, ReleasePlanSpec, SecretReference, Source, Webhook,
    WebhookProvider,
};
use crate::telemetry::Metrics;

/// The plan.
const PLAN: &str = "online-boutique";
/// Where in the repository the files are.
const FOLDER: &str = "deploy";
/// The Secrets that the plan names.
const GIT_SECRET: &str = "online-boutique-git";
const HOOK_SECRET: &str = "online-boutique-webhook";
/// How often the repository is looked at where no webhook comes.
const INTERVAL: &str = "1m";
/// How long a commit may take to become a release: longer than the interval, should the webhook be lost.
const RELEASED_WITHIN: Duration = Duration::from_mins(3);
/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A repository whose commits are released.
pub(super) struct FromGit {
    repository: GitRepository,
    hook: String,
    token: String,
    releases: Releases,
    /// Whether the plan is there.
    is_declared: bool,
    /// Dropped with it, which ends the looking.
    _keeping: JoinSet<()>,
    _server: GitServer,
}

fn failure(error: impl std::error::Error) -> Failure {
    Failure::new(Exit::Cluster, crate::cluster::describe(&error))
}

impl FromGit {
    /// Starts the server, makes the plan, and begins to look.
    pub(super) async fn start(
        output: &Output,
        connection: &Connection,
        namespace: &'static str,
    ) -> Result<Self, Failure> {
        let server = GitServer::start().await.map_err(failure)?;
        let repository = server.repository("team/shop.git").map_err(failure)?;
        let client = connection.client();
        let credentials = [
            ("username", server.username()),
            ("password", server.password()),
            ("ca.crt", server.authority()),
        ];
        put_secret(&client, namespace, GIT_SECRET, &credentials).await?;
        let token: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(32)
            .collect();
        put_secret(&client, namespace, HOOK_SECRET, &[("token", &token)]).await?;
        let releases = Releases::new(client, namespace);
        let webhooks = Webhooks::default();
        let address = listen(&webhooks)?;
        let mut keeping = JoinSet::new();
        let keeper = SourceKeeping {
            cache: server.folder().join("looked"),
            listeners: vec![Arc::new(SourceLog)],
            webhooks,
        };
        let connection = connection.clone();
        keeping.spawn(async move { keep_sources(connection, Some(namespace), keeper).await });
        output.say(&format!("A Git server is started: {}", repository.url()));
        Ok(Self {
            hook: format!("http://{address}/hooks/{namespace}/{PLAN}"),
            repository,
            token,
            releases,
            is_declared: false,
            _keeping: keeping,
            _server: server,
        })
    }

    /// Commits and pushes the files of a system, and waits for the release of the commit: of the first because the plan is
    /// new, of the others because a webhook tells of them.
    pub(super) async fn push(
        &mut self,
        output: &Output,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<Release, Failure> {
        let files: Vec<(String, &str)> = files
            .iter()
            .map(|(path, text)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                (format!("{FOLDER}/{name}"), *text)
            })
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let commit = self.repository.push(&files, message).map_err(failure)?;
        let pushed = Instant::now();
        output.say(&format!(
            "$ git commit --message '{message}' && git push        # {commit}"
        ));
        if self.is_declared {
            output.say(&self.deliver().await?);
        } else {
            let spec = plan(self.repository.url());
            self.releases.declare_plan(PLAN, &spec).await?;
            self.is_declared = true;
            output.say(&format!(
                "plan `{PLAN}` names the repository, and takes webhooks at {}",
                self.hook
            ));
        }
        let release = self.release_of(&commit).await?;
        output.say(&format!(
            "release `{}` of commit {} was made {:.1} s after the push\n",
            release.name_any(),
            crate::source::short(&commit),
            pushed.elapsed().as_secs_f64()
        ));
        Ok(release)
    }

    async fn deliver(&self) -> Result<String, Failure> {
        let answer = reqwest::Client::new()
            .post(&self.hook)
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(failure)?;
        let status = answer.status();
        let words = answer.text().await.map_err(failure)?;
        Ok(format!("webhook: {status}, {}", words.trim_end()))
    }

    async fn release_of(&self, commit: &str) -> Result<Release, Failure> {
        let until = Instant::now() + RELEASED_WITHIN;
        while Instant::now() < until {
            let all = self.releases.list(Some(PLAN)).await?;
            let found = all
                .into_iter()
                .rfind(|release| release.spec.revision == commit);
            if let Some(release) = found {
                return Ok(release);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let words = format!("commit {commit} was not released within 3 minutes");
        Err(Failure::new(Exit::Failed, words).hint(format!(
            "`kubectl describe tgp {PLAN}` says why, with `--keep`"
        )))
    }
}

fn plan(url: &str) -> ReleasePlanSpec {
    let git = GitSource {
        url: url.to_owned(),
        reference: GitReference {
            branch: Some("main".to_owned()),
            ..GitReference::default()
        },
        path: Some(FOLDER.to_owned()),
        interval: Some(INTERVAL.to_owned()),
        secret_ref: Some(SecretReference {
            name: GIT_SECRET.to_owned(),
        }),
        webhook: Some(Webhook {
            provider: WebhookProvider::Generic,
            secret_ref: SecretReference {
                name: HOOK_SECRET.to_owned(),
            },
        }),
    };
    ReleasePlanSpec {
        source: Some(Source { git }),
        ..ReleasePlanSpec::default()
    }
}

fn listen(webhooks: &Webhooks) -> Result<SocketAddr, Failure> {
    let metrics = Metrics::new().map_err(failure)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    take_hooks(any, webhooks.clone(), (None, metrics)).map_err(failure)
}
