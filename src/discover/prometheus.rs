//! Answers of Prometheus: the envelope, and which metric is in it.
//!
//! `GET /api/v1/query` answers `{status, data: {resultType: "vector", result: [{metric: {…}, value: [time, "text"]}]}}`
//! (<https://prometheus.io/docs/prometheus/latest/querying/api/>). What a query sums up has no `__name__` any more, so a
//! sample is known by its labels too.

use super::fields::{At, Notes, one_value};
use super::istio::Mesh;
use super::seen::{Found, Source};
use super::service_graph;
use crate::manifest::{Text, shorten};
use crate::spec::words::count;
use crate::spec::{Code, Problem};

/// One sample of a vector.
pub(super) struct Sample<'a> {
    /// Its labels.
    pub labels: At<'a>,
    /// Its value, which is above zero.
    pub value: f64,
}

impl Sample<'_> {
    /// The value as a number of calls. `increase()` gives fractions, which are rounded; what rounds to none is a rate,
    /// whose number means something else.
    pub(super) fn calls(&self) -> Option<u64> {
        const MOST: f64 = 9_007_199_254_740_992.0;
        let rounded = self.value.round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, above zero and below 2^53"
        )]
        (1.0..=MOST).contains(&rounded).then_some(rounded as u64)
    }
}

/// Which metric a sample is of.
#[derive(Clone, Copy)]
enum Metric {
    ServiceGraph,
    Istio,
    Other,
}

/// Reads the answer to a query for `traces_service_graph_request_total` or `istio_requests_total`.
///
/// In: the JSON of `/api/v1/query`. Out: the edges whose value is above zero, and every problem.
pub fn prometheus(text: &Text) -> (Found, Vec<Problem>) {
    let mut found = Found::default();
    let node = match one_value(text) {
        Ok(node) => node,
        Err(problems) => return (found, problems),
    };
    let mut notes = Notes::new(&text.file);
    let mut mesh = Mesh::default();
    let mut others = 0_usize;
    let samples = samples(&At::root(&node), &mut notes);
    for at in &samples {
        let Some(labels) = at.field("metric") else {
            notes.missing(at, "metric");
            continue;
        };
        let metric = metric(&labels);
        match metric {
            Metric::ServiceGraph => found.sources.insert(Source::ServiceGraph),
            Metric::Istio => found.sources.insert(Source::Istio),
            Metric::Other => {
                others += 1;
                continue;
            }
        };
        let Some(value) = value(at, &mut notes) else {
            continue;
        };
        let sample = Sample { labels, value };
        match metric {
            Metric::ServiceGraph => {
                service_graph::take(&sample, &text.file, &mut found, &mut notes);
            }
            Metric::Istio => mesh.take(&sample, notes.place(at)),
            Metric::Other => {}
        }
    }
    mesh.finish(&text.file, &mut found, &mut notes);
    let nothing_known = found.sources.is_empty();
    if others > 0 || (nothing_known && notes.is_clean()) {
        let wrong = match others {
            0 => "the answer has no sample".to_owned(),
            _ => format!(
                "{} of no metric that names a caller and a callee",
                count(others, "sample")
            ),
        };
        let problem = Problem::error(Code::LeftOut, "data.result", wrong)
            .hint("ask for `traces_service_graph_request_total` or `istio_requests_total`; a sum must keep `client, server`, or the workload labels");
        let problem = problem.at(notes.place(&At::root(&node)));
        // An answer without one good sample is the answer to another question.
        notes.push(if nothing_known {
            problem
        } else {
            problem.warning()
        });
    }
    (found, notes.problems())
}

fn samples<'n>(root: &At<'n>, notes: &mut Notes<'_>) -> Vec<At<'n>> {
    if root.text("status") == Some("error") {
        let words = root.text("error").unwrap_or("no message");
        let wrong = format!("Prometheus answered with an error: {}", shorten(words));
        notes.error(Code::InvalidValue, root, wrong);
        return Vec::new();
    }
    let Some(data) = root.field("data") else {
        notes.missing(root, "data");
        return Vec::new();
    };
    match data.text("resultType") {
        None | Some("vector") => notes.list(&data, "result"),
        Some(other) => {
            let wrong = format!("the result is a {}, not a vector", shorten(other));
            let problem = Problem::error(Code::NotSupported, "data.resultType", wrong)
                .hint("save the answer of `/api/v1/query`, not of `/api/v1/query_range`");
            notes.push(problem.at(notes.place(&data)));
            Vec::new()
        }
    }
}

/// The value of a sample; `None` if nothing was counted, or if it is no value.
fn value(at: &At<'_>, notes: &mut Notes<'_>) -> Option<f64> {
    let pair = notes.list(at, "value");
    let written = pair.get(1)?;
    let number = written.node.as_text().and_then(|it| it.parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 => Some(number),
        // A counter that went stale: what it counted is not known, and may have been something.
        Some(number) if number.is_nan() => {
            let wrong = "the value is NaN, so this pair is left out";
            let problem = Problem::error(Code::LeftOut, at.path.clone(), wrong)
                .hint("ask for a longer time, for instance `increase(…[7d])`");
            notes.push(problem.at(notes.place(at)).warning());
            None
        }
        Some(_) => None,
        None => {
            let wrong = format!(
                "expected a number in quotes, found {}",
                written.node.describe()
            );
            notes.error(Code::WrongType, written, wrong);
            None
        }
    }
}

fn metric(labels: &At<'_>) -> Metric {
    let has = |key: &str| labels.node.get(key).is_some();
    match labels.text("__name__") {
        Some(name) if name.starts_with("traces_service_graph_request") => Metric::ServiceGraph,
        Some("istio_requests_total") => Metric::Istio,
        None if has("client") && has("server") => Metric::ServiceGraph,
        None if has("source_workload") || has("source_canonical_service") => Metric::Istio,
        Some(_) | None => Metric::Other,
    }
}
