//! Composes the parser's events to values with places.
//!
//! In: one piece of a file. Out: its value, or why it has none. Bounded: nesting, number of values, and what
//! aliases expand to, so that no input takes more than a small multiple of its size.

mod budget;
mod json;
mod refuse;

use std::collections::BTreeMap;

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::{Marker, TScalarStyle};

use self::budget::{BYTES_PER_VALUE, DEPTH_MAX, Fault};
pub(super) use self::budget::{Budget, PROBLEMS_MAX};
use self::json::pair_escapes;
use super::document::{Piece, lines};
use super::node::{Key, Node, NodeKind, Spot, index_path, key_path, shorten};
use super::scalar::{number_key, resolve};
use tidegate_spec::{Code, Problem};

/// The value of a piece; `None` if it holds only comments or nothing, or if a problem was found that leaves none. Of a key
/// that is written twice the first counts, and what could not be read is nothing.
pub(super) fn compose(
    file: &str,
    piece: &Piece<'_>,
    budget: &mut Budget,
    problems: &mut Vec<Problem>,
) -> Option<Node> {
    let paired = pair_escapes(piece.text);
    let piece = &Piece {
        text: &paired,
        line: piece.line,
    };
    let lengths = lines(piece.text)
        .map(|line| line.trim_end().chars().count())
        .collect();
    let mut composer = Composer {
        file,
        piece,
        lengths,
        budget,
        problems,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        template: None,
    };
    let is_whole = composer.run();
    let Composer { root, .. } = composer;
    root.filter(|node| is_whole && node.kind != NodeKind::Null)
}

/// A value with an anchor, ready to be repeated.
struct Anchored {
    node: Node,
    weight: usize,
    height: usize,
}

/// A list or mapping that is not closed yet.
struct Open {
    body: Body,
    spot: Spot,
    anchor: usize,
    /// What the budget had counted when it was opened, for the weight of an anchor.
    counted: usize,
}

enum Body {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<(Key, Node)>,
    /// The index of each key in `entries`.
    seen: BTreeMap<String, usize>,
    merged: Vec<(Spot, Node)>,
    pending: Option<Pending>,
}

/// What was read of an entry before its value.
enum Pending {
    Key(Key),
    Merge(Spot),
    /// A key that was refused: its value is read and dropped.
    Refused,
}

struct Composer<'a> {
    file: &'a str,
    piece: &'a Piece<'a>,
    lengths: Vec<usize>,
    budget: &'a mut Budget,
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    root: Option<Node>,
    /// Whether the piece looks like a template, once somebody has asked.
    template: Option<bool>,
}

