//! Texts to the frozen input of a release, for commands: every problem in them is told.

use super::diagnostics;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::manifest::Text;
pub(super) use crate::manifest::{Assembled, assemble, assemble_after, the_graph};
use crate::spec::{Problem, Severity};

/// Says what is wrong, if something is; an error among it ends the command.
pub(super) fn tell_problems(
    output: &Output,
    problems: &[Problem],
    texts: &[Text],
) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    output.say_painted(diagnostics::render(problems, texts, output.colours()).trim_end());
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    match errors {
        0 => Ok(()),
        1 => Err(Failure::new(
            Exit::Usage,
            "1 problem must be mended first; nothing was done",
        )),
        errors => Err(Failure::new(
            Exit::Usage,
            format!("{errors} problems must be mended first; nothing was done"),
        )),
    }
}
