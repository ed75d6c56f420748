//! `tidegate lint`: every problem in graph, plan and manifests, offline.

use std::path::{Path, PathBuf};

use serde::Serialize;
use similar::TextDiff;

use super::assemble::{Assembled, assemble};
use super::diagnostics;
use super::failure::{Exit, Failure};
use super::findings::{github, sarif};
use super::input::read_all;
use super::output::{Format, Output};
use super::saved::write_text;
use crate::manifest::{Text, claimed_twice, hides_others, mend};
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
    /// Another system that is released into the same namespace: what both have is an error
    #[arg(long, value_name = "PATH")]
    beside: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
    /// Mend in the files what can only be meant in one way; the changes are shown on stderr
    #[arg(long)]
    fix: bool,
    /// With `--fix`: show the changes and write nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// The form of the findings on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: LintFormat,
}

/// The form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum LintFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, for GitHub Actions.
    Github,
}

#[derive(Serialize)]
struct Findings {
    problems: Vec<Problem>,
}

/// How often texts are mended and looked at again: a key that is known at last shows what is wrong below it.
const ROUNDS_MAX: usize = 8;

/// Runs the command.
pub(super) fn lint(output: &Output, args: &LintArgs) -> Result<(), Failure> {
    let mut texts = read_all(&args.paths)?;
    if args.fix {
        let mended = mended(&texts, &args.namespace);
        tell_changes(output, args.dry_run, &texts, &mended)?;
        if !args.dry_run {
            texts = mended;
        }
    }
    let (assembled, mut problems) = judge(&texts, &args.namespace);
    if let Some(assembled) = &assembled {
        for path in &args.beside {
            let other = system_beside(path, &args.namespace)?;
            problems.extend(claimed_twice(assembled, &other));
        }
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let warnings = problems.len() - errors;
    let findings = Findings { problems };
    let text = || {
        let mut text = diagnostics::render(&findings.problems, &texts, output.colours());
        let head = match &assembled {
            Some(assembled) => format!(
                "{} services, {} objects",
                assembled.graph.services.len(),
                assembled.bundle.objects.len()
            ),
            None if errors == 0 => "a graph without manifests".to_owned(),
            None => "not usable".to_owned(),
        };
        text.push_str(&[head, count(errors, "error"), count(warnings, "warning")].join(", "));
        text
    };
    match args.output {
        LintFormat::Text => output.data_painted(&text())?,
        LintFormat::Json => output.document(Format::Json, &findings, text)?,
        LintFormat::Yaml => output.document(Format::Yaml, &findings, text)?,
        LintFormat::Sarif => {
            output.document(Format::Json, &sarif(&findings.problems), String::new)?;
        }
        LintFormat::Github if findings.problems.is_empty() => {}
        LintFormat::Github => output.data(&github(&findings.problems))?,
    }
    if errors > 0 || (args.strict && warnings > 0) {
        return Err(Failure::told(Exit::No));
    }
    Ok(())
}

/// Another system, which has to be usable itself.
fn system_beside(path: &PathBuf, namespace: &str) -> Result<Assembled, Failure> {
    let texts = read_all(std::slice::from_ref(path))?;
    assemble(&texts, namespace, None).0.ok_or_else(|| {
        let path = path.display();
        Failure::new(Exit::Usage, format!("`{path}` is not usable itself")).hint(format!(
            "`tidegate lint {path}` tells what is wrong with it"
        ))
    })
}

fn judge(texts: &[Text], namespace: &str) -> (Option<Assembled>, Vec<Problem>) {
    let (assembled, mut problems) = assemble(texts, namespace, None);
    if crate::manifest::read(texts).0.objects.is_empty() {
        // A graph alone may be looked at too; its workloads are elsewhere then.
        problems.retain(|problem| problem.code != Code::NoWorkload);
    }
    (assembled, problems)
}

/// The texts with all that can be mended.
fn mended(texts: &[Text], namespace: &str) -> Vec<Text> {
    let mut texts = texts.to_vec();
    let mut problems = judge(&texts, namespace).1;
    for _ in 0..ROUNDS_MAX {
        let mut next = texts.clone();
        let mended = mend(&texts, &problems);
        if mended.is_empty() {
            break;
        }
        for change in mended {
            let same = |text: &&mut Text| text.file == change.file;
            if let Some(text) = next.iter_mut().find(same) {
                text.bytes = change.after.into_bytes();
            }
        }
        let found = judge(&next, namespace).1;
        let unreadable = |problems: &[Problem]| {
            let hiding = problems.iter().filter(|problem| hides_others(problem.code));
            hiding.count()
        };
        // Two keys that were meant to be one cannot both be: then nothing is changed.
        if unreadable(&found) > unreadable(&problems) {
            break;
        }
        (texts, problems) = (next, found);
    }
    texts
}

/// Shows what changes, and writes it unless that is only tried.
fn tell_changes(
    output: &Output,
    dry_run: bool,
    before: &[Text],
    after: &[Text],
) -> Result<(), Failure> {
    let mut files = 0;
    for (before, after) in before.iter().zip(after) {
        if before.bytes == after.bytes {
            continue;
        }
        let text = |text: &Text| String::from_utf8_lossy(&text.bytes).into_owned();
        let (old, new) = (text(before), text(after));
        // Only the lines that change: what stands beside them may be a secret.
        let diff = TextDiff::from_lines(old.as_str(), new.as_str())
            .unified_diff()
            .context_radius(0)
            .header(&before.file, &after.file)
            .to_string();
        output.say(diff.trim_end());
        files += 1;
        if dry_run {
            continue;
        }
        if before.file.starts_with('<') {
            let words = "standard input cannot be mended; give the file";
            return Err(Failure::new(Exit::Usage, words));
        }
        write_text(Path::new(&after.file), &new)?;
    }
    let what = match (files, dry_run) {
        (0, _) => "nothing can be mended for certain".to_owned(),
        (files, true) => format!("{} would change; nothing was written", count(files, "file")),
        (files, false) => format!("mended {}", count(files, "file")),
    };
    output.say(&what);
    Ok(())
}
