//! Parse, run one command, choose the exit code.

use std::process::ExitCode;

use clap::Parser;
use tidegate::cli::{Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    ExitCode::from(run(Cli::parse()).await.code())
}
