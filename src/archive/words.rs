//! The words of a release and of a question, cut in one way for both engines. Pure.

use std::collections::BTreeSet;

use crate::spec::crd::Release;

/// How many words of a release are kept: some five for each step of a large system.
const WORDS_MAX: usize = 5_000;
/// How long a word is: a digest has 64 characters.
const WORD_CHARACTERS_MAX: usize = 64;
/// How many words a question has.
const ASKED_MAX: usize = 16;

/// A text as words: runs of letters and digits, in lower case.
fn cut(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word: String = word.chars().take(WORD_CHARACTERS_MAX).collect();
            word.to_lowercase()
        })
}

/// What a release is found by: names, revisions, images, people, reasons and how it ended.
pub(super) fn of_release(release: &Release) -> Vec<String> {
    let spec = &release.spec;
    let status = release.status.clone().unwrap_or_default();
    let control = spec.control.clone().unwrap_or_default();
    let mut texts: Vec<&str> = vec![&spec.plan, &spec.revision, &spec.trigger];
    texts.extend(release.metadata.name.as_deref());
    texts.extend(release.metadata.namespace.as_deref());
    texts.extend(spec.reason.as_deref());
    texts.extend(control.reason.as_deref());
    texts.extend(status.outcome.as_deref());
    for approval in &control.approvals {
        texts.push(&approval.by);
        texts.extend(approval.reason.as_deref());
    }
    for service in status.waves.iter().flat_map(|wave| &wave.services) {
        texts.extend([
            service.name.as_str(),
            &service.from,
            &service.to,
            &service.reason,
        ]);
    }
    let words: BTreeSet<String> = texts.into_iter().flat_map(cut).collect();
    words.into_iter().take(WORDS_MAX).collect()
}

/// A question: every word has to begin a word of the release.
pub(super) struct Question(Vec<String>);

impl Question {
    /// Cuts it.
    pub(super) fn new(text: &str) -> Self {
        Self(cut(text).take(ASKED_MAX).collect())
    }

    /// Whether it asks for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the language of SQLite's FTS5. A word has letters and digits only, so there is nothing to escape.
    pub(super) fn for_sqlite(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| format!("\"{word}\"*")).collect();
        words.join(" AND ")
    }

    /// In the language of PostgreSQL's `tsquery`.
    pub(super) fn for_postgres(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| format!("'{word}':*")).collect();
        words.join(" & ")
    }
}
