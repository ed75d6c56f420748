//! `tidegate completion`: words for the shell's tab key.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::output::Output;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(super) fn completion(output: &Output, args: &CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "tidegate",
        &mut script,
    );
    output.data(String::from_utf8_lossy(&script).trim_end())
}
