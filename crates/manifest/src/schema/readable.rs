//! What can be read of an object that its schema refuses, so that the rest of it is checked in the same run.
//!
//! A field that can only be meant in one way is read as it is meant; one of another type is left out. What must be there
//! and is not gets an empty value, so that the entries of a list keep their places. Nothing of this is ever carried out:
//! there is at least one error.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Number;

use super::{meant, property, unquotes_to};
use crate::node::{Key, Node, NodeKind, Spot};

/// The value as far as it fits the schema; `None` if nothing of it does.
pub(super) fn readable(node: &Node, schema: &JSONSchemaProps) -> Option<Node> {
    let with = |kind: NodeKind| Node {
        kind,
        place: node.place,
    };
    match (&node.kind, schema.type_.as_deref()) {
        (NodeKind::Null, _) => (schema.nullable == Some(true)).then(|| node.clone()),
        (NodeKind::Mapping(entries), Some("object") | None) => {
            Some(with(mapping(node.place, entries, schema)))
        }
        (NodeKind::Sequence(items), Some("array")) => Some(with(sequence(items, schema))),
        (NodeKind::Text(text), Some("string")) => {
            choice(text, schema).map(NodeKind::Text).map(with)
        }
        (NodeKind::Bool { written, .. } | NodeKind::Number { written, .. }, Some("string")) => {
            choice(written, schema).map(NodeKind::Text).map(with)
        }
        (NodeKind::Text(text), Some("boolean")) if unquotes_to(text, "boolean") => {
            Some(with(NodeKind::Bool {
                value: text == "true",
                written: text.clone(),
            }))
        }
        (NodeKind::Text(text), Some("integer")) => {
            let value = text.parse::<i64>().ok().map(Number::from)?;
            number(&value, schema).map(with)
        }
        (NodeKind::Number { value, .. }, Some("integer")) if !value.is_f64() => {
            number(value, schema).map(with)
        }
        (NodeKind::Bool { .. }, Some("boolean"))
        | (NodeKind::Number { .. }, Some("number"))
        | (_, None) => Some(node.clone()),
        (_, Some(_)) => None,
    }
}

fn mapping(place: Spot, entries: &[(Key, Node)], schema: &JSONSchemaProps) -> NodeKind {
    let additional = match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(each)) => Some(each.as_ref()),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    };
    let open = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    let mut read: Vec<(Key, Node)> = Vec::new();
    for (key, value) in entries {
        let meant = meant(schema, key, entries).map(|name| Key {
            text: name.to_owned(),
            place: key.place,
        });
        let key = meant.as_ref().unwrap_or(key);
        let value = match property(schema, &key.text).or(additional) {
            Some(schema) => readable(value, schema),
            None => open.then(|| value.clone()),
        };
        read.extend(value.map(|value| (key.clone(), value)));
    }
    for name in schema.required.iter().flatten() {
        if read.iter().any(|(key, _)| key.text == *name) {
            continue;
        }
        if let Some(schema) = property(schema, name) {
            let key = Key {
                text: name.clone(),
                place,
            };
            read.push((key, empty(place, schema)));
        }
    }
    NodeKind::Mapping(read)
}

fn sequence(items: &[Node], schema: &JSONSchemaProps) -> NodeKind {
    let Some(JSONSchemaPropsOrArray::Schema(each)) = &schema.items else {
        return NodeKind::Sequence(items.to_vec());
    };
    let items = items
        .iter()
        .map(|item| readable(item, each).unwrap_or_else(|| empty(item.place, each)));
    NodeKind::Sequence(items.collect())
}

/// A word of those that the schema allows, if it names them.
fn choice(text: &str, schema: &JSONSchemaProps) -> Option<String> {
    let Some(choices) = &schema.enum_ else {
        return Some(text.to_owned());
    };
    let choices = choices.iter().filter_map(|choice| choice.0.as_str());
    choices
        .map(ToOwned::to_owned)
        .find(|choice| choice.eq_ignore_ascii_case(text))
}

fn number(value: &Number, schema: &JSONSchemaProps) -> Option<NodeKind> {
    let size = value.as_f64()?;
    let fits = schema.minimum.is_none_or(|minimum| size >= minimum)
        && schema.maximum.is_none_or(|maximum| size <= maximum);
    fits.then(|| NodeKind::Number {
        value: value.clone(),
        written: value.to_string(),
    })
}

/// A value that stands where nothing could be read.
fn empty(place: Spot, schema: &JSONSchemaProps) -> Node {
    let kind = match schema.type_.as_deref() {
        Some("object") => mapping(place, &[], schema),
        Some("array") => NodeKind::Sequence(Vec::new()),
        Some("string") => {
            let first = schema.enum_.iter().flatten().find_map(|it| it.0.as_str());
            NodeKind::Text(first.unwrap_or_default().to_owned())
        }
        Some("boolean") => NodeKind::Bool {
            value: false,
            written: "false".to_owned(),
        },
        Some("integer" | "number") => NodeKind::Number {
            value: Number::from(0),
            written: "0".to_owned(),
        },
        Some(_) | None => NodeKind::Null,
    };
    Node { kind, place }
}
