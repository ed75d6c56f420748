//! The page's own words in each language: a table that the compiler keeps whole.
//!
//! Sentences about orders and gates are not here: they come in English from where conditions and the command line have
//! them, and people search for them.

mod chinese;
mod english;

use super::view::Mark;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The tag for `lang`, the cookie and `Accept-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Reads a tag; `None` where it is no language of ours.
    pub fn parse(tag: &str) -> Option<Self> {
        let main = tag.trim().split('-').next().unwrap_or_default();
        match main.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    /// The first of ours that a browser prefers (RFC 9110, 12.5.4).
    pub fn preferred(header: &str) -> Self {
        let weighed = header.split(',').filter_map(|part| {
            let mut pieces = part.split(';');
            let language = Self::parse(pieces.next()?)?;
            let weight =
                pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse::<f64>().ok());
            Some((weight.unwrap_or(1.0), language))
        });
        let best = weighed.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, language)| language).unwrap_or_default()
    }

    /// Its words.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &english::WORDS,
            Self::Chinese => &chinese::WORDS,
        }
    }
}

/// The words of one language.
pub(super) struct Words {
    pub language: Language,
    pub pages: &'static str,
    pub skip: &'static str,
    pub stale: &'static str,
    pub overview: &'static str,
    pub approvals: &'static str,
    pub search: &'static str,
    pub search_for: &'static str,
    pub search_teach: &'static str,
    pub nothing_found: &'static str,
    pub system: &'static str,
    pub sign_in: &'static str,
    pub sign_out: &'static str,
    pub kubernetes_token: &'static str,
    pub token_teach: &'static str,
    pub token_refused: &'static str,
    pub language_name: &'static str,
    pub theme: &'static str,
    pub theme_auto: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub keys: &'static str,
    pub simulated: &'static str,
    pub clock: &'static str,
    pub folders: &'static str,
    pub needs_you: &'static str,
    pub nothing_needs_you: &'static str,
    pub no_plans: &'static str,
    pub no_plans_teach: &'static str,
    pub no_plans_folder: &'static str,
    pub plan: &'static str,
    pub state: &'static str,
    pub last_runs: &'static str,
    pub waves: &'static str,
    pub wave: &'static str,
    pub revision: &'static str,
    pub when: &'static str,
    pub never_ran: &'static str,
    pub suspended: &'static str,
    pub run: &'static str,
    pub runs: &'static str,
    pub took: &'static str,
    pub trigger: &'static str,
    pub reason: &'static str,
    pub history: &'static str,
    pub trend: &'static str,
    pub succeeded: &'static str,
    pub median: &'static str,
    pub account: &'static str,
    pub declared: &'static str,
    pub plan_is_gone: &'static str,
    pub no_runs: &'static str,
    pub graph: &'static str,
    pub not_planned: &'static str,
    pub not_started: &'static str,
    pub no_waves: &'static str,
    pub has_ended: &'static str,
    pub may_not_change: &'static str,
    pub may_not_approve: &'static str,
    pub actions: &'static str,
    pub pause: &'static str,
    pub pause_effect: &'static str,
    pub resume: &'static str,
    pub resume_effect: &'static str,
    pub abort: &'static str,
    pub abort_effect: &'static str,
    pub approve: &'static str,
    pub why: &'static str,
    pub views: &'static str,
    pub drawing: &'static str,
    pub list: &'static str,
    pub timeline: &'static str,
    pub proof: &'static str,
    pub same_as_list: &'static str,
    pub no_proof: &'static str,
    pub plan_digest: &'static str,
    pub versions: &'static str,
    pub pods_name: &'static str,
    pub why_not_yet: &'static str,
    pub why_failed: &'static str,
    pub why_here: &'static str,
    pub since: &'static str,
    pub goes_on_when: &'static str,
    pub nothing_before: &'static str,
    pub comes_after: &'static str,
    pub changes: &'static str,
    pub is_final: &'static str,
    pub waiting_for_it: &'static str,
    pub who_asked: &'static str,
    pub nobody_asked: &'static str,
    pub by: &'static str,
    pub held_out: &'static str,
    pub leftover: &'static str,
    pub nothing_waits: &'static str,
    pub nothing_waits_teach: &'static str,
    pub services: &'static str,
    pub service: &'static str,
    pub calls: &'static str,
    pub call: &'static str,
    pub contract: &'static str,
    pub contracts: &'static str,
    pub serves: &'static str,
    pub called_by: &'static str,
    pub uncalled: &'static str,
    pub undeclared: &'static str,
    pub optional: &'static str,
    pub outside: &'static str,
    pub who_calls_whom: &'static str,
    pub what_if: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub work_out: &'static str,
    pub choose_two: &'static str,
    pub pairs: &'static str,
    pub old_old: &'static str,
    pub old_new: &'static str,
    pub new_old: &'static str,
    pub new_new: &'static str,
    pub agrees: &'static str,
    pub fails: &'static str,
    pub unknown: &'static str,
    pub to_overview: &'static str,
    pub missing: &'static str,
    pub missing_says: &'static str,
    pub not_done: &'static str,
    pub was_asked: &'static str,
    pub declared_now: &'static str,
    /// In the order of [`Mark::ALL`].
    marks: [&'static str; 11],
    /// Before and after a duration that has passed.
    ago: [&'static str; 2],
    /// Between the numbers of new pods, and after the number of old ones.
    pods: [&'static str; 2],
}

impl Words {
    /// The word of a mark.
    pub(super) fn mark(&self, mark: Mark) -> &'static str {
        let at = Mark::ALL.iter().position(|one| *one == mark);
        at.and_then(|at| self.marks.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// So long ago.
    pub(super) fn ago(&self, passed: &str) -> String {
        let [before, after] = self.ago;
        format!("{before}{passed}{after}")
    }

    /// New and old pods.
    pub(super) fn pods(&self, ready: u32, wanted: u32, old: u32) -> String {
        let [new, gone] = self.pods;
        format!("{ready}/{wanted}{new}{old}{gone}")
    }

    /// The word for an act; one that this version does not know is shown as it is.
    pub(super) fn act<'w>(&'w self, what: &'w str) -> &'w str {
        match what {
            "approve" => self.approve,
            "pause" => self.pause,
            "resume" => self.resume,
            "abort" => self.abort,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_language_is_the_best_of_ours_that_the_browser_prefers() {
        let of = Language::preferred;
        assert_eq!(of("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese);
        assert_eq!(of("en-GB,en;q=0.9,zh;q=0.2"), Language::English);
        assert_eq!(of("fr,zh;q=0.3"), Language::Chinese);
        assert_eq!(of("fr, *;q=0.1"), Language::English);
        assert_eq!(of(""), Language::English);
        assert_eq!(of("\u{0};;;q=,zh;q=x"), Language::Chinese);
    }
}
