//! Objects of JSON to types, with the field that does not fit.
//!
//! In: an object as it was written. Out: the same as a type, or which field is not as its kind says. A field that is
//! null counts as left out, as it does for the API server.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
};
use serde_json::Value;
use serde_path_to_error::Segment;

/// Why an object is not as its kind is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{error}", at(.field))]
pub struct Fault {
    /// The field, for people; empty for the whole object.
    pub field: String,
    /// The way to it.
    pub steps: Vec<Step>,
    /// What is wrong with it.
    pub error: String,
}

/// One step of the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

fn at(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("`{field}`: ")
    }
}

/// The object as a type.
pub(super) fn typed<T: DeserializeOwned>(object: Value) -> Result<T, Fault> {
    let object = without_nulls(object);
    serde_path_to_error::deserialize(Strict(&object)).map_err(|error| {
        let path = error.path();
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        });
        let steps: Vec<_> = steps.collect();
        Fault {
            field: if steps.is_empty() {
                String::new()
            } else {
                path.to_string()
            },
            steps,
            error: error.inner().to_string(),
        }
    })
}

/// A count that no API server takes: the replicas that are wanted, or a number of the status, below zero.
pub(super) fn below_zero(object: &Value) -> Option<Fault> {
    let counts = |part: &'static str| {
        let fields = object.get(part).and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        fields.map(move |(key, number)| (part, key.as_str(), number))
    };
    let wanted = counts("spec").filter(|(_, key, _)| *key == "replicas");
    let mut below = wanted
        .chain(counts("status"))
        .filter(|(_, _, number)| number.as_f64().is_some_and(|number| number < 0.0));
    below.next().map(|(part, key, number)| Fault {
        field: format!("{part}.{key}"),
        steps: vec![Step::Key(part.to_owned()), Step::Key(key.to_owned())],
        error: format!("{number} is below zero"),
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(
                kept.map(|(key, field)| (key, without_nulls(field)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// A value of JSON of which a list is never taken for a map whose fields stand in order, as serde would.
#[derive(Clone, Copy)]
struct Strict<'de>(&'de Value);

impl<'de> Deserializer<'de> for Strict<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(Strict)))
            }
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, field)| (key.as_str(), Strict(field)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if self.0.is_array() {
            return Err(Self::Error::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Strict<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
