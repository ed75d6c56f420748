//! Versions without `all` or `any`: the one mistake in a graph that has an answer of its own.
//!
//! A bare list could mean "may use any of these at any time" or "adapts call by call", and the two are ordered
//! differently. So it is refused, with both ways to write it.

use crate::node::{Key, Node, NodeKind, key_path, shorten};
use tidegate_spec::{Code, Problem};

/// The problem of a list of versions in an entry of `calls`, under whatever key.
pub(super) fn bare_versions(path: &str, key: &Key, value: &Node) -> Option<Problem> {
    if !is_call(path) || matches!(key.text.as_str(), "all" | "any") {
        return None;
    }
    let versions = value.as_sequence();
    if versions.is_none() && key.text != "versions" {
        return None;
    }
    let listed = list(versions.unwrap_or_else(|| std::slice::from_ref(value)));
    let wrong = format!(
        "`{}` does not say how the versions are used",
        shorten(&key.text)
    );
    let hint = format!(
        "write `all: {listed}` if it may use any of these at any time, or `any: {listed}` if it adapts call by call"
    );
    Some(Problem::error(Code::BareVersions, key_path(path, &key.text), wrong).hint(hint))
}

/// The problem of `calls: {orders/grpc: ["1", "2"]}`: a mapping from what is called to bare versions.
pub(super) fn bare_calls(path: &str, node: &Node) -> Option<Problem> {
    let NodeKind::Mapping(entries) = &node.kind else {
        return None;
    };
    if !is_calls(path) {
        return None;
    }
    let (key, versions) = entries
        .iter()
        .find_map(|(key, value)| value.as_sequence().map(|versions| (key, versions)))?;
    let (service, contract) = match key.text.split_once('/') {
        Some((service, contract)) => (service, format!(", contract: {}", shorten(contract))),
        None => (key.text.as_str(), String::new()),
    };
    let (service, listed) = (shorten(service), list(versions));
    let entry = |word: &str| format!("`- {{service: {service}{contract}, {word}: {listed}}}`");
    let hint = format!(
        "`calls` is a list: write {} if it may use any of these at any time, or {} if it adapts call by call",
        entry("all"),
        entry("any")
    );
    let wrong = "`calls` does not say how the versions are used";
    Some(Problem::error(Code::BareVersions, path, wrong).hint(hint))
}

/// Whether a path is that of an entry of `calls`, of a service or an external caller.
fn is_call(path: &str) -> bool {
    path.strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
        .is_some_and(|(list, _)| is_calls(list))
}

fn is_calls(path: &str) -> bool {
    path.ends_with("].calls")
}

/// `["1", "2"]`, as it is to be written.
fn list(versions: &[Node]) -> String {
    /// How many versions a hint repeats.
    const SHOWN_MAX: usize = 5;
    let shown = |node: &Node| {
        node.quoted()
            .or_else(|| node.as_text().map(|text| format!("\"{}\"", shorten(text))))
    };
    let mut words: Vec<String> = versions.iter().filter_map(shown).take(SHOWN_MAX).collect();
    if versions.len() > SHOWN_MAX {
        words.push("…".to_owned());
    }
    format!("[{}]", words.join(", "))
}
