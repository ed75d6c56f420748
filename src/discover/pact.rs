//! The verification matrix of a Pact broker: which version of a consumer was verified against which version of a
//! provider.
//!
//! `GET /matrix?q[]pacticipant=…&latestby=cvpv` answers `{matrix: [{consumer: {name, version: {number}}, provider: {name,
//! version}, verificationResult: {success}}]}`; `version` of the provider and `verificationResult` are null where nothing
//! was verified (pact-foundation/pact_broker: `lib/pact_broker/api/decorators/matrix_decorator.rb`).

use std::collections::BTreeMap;

use super::fields::{At, Notes, one_value};
use crate::manifest::{NodeKind, Text};
use crate::spec::{Code, Place, Problem};

/// A consumer and its version, a provider and its version, as the broker names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The consumer: who calls.
    pub consumer: String,
    /// Its version.
    pub consumer_version: String,
    /// The provider: who is called.
    pub provider: String,
    /// Its version.
    pub provider_version: String,
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// Whether the verification succeeded, and where that stands.
    pub rows: BTreeMap<Row, (bool, Place)>,
}

/// Reads a matrix.
///
/// In: the JSON. Out: every pair that was verified, and every problem. A pair with rows of both results counts as failed.
pub fn pact(text: &Text) -> (Matrix, Vec<Problem>) {
    let mut matrix = Matrix::default();
    let node = match one_value(text) {
        Ok(node) => node,
        Err(problems) => return (matrix, problems),
    };
    let mut notes = Notes::new(&text.file);
    for at in notes.list(&At::root(&node), "matrix") {
        // What the request told the broker to leave out of its own answer.
        if matches!(
            at.node.get("ignored").map(|it| &it.kind),
            Some(NodeKind::Bool { value: true, .. })
        ) {
            continue;
        }
        let consumer = side(&at, "consumer", &mut notes);
        let provider = side(&at, "provider", &mut notes);
        let success = success(&at, &mut notes);
        let (Some((consumer, Some(consumer_version))), Some((provider, Some(provider_version)))) =
            (consumer, provider)
        else {
            continue;
        };
        let Some(success) = success else { continue };
        let row = Row {
            consumer,
            consumer_version,
            provider,
            provider_version,
        };
        let place = notes.place(&at);
        let Some((before, _)) = matrix.rows.get(&row) else {
            matrix.rows.insert(row, (success, place));
            continue;
        };
        if *before != success {
            let wrong = format!(
                "{} {} and {} {} were verified with both results: taken as failed",
                row.consumer, row.consumer_version, row.provider, row.provider_version
            );
            let problem = Problem::error(Code::MatrixDiffers, at.path.clone(), wrong)
                .warning()
                .hint("ask the broker with `latestby=cvpv` for the newest result of each pair");
            notes.push(problem.at(place.clone()));
            matrix.rows.insert(row, (false, place));
        }
    }
    (matrix, notes.problems())
}

/// The name and version of one side; no version where it has none.
fn side(at: &At<'_>, key: &str, notes: &mut Notes<'_>) -> Option<(String, Option<String>)> {
    let Some(side) = at.field(key) else {
        notes.missing(at, key);
        return None;
    };
    let name = notes.text(&side, "name")?.to_owned();
    let version = side
        .field("version")
        .and_then(|version| notes.text(&version, "number"));
    Some((name, version.map(ToOwned::to_owned)))
}

/// The result; `None` if nothing was verified.
fn success(at: &At<'_>, notes: &mut Notes<'_>) -> Option<bool> {
    let result = at.field("verificationResult")?;
    match result.node.get("success").map(|it| &it.kind) {
        Some(NodeKind::Bool { value, .. }) => Some(*value),
        Some(
            NodeKind::Null
            | NodeKind::Number { .. }
            | NodeKind::Text(_)
            | NodeKind::Sequence(_)
            | NodeKind::Mapping(_),
        )
        | None => {
            notes.error(Code::WrongType, &result, "`success` must be true or false");
            None
        }
    }
}