impl Composer<'_> {
    /// Takes events to the end of the piece, or to the first that cannot be taken; whether it came to the end.
    fn run(&mut self) -> bool {
        let mut parser = Parser::new_from_str(self.piece.text);
        while self.problems.len() < PROBLEMS_MAX {
            // Not `Parser::load`: it calls itself for each level of nesting.
            match parser.next_token() {
                Ok((Event::StreamEnd, _)) => return true,
                Ok((mut event, marker)) => {
                    if let Event::Scalar(text, TScalarStyle::Literal | TScalarStyle::Folded, ..) =
                        &mut event
                        && self.lacks_last_break(text)
                        && parser
                            .peek()
                            .is_ok_and(|(_, next)| next.line() > self.lengths.len())
                    {
                        text.pop();
                    }
                    if let Err(fault) = self.take(event, marker) {
                        let spot = self.spot(marker, 1);
                        self.refuse(&fault, spot);
                        return false;
                    }
                }
                Err(error) => {
                    self.refuse_syntax(&error);
                    return false;
                }
            }
        }
        false
    }

    /// Whether a block text ends with the piece, and that without the line break which the parser adds to it.
    /// `kubectl` adds none, and a `ConfigMap` would differ from what it applies.
    fn lacks_last_break(&self, text: &str) -> bool {
        let last = self
            .piece
            .text
            .rsplit(['\n', '\r'])
            .next()
            .unwrap_or_default();
        !last.trim().is_empty() && text.ends_with('\n') && text.trim_end().ends_with(last.trim())
    }

    fn take(&mut self, event: Event, marker: Marker) -> Result<(), Fault> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart
            | Event::DocumentEnd => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, (anchor, tag), marker)
            }
            Event::Alias(anchor) => self.alias(anchor, marker),
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), marker);
                self.begin(Body::Sequence(Vec::new()), anchor, marker)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), marker);
                self.begin(Body::Mapping(OpenMapping::default()), anchor, marker)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn scalar(
        &mut self,
        text: String,
        style: TScalarStyle,
        (anchor, tag): (usize, Option<Tag>),
        marker: Marker,
    ) -> Result<(), Fault> {
        let weight = 1 + text.len() / BYTES_PER_VALUE;
        self.budget.write(weight)?;
        let plain = style == TScalarStyle::Plain;
        let place = self.scalar_spot(&text, style, marker);
        let merges = plain && tag.is_none() && text == "<<";
        if let Some(mapping) = self.awaits_key().filter(|_| merges) {
            mapping.pending = Some(Pending::Merge(place));
            return Ok(());
        }
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
        let shown = shorten(&text);
        let kind = resolve(text, plain, tag.as_deref()).unwrap_or_else(|fault| {
            self.refuse_scalar(&shown, &fault, place);
            NodeKind::Null
        });
        let node = Node { kind, place };
        if anchor > 0 {
            self.budget.expand(weight)?;
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    weight,
                    height: 0,
                },
            );
        }
        self.add(node);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, marker: Marker) -> Result<(), Fault> {
        if self.open.iter().any(|open| open.anchor == anchor) {
            return Err(Fault::Recursion);
        }
        let depth = self.open.len();
        let Some(anchored) = self.anchors.get(&anchor) else {
            // Its value was refused, which is reported already.
            let place = self.spot(marker, 1);
            self.add(Node {
                kind: NodeKind::Null,
                place,
            });
            return Ok(());
        };
        if depth + anchored.height > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.budget.expand(anchored.weight)?;
        let node = anchored.node.clone();
        self.add(node);
        Ok(())
    }

    fn begin(&mut self, body: Body, anchor: usize, marker: Marker) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        let counted = self.budget.counted();
        self.budget.write(1)?;
        let spot = self.spot(marker, 1);
        self.open.push(Open {
            body,
            spot,
            anchor,
            counted,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let Some(Open {
            body,
            spot,
            anchor,
            counted,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let node = match body {
            Body::Sequence(items) => Node {
                kind: NodeKind::Sequence(items),
                place: spot,
            },
            Body::Mapping(mapping) => self.close(mapping, spot),
        };
        if anchor > 0 {
            let weight = self.budget.counted() - counted;
            self.budget.expand(weight)?;
            let height = height(&node);
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    weight,
                    height,
                },
            );
        }
        self.add(node);
        Ok(())
    }

    /// Ends a mapping: what is merged in comes after what it says itself, and gives way to it.
    fn close(&mut self, mapping: OpenMapping, spot: Spot) -> Node {
        let OpenMapping {
            mut entries,
            mut seen,
            merged,
            pending: _,
        } = mapping;
        // The parser marks a block mapping at its first `:`.
        let place = entries
            .first()
            .map_or(spot, |(key, _)| earlier(spot, key.place));
        for (at, node) in merged {
            let parts = match node.kind {
                NodeKind::Sequence(items) => items,
                NodeKind::Null
                | NodeKind::Bool { .. }
                | NodeKind::Number { .. }
                | NodeKind::Text(_)
                | NodeKind::Mapping(_) => vec![node],
            };
            for part in parts {
                let NodeKind::Mapping(fields) = part.kind else {
                    let path = key_path(&self.path(), "<<");
                    let wrong = format!("`<<` merges mappings, and this is {}", part.describe());
                    self.report(Problem::error(Code::WrongType, path, wrong), at);
                    continue;
                };
                for (key, value) in fields {
                    if !seen.contains_key(&key.text) {
                        seen.insert(key.text.clone(), entries.len());
                        entries.push((key, value));
                    }
                }
            }
        }
        Node {
            kind: NodeKind::Mapping(entries),
            place,
        }
    }

    /// The innermost mapping, if the next value is a key of it.
    fn awaits_key(&mut self) -> Option<&mut OpenMapping> {
        match self.open.last_mut().map(|open| &mut open.body) {
            Some(Body::Mapping(mapping)) if mapping.pending.is_none() => Some(mapping),
            _ => None,
        }
    }

    fn add(&mut self, node: Node) {
        if self.awaits_key().is_some() {
            let pending = self.key(node).map_or(Pending::Refused, Pending::Key);
            if let Some(mapping) = self.awaits_key() {
                mapping.pending = Some(pending);
            }
            return;
        }
        match self.open.last_mut().map(|open| &mut open.body) {
            None => self.root = Some(node),
            Some(Body::Sequence(items)) => items.push(node),
            Some(Body::Mapping(mapping)) => match mapping.pending.take() {
                Some(Pending::Key(key)) => {
                    let value = placed_at(&key, node);
                    mapping.seen.insert(key.text.clone(), mapping.entries.len());
                    mapping.entries.push((key, value));
                }
                Some(Pending::Merge(spot)) => mapping.merged.push((spot, node)),
                Some(Pending::Refused) | None => {}
            },
        }
    }

    /// The text that a key gets in JSON; `None` if it was refused.
    fn key(&mut self, node: Node) -> Option<Key> {
        let place = node.place;
        let text = match node.kind {
            NodeKind::Text(text) => text,
            NodeKind::Number { value, .. } => number_key(&value),
            NodeKind::Bool { value, .. } => value.to_string(),
            NodeKind::Null => {
                let problem = Problem::error(Code::InvalidValue, self.path(), "a key is empty");
                self.report(problem.hint("write a key before the `:`"), place);
                return None;
            }
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
                self.refuse_key(&node);
                return None;
            }
        };
        let mapping = self.awaits_key()?;
        let first = mapping
            .seen
            .get(&text)
            .and_then(|index| mapping.entries.get(*index));
        if let Some(first) = first.map(|(first, _)| first.place) {
            self.refuse_duplicate(&text, first, place);
            return None;
        }
        Some(Key { text, place })
    }

    /// The path of what is being read.
    fn path(&self) -> String {
        self.open
            .iter()
            .fold(String::new(), |path, open| match &open.body {
                Body::Sequence(items) => index_path(&path, items.len()),
                Body::Mapping(mapping) => match &mapping.pending {
                    Some(Pending::Key(key)) => key_path(&path, &key.text),
                    Some(Pending::Merge(_)) => key_path(&path, "<<"),
                    Some(Pending::Refused) | None => path,
                },
            })
    }

    fn report(&mut self, problem: Problem, spot: Spot) {
        self.problems.push(problem.at(spot.in_file(self.file)));
    }

    /// A place in the file from one in the piece. At the end of the text the parser counts one line too many.
    fn spot(&self, marker: Marker, length: usize) -> Spot {
        let last = self.lengths.len().max(1);
        let (line, column) = if marker.line() > last {
            (last, self.lengths.last().copied().unwrap_or(0) + 1)
        } else {
            (marker.line().max(1), marker.col() + 1)
        };
        let rest = self
            .lengths
            .get(line - 1)
            .map_or(1, |width| (width + 1).saturating_sub(column));
        Spot {
            line: self.piece.line + line - 1,
            column,
            length: length.min(rest).max(1),
        }
    }

    fn scalar_spot(&self, text: &str, style: TScalarStyle, marker: Marker) -> Spot {
        let length = match style {
            TScalarStyle::Plain => text.chars().count(),
            TScalarStyle::SingleQuoted | TScalarStyle::DoubleQuoted => text.chars().count() + 2,
            TScalarStyle::Literal | TScalarStyle::Folded => 1,
        };
        self.spot(marker, length)
    }
}

fn earlier(spot: Spot, other: Spot) -> Spot {
    if (other.line, other.column) < (spot.line, spot.column) {
        Spot { length: 1, ..other }
    } else {
        spot
    }
}

/// A value that is left out stands at its key; the parser puts it at whatever comes next.
fn placed_at(key: &Key, node: Node) -> Node {
    match &node.kind {
        NodeKind::Null => Node {
            place: key.place,
            ..node
        },
        NodeKind::Bool { .. }
        | NodeKind::Number { .. }
        | NodeKind::Text(_)
        | NodeKind::Sequence(_)
        | NodeKind::Mapping(_) => node,
    }
}

/// How many levels a value has; a scalar has none.
fn height(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Null | NodeKind::Bool { .. } | NodeKind::Number { .. } | NodeKind::Text(_) => 0,
        NodeKind::Sequence(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        NodeKind::Mapping(entries) => {
            1 + entries
                .iter()
                .map(|(_, value)| height(value))
                .max()
                .unwrap_or(0)
        }
    }
}
