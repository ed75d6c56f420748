//! Mends texts: changes what a problem's fix says, at its place, and nothing else. Comments and layout stay.
//!
//! In: texts, and the problems that were found in them. Out: the texts that change. A fix is carried out only if
//! exactly what it expects stands at its place, and none in a file that could not be read whole.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::document::lines;
use super::read::Text;
use tidegate_spec::{Code, Fix, Place, Problem};

/// A text with its fixes carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The file.
    pub file: String,
    /// What was in it.
    pub before: String,
    /// What shall be in it.
    pub after: String,
    /// How many problems were mended.
    pub problems: usize,
}

/// Carries out the fixes of problems.
pub fn mend(texts: &[Text], problems: &[Problem]) -> Vec<Mended> {
    let unreadable: BTreeSet<&str> = problems
        .iter()
        .filter(|problem| hides_others(problem.code))
        .filter_map(|problem| Some(problem.place.as_ref()?.file.as_str()))
        .collect();
    let mut by_file: BTreeMap<&str, Vec<(&Place, &Fix)>> = BTreeMap::new();
    for problem in problems {
        if let (Some(place), Some(fix)) = (&problem.place, &problem.fix) {
            by_file.entry(&place.file).or_default().push((place, fix));
        }
    }
    let mended = texts.iter().filter_map(|text| {
        let fixes = by_file.get(text.file.as_str())?;
        let before = str::from_utf8(&text.bytes).ok()?;
        if unreadable.contains(text.file.as_str()) {
            return None;
        }
        let edits: BTreeMap<usize, Edit> = fixes
            .iter()
            .filter_map(|(place, fix)| edit(before, place, fix))
            .map(|edit| (edit.range.start, edit))
            .collect();
        let (after, problems) = applied(before, edits.into_values())?;
        Some(Mended {
            file: text.file.clone(),
            before: before.to_owned(),
            after,
            problems,
        })
    });
    mended.collect()
}

/// Whether a problem keeps others in the same file from being seen, or places from being known.
pub fn hides_others(code: Code) -> bool {
    let unreadable = [
        Code::DuplicateKey,
        Code::Syntax,
        Code::AliasBomb,
        Code::TooDeep,
        Code::NotText,
    ];
    unreadable.contains(&code)
}

/// A change of a text.
struct Edit {
    range: Range<usize>,
    with: String,
}

fn applied(text: &str, edits: impl Iterator<Item = Edit>) -> Option<(String, usize)> {
    let mut after = String::new();
    let mut at = 0;
    let mut count = 0;
    for Edit { range, with } in edits {
        // Two fixes of one place: the first is enough for this time.
        if range.start < at {
            continue;
        }
        after.push_str(text.get(at..range.start)?);
        after.push_str(&with);
        at = range.end;
        count += 1;
    }
    after.push_str(text.get(at..)?);
    (count > 0).then_some((after, count))
}

fn edit(text: &str, place: &Place, fix: &Fix) -> Option<Edit> {
    let at = offset(text, place)?;
    match fix {
        Fix::Rename { from, to } => {
            let (token, inner) = token(text, at, from)?;
            let start = token.start + inner;
            Some(Edit {
                range: start..start + from.len(),
                with: to.clone(),
            })
        }
        Fix::Quote { written } => {
            let (range, inner) = token(text, at, written)?;
            let quotable = inner == 0 && !written.contains(['"', '\\']);
            quotable.then(|| Edit {
                range,
                with: format!("\"{written}\""),
            })
        }
        Fix::Unquote { text: value } => {
            let (range, inner) = token(text, at, value)?;
            (inner == 1).then(|| Edit {
                range,
                with: value.clone(),
            })
        }
        Fix::RemoveEntry { text: entry } => {
            let (range, _) = token(text, at, entry)?;
            Some(Edit {
                range: entry_around(text, range)?,
                with: String::new(),
            })
        }
    }
}

/// The byte where a place begins.
fn offset(text: &str, place: &Place) -> Option<usize> {
    let above = place.line.checked_sub(1)?;
    let start: usize = lines(text).take(above).map(str::len).sum();
    let line = lines(text).nth(above)?;
    let (within, _) = line.char_indices().nth(place.column.checked_sub(1)?)?;
    Some(start + within)
}

/// The scalar of this value that begins at a byte, plain or in quotes, and how many bytes of quote it begins with.
fn token(text: &str, at: usize, value: &str) -> Option<(Range<usize>, usize)> {
    let rest = text.get(at..)?;
    for quote in ["\"", "'"] {
        let inner = rest
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_prefix(value));
        if inner.is_some_and(|rest| rest.starts_with(quote)) {
            return Some((at..at + value.len() + 2, 1));
        }
    }
    let after = rest.strip_prefix(value)?;
    let ends = after.is_empty() || after.starts_with([' ', '\t', '\r', '\n', ',', ']', '}', ':']);
    ends.then(|| (at..at + value.len(), 0))
}

/// The entry of a list around a scalar: its whole line in block style, or with the comma before it in flow style.
fn entry_around(text: &str, scalar: Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..scalar.start)?;
    let after = text.get(scalar.end..)?;
    let trimmed = before.trim_end_matches([' ', '\t']);
    if let Some(until) = trimmed.strip_suffix('-') {
        let line_start = until.rfind('\n').map_or(0, |at| at + 1);
        let is_alone = until.get(line_start..)?.trim().is_empty();
        let line_end = after.find('\n').map_or(after.len(), |at| at + 1);
        // A comment on that line may be about more than the entry.
        let nothing_follows = after.get(..line_end)?.trim().is_empty();
        return (is_alone && nothing_follows).then(|| line_start..scalar.end + line_end);
    }
    let until = before.trim_end().strip_suffix(',')?;
    Some(until.len()..scalar.end)
}
