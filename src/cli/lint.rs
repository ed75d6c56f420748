//! `tidegate lint`: every problem in graph, plan and manifests, offline.

use std::path::PathBuf;

use serde::Serialize;

use super::assemble::assemble;
use super::diagnostics;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::{Format, Output};
use crate::spec::words::count;
use crate::spec::{Code, Problem, Severity};

/// Report every problem in a graph and its manifests, without a cluster
#[derive(Debug, clap::Args)]
pub(super) struct LintArgs {
    /// Files, folders, or `-` for stdin
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The namespace where the objects go
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
    /// The form of the findings on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Serialize)]
struct Findings {
    problems: Vec<Problem>,
}

/// Runs the command.
pub(super) fn lint(output: &Output, args: &LintArgs) -> Result<(), Failure> {
    let texts = read_all(&args.paths)?;
    let (assembled, mut problems) = assemble(&texts, &args.namespace, None);
    if crate::manifest::read(&texts).0.objects.is_empty() {
        // A graph alone may be looked at too; its workloads are elsewhere then.
        problems.retain(|problem| problem.code != Code::NoWorkload);
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let warnings = problems.len() - errors;
    let findings = Findings { problems };
    output.document(args.output, &findings, || {
        let mut text = diagnostics::render(&findings.problems, &texts, output.colours());
        let head = match &assembled {
            Some(assembled) => format!(
                "{} services, {} objects",
                assembled.graph.services.len(),
                assembled.bundle.objects.len()
            ),
            None => "not usable".to_owned(),
        };
        text.push_str(&[head, count(errors, "error"), count(warnings, "warning")].join(", "));
        text
    })?;
    if errors > 0 || (args.strict && warnings > 0) {
        return Err(Failure::told(Exit::No));
    }
    Ok(())
}
