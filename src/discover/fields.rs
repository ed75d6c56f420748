//! Reads fields of JSON and YAML values that other tools write, and says with their place what is not as expected.
//!
//! Unknown fields are no problem here: these formats are not ours and grow.

use crate::manifest::{Node, NodeKind, Text, documents, index_path, key_path, shorten};
use crate::spec::{Code, Place, Problem};

/// How many problems are told of one file; whoever made more has one cause for them all.
const PROBLEMS_MAX: usize = 100;

/// A value with its path in its document.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub node: &'a Node,
    pub path: String,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(super) fn root(node: &'a Node) -> Self {
        Self {
            node,
            path: String::new(),
        }
    }

    /// A field, if it is there and not null.
    pub(super) fn field(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        (node.kind != NodeKind::Null).then(|| Self {
            node,
            path: key_path(&self.path, key),
        })
    }

    /// The entries; none if it is no list.
    pub(super) fn entries(&self) -> Vec<Self> {
        let items = self.node.as_sequence().unwrap_or_default();
        let at = |(index, node)| Self {
            node,
            path: index_path(&self.path, index),
        };
        items.iter().enumerate().map(at).collect()
    }

    /// The text of a field, if it has one that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let text = self.node.get(key)?.as_text()?;
        (!text.is_empty()).then_some(text)
    }
}

/// Takes down what is wrong with one file.
pub(super) struct Notes<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self {
            file,
            problems: Vec::new(),
        }
    }

    /// Where a value stands.
    pub(super) fn place(&self, at: &At<'_>) -> Place {
        at.node.place.in_file(self.file)
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// An error at a value.
    pub(super) fn error(&mut self, code: Code, at: &At<'_>, wrong: impl Into<String>) {
        let problem = Problem::error(code, at.path.clone(), wrong).at(self.place(at));
        self.push(problem);
    }

    /// Any problem.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A list that must be there.
    pub(super) fn list<'n>(&mut self, at: &At<'n>, key: &str) -> Vec<At<'n>> {
        match at.field(key) {
            Some(list) if list.node.as_sequence().is_some() => list.entries(),
            Some(other) => {
                let wrong = format!("expected a list, found {}", other.node.describe());
                self.error(Code::WrongType, &other, wrong);
                Vec::new()
            }
            None => {
                self.missing(at, key);
                Vec::new()
            }
        }
    }

    /// A text that must be there and must not be empty.
    pub(super) fn text<'n>(&mut self, at: &At<'n>, key: &str) -> Option<&'n str> {
        let Some(value) = at.field(key) else {
            self.missing(at, key);
            return None;
        };
        match value.node.as_text() {
            Some("") => {
                self.error(Code::InvalidValue, &value, format!("`{key}` is empty"));
                None
            }
            Some(text) => Some(text),
            None => {
                let wrong = format!("expected text, found {}", value.node.describe());
                self.error(Code::WrongType, &value, wrong);
                None
            }
        }
    }

    /// A number of calls, if it is there.
    pub(super) fn count(&mut self, at: &At<'_>, key: &str) -> Option<u64> {
        let value = at.field(key)?;
        let number = match &value.node.kind {
            NodeKind::Number { value, .. } => value.as_u64(),
            NodeKind::Null
            | NodeKind::Bool { .. }
            | NodeKind::Text(_)
            | NodeKind::Sequence(_)
            | NodeKind::Mapping(_) => None,
        };
        if number.is_none() {
            let wrong = format!(
                "expected a number of calls, found {}",
                value.node.describe()
            );
            self.error(Code::WrongType, &value, wrong);
        }
        number
    }

    /// Takes down that a field is not there.
    pub(super) fn missing(&mut self, at: &At<'_>, key: &str) {
        let problem = if matches!(at.node.kind, NodeKind::Mapping(_)) {
            let wrong = format!("`{key}` is missing");
            Problem::error(Code::MissingField, key_path(&at.path, key), wrong)
        } else {
            let wrong = format!(
                "expected a mapping with `{key}`, found {}",
                at.node.describe()
            );
            Problem::error(Code::WrongType, at.path.clone(), wrong)
        };
        let place = self.place(at);
        self.push(problem.at(place));
    }

    /// Everything that was wrong, within a limit.
    pub(super) fn problems(mut self) -> Vec<Problem> {
        if self.problems.len() > PROBLEMS_MAX {
            let more = self.problems.len() - PROBLEMS_MAX;
            self.problems.truncate(PROBLEMS_MAX);
            let wrong = format!(
                "{more} more problems in {}: they are not told",
                shorten(self.file)
            );
            self.problems
                .push(Problem::error(Code::TooLarge, "", wrong));
        }
        self.problems
    }
}

/// The one JSON value of a file, or why there is none.
pub(super) fn one_value(text: &Text) -> Result<Node, Vec<Problem>> {
    let (mut nodes, mut problems) = documents(text);
    let at_start = |wrong: &str| {
        let start = crate::manifest::Spot::START.in_file(&text.file);
        Problem::error(Code::NothingFound, "", wrong).at(start)
    };
    match (nodes.pop(), nodes.is_empty()) {
        (Some(node), true) if problems.is_empty() => Ok(node),
        (None, _) if problems.is_empty() => Err(vec![at_start("the file is empty")]),
        (Some(_), false) => {
            problems.push(at_start(
                "the file holds more than one value; give one file for each answer of a server",
            ));
            Err(problems)
        }
        (Some(_) | None, _) => Err(problems),
    }
}
