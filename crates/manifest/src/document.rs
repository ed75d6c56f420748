//! Takes a file apart into its documents, before any of them is parsed.
//!
//! In: the text of a file. Out: its pieces with the line each begins at. Every piece gets a parser of its own, so
//! that a syntax error in one hides nothing in the next, and anchors end with their document.

/// A piece of a file that holds one document at most.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The text, with its `---` line if there is one.
    pub text: &'a str,
    /// The line of the file at which it begins, from 1.
    pub line: usize,
}

/// The pieces of a file. At column 1, `---` and `...` can be nothing but marks: YAML allows them nowhere else,
/// not even in quoted or block text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut start_line = 1;
    let mut prelude = Prelude::Open;
    let mut position = 0;
    let mut objects = JsonObjects::default();
    for (number, line) in lines(text).enumerate() {
        let end = position + line.len();
        if is_mark(line, "---") {
            // `%YAML` and `%TAG` lines belong to the document that follows them.
            if prelude != Prelude::Directives {
                push(&mut pieces, text.get(start..position), start_line);
                (start, start_line) = (position, number + 1);
            }
            prelude = Prelude::Over;
            objects = JsonObjects::default();
        } else if is_mark(line, "...") {
            push(&mut pieces, text.get(start..end), start_line);
            (start, start_line) = (end, number + 2);
            prelude = Prelude::Open;
            objects = JsonObjects::default();
        } else if objects.begins_another(line) {
            push(&mut pieces, text.get(start..position), start_line);
            (start, start_line) = (position, number + 1);
        } else if prelude != Prelude::Over {
            prelude = prelude.after(line);
        }
        position = end;
    }
    push(&mut pieces, text.get(start..), start_line);
    pieces
}

fn push<'a>(pieces: &mut Vec<Piece<'a>>, text: Option<&'a str>, line: usize) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        pieces.push(Piece { text, line });
    }
}

/// Watches for JSON objects that follow one another without a mark, as `jq` and `kubectl` write them.
#[derive(Default)]
struct JsonObjects {
    /// Whether the line before could end an object.
    closed: bool,
}

impl JsonObjects {
    /// In one document a comma would stand between `}` and a `{` at column 1.
    fn begins_another(&mut self, line: &str) -> bool {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return false;
        }
        let begins = self.closed && line.starts_with('{');
        self.closed = content.ends_with('}');
        begins
    }
}

/// Whether a line before `---` may still be followed by directives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prelude {
    /// Only comments and empty lines so far.
    Open,
    /// At least one directive.
    Directives,
    /// Content.
    Over,
}

impl Prelude {
    fn after(self, line: &str) -> Self {
        let text = line.trim();
        if line.starts_with('%') {
            Self::Directives
        } else if text.is_empty() || text.starts_with('#') {
            self
        } else {
            Self::Over
        }
    }
}

/// The lines with their ends, where a CR, an LF and both together end one, as the parser counts.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = match rest.find(['\n', '\r']) {
            None => rest.len(),
            Some(at) if rest.get(at..).is_some_and(|tail| tail.starts_with("\r\n")) => at + 2,
            Some(at) => at + 1,
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark)
        .is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']))
}
