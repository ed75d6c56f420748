//! Makes a release of a commit, exactly one.

use kube::ResourceExt;

use super::keeper::Keeper;
use crate::cluster::error::ClusterError;
use crate::cluster::releases::{NewRelease, Releases};
use crate::manifest::{Assembled, Bundle, Text, assemble, read};
use crate::source::{Commit, SourceEvent};
use crate::spec::crd::{Planning, Release, ReleasePlan, SourceStatus, Trigger};
use crate::spec::{Code, Problem, Severity};

/// How many problems a message names; the rest is counted.
const PROBLEMS_TOLD_MAX: usize = 10;

/// The newest release that was made of a commit of this source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// The commit.
    pub(super) commit: String,
    number: u64,
}

impl Made {
    /// As the releases and the plan's status have it; the later of the two. A release is there before the status says
    /// so, and the status remembers a release that was tidied away. A way back has an older commit, and was not made of what
    /// the source names: the newer commit that it takes back must not come again by itself.
    pub(super) fn newest(releases: &[Release], known: &SourceStatus) -> Option<Self> {
        let listed = releases
            .iter()
            .filter(|release| is_commit(&release.spec.revision))
            .filter(|release| release.spec.rollback_of.is_none())
            .map(|release| Self {
                commit: release.spec.revision.clone(),
                number: release.spec.number,
            });
        let remembered = known.released.clone().zip(known.number);
        let remembered = remembered.map(|(commit, number)| Self { commit, number });
        listed.chain(remembered).max_by_key(|made| made.number)
    }
}

/// Whether a revision is a commit, and not the digest of files that somebody gave.
fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Keeper {
    /// Makes a release of what a commit holds, or tells what is wrong with it.
    pub(super) async fn make(
        &mut self,
        plan: &ReleasePlan,
        commit: &Commit,
        (trigger, texts): (Trigger, Vec<Text>),
    ) -> Result<SourceEvent, ClusterError> {
        let namespace = plan.namespace().unwrap_or_default();
        let mut assembled = match assembled(&texts, &namespace, plan) {
            Ok(assembled) => assembled,
            Err(message) => {
                return Ok(SourceEvent::Invalid {
                    commit: commit.id.clone(),
                    message,
                });
            }
        };
        match self.reader.recipes(plan, &commit.id).await {
            Ok(recipes) => assembled.bundle.builds = recipes,
            Err(error) => {
                return Ok(SourceEvent::Invalid {
                    commit: commit.id.clone(),
                    message: error.to_string(),
                });
            }
        }
        let new = NewRelease {
            plan: plan.name_any(),
            revision: commit.id.clone(),
            trigger,
            reason: Some(commit.subject.clone()).filter(|subject| !subject.is_empty()),
            plan_digest: None,
            planning: Planning::default(),
            concurrency: assembled.bundle.plan.concurrency,
            approvals: Vec::new(),
            forces: Vec::new(),
            rollback_of: None,
            retry_of: None,
        };
        let releases = Releases::new(self.reader.client(), &namespace);
        // Whoever else keeps this source may have been faster. A wish is for one more release, whatever is there.
        let is_made = |newest: Option<&Release>| {
            trigger != Trigger::Manual
                && newest.is_some_and(|newest| newest.spec.revision == commit.id)
        };
        let release = releases
            .create_unless(plan, &new, &assembled.bundle, is_made)
            .await?;
        self.whole = Some(release.name_any());
        Ok(SourceEvent::Released {
            commit: commit.id.clone(),
            release: release.name_any(),
        })
    }

    /// Writes what a crash has left out of the bundle of a release that nobody has begun.
    pub(super) async fn complete(
        &mut self,
        plan: &ReleasePlan,
        release: &Release,
    ) -> Result<(), ClusterError> {
        let name = release.name_any();
        if release.status.is_some() || self.whole.as_ref() == Some(&name) {
            return Ok(());
        }
        let namespace = plan.namespace().unwrap_or_default();
        if let Ok(texts) = self.reader.read(plan, &release.spec.revision).await
            && let Ok(mut assembled) = assembled(&texts, &namespace, plan)
            && let Ok(recipes) = self.reader.recipes(plan, &release.spec.revision).await
            && {
                assembled.bundle.builds = recipes;
                true
            }
            && Bundle::digest(&assembled.bundle.to_bytes()) == release.spec.bundle.digest
        {
            let releases = Releases::new(self.reader.client(), &namespace);
            releases.complete(release, &assembled.bundle).await?;
        }
        self.whole = Some(name);
        Ok(())
    }
}

/// The frozen input that texts make, or every problem in a sentence.
fn assembled(texts: &[Text], namespace: &str, plan: &ReleasePlan) -> Result<Assembled, String> {
    let (assembled, mut problems) = assemble(texts, namespace, Some(&plan.spec));
    problems.extend(own_plans(texts));
    if let Some(assembled) = &assembled {
        problems.extend(assembled.too_large.iter().cloned());
    }
    problems.retain(|problem| problem.severity == Severity::Error);
    match assembled {
        Some(assembled) if problems.is_empty() => Ok(assembled),
        Some(_) | None => Err(words(&problems)),
    }
}

/// A commit must not change as whom, or from where, its own plan releases.
fn own_plans(texts: &[Text]) -> Vec<Problem> {
    let (manifests, _) = read(texts);
    let refuse = |place| {
        let words = "a ReleasePlan among the files of a source: commits could change as whom they are released";
        Problem::error(Code::NotSupported, "", words)
            .hint("keep it outside of the source's `path`; the one in the cluster counts")
            .at(place)
    };
    let plans = manifests.plans.iter();
    plans
        .map(|declared| refuse(declared.place_of("")))
        .collect()
}

fn words(problems: &[Problem]) -> String {
    let told: Vec<String> = problems
        .iter()
        .take(PROBLEMS_TOLD_MAX)
        .map(ToString::to_string)
        .collect();
    let more = problems.len().saturating_sub(PROBLEMS_TOLD_MAX);
    let rest = if more == 0 {
        String::new()
    } else {
        format!("; and {more} more")
    };
    format!("{}{rest}", told.join("; "))
}
