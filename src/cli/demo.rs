//! `tidegate demo`: a real system upgraded on a real control plane, and what happened.

use std::time::Duration;

use jiff::Timestamp;

use super::assemble::{Assembled, assemble, tell_problems};
use super::demo_report::{Chronicle, report};
use super::drive::{Seeing, exit_of, see_through};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release_view::Progress;
use crate::cluster::{
    Access, Connection, NewRelease, Releases, ensure_namespace, install, remove_namespace,
};
use crate::manifest::{Bundle, Text};
use crate::spec::crd::{Release, Trigger};

/// The namespace of the demo; nothing else is touched.
const NAMESPACE: &str = "tidegate-demo";

macro_rules! example {
    ($version:literal: $($file:literal),*) => {
        [$((
            concat!("examples/online-boutique/", $version, "/", $file),
            include_str!(concat!("../../examples/online-boutique/", $version, "/", $file)),
        )),*]
    };
}

/// The system as it is before.
const OLD: [(&str, &str); 11] = example!("v1": "graph.yaml", "ad.yaml", "cart.yaml", "checkout.yaml",
    "currency.yaml", "email.yaml", "frontend.yaml", "payment.yaml", "productcatalog.yaml",
    "recommendation.yaml", "shipping.yaml");
/// The system as it is afterwards.
const NEW: [(&str, &str); 11] = example!("v2": "graph.yaml", "ad.yaml", "cart.yaml", "checkout.yaml",
    "currency.yaml", "email.yaml", "frontend.yaml", "payment.yaml", "productcatalog.yaml",
    "recommendation.yaml", "shipping.yaml");

/// Upgrade Online Boutique from protocol 1 to 2 on a real control plane, with a live view and a report
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Use this context of the kubeconfig, in a namespace of its own, in place of a local control plane
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// A kubeconfig file, with `--context`
    #[arg(long, value_name = "FILE", requires = "context")]
    kubeconfig: Option<std::path::PathBuf>,
    /// From commits to releases: a Git server on this machine, a plan that names it, and a webhook
    #[arg(long)]
    from_git: bool,
    /// Leave everything up, and print how to reach it
    #[arg(long)]
    keep: bool,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t, env = "TIDEGATE_PROGRESS")]
    progress: Progress,
}

/// Runs the command.
pub(super) async fn demo(output: &Output, args: &DemoArgs) -> Result<(), Failure> {
    let local = match &args.context {
        Some(_) => None,
        None => Some(local::start(output).await?),
    };
    let access = Access {
        kubeconfig: local
            .as_ref()
            .map_or_else(|| args.kubeconfig.clone(), |local| Some(local.kubeconfig())),
        context: args.context.clone(),
        namespace: Some(NAMESPACE.to_owned()),
        requests: None,
    };
    let result = upgrade(output, args, &access, local.as_ref()).await;
    if args.keep {
        keep(output, args, local)?;
    } else if args.context.is_some() {
        let connection = Connection::open(&access).await?;
        remove_namespace(&connection.client(), NAMESPACE).await?;
        output.say(&format!("namespace `{NAMESPACE}` is being deleted"));
    } else if let Some(local) = local {
        local.stop().await?;
    }
    result
}

fn keep(output: &Output, args: &DemoArgs, local: Option<local::Local>) -> Result<(), Failure> {
    match (local, &args.context) {
        (Some(local), _) => {
            let words = local.keep()?;
            output.say(&words);
        }
        (None, Some(context)) => output.say(&format!(
            "everything is left in namespace `{NAMESPACE}` of context `{context}`; `kubectl delete namespace {NAMESPACE}` removes it"
        )),
        (None, None) => {}
    }
    Ok(())
}

