//! Problems to people: code, place, the line with a caret, and what to write instead.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

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
    let mut group = level
        .primary_title(title)
        .id(problem.code.id())
        .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
    let spanned = problem
        .place
        .as_ref()
        .zip(source)
        .and_then(|(place, source)| Some((place, excerpt(source, place)?)));
    if let Some((place, excerpt)) = &spanned {
        group = group.element(
            Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.first_line)
                .path(place.file.as_str())
                .annotation(
                    AnnotationKind::Primary
                        .span(excerpt.span.clone())
                        .label(problem.path.as_str()),
                ),
        );
    } else if let Some(place) = &problem.place {
        group = group.element(Level::NOTE.message(format!("at {place}")));
    }
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.message(problem.hint.as_str()));
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
    let line = source.lines().nth(place.line.checked_sub(1)?)?;
    let from = place.column.saturating_sub(1);
    if from > LINE_CHARACTERS_MAX {
        return None;
    }
    let text: String = line.chars().take(LINE_CHARACTERS_MAX).collect();
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
