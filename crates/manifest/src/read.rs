//! Files in, objects out.
//!
//! In: names and bytes of files that somebody else has read. Out: [`Manifests`], sorted into our own kinds and
//! what is to be applied, in the order of the files; and every problem.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compose::{Budget, PROBLEMS_MAX, compose};
use super::decode::decode;
use super::document::pieces;
use super::node::{Node, NodeKind, Spot, index_path, shorten};
use super::object::{Envelope, Object, Within, envelope, stranger};
use super::schema::Schemas;
use tidegate_spec::crd::{API_VERSION, GROUP, LiveSetsSpec, ReleasePlan, ServiceGraph};
use tidegate_spec::{Code, Identity, ObjectRef, Place, Problem, Severity, did_you_mean};

/// The largest file: four times what etcd holds of one object, ten times over. A larger one is no manifest.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The largest sum of files, since a folder may have many.
const TOTAL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its name as the user gave it, or `<stdin>`.
    pub file: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifests {
    /// The graphs; nobody has counted them yet.
    pub graphs: Vec<Declared<ServiceGraph>>,
    /// The plans.
    pub plans: Vec<Declared<ReleasePlan>>,
    /// Live sets, which only a plan from files asks for.
    pub live: Vec<Declared<LiveSetsSpec>>,
    /// Everything else, to be applied.
    pub objects: Vec<Object>,
}

/// One of our own objects, with the place of each of its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared<T> {
    /// The object.
    pub value: T,
    /// The file it is from.
    pub file: String,
    /// The object as written, as far as it can be read.
    pub node: Node,
    /// The fields in which something was refused, which is told already.
    pub refused: Vec<String>,
}

impl<T> Declared<T> {
    /// Where a field stands (`spec.services[3].calls[0].version`), or the nearest field above it that exists.
    pub fn place_of(&self, path: &str) -> Place {
        self.node.place_of(path).in_file(&self.file)
    }

    /// Problems that were found in the value, with their places. What follows from a field that was refused, in it or
    /// around it, is left out.
    pub fn beyond_refused(&self, problems: Vec<Problem>) -> impl Iterator<Item = Problem> {
        let is_new = |problem: &Problem| {
            let path = problem.path.as_str();
            !self
                .refused
                .iter()
                .any(|refused| is_within(refused, path) || is_within(path, refused))
        };
        problems.into_iter().filter(is_new).map(|problem| {
            let place = self.place_of(&problem.path);
            problem.at(place)
        })
    }
}

/// Whether a path is a field, or below it.
fn is_within(field: &str, path: &str) -> bool {
    path.strip_prefix(field)
        .is_some_and(|below| below.is_empty() || below.starts_with(['.', '[']))
}

/// Reads files. What can be read is returned even where a part of it has a problem, so that the rest is checked too.
pub fn read(texts: &[Text]) -> (Manifests, Vec<Problem>) {
    let mut reader = Reader::default();
    let mut total_bytes = 0_usize;
    for text in texts {
        let within_limit = total_bytes <= TOTAL_BYTES_MAX;
        total_bytes = total_bytes.saturating_add(text.bytes.len());
        if total_bytes <= TOTAL_BYTES_MAX {
            reader.file(text);
        } else if within_limit {
            // Said once, for the first file that is too much.
            reader.problems.push(too_large(
                text,
                "the files up to this one take",
                TOTAL_BYTES_MAX,
            ));
        }
    }
    let Reader {
        manifests,
        mut problems,
        ..
    } = reader;
    if problems.len() >= PROBLEMS_MAX {
        problems.truncate(PROBLEMS_MAX);
        let wrong = format!("more than {PROBLEMS_MAX} problems: the rest is not told");
        problems.push(Problem::error(Code::TooLarge, "", wrong));
    }
    let nothing = manifests.graphs.is_empty()
        && manifests.plans.is_empty()
        && manifests.live.is_empty()
        && manifests.objects.is_empty();
    if nothing
        && problems
            .iter()
            .all(|problem| problem.severity == Severity::Warning)
    {
        let of = match texts {
            [text] => format!("in `{}`", shorten(&text.file)),
            texts => format!("in any of {} files", texts.len()),
        };
        let problem = Problem::error(
            Code::NothingFound,
            "",
            format!("there is no object {of}: nothing but comments and white space"),
        );
        let problem = problem
            .hint("give a folder with `.yaml`, `.yml` or `.json` files, or `-` for standard input");
        problems.push(match texts.first() {
            Some(text) => problem.at(Spot::START.in_file(&text.file)),
            None => problem,
        });
    }
    (manifests, problems)
}

