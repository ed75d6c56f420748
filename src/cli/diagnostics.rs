//! Problems to people: code, place, the line with a caret, and what to write instead.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::output::printable;
use crate::manifest::Text;
use crate::spec::{Place, Problem, Severity};

/// Problems as text for stderr.
///
/// In: the problems, the texts that they come from, and whether colour is allowed.
pub(super) fn render(problems: &[Problem], texts: &[Text], colours: bool) -> String {
    let renderer = if colours {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    for problem in problems {
        let source = problem
            .place
            .as_ref()
            .and_then(|place| source_of(place, texts));
        // Writing into a String cannot fail.
        writeln!(
            text,
            "{}\n",
            render_one(problem, source.as_deref(), &renderer)
        )
        .unwrap_or_default();
    }
    text
}

fn source_of(place: &Place, texts: &[Text]) -> Option<String> {
    let text = texts.iter().find(|text| text.file == place.file)?;
    std::str::from_utf8(&text.bytes).ok().map(ToOwned::to_owned)
}

fn render_one(problem: &Problem, source: Option<&str>, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = match (&problem.place, problem.path.as_str()) {
        (Some(_), _) | (None, "") => problem.wrong.clone(),
        (None, path) => format!("{path}: {}", problem.wrong),
    };
    let title = printable(&title);
    let (label, hint) = (printable(&problem.path), printable(&problem.hint));
    let file = problem.place.as_ref().map(|place| place.file.as_str());
    let file = printable(file.unwrap_or_default());
    let mut group = level
        .primary_title(title.as_ref())
        .id(problem.code.id())
        .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
    let spanned = problem
        .place
        .as_ref()
        .zip(source)
        .and_then(|(place, source)| Some((place, excerpt(source, place)?)));
    if let Some((_, excerpt)) = &spanned {
        group = group.element(
            Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.first_line)
                .path(file.as_ref())
                .annotation(
                    AnnotationKind::Primary
                        .span(excerpt.span.clone())
                        .label(label.as_ref()),
                ),
        );
    } else if let Some(place) = &problem.place {
        group = group.element(Level::NOTE.message(printable(&format!("at {place}")).into_owned()));
    }
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.message(hint.as_ref()));
    }
    let report: [Group<'_>; 1] = [group];
    renderer.render(&report)
}

/// A line of a file with the span in it.
struct Excerpt {
    text: String,
    first_line: usize,
    span: std::ops::Range<usize>,
}

/// How many characters of a line are shown.
const LINE_CHARACTERS_MAX: usize = 200;

fn excerpt(source: &str, place: &Place) -> Option<Excerpt> {
    if is_in_secret(source, place.line) {
        return None;
    }
    let line = source.lines().nth(place.line.checked_sub(1)?)?;
    let from = place.column.saturating_sub(1);
    if from > LINE_CHARACTERS_MAX {
        return None;
    }
    // The renderer shows the control characters of ASCII; for the others one stands for one, so that columns stay.
    let shown = |c: char| {
        let is_harmful = printable(c.encode_utf8(&mut [0; 4])).len() > c.len_utf8();
        if is_harmful && !c.is_ascii() {
            '\u{fffd}'
        } else {
            c
        }
    };
    let text: String = line.chars().take(LINE_CHARACTERS_MAX).map(shown).collect();
    let byte_at = |characters: usize| {
        text.char_indices()
            .nth(characters)
            .map_or(text.len(), |(at, _)| at)
    };
    let span = byte_at(from)..byte_at(from + place.length.max(1));
    Some(Excerpt {
        span,
        first_line: place.line,
        text,
    })
}

/// Whether a line is in a document with a Secret, so that showing it may show a secret's value. By the text alone:
/// what is shown may be what could not be read as YAML.
fn is_in_secret(source: &str, line: usize) -> bool {
    let mut secret = false;
    let mut here = false;
    for (at, text) in source.lines().enumerate() {
        if text.starts_with("---") {
            if here {
                break;
            }
            secret = false;
        }
        here |= at + 1 == line;
        secret |= tells_secret(text);
    }
    here && secret
}

/// Whether a line says `kind: Secret`, in block or flow style, quoted or not.
fn tells_secret(line: &str) -> bool {
    line.split("kind").skip(1).any(|rest| {
        let value = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        let Some(value) = value.strip_prefix(':') else {
            return false;
        };
        let value = value.trim_start_matches(['"', '\'', ' ', '\t']);
        value
            .strip_prefix("Secret")
            .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_in_secret;

    #[test]
    fn only_lines_of_documents_with_a_secret_are_hidden() {
        let text = "kind: ConfigMap\n---\nkind: Secret\na: b\n---\nkind: SecretStore\n---\n{\"kind\": \"Secret\", a: b}\n---\nx: y\n---\na: b\nkind: 'Secret'";
        let hidden: Vec<usize> = (1..=13).filter(|line| is_in_secret(text, *line)).collect();
        assert_eq!(hidden, [2, 3, 4, 7, 8, 11, 12, 13]);
    }
}
