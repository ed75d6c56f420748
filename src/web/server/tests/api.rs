//! Every route of the API stands in its document, and every answer is as the document says.

use reqwest::Method;
use serde_json::Value;

use super::scene::Page;
use crate::web::backend::Right;
use crate::web::server::schema::document;

const RIGHTS: &[(&str, Right, &str)] = &[
    ("ben", Right::SeeReleases, "*"),
    ("ben", Right::SeePlans, "*"),
    ("ben", Right::SeeGraphs, "*"),
];

/// What is wrong with a value by a schema of the document.
fn wrong(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        match document.pointer(pointer) {
            Some(schema) => wrong(document, schema, value, path, found),
            None => found.push(format!("{path}: no {reference}")),
        }
        return;
    }
    if let Some(all) = schema["oneOf"]
        .as_array()
        .or_else(|| schema["anyOf"].as_array())
    {
        let fits = |schema: &Value| {
            let mut found = Vec::new();
            wrong(document, schema, value, path, &mut found);
            found.is_empty()
        };
        if !all.iter().any(fits) {
            found.push(format!("{path}: {value} fits none of {all:?}"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.is_empty() && !kinds.contains(&kind) {
        found.push(format!("{path}: a {kind} where the document has {kinds:?}"));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        found.push(format!("{path}: {value} is none of {known:?}"));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            wrong(
                document,
                &schema["items"],
                item,
                &format!("{path}[{at}]"),
                found,
            );
        }
    }
    let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    else {
        return;
    };
    for (name, field) in fields {
        match properties.get(name) {
            Some(schema) => wrong(document, schema, field, &format!("{path}.{name}"), found),
            None => found.push(format!("{path}.{name}: not in the document")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap_or_default()) {
            found.push(format!("{path}: lacks {name}"));
        }
    }
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let page = Page::start(RIGHTS).await;
    let document = serde_json::to_value(document()).expect("JSON");
    let served = page
        .read("/api/v1/openapi.json", "")
        .await
        .json::<Value>()
        .await;
    assert_eq!(served.expect("JSON"), document);
    let mut read = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if path.ends_with("/events") {
            continue;
        }
        let Some(get) = operations.get("get") else {
            continue;
        };
        let filled = path
            .replace("{namespace}", "till")
            .replace("{name}", "NAME");
        let name = if path.contains("/releases/") {
            "shop-1"
        } else {
            "shop"
        };
        let query = if path.ends_with("what-if") {
            "?from=declared&to=shop-1"
        } else {
            ""
        };
        let filled = format!("/api/v1{}{query}", filled.replace("NAME", name));
        let answer = page.as_program("ben", Method::GET, &filled).await;
        assert_eq!(answer.status(), 200, "{filled}");
        let value: Value = answer.json().await.expect("JSON");
        let schema = &get["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path} has a schema");
        let mut found = Vec::new();
        wrong(&document, schema, &value, "$", &mut found);
        assert!(found.is_empty(), "{filled}:\n{}", found.join("\n"));
        let missing = page.read(&filled, "").await;
        assert_eq!(missing.status(), 401, "{filled}");
        let mut found = Vec::new();
        let value: Value = missing.json().await.expect("JSON");
        let schema = &get["responses"]["401"]["content"]["application/json"]["schema"];
        wrong(&document, schema, &value, "$", &mut found);
        assert!(found.is_empty(), "{filled}: {}", found.join("\n"));
        read += 1;
    }
    assert!(read >= 9, "{read}");
}

#[test]
fn every_route_stands_in_the_document() {
    let text = include_str!("../api.rs");
    let routes: Vec<&str> = text
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|route| *route != "/openapi.json")
        .collect();
    assert!(routes.len() > 9, "{routes:?}");
    let document = document();
    for route in &routes {
        assert!(
            document.paths.paths.contains_key(*route),
            "{route} is not in the document"
        );
    }
    assert_eq!(document.paths.paths.len(), routes.len());
}