async fn upgrade(
    output: &Output,
    args: &DemoArgs,
    access: &Access,
    local: Option<&local::Local>,
) -> Result<(), Failure> {
    let connection = Connection::open(access).await?;
    install(&connection.client()).await?;
    ensure_namespace(&connection.client(), NAMESPACE).await?;
    let mut way = way::open(output, args.from_git, &connection).await?;
    output.say("\n1. Online Boutique is installed: ten services that speak protocol 1\n");
    release(output, args, &connection, (&mut way, &OLD, "protocol 1")).await?;
    output
        .say("\n2. Every service moves at once: servers to protocols 1 and 2, clients to 2 only\n");
    let since = Timestamp::now();
    let (ended, chronicle) =
        release(output, args, &connection, (&mut way, &NEW, "protocol 2")).await?;
    // The audit log is written behind the answers; a moment later it is complete.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let early = match local {
        Some(local) => Some(local.early_starts(NAMESPACE, since, &ended)?),
        None => None,
    };
    output.data(&format!("\n{}", report(&ended, &chronicle, early.as_ref())))?;
    match early {
        Some(early) if !early.found.is_empty() => Err(Failure::new(
            Exit::Bug,
            "a client started too early; this must never happen",
        )),
        Some(_) | None => Ok(()),
    }
}

async fn release(
    output: &Output,
    args: &DemoArgs,
    connection: &Connection,
    (way, files, message): (&mut way::Way, &[(&str, &str)], &str),
) -> Result<(Release, Chronicle), Failure> {
    let made = way::made(output, connection, (way, files, message)).await?;
    let chronicle = Chronicle::default();
    let seeing = Seeing {
        output,
        connection,
        progress: args.progress,
        timeout: None,
        drives: true,
        leaves_when_asked: false,
        also: vec![std::sync::Arc::new(chronicle.clone())],
    };
    let ended = see_through(&seeing, made).await?;
    exit_of(&ended)?;
    Ok((ended, chronicle))
}

