//! `tidegate explain`: what a code means, what triggers it, and what to do.

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use crate::spec::{Code, Example, did_you_mean, explanation};

/// Tell what an error code means, with an example and what to do
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The code, for instance `TG0203`; without it, all codes are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Serialize)]
struct Listed {
    code: Code,
    title: &'static str,
}

#[derive(Serialize)]
struct Explained {
    code: Code,
    title: &'static str,
    means: &'static str,
    example: &'static str,
    remedy: &'static str,
}

/// Runs the command.
pub(super) fn explain(output: &Output, args: &ExplainArgs) -> Result<(), Failure> {
    let Some(text) = &args.code else {
        return list(output, args.output);
    };
    let code = find(text)?;
    let Some(found) = explanation(code) else {
        return Err(Failure::new(Exit::Bug, format!("{code} is not explained")));
    };
    let explained = Explained {
        code,
        title: code.title(),
        means: found.means,
        example: found.example.text(),
        remedy: found.remedy,
    };
    output.document(args.output, &explained, || {
        let example = match found.example {
            Example::File(text) => {
                let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
                format!(
                    "For instance, `tidegate lint` says it of this:\n\n{}",
                    lines.join("\n")
                )
            }
            Example::Case(text) => format!("For instance: {text}."),
        };
        let Explained {
            title,
            means,
            remedy,
            ..
        } = &explained;
        format!("{code}: {title}\n\n{means}\n\n{example}\n\nWhat to do: {remedy}")
    })
}

fn list(output: &Output, format: Format) -> Result<(), Failure> {
    let codes: Vec<Listed> = Code::ALL
        .iter()
        .map(|code| Listed {
            code: *code,
            title: code.title(),
        })
        .collect();
    output.document(format, &codes, || {
        let lines: Vec<String> = codes
            .iter()
            .map(|Listed { code, title }| format!("{code}  {title}"))
            .collect();
        lines.join("\n")
    })
}

fn find(text: &str) -> Result<Code, Failure> {
    let wanted = text.to_ascii_uppercase();
    let found = Code::ALL.iter().find(|code| code.id() == wanted);
    found.copied().ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("there is no code `{text}`"));
        match did_you_mean(&wanted, Code::ALL.iter().map(|code| code.id())) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`tidegate explain` lists all codes"),
        }
    })
}
