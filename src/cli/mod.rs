//! The command line: one file a command, this one only takes it apart.
//!
//! In: arguments and environment. Out: data on stdout, everything else on stderr, and an exit code that scripts
//! may depend on ([`Exit`]).

mod approve;
mod archive;
mod archiving;
mod assemble;
mod assess;
mod build_logs;
mod build_view;
mod check;
mod compare;
mod completion;
mod context;
mod control;
mod controller;
mod crds;
mod demo;
#[cfg(feature = "devcluster")]
mod demo_git;
mod demo_report;
mod diagnostics;
mod diff;
mod discover;
mod drifting;
mod drive;
mod durations;
mod explain;
mod failure;
mod findings;
mod history;
mod hooking;
mod input;
mod install;
mod kinds;
mod lint;
mod live_sets;
mod logs;
mod notifying;
mod output;
mod outside;
mod pact;
mod plan;
mod release;
mod release_view;
mod retry;
mod rollback;
mod run;
mod run_source;
mod saved;
mod simulate;
mod simulated_page;
mod sourcing;
mod split;
mod status;
mod wait;
mod watch;
mod why;

use clap::{Parser, Subcommand};

pub use context::ClusterArgs;
pub use failure::{Exit, Failure};
pub use output::{Colour, Format, Output};

use crate::telemetry::LogFormat;

/// The table at the end of the help.
const EXIT_CODES: &str = "\
Exit codes, for scripts:
    0  success
    1  an expected no: differences, findings, something would move (`--exit-code`)
    2  the command line or the files are wrong
    3  the cluster cannot be reached, or does not allow it
    4  refused before the first write: no order is safe, a saved plan does not hold, …
    5  the release failed
    6  the release was aborted, superseded or rolled back
    7  the release waits for a person
   70  a bug in tidegate
  124  `--timeout` ran out; the release goes on
  130  interrupted";

/// Upgrades a whole system of services on Kubernetes in an order that is proved safe
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    propagate_version = true,
    after_help = EXIT_CODES,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t)]
    color: Colour,
    /// The form of log lines on stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    log_format: LogFormat,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::PlanArgs),
    Diff(diff::DiffArgs),
    Run(run::RunArgs),
    Status(status::StatusArgs),
    Watch(watch::WatchArgs),
    Wait(wait::WaitArgs),
    Why(why::WhyArgs),
    Logs(logs::LogsArgs),
    History(history::HistoryArgs),
    Approve(approve::ApproveArgs),
    Pause(control::PauseArgs),
    Resume(control::ResumeArgs),
    Abort(control::AbortArgs),
    Reject(control::RejectArgs),
    Force(control::ForceArgs),
    Rollback(rollback::RollbackArgs),
    Retry(retry::RetryArgs),
    Skip(retry::SkipArgs),
    Lint(lint::LintArgs),
    Assess(assess::AssessArgs),
    Simulate(simulate::SimulateArgs),
    Discover(discover::DiscoverArgs),
    Explain(explain::ExplainArgs),
    Check(check::CheckArgs),
    Crds(crds::CrdsArgs),
    Install(install::InstallArgs),
    Uninstall(install::UninstallArgs),
    Controller(controller::ControllerArgs),
    Demo(demo::DemoArgs),
    Completion(completion::CompletionArgs),
}

/// Runs one command line to its exit code.
pub async fn run(cli: Cli) -> Exit {
    let output = Output::new(cli.color);
    let level = match cli.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    if !matches!(cli.command, Command::Controller(_)) {
        crate::telemetry::start_logging(cli.log_format, level, output.colours());
    }
    let result = match cli.command {
        Command::Plan(args) => plan::plan(&output, &args).await,
        Command::Diff(args) => diff::diff(&output, &args).await,
        Command::Run(args) => Box::pin(run::run(&output, &args)).await,
        Command::Status(args) => status::status(&output, &args).await,
        Command::Watch(args) => watch::watch(&output, &args).await,
        Command::Wait(args) => wait::wait(&output, &args).await,
        Command::Why(args) => why::why(&output, &args).await,
        Command::Logs(args) => Box::pin(logs::logs(&output, &args)).await,
        Command::History(args) => history::history(&output, &args).await,
        Command::Approve(args) => approve::approve(&output, &args).await,
        Command::Pause(args) => control::pause(&output, &args).await,
        Command::Resume(args) => control::resume(&output, &args).await,
        Command::Abort(args) => control::abort(&output, &args).await,
        Command::Reject(args) => control::reject(&output, &args).await,
        Command::Force(args) => control::force(&output, &args).await,
        Command::Rollback(args) => Box::pin(rollback::rollback(&output, &args)).await,
        Command::Retry(args) => Box::pin(retry::retry(&output, &args)).await,
        Command::Skip(args) => Box::pin(retry::skip(&output, &args)).await,
        Command::Lint(args) => lint::lint(&output, &args),
        Command::Assess(args) => assess::assess(&output, &args),
        Command::Simulate(args) => simulate::simulate(&output, &args).await,
        Command::Discover(args) => discover::discover(&output, &args),
        Command::Explain(args) => explain::explain(&output, &args),
        Command::Check(args) => check::check(&output, &args).await,
        Command::Crds(args) => crds::crds(&output, &args),
        Command::Install(args) => install::install(&output, &args).await,
        Command::Uninstall(args) => install::uninstall(&output, &args).await,
        Command::Controller(args) => {
            crate::telemetry::start_logging(
                cli.log_format,
                if cli.verbose > 0 { "debug" } else { "info" },
                output.colours(),
            );
            Box::pin(controller::controller(&output, &args)).await
        }
        Command::Demo(args) => demo::demo(&output, &args).await,
        Command::Completion(args) => completion::completion(&output, &args),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}