async fn release_of_files(
    output: &Output,
    connection: &Connection,
    files: &[(&str, &str)],
) -> Result<Release, Failure> {
    let texts: Vec<Text> = files
        .iter()
        .map(|(file, text)| Text {
            file: (*file).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    let (assembled, problems) = assemble(&texts, NAMESPACE, None);
    tell_problems(output, &problems, &texts)?;
    let Some(Assembled { bundle, .. }) = assembled else {
        return Err(Failure::told(Exit::Usage));
    };
    let releases = Releases::new(connection.client(), NAMESPACE);
    let plan = releases
        .ensure_plan(&bundle.graph_name, &bundle.plan)
        .await?;
    let new = NewRelease {
        plan_digest: None,
        planning: crate::spec::crd::Planning::default(),
        concurrency: bundle.plan.concurrency,
        approvals: Vec::new(),
        forces: Vec::new(),
        rollback_of: None,
        retry_of: None,
        plan: bundle.graph_name.clone(),
        trigger: Trigger::Manual,
        revision: Bundle::digest(&bundle.to_bytes())
            .chars()
            .take("sha256:".len() + 12)
            .collect(),
        reason: Some("demo".to_owned()),
    };
    Ok(releases.create(&plan, &new, &bundle).await?)
}

#[cfg(feature = "devcluster")]
mod way {
    //! Where releases come from: files, or commits.

    use super::super::demo_git::FromGit;
    use super::super::failure::Failure;
    use super::super::output::Output;
    use super::{NAMESPACE, release_of_files};
    use crate::cluster::Connection;
    use crate::spec::crd::Release;

    pub(super) enum Way {
        Files,
        Git(Box<FromGit>),
    }

    pub(super) async fn open(
        output: &Output,
        from_git: bool,
        connection: &Connection,
    ) -> Result<Way, Failure> {
        if !from_git {
            return Ok(Way::Files);
        }
        let git = FromGit::start(output, connection, NAMESPACE).await?;
        Ok(Way::Git(Box::new(git)))
    }

    pub(super) async fn made(
        output: &Output,
        connection: &Connection,
        (way, files, message): (&mut Way, &[(&str, &str)], &str),
    ) -> Result<Release, Failure> {
        match way {
            Way::Files => release_of_files(output, connection, files).await,
            Way::Git(git) => git.push(output, files, message).await,
        }
    }
}

#[cfg(not(feature = "devcluster"))]
mod way {
    //! Without the feature `devcluster` there is no Git server to start.

    use super::super::failure::{Exit, Failure};
    use super::super::output::Output;
    use super::release_of_files;
    use crate::cluster::Connection;
    use crate::spec::crd::Release;

    pub(super) struct Way;

    #[expect(clippy::unused_async, reason = "the same form as with the feature")]
    pub(super) async fn open(
        _output: &Output,
        from_git: bool,
        _connection: &Connection,
    ) -> Result<Way, Failure> {
        if from_git {
            let words = "this tidegate was built without a Git server";
            return Err(Failure::new(Exit::Usage, words)
                .hint("`make demo DEMO=--from-git` in the repository builds one"));
        }
        Ok(Way)
    }

    pub(super) async fn made(
        output: &Output,
        connection: &Connection,
        (_way, files, _message): (&mut Way, &[(&str, &str)], &str),
    ) -> Result<Release, Failure> {
        release_of_files(output, connection, files).await
    }
}

#[cfg(feature = "devcluster")]
mod local {
    //! The control plane that this machine builds and runs.

    use std::path::PathBuf;

    use devcluster::{Cluster, Options, Progress, audit, oracle};
    use jiff::Timestamp;

    use super::super::demo_report::EarlyStarts;
    use super::super::failure::{Exit, Failure};
    use super::super::output::Output;
    use crate::spec::crd::Release;

    /// A local control plane.
    pub(super) struct Local(Cluster);

    pub(super) async fn start(output: &Output) -> Result<Local, Failure> {
        output.say("A real control plane is started on this machine: etcd, kube-apiserver, controllers, scheduler; KWOK plays the nodes");
        let progress = Progress::to_stderr();
        let cluster = devcluster::start(Options::default(), &progress)
            .await
            .map_err(failure)?;
        output.say(&format!(
            "control plane ready after {:.1} s at {}",
            cluster.started_in().as_secs_f64(),
            cluster.server_url()
        ));
        Ok(Local(cluster))
    }

    fn failure(error: impl std::error::Error) -> Failure {
        Failure::new(Exit::Cluster, crate::cluster::describe(&error))
    }

    impl Local {
        pub(super) fn kubeconfig(&self) -> PathBuf {
            self.0.kubeconfig().to_owned()
        }

        pub(super) fn early_starts(
            &self,
            namespace: &str,
            since: Timestamp,
            release: &Release,
        ) -> Result<EarlyStarts, Failure> {
            let history = audit::read(self.0.audit_log()).map_err(failure)?;
            let precedences = super::super::demo_report::precedences(release);
            let pairs: Vec<(&str, &str)> = precedences
                .iter()
                .map(|(first, then)| (first.as_str(), then.as_str()))
                .collect();
            let found = oracle::early_starts(&history, namespace, since, &pairs);
            Ok(EarlyStarts {
                found: found.iter().map(ToString::to_string).collect(),
                pods: oracle::lives(&history, namespace).len(),
                precedences: pairs.len(),
            })
        }

        pub(super) fn keep(self) -> Result<String, Failure> {
            let kept = self.0.keep().map_err(failure)?;
            Ok(format!(
                "{kept}\n  export KUBECONFIG={}",
                kept.kubeconfig.display()
            ))
        }

        pub(super) async fn stop(self) -> Result<(), Failure> {
            self.0.stop().await.map_err(failure)
        }
    }
}

#[cfg(not(feature = "devcluster"))]
mod local {
    //! Without the feature `devcluster` there is no control plane to start.

    use std::path::PathBuf;

    use jiff::Timestamp;

    use super::super::demo_report::EarlyStarts;
    use super::super::failure::{Exit, Failure};
    use super::super::output::Output;
    use crate::spec::crd::Release;

    /// Cannot be made.
    pub(super) enum Local {}

    #[expect(clippy::unused_async, reason = "the same form as with the feature")]
    pub(super) async fn start(_output: &Output) -> Result<Local, Failure> {
        Err(Failure::new(Exit::Usage, "this tidegate was built without a local control plane")
            .hint("`make demo` in the repository builds one; or use a cluster of yours: `tidegate demo --context NAME`"))
    }

    impl Local {
        pub(super) fn kubeconfig(&self) -> PathBuf {
            match *self {}
        }

        pub(super) fn early_starts(
            &self,
            _namespace: &str,
            _since: Timestamp,
            _release: &Release,
        ) -> Result<EarlyStarts, Failure> {
            match *self {}
        }

        pub(super) fn keep(self) -> Result<String, Failure> {
            match self {}
        }

        #[expect(clippy::unused_async, reason = "the same form as with the feature")]
        pub(super) async fn stop(self) -> Result<(), Failure> {
            match self {}
        }
    }
}
