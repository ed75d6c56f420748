//! The command `devcluster`: builds the control plane, and runs it until Ctrl-C.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use devcluster::{Extras, Options, Progress, build, start};

/// A real local Kubernetes control plane, without root
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the programs, so that a later start takes seconds
    Build(With),
    /// Start a cluster and run it until Ctrl-C
    Up(Up),
}

#[derive(Debug, Clone, Copy, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
struct With {
    /// With the Argo Rollouts controller
    #[arg(long)]
    argo_rollouts: bool,
    /// With the Argo Workflows controller
    #[arg(long)]
    argo_workflows: bool,
    /// With BuildKit's programs
    #[arg(long)]
    buildkit: bool,
    /// With Flagger
    #[arg(long)]
    flagger: bool,
}

impl From<With> for Extras {
    fn from(with: With) -> Self {
        let With {
            argo_rollouts,
            argo_workflows,
            buildkit,
            flagger,
        } = with;
        Self {
            argo_rollouts,
            argo_workflows,
            buildkit,
            flagger,
        }
    }
}

#[derive(Debug, Args)]
struct Up {
    /// How many nodes to play
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    #[command(flatten)]
    with: With,
    /// Leave the data folder, with all logs, behind at the end
    #[arg(long)]
    keep_data: bool,
    /// Leave the cluster running and return
    #[arg(long)]
    detach: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let progress = Progress::to_stderr();
    let result = match Arguments::parse().command {
        Command::Build(with) => build_programs(with.into(), &progress),
        Command::Up(up) => run(up, &progress).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress.say(&format!("error: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn build_programs(extras: Extras, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let binaries = build::ensure(extras, progress)?;
    for (name, path) in binaries.programs() {
        writeln!(std::io::stdout(), "{name}\t{}", path.display())?;
    }
    Ok(())
}

async fn run(up: Up, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let Up {
        nodes,
        with,
        keep_data,
        detach,
    } = up;
    let options = Options {
        nodes,
        extras: with.into(),
        audit: true,
        keep_data,
    };
    let cluster = start(options, progress).await?;
    writeln!(
        std::io::stdout(),
        "export KUBECONFIG={}",
        cluster.kubeconfig().display()
    )?;
    if detach {
        progress.say(&cluster.keep()?.to_string());
        return Ok(());
    }
    progress.say("Ctrl-C stops it");
    tokio::signal::ctrl_c().await?;
    cluster.stop().await?;
    progress.say("stopped");
    Ok(())
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
