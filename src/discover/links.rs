//! Jaeger's and Zipkin's dependency links: who called whom, and how often.
//!
//! Both are lists of `{parent, child, callCount}`; Zipkin adds `errorCount`
//! (<https://zipkin.io/zipkin/3.5.1/zipkin/zipkin2/DependencyLink.html>). Jaeger wraps the list in `data`, as all that
//! its query service answers, with `errors` beside it.

use super::fields::{At, Notes, one_value};
use super::seen::{Confidence, Found, SeenEdge, Sighting, Source};
use crate::manifest::{NodeKind, Text, shorten};
use crate::spec::crd::Channel;
use crate::spec::{Code, Problem};

/// Reads what Jaeger answers to `GET /api/dependencies?endTs=…&lookback=…`.
///
/// In: the JSON. Out: an edge for each link, and every problem; what is good is returned even if something is wrong.
pub fn jaeger(text: &Text) -> (Found, Vec<Problem>) {
    read(text, Source::Jaeger, |root, notes| {
        for error in root
            .field("errors")
            .map(|it| it.entries())
            .unwrap_or_default()
        {
            let words = error.text("msg").unwrap_or("no message");
            let wrong = format!("Jaeger answered with an error: {}", shorten(words));
            notes.error(Code::InvalidValue, &error, wrong);
        }
        let failed = root
            .field("errors")
            .is_some_and(|it| !it.entries().is_empty());
        // `data` is null where there is no link.
        if failed
            || root
                .node
                .get("data")
                .is_some_and(|it| it.kind == NodeKind::Null)
        {
            Vec::new()
        } else {
            notes.list(root, "data")
        }
    })
}

/// Reads what Zipkin answers to `GET /api/v2/dependencies?endTs=…&lookback=…`.
///
/// In: the JSON. Out: as [`jaeger`].
pub fn zipkin(text: &Text) -> (Found, Vec<Problem>) {
    read(text, Source::Zipkin, |root, notes| {
        if root.node.as_sequence().is_none() {
            let wrong = format!("expected a list of links, found {}", root.node.describe());
            notes.error(Code::WrongType, root, wrong);
        }
        root.entries()
    })
}

fn read(
    text: &Text,
    source: Source,
    links: impl for<'n> Fn(&At<'n>, &mut Notes<'_>) -> Vec<At<'n>>,
) -> (Found, Vec<Problem>) {
    let mut found = Found::from(source);
    let node = match one_value(text) {
        Ok(node) => node,
        Err(problems) => return (found, problems),
    };
    let mut notes = Notes::new(&text.file);
    for at in links(&At::root(&node), &mut notes) {
        if !matches!(at.node.kind, NodeKind::Mapping(_)) {
            let wrong = format!("expected a link, found {}", at.node.describe());
            notes.error(Code::WrongType, &at, wrong);
            continue;
        }
        let caller = notes.text(&at, "parent");
        let callee = notes.text(&at, "child");
        let calls = notes.count(&at, "callCount");
        let errors = notes.count(&at, "errorCount");
        let (Some(caller), Some(callee)) = (caller, callee) else {
            continue;
        };
        found.edges.push(SeenEdge {
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            contract: None,
            channel: Channel::Rpc,
            sighting: Sighting {
                calls,
                errors,
                ..Sighting::new(source, &text.file, Confidence::Observed)
            },
            place: Some(notes.place(&at)),
        });
    }
    (found, notes.problems())
}
