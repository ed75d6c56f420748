//! The command `devcluster`: builds the control plane, and runs it until Ctrl-C.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use devcluster::{Options, Progress, build, start};

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
    Build {
        /// Build the Argo Rollouts controller too
        #[arg(long)]
        argo_rollouts: bool,
    },
    /// Start a cluster and run it until Ctrl-C
    Up(Up),
}

#[derive(Debug, Args)]
struct Up {
    /// How many nodes to play
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Run the Argo Rollouts controller too
    #[arg(long)]
    argo_rollouts: bool,
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
        Command::Build { argo_rollouts } => build_programs(argo_rollouts, &progress),
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

fn build_programs(argo_rollouts: bool, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let binaries = build::ensure(argo_rollouts, progress)?;
    for (name, path) in binaries.programs() {
        writeln!(std::io::stdout(), "{name}\t{}", path.display())?;
    }
    Ok(())
}

async fn run(up: Up, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let Up {
        nodes,
        argo_rollouts,
        keep_data,
        detach,
    } = up;
    let options = Options {
        nodes,
        with_argo_rollouts: argo_rollouts,
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
