//! Text in, text out.

use super::{Manifests, Text, read};

mod completion;
mod hostile;
mod images;
mod object;
mod owner;
mod rules;
mod schema;
mod unending;
mod yaml;

fn text(file: &str, content: &str) -> Text {
    Text {
        file: file.to_owned(),
        bytes: content.as_bytes().to_vec(),
    }
}

/// Every problem of a file, one a line.
fn problems_of(yaml: &str) -> String {
    problems_of_bytes(yaml.as_bytes())
}

fn problems_of_bytes(bytes: &[u8]) -> String {
    let (_, problems) = read(&[Text {
        file: "a.yaml".to_owned(),
        bytes: bytes.to_vec(),
    }]);
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every object of a file that must have no problem: place, name and value.
fn objects_of(yaml: &str) -> String {
    let manifests = manifests_of(yaml);
    let objects = manifests.objects.iter();
    objects
        .map(|object| format!("{} {} {}", object.place, object.reference, object.value))
        .collect::<Vec<_>>()
        .join("\n")
}

fn manifests_of(yaml: &str) -> Manifests {
    let (manifests, problems) = read(&[text("a.yaml", yaml)]);
    assert_eq!(problems, Vec::new());
    manifests
}

/// What a value under `data` of an object becomes in JSON.
fn value_of(yaml: &str) -> String {
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let manifests = manifests_of(&format!("{head}data: {yaml}"));
    manifests.objects[0].value["data"].to_string()
}

/// The problems of what stands under `data`, without the place's line (which is not what the test is about).
fn problem_in(yaml: &str) -> String {
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    problems_of(&format!("{head}data: {yaml}\n"))
}
