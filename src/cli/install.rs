//! `tidegate install` and `tidegate uninstall`: the controller, its rights and its custom resources in a cluster.

use std::path::{Path, PathBuf};

use super::context::ClusterArgs;
use super::crds;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::cluster::{self, Put};
use crate::install::{self, INSTALLED_LABEL, Reach, SYSTEM_NAMESPACE, Settings};
use crate::spec::crd;

/// Put the controller, its rights and its custom resources into a cluster, or print what that would be
///
/// A second call changes what is different, so this is how to upgrade too: releases that are under way go on. The controller
/// runs in `--namespace`, which is `tidegate-system` where it is not given, and not the context's. The namespaces of
/// `--namespaces` have to be there.
#[derive(Debug, clap::Args)]
pub(super) struct InstallArgs {
    /// The image of the controller; none is published, `deploy/Dockerfile` builds it
    #[arg(long, value_name = "IMAGE", required_unless_present = "chart")]
    image: Option<String>,
    /// Which namespaces the controller serves
    #[arg(long, value_enum, default_value_t)]
    reach: ReachArg,
    /// Namespaces that get an account for their plans, NAMESPACE-deployer
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// How many controllers run; one drives a release, another one takes over
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    replicas: u16,
    /// Print the objects as YAML, and change nothing
    #[arg(long, conflicts_with = "chart")]
    dry_run: bool,
    /// Write a Helm chart of the same into this folder, and change nothing else
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["image", "namespaces", "reach", "replicas", "namespace", "context", "kubeconfig"])]
    chart: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum ReachArg {
    /// Sees tidegate's own objects in all, and drives the releases of `--namespaces`
    #[default]
    Namespaces,
    /// Sees and drives the one of `--namespaces`, and has no right in any other
    Namespace,
    /// Drives the releases of all: for a cluster that is one team's alone
    Cluster,
}

/// Take the controller and its rights out of a cluster; what runs stays as it is
///
/// What was installed is found by its label, in every namespace, so `--namespace` changes nothing here.
#[derive(Debug, clap::Args)]
pub(super) struct UninstallArgs {
    /// Do it; without this it is only told what would go
    #[arg(long)]
    yes: bool,
    /// Take the custom resources too, and with them every plan, graph and Release
    #[arg(long)]
    with_data: bool,
    /// Also while releases are under way: they stop where they are
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs `tidegate install`.
pub(super) async fn install(output: &Output, args: &InstallArgs) -> Result<(), Failure> {
    if let Some(folder) = &args.chart {
        return write_chart(output, folder);
    }
    let settings = settings(args)?;
    if args.dry_run {
        output.data(crds::text()?.trim_end())?;
        return output.data(install::text(&settings).trim_end());
    }
    let objects = install::objects(&settings)
        .map_err(|error| Failure::new(Exit::Bug, format!("deploy/ cannot be read: {error}")))?;
    let client = args.cluster.connect().await?.client();
    let missing = cluster::missing_namespaces(&client, &settings.namespaces).await?;
    if !missing.is_empty() {
        let list = missing.join("`, `");
        return Err(
            Failure::new(Exit::Usage, format!("there is no namespace `{list}`")).hint(format!(
                "make it first: `kubectl create namespace {}`",
                missing.first().map_or("", String::as_str)
            )),
        );
    }
    cluster::install(&client).await?;
    output.say("custom resources: there, and served");
    for (object, put) in cluster::put(&client, &objects).await? {
        let what = match put {
            Put::Created => "created",
            Put::Changed => "changed",
            Put::Unchanged => "as it was",
        };
        output.say(&format!("{object}: {what}"));
    }
    output.say(&next(&settings));
    Ok(())
}

fn settings(args: &InstallArgs) -> Result<Settings, Failure> {
    let system = args.cluster.namespace.clone();
    let settings = Settings {
        image: args.image.clone().unwrap_or_default(),
        system: system.unwrap_or_else(|| SYSTEM_NAMESPACE.to_owned()),
        replicas: args.replicas,
        reach: match args.reach {
            ReachArg::Namespaces => Reach::Namespaces,
            ReachArg::Namespace => Reach::Namespace,
            ReachArg::Cluster => Reach::Cluster,
        },
        namespaces: args.namespaces.clone(),
    };
    let problems = settings.problems();
    if problems.is_empty() {
        return Ok(settings);
    }
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(Failure::new(Exit::Usage, problems.join("\n")))
}

/// What to do next.
fn next(settings: &Settings) -> String {
    let Settings {
        system, namespaces, ..
    } = settings;
    let wait = format!("`kubectl -n {system} rollout status deployment/tidegate` waits for it");
    match namespaces.first() {
        None => format!(
            "{wait}; no namespace has an account for plans yet: the same command with `--namespaces NAME`"
        ),
        Some(first) => format!(
            "{wait}; a plan in `{first}` names its account: `serviceAccountName: {first}-deployer`"
        ),
    }
}

/// Writes the chart into a folder that is empty or holds one already.
fn write_chart(output: &Output, folder: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::new(Exit::Usage, format!("{}: {error}", path.display()))
    };
    let is_used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let known = std::fs::read_to_string(folder.join("Chart.yaml")).unwrap_or_default();
    if is_used && !known.lines().any(|line| line == "name: tidegate") {
        let message = format!(
            "{} is not empty, and holds no chart of tidegate",
            folder.display()
        );
        return Err(Failure::new(Exit::Usage, message).hint("name a folder of its own"));
    }
    let files = install::chart(&crds::text()?);
    for (name, text) in &files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    output.say(&format!("{}: {} files", folder.display(), files.len()));
    Ok(())
}

/// Runs `tidegate uninstall`.
pub(super) async fn uninstall(output: &Output, args: &UninstallArgs) -> Result<(), Failure> {
    let client = args.cluster.connect().await?.client();
    let running = cluster::under_way(&client).await?;
    if !running.is_empty() && !args.force {
        let message = format!("releases are under way: {}", running.join(", "));
        return Err(Failure::new(Exit::Refused, message).hint(
            "wait for them, or `tidegate abort` each; with `--force` they stop where they are",
        ));
    }
    let bug = |error: &dyn std::error::Error| Failure::new(Exit::Bug, error.to_string());
    let kinds = install::kinds().map_err(|error| bug(&error))?;
    let mut objects = cluster::labelled(&client, &kinds, INSTALLED_LABEL).await?;
    // What was put there last goes first: the controller before its rights.
    objects.reverse();
    if args.with_data {
        for definition in crd::definitions() {
            let manifest = serde_json::to_value(definition).map_err(|error| bug(&error))?;
            objects.push(cluster::reference(&manifest));
        }
    }
    if objects.is_empty() {
        return output.data("nothing is installed");
    }
    for object in &objects {
        output.data(&object.to_string())?;
    }
    if !args.yes {
        output.say("`--yes` takes these away; what runs stays as it is, and so does the namespace");
        return Ok(());
    }
    cluster::remove(&client, &objects).await?;
    output.say("gone; what runs is as it was. The controller's namespace is left: it may hold what is yours");
    Ok(())
}
