//! What the API server says of a Secret, without what is in it: it repeats values that it does not take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The word in place of a value.
const HIDDEN: &str = "(hidden)";
/// Values that are shorter are hidden only where the server says that it repeats one: everywhere else they may be a part of
/// any word.
const LENGTH_MIN: usize = 4;
/// How the server repeats a value of a wrong type.
const REPEATED: &str = "valueUnstructured{Value:";

/// The values of one object that nobody may see: none, but where it is a Secret.
pub(super) struct Hidden(Option<Vec<String>>);

impl Hidden {
    pub(super) fn of(manifest: &Value) -> Self {
        let is = |key: &str, text: &str| manifest.get(key).and_then(Value::as_str) == Some(text);
        if !(is("apiVersion", "v1") && is("kind", "Secret")) {
            return Self(None);
        }
        let mut values = Vec::new();
        for part in ["data", "stringData"] {
            let part = manifest.get(part).and_then(Value::as_object);
            for value in part.into_iter().flat_map(|part| part.values()) {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_) => value.to_string(),
                };
                let plain = STANDARD.decode(&text).ok();
                values.extend(plain.and_then(|bytes| String::from_utf8(bytes).ok()));
                values.push(STANDARD.encode(&text));
                values.push(text);
            }
        }
        values.retain(|value| value.len() >= LENGTH_MIN);
        // The longest first: one may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(Some(values))
    }

    /// The same words without the values.
    pub(super) fn without(&self, words: String) -> String {
        let Some(values) = &self.0 else {
            return words;
        };
        let words = values
            .iter()
            .fold(words, |words, value| words.replace(value, HIDDEN));
        let mut parts = words.split(REPEATED);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |said, part| {
            let rest = part.rfind('}').and_then(|end| part.get(end..));
            format!("{said}{REPEATED}{HIDDEN}{}", rest.unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Hidden;

    fn said(part: &str, value: &serde_json::Value, words: &str) -> String {
        let manifest = json!({"apiVersion": "v1", "kind": "Secret", part: {"password": value}});
        Hidden::of(&manifest).without(words.to_owned())
    }

    #[test]
    fn a_value_that_the_server_repeats_is_not_repeated_by_us() {
        let words = "failed to create typed patch object (shop/database; /v1, Kind=Secret): .stringData.password: expected string, got &value.valueUnstructured{Value:4711}";
        insta::assert_snapshot!(said("stringData", &json!(4711), words), @"failed to create typed patch object (shop/database; /v1, Kind=Secret): .stringData.password: expected string, got &value.valueUnstructured{Value:(hidden)}");
        // Also a short one, and one that has parts.
        let words = ".data.a: expected string, got &value.valueUnstructured{Value:7}";
        assert_eq!(
            said("data", &json!(7), words),
            ".data.a: expected string, got &value.valueUnstructured{Value:(hidden)}"
        );
        let words = ".data.a: expected string, got &value.valueUnstructured{Value:map[x:{y} z:hunter2]}, .data.b: wrong";
        assert_eq!(
            said("data", &json!({"x": "{y}", "z": "hunter2"}), words),
            ".data.a: expected string, got &value.valueUnstructured{Value:(hidden)}, .data.b: wrong"
        );
    }

    #[test]
    fn each_form_of_a_value_is_hidden() {
        let words = "hunter2 and aHVudGVyMg== are refused";
        let hidden = "(hidden) and (hidden) are refused";
        assert_eq!(said("stringData", &json!("hunter2"), words), hidden);
        assert_eq!(said("data", &json!("aHVudGVyMg=="), words), hidden);
    }

    #[test]
    fn what_is_no_secret_is_told_as_it_is() {
        let manifest =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "two"}});
        let words = ".spec.replicas: expected numeric (int or float), got &value.valueUnstructured{Value:two}";
        assert_eq!(Hidden::of(&manifest).without(words.to_owned()), words);
    }
}
