//! Problems for other programs: SARIF 2.1.0 for code scanning, and workflow commands for GitHub Actions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::spec::{Code, Place, Problem, Severity, explanation};

/// The problems as one SARIF log. Columns count characters, as everywhere here.
pub(super) fn sarif(problems: &[Problem]) -> Value {
    let codes: BTreeSet<Code> = problems.iter().map(|problem| problem.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let index = codes.iter().position(|code| *code == problem.code);
            result(problem, index)
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tidegate",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    let mut rule = json!({
        "id": code.id(),
        "shortDescription": {"text": code.title()},
    });
    if let (Some(found), Some(rule)) = (explanation(code), rule.as_object_mut()) {
        rule.insert("fullDescription".to_owned(), json!({"text": found.means}));
        rule.insert("help".to_owned(), json!({"text": found.remedy}));
    }
    rule
}

fn result(problem: &Problem, rule_index: Option<usize>) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut location = json!({});
    if let Some(location) = location.as_object_mut() {
        if let Some(physical) = problem.place.as_ref().and_then(physical) {
            location.insert("physicalLocation".to_owned(), physical);
        }
        if !problem.path.is_empty() {
            let logical = json!([{"fullyQualifiedName": problem.path}]);
            location.insert("logicalLocations".to_owned(), logical);
        }
    }
    let is_somewhere = location
        .as_object()
        .is_some_and(|location| !location.is_empty());
    let locations: Vec<Value> = is_somewhere.then_some(location).into_iter().collect();
    json!({
        "ruleId": problem.code.id(),
        "ruleIndex": rule_index,
        "level": level,
        "message": {"text": words(problem)},
        "locations": locations,
    })
}

/// Where it stands in a file; what came from standard input has no file.
fn physical(place: &Place) -> Option<Value> {
    let Place {
        file,
        line,
        column,
        length,
    } = place;
    if file.starts_with('<') {
        return None;
    }
    Some(json!({
        "artifactLocation": {"uri": uri(file)},
        "region": {"startLine": line, "startColumn": column, "endColumn": column + length},
    }))
}

/// A path as a URI: relative as it was given, absolute with its scheme.
fn uri(file: &str) -> String {
    let path = file.strip_prefix("./").unwrap_or(file);
    let mut uri = if path.starts_with('/') {
        "file://".to_owned()
    } else {
        String::new()
    };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            // Writing into a String cannot fail.
            _ => write!(uri, "%{byte:02X}").unwrap_or_default(),
        }
    }
    uri
}

fn words(problem: &Problem) -> String {
    if problem.hint.is_empty() {
        problem.wrong.clone()
    } else {
        format!("{}; {}", problem.wrong, problem.hint)
    }
}

/// The problems as workflow commands, one a line: GitHub shows them at the lines of a pull request.
pub(super) fn github(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(command).collect();
    lines.join("\n")
}

fn command(problem: &Problem) -> String {
    let name = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(Place {
        file,
        line,
        column,
        length,
    }) = problem
        .place
        .as_ref()
        .filter(|place| !place.file.starts_with('<'))
    {
        let file = file.strip_prefix("./").unwrap_or(file);
        properties.push(format!("file={}", property(file)));
        properties.push(format!(
            "line={line},col={column},endColumn={}",
            column + length
        ));
    }
    let title = format!("{} {}", problem.code, problem.code.title());
    properties.push(format!("title={}", property(&title)));
    let words = match (&problem.place, problem.path.as_str()) {
        (Some(_), _) | (None, "") => words(problem),
        (None, path) => format!("{path}: {}", words(problem)),
    };
    format!("::{name} {}::{}", properties.join(","), message(&words))
}

/// A message ends with its line, and `%` begins what stands for another character.
fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// In a property, `:` and `,` end it.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{github, sarif, uri};
    use crate::spec::{Code, Place, Problem};

    fn problems() -> Vec<Problem> {
        let place = |file: &str| Place {
            file: file.to_owned(),
            line: 7,
            column: 3,
            length: 5,
        };
        vec![
            Problem::error(Code::UnknownField, "spec.serve", "100% wrong,\nand more")
                .hint("did you mean `serves`?")
                .at(place("./a b/c,d:e.yaml")),
            Problem::error(Code::NoWorkload, "spec.services[0]", "no workload").warning(),
            Problem::error(Code::UnknownField, "", "from a pipe").at(place("<stdin>")),
        ]
    }

    #[test]
    fn commands_are_escaped() {
        insta::assert_snapshot!(github(&problems()), @r"
        ::error file=a b/c%2Cd%3Ae.yaml,line=7,col=3,endColumn=8,title=TG0101 a field that does not exist::100%25 wrong,%0Aand more; did you mean `serves`?
        ::warning title=TG0124 a service without a workload::spec.services[0]: no workload
        ::error title=TG0101 a field that does not exist::from a pipe
        ");
    }

    #[test]
    fn a_log_has_the_shape_of_sarif() {
        let log = sarif(&problems());
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert!(run["tool"]["driver"]["name"].is_string());
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        assert_eq!(rules.len(), 2, "one for each code that occurs");
        for rule in rules {
            assert!(rule["id"].is_string());
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(
                    rule[text]["text"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty())
                );
            }
        }
        for result in run["results"].as_array().expect("results") {
            let index = result["ruleIndex"]
                .as_u64()
                .and_then(|at| usize::try_from(at).ok())
                .expect("an index");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(matches!(
                result["level"].as_str(),
                Some("error" | "warning")
            ));
            assert!(
                result["message"]["text"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            );
            for location in result["locations"].as_array().expect("locations") {
                let Some(physical) = location.get("physicalLocation") else {
                    continue;
                };
                assert_eq!(physical["artifactLocation"]["uri"], "a%20b/c%2Cd%3Ae.yaml");
                let region = &physical["region"];
                assert_eq!(
                    (
                        region["startLine"].as_u64(),
                        region["startColumn"].as_u64(),
                        region["endColumn"].as_u64()
                    ),
                    (Some(7), Some(3), Some(8))
                );
            }
        }
    }

    #[test]
    fn absolute_paths_have_a_scheme() {
        assert_eq!(uri("/shop/ä.yaml"), "file:///shop/%C3%A4.yaml");
    }
}
