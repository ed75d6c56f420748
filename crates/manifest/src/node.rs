//! A YAML value with the place of each key and value.
//!
//! In: a path such as `spec.services[0].name`. Out: the value there, its place, or the value as JSON.

use serde_json::{Map, Number, Value};

use tidegate_spec::Place;

/// A place in a file that is known from elsewhere. Counts as [`Place`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters to underline, at least 1.
    pub length: usize,
}

impl Spot {
    /// The first character of a file.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        length: 1,
    };

    /// The same with its file.
    pub fn in_file(self, file: &str) -> Place {
        Place {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            length: self.length.max(1),
        }
    }
}

/// A key of a mapping, as the text that JSON would have.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub place: Spot,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: NodeKind,
    /// Where it begins.
    pub place: Spot,
}

/// A value. `written` is the text in the file, since `1.10` is the number 1.1 and `on` is `true`.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// Nothing, `~` or `null`.
    Null,
    /// A truth value.
    Bool {
        /// The value.
        value: bool,
        /// As written.
        written: String,
    },
    /// A number; integers of 64 bits are exact.
    Number {
        /// The value.
        value: Number,
        /// As written.
        written: String,
    },
    /// Text.
    Text(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the file; no key occurs twice.
    Mapping(Vec<(Key, Node)>),
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        let NodeKind::Mapping(entries) = &self.kind else {
            return None;
        };
        entries
            .iter()
            .find(|(candidate, _)| candidate.text == key)
            .map(|(key, value)| (key, value))
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        if let NodeKind::Text(text) = &self.kind {
            Some(text)
        } else {
            None
        }
    }

    /// The entries, if it is a list.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        if let NodeKind::Sequence(items) = &self.kind {
            Some(items)
        } else {
            None
        }
    }

    /// Where the field of a path stands, or the nearest field above it that exists.
    ///
    /// A path is what a problem carries: `spec.services[3].calls[0].version`, keys with other characters than
    /// letters, digits, `-`, `_` and `$` as `labels["app.kubernetes.io/name"]`.
    pub fn place_of(&self, path: &str) -> Spot {
        let mut at = self;
        let mut place = self.place;
        for step in steps(path) {
            let next = match &step {
                Step::Key(key) => at
                    .entry(key)
                    .map(|(key, value)| (value, value.shown_at(key))),
                Step::Index(index) => at
                    .as_sequence()
                    .and_then(|items| items.get(*index))
                    .map(|item| (item, item.place)),
            };
            let Some((value, spot)) = next else { break };
            at = value;
            place = spot;
        }
        place
    }

    /// A list or mapping is shown at its key, a value at itself.
    fn shown_at(&self, key: &Key) -> Spot {
        match self.kind {
            NodeKind::Sequence(_) | NodeKind::Mapping(_) | NodeKind::Null => key.place,
            NodeKind::Bool { .. } | NodeKind::Number { .. } | NodeKind::Text(_) => self.place,
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool { value, .. } => Value::Bool(*value),
            NodeKind::Number { value, .. } => Value::Number(value.clone()),
            NodeKind::Text(text) => Value::String(text.clone()),
            NodeKind::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            NodeKind::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.text.clone(), value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// What it is, for a message: ``the number `2` ``.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Null => "nothing".to_owned(),
            NodeKind::Bool { value, written } if written == &value.to_string() => {
                format!("the truth value `{value}`")
            }
            NodeKind::Bool { value, written } => {
                format!("the truth value `{value}` (written `{}`)", shorten(written))
            }
            NodeKind::Number { written, .. } => format!("the number `{}`", shorten(written)),
            NodeKind::Text(text) => format!("the text `{}`", shorten(text)),
            NodeKind::Sequence(_) => "a list".to_owned(),
            NodeKind::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// What to write where text is wanted, if this is a scalar that only lacks quotes.
    pub(super) fn quoted(&self) -> Option<String> {
        match &self.kind {
            NodeKind::Bool { written, .. } | NodeKind::Number { written, .. } => {
                Some(format!("\"{}\"", shorten(written)))
            }
            NodeKind::Null | NodeKind::Text(_) | NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
                None
            }
        }
    }
}

/// How much of a value a message quotes.
const QUOTED_MAX: usize = 60;

/// A text that fits in a message: one line, printable, not endless.
pub fn shorten(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(QUOTED_MAX).map(plain).collect();
    if text.chars().nth(QUOTED_MAX).is_some() {
        short.push('…');
    }
    short
}

enum Step {
    Key(String),
    Index(usize),
}

/// Takes a path apart. What cannot be read as a step ends it.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[\"") {
            let Some((key, after)) = after.split_once("\"]") else {
                break;
            };
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let Some((index, after)) = after.split_once(']') else {
                break;
            };
            let Ok(index) = index.parse() else { break };
            steps.push(Step::Index(index));
            rest = after;
        } else {
            let start = rest.strip_prefix('.').unwrap_or(rest);
            let end = start.find(['.', '[']).unwrap_or(start.len());
            let (key, after) = start.split_at(end);
            if key.is_empty() {
                break;
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        }
    }
    steps
}

/// The path of a key below a path.
pub fn key_path(above: &str, key: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
    if key.is_empty() || !key.chars().all(simple) {
        format!("{above}[\"{}\"]", shorten(key))
    } else if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}.{key}")
    }
}

/// The path of an entry of a list.
pub fn index_path(above: &str, index: usize) -> String {
    format!("{above}[{index}]")
}
