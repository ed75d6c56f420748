//! Releases that have a word: in their name, revision, reason, result or services.

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::release::{ReleaseLine, release_line};
use super::sight::Sight;
use crate::spec::crd::Release;

/// How many are shown.
const FOUND_MAX: usize = 200;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What was looked for.
    pub query: String,
    /// The releases, the newest first.
    pub releases: Vec<ReleaseLine>,
    /// Whether there are more than are shown.
    pub is_cut: bool,
}

/// Looks for every word of a query; without one, for everything.
pub fn search(sight: &Sight, query: &str, now: Timestamp) -> Found {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<&Release> = sight
        .releases()
        .iter()
        .map(AsRef::as_ref)
        .filter(|release| words.iter().all(|word| has(release, word)))
        .collect();
    found.sort_by_key(|release| release.creation_timestamp().map(|time| time.0));
    let is_cut = found.len() > FOUND_MAX;
    let newest = found.into_iter().rev().take(FOUND_MAX);
    Found {
        query: query.to_owned(),
        releases: newest.map(|release| release_line(release, now)).collect(),
        is_cut,
    }
}

fn has(release: &Release, word: &str) -> bool {
    let in_text = |text: &str| text.to_lowercase().contains(word);
    let spec = &release.spec;
    let status = release.status.as_ref();
    let services = || {
        status
            .iter()
            .flat_map(|one| &one.waves)
            .flat_map(|wave| &wave.services)
    };
    in_text(&release.name_any())
        || in_text(&release.namespace().unwrap_or_default())
        || in_text(&spec.revision)
        || in_text(&spec.trigger)
        || spec.reason.as_deref().is_some_and(in_text)
        || status
            .and_then(|one| one.outcome.as_deref())
            .is_some_and(in_text)
        || services().any(|one| in_text(&one.name) || in_text(&one.to) || in_text(&one.from))
}
