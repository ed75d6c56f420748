//! Files in, objects out.
//!
//! In: names and bytes of files that somebody else has read. Out: [`Manifests`], sorted into our own kinds and
//! what is to be applied, in the order of the files; and every problem.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compose::{Budget, PROBLEMS_MAX, compose};
use super::document::pieces;
use super::node::{Node, NodeKind, Spot, index_path};
use super::object::{Envelope, Object, Within, envelope, stranger};
use super::schema::Schemas;
use crate::spec::crd::{API_VERSION, GROUP, ReleasePlan, ServiceGraph};
use crate::spec::{Code, ObjectRef, Place, Problem, Severity, did_you_mean};

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
    /// The object as written.
    pub node: Node,
}

impl<T> Declared<T> {
    /// Where a field stands (`spec.services[3].calls[0].version`), or the nearest field above it that exists.
    pub fn place_of(&self, path: &str) -> Place {
        self.node.place_of(path).in_file(&self.file)
    }
}

/// Reads files. The objects that have no problem are returned even if others have one.
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
    let nothing =
        manifests.graphs.is_empty() && manifests.plans.is_empty() && manifests.objects.is_empty();
    if nothing
        && problems
            .iter()
            .all(|problem| problem.severity == Severity::Warning)
    {
        problems.push(
            Problem::error(
                Code::NothingFound,
                "",
                "there is no object in what was given",
            )
            .hint("give a folder with `.yaml`, `.yml` or `.json` files, or `-` for standard input"),
        );
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
    let nodes = pieces(content)
        .iter()
        .filter_map(|piece| compose(&text.file, piece, &mut budget, &mut problems))
        .collect();
    (nodes, problems)
}

/// What makes two objects the same: the version of the API does not count.
pub(super) type Identity = (String, String, String, String);

/// The identity of an object.
pub(super) fn identity(reference: &ObjectRef) -> Identity {
    (
        reference.group().to_owned(),
        reference.kind.clone(),
        reference.namespace.clone(),
        reference.name.clone(),
    )
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
            if let Some(node) = compose(&text.file, &piece, &mut budget, &mut self.problems) {
                self.document(
                    Within {
                        file: &text.file,
                        path: "",
                    },
                    node,
                );
            }
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
        let Some(envelope) = envelope(within, &node, &mut self.problems) else {
            return;
        };
        self.note_duplicate(within, &envelope);
        if envelope.reference.group() == GROUP {
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
        let identity = identity(&envelope.reference);
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
        if envelope.reference.api_version != API_VERSION {
            let wrong = format!(
                "this tidegate knows no `{}`",
                envelope.reference.api_version
            );
            let problem = within
                .error(Code::InvalidValue, "apiVersion", wrong)
                .hint(format!("write `{API_VERSION}`"));
            self.problems.push(problem.at(at("apiVersion")));
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
                let hint = match did_you_mean(kind, ["ServiceGraph", "ReleasePlan"]) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "the kinds are ServiceGraph and ReleasePlan".to_owned(),
                };
                let wrong = format!("{GROUP} has no kind `{kind}`");
                let problem = within.error(Code::InvalidValue, "kind", wrong).hint(hint);
                self.problems.push(problem.at(at("kind")));
            }
        }
    }

    fn declare<T: DeserializeOwned>(
        &mut self,
        within: Within<'_>,
        kind: &str,
        node: Node,
    ) -> Option<Declared<T>> {
        let found = self.schemas.check(within, kind, &node);
        let refused = !found.is_empty();
        self.problems.extend(found);
        if refused {
            return None;
        }
        let mut value = node.to_json();
        // As `kubectl get -o yaml` writes it; what tidegate once found is no declaration.
        if let Value::Object(fields) = &mut value {
            fields.shift_remove("status");
        }
        match serde_json::from_value(value) {
            Ok(value) => Some(Declared {
                value,
                file: within.file.to_owned(),
                node,
            }),
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

/// The text of a file, without the byte order mark that some editors put before it.
fn decode(text: &Text) -> Result<&str, Box<Problem>> {
    let refuse = |wrong: &str, hint: &str, spot: Spot| {
        let problem = Problem::error(Code::NotText, "", wrong).hint(hint);
        Box::new(problem.at(spot.in_file(&text.file)))
    };
    let utf8 = "save the file as UTF-8";
    let bytes = text.bytes.as_slice();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refuse("the file is UTF-16, not UTF-8", utf8, Spot::START));
    }
    let content = match str::from_utf8(bytes) {
        Ok(content) => content,
        Err(_) if bytes.contains(&0) => {
            let hint = "keep it out of the folder of manifests";
            return Err(refuse("a binary file, no text", hint, Spot::START));
        }
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let spot = end_of(str::from_utf8(valid).unwrap_or_default());
            return Err(refuse("a byte here is not UTF-8", utf8, spot));
        }
    };
    if let Some((before, _)) = content.split_once('\0') {
        let hint = "this looks like a binary file; keep it out of the folder of manifests";
        return Err(refuse(
            "a NUL byte, which no text has",
            hint,
            end_of(before),
        ));
    }
    Ok(content.strip_prefix('\u{feff}').unwrap_or(content))
}

/// The place just after a text.
fn end_of(text: &str) -> Spot {
    let (before, last) = text
        .rsplit_once('\n')
        .map_or(("", text), |(before, last)| (before, last));
    let line = if last.len() == text.len() {
        1
    } else {
        before.split('\n').count() + 1
    };
    Spot {
        line,
        column: last.chars().count() + 1,
        length: 1,
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