/// Reads one file of any YAML or JSON, Kubernetes objects or not.
///
/// Out: the value of each document with the place of every field, within the same limits as manifests. A document with
/// a problem is left out.
pub fn documents(text: &Text) -> (Vec<Node>, Vec<Problem>) {
    let mut problems = Vec::new();
    if text.bytes.len() > FILE_BYTES_MAX {
        problems.push(too_large(text, "the file takes", FILE_BYTES_MAX));
        return (Vec::new(), problems);
    }
    let content = match decode(text) {
        Ok(content) => content,
        Err(problem) => return (Vec::new(), vec![*problem]),
    };
    let mut budget = Budget::new();
    let mut nodes = Vec::new();
    for piece in pieces(content) {
        let known = problems.len();
        let node = compose(&text.file, &piece, &mut budget, &mut problems);
        nodes.extend(node.filter(|_| problems.len() == known));
    }
    (nodes, problems)
}

/// The problem of an object that was met before.
pub(super) fn duplicate(reference: &ObjectRef, path: String, first: &Place) -> Problem {
    let wrong = format!("{reference} is written twice, first at {first}");
    Problem::error(Code::DuplicateObject, path, wrong).hint("remove one of the two")
}

fn too_large(text: &Text, what: &str, limit: usize) -> Problem {
    let mebibytes = limit / (1024 * 1024);
    Problem::error(
        Code::TooLarge,
        "",
        format!("{what} more than the limit of {mebibytes} MiB"),
    )
    .hint("split it, or leave out what is no manifest")
    .at(Spot::START.in_file(&text.file))
}

#[derive(Default)]
struct Reader {
    manifests: Manifests,
    problems: Vec<Problem>,
    seen: BTreeMap<Identity, Place>,
    schemas: Schemas,
    /// The paths of what could not be read in the document at hand.
    refused: Vec<String>,
}

impl Reader {
    fn file(&mut self, text: &Text) {
        if text.bytes.len() > FILE_BYTES_MAX {
            self.problems
                .push(too_large(text, "the file takes", FILE_BYTES_MAX));
            return;
        }
        let content = match decode(text) {
            Ok(content) => content,
            Err(problem) => {
                self.problems.push(*problem);
                return;
            }
        };
        let mut budget = Budget::new();
        for piece in pieces(content) {
            let known = self.problems.len();
            let Some(node) = compose(&text.file, &piece, &mut budget, &mut self.problems) else {
                continue;
            };
            let refused = self.problems.iter().skip(known);
            self.refused = refused.map(|problem| problem.path.clone()).collect();
            // A template that nobody rendered, for instance: nothing of the document is what was meant.
            if self.refused.iter().any(String::is_empty) {
                continue;
            }
            let told = self.problems.len();
            let within = Within {
                file: &text.file,
                path: "",
            };
            self.document(within, node);
            // A value that could not be read is not also absent, or of another type.
            let found = self.problems.split_off(told);
            let refused = &self.refused;
            let follows = |problem: &Problem| {
                refused
                    .iter()
                    .any(|refused| is_within(refused, &problem.path))
            };
            self.problems
                .extend(found.into_iter().filter(|problem| !follows(problem)));
        }
    }

    /// Takes a document, or an entry of a list of objects.
    fn document(&mut self, within: Within<'_>, mut node: Node) {
        if let Some(problem) = stranger(within, &node) {
            self.problems.push(problem);
            return;
        }
        if let Some(items) = take_items(&mut node) {
            for (index, item) in items.into_iter().enumerate() {
                let path = within.path(&index_path("items", index));
                self.document(
                    Within {
                        file: within.file,
                        path: &path,
                    },
                    item,
                );
            }
            return;
        }
        if node.get("kind").and_then(Node::as_text) == Some("LiveSets") {
            self.live_sets(within, node);
            return;
        }
        let Some(envelope) = envelope(within, &node, &mut self.problems) else {
            return;
        };
        self.note_duplicate(within, &envelope);
        let group = envelope.reference.group();
        // Other projects have kinds of these names too, in groups of theirs; the groups without a dot are Kubernetes' own.
        let is_misplaced = !group.contains('.')
            && matches!(
                envelope.reference.kind.as_str(),
                "ServiceGraph" | "ReleasePlan"
            );
        if group == GROUP || is_misplaced {
            self.own(within, &envelope, node);
        } else {
            self.manifests.objects.push(Object {
                value: node.to_json(),
                place: envelope.name_spot.in_file(within.file),
                namespace_place: envelope
                    .namespace_spot
                    .map(|spot| spot.in_file(within.file)),
                reference: envelope.reference,
            });
        }
    }

    fn note_duplicate(&mut self, within: Within<'_>, envelope: &Envelope) {
        let place = envelope.name_spot.in_file(within.file);
        let identity = envelope.reference.identity();
        if let Some(first) = self.seen.get(&identity) {
            let path = within.path("metadata.name");
            self.problems
                .push(duplicate(&envelope.reference, path, first).at(place));
        } else {
            self.seen.insert(identity, place);
        }
    }

    /// One of our own kinds.
    fn own(&mut self, within: Within<'_>, envelope: &Envelope, node: Node) {
        let kind = envelope.reference.kind.as_str();
        let at = |field: &str| node.place_of(field).in_file(within.file);
        if !self.is_ours(within, &node) {
            return;
        }
        match kind {
            "ServiceGraph" => {
                if let Some(declared) = self.declare(within, kind, node) {
                    self.manifests.graphs.push(declared);
                }
            }
            "ReleasePlan" => {
                if let Some(declared) = self.declare(within, kind, node) {
                    self.manifests.plans.push(declared);
                }
            }
            "Release" => {
                let wrong = "a Release is one run, it is made by tidegate and not from a file";
                let problem = within
                    .error(Code::NotSupported, "kind", wrong)
                    .hint("remove it from the manifests; `tidegate run` starts a release");
                self.problems.push(problem.at(at("kind")));
            }
            _ => {
                let kinds = ["ServiceGraph", "ReleasePlan", "LiveSets"];
                let hint = match did_you_mean(kind, kinds) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "the kinds are ServiceGraph, ReleasePlan and, for `plan --live`, LiveSets"
                            .to_owned()
                    }
                };
                let wrong = format!("{GROUP} has no kind `{kind}`");
                let problem = within.error(Code::InvalidValue, "kind", wrong).hint(hint);
                self.problems.push(problem.at(at("kind")));
            }
        }
    }

    /// Whether the API version is the one that is known, which is told if it is not.
    fn is_ours(&mut self, within: Within<'_>, node: &Node) -> bool {
        let written = node.get("apiVersion");
        if written.and_then(Node::as_text) == Some(API_VERSION) {
            return true;
        }
        let wrong = match written.map(|written| (written.as_text(), written)) {
            Some((Some(text), _)) => format!("this tidegate knows no `{}`", shorten(text)),
            Some((None, written)) => format!("expected text, found {}", written.describe()),
            None => "`apiVersion` is missing".to_owned(),
        };
        let problem = within
            .error(Code::InvalidValue, "apiVersion", wrong)
            .hint(format!("write `{API_VERSION}`"));
        self.problems
            .push(problem.at(node.place_of("apiVersion").in_file(within.file)));
        false
    }

    /// Live sets need no name.
    fn live_sets(&mut self, within: Within<'_>, mut node: Node) {
        if !self.is_ours(within, &node) {
            return;
        }
        let (read, found) = self.schemas.check(within, "LiveSets", node);
        node = read;
        let mut value = node.to_json();
        if let Value::Object(fields) = &mut value {
            for field in ["apiVersion", "kind", "metadata"] {
                fields.shift_remove(field);
            }
        }
        let declared = self.declared(within, "LiveSets", (value, node), found);
        self.manifests.live.extend(declared);
    }

    fn declare<T: DeserializeOwned>(
        &mut self,
        within: Within<'_>,
        kind: &str,
        node: Node,
    ) -> Option<Declared<T>> {
        let (node, found) = self.schemas.check(within, kind, node);
        let mut value = node.to_json();
        // As `kubectl get -o yaml` writes it; what tidegate once found is no declaration.
        if let Value::Object(fields) = &mut value {
            fields.shift_remove("status");
        }
        self.declared(within, kind, (value, node), found)
    }

    fn declared<T: DeserializeOwned>(
        &mut self,
        within: Within<'_>,
        kind: &str,
        (value, node): (Value, Node),
        found: Vec<Problem>,
    ) -> Option<Declared<T>> {
        let paths = self
            .refused
            .iter()
            .chain(found.iter().map(|problem| &problem.path));
        let here = |path: &String| {
            let path = path.strip_prefix(within.path)?;
            Some(path.strip_prefix('.').unwrap_or(path).to_owned())
        };
        let refused: Vec<String> = paths.filter_map(here).filter(|it| !it.is_empty()).collect();
        let is_told = !found.is_empty() || !refused.is_empty();
        self.problems.extend(found);
        match serde_json::from_value(value) {
            Ok(value) => Some(Declared {
                value,
                file: within.file.to_owned(),
                node,
                refused,
            }),
            Err(_) if is_told => None,
            Err(error) => {
                let wrong = format!("not a {kind}: {error}");
                let problem = within.error(Code::InvalidValue, "", wrong);
                self.problems
                    .push(problem.at(node.place.in_file(within.file)));
                None
            }
        }
    }
}

/// The entries of a list of objects (`kind: List`, or `DeploymentList` as the API answers).
fn take_items(node: &mut Node) -> Option<Vec<Node>> {
    let kind = node
        .get("kind")
        .and_then(Node::as_text)?
        .strip_suffix("List")?
        .to_owned();
    let api_version = node
        .entry("apiVersion")
        .map(|(key, value)| (key.clone(), value.clone()));
    let kind_key = node.entry("kind").map(|(key, _)| key.clone())?;
    // An object with a name may be of a kind that happens to be called so.
    if node
        .get("metadata")
        .is_some_and(|metadata| metadata.get("name").is_some())
    {
        return None;
    }
    let NodeKind::Mapping(entries) = &mut node.kind else {
        return None;
    };
    let items = entries
        .iter_mut()
        .find(|(key, _)| key.text == "items")
        .map(|(_, items)| items)?;
    let mut items = match &mut items.kind {
        NodeKind::Sequence(items) => std::mem::take(items),
        NodeKind::Null => Vec::new(),
        NodeKind::Bool { .. }
        | NodeKind::Number { .. }
        | NodeKind::Text(_)
        | NodeKind::Mapping(_) => return None,
    };
    if kind.is_empty() {
        return Some(items);
    }
    // The entries of a typed list as the API answers leave out what the list says for all of them.
    for item in &mut items {
        let untyped = item.get("kind").is_none() && item.get("apiVersion").is_none();
        let place = item.place;
        if let (true, NodeKind::Mapping(fields)) = (untyped, &mut item.kind) {
            let value = Node {
                kind: NodeKind::Text(kind.clone()),
                place,
            };
            fields.push((kind_key.clone(), value));
            fields.extend(api_version.clone());
        }
    }
    Some(items)
}
