//! How many ended releases stay in the cluster, and which may go.
//!
//! In: the releases of a plan and what it keeps. Out: those that go, and the plan's status. A release takes its bundle
//! along, so none goes that the inventory reads.

use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{History, Release, ReleasePlan};

impl Releases {
    /// Tidies up after a release has ended: the plan's status says so, and the oldest ended releases beyond what
    /// the plan keeps are deleted. `archives` says whether this process archives what has ended.
    pub async fn tidy(
        &self,
        plan_name: &str,
        history: &History,
        archives: bool,
    ) -> Result<(), ClusterError> {
        let releases = self.list(Some(plan_name)).await?;
        // Another process may archive, and this one not know.
        let archives = archives || releases.iter().any(is_archived);
        let succeeded = releases.iter().rfind(|release| has_succeeded(release));
        let plans: Api<ReleasePlan> = self.plans();
        let patch = json!({"status": {
            "lastRelease": releases.last().map(ResourceExt::name_any),
            "lastSucceeded": succeeded.map(ResourceExt::name_any),
        }});
        plans
            .patch_status(plan_name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|e| ClusterError::of(e, format!("plan `{plan_name}`")))?;
        for release in beyond(&releases, history, archives) {
            match self
                .api()
                .delete(&release.name_any(), &DeleteParams::background())
                .await
            {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(ClusterError::of(error, release.name_any())),
            }
        }
        Ok(())
    }
}

/// The releases that go, oldest first: ended ones beyond what the plan keeps, but for those that [`may_go`] holds.
///
/// In: the releases of one plan in the order of their numbers.
fn beyond<'r>(releases: &'r [Release], history: &History, archives: bool) -> Vec<&'r Release> {
    let ended = |release: &&Release| outcome(release).is_some();
    let (succeeded, others): (Vec<&Release>, Vec<&Release>) = releases
        .iter()
        .filter(ended)
        .partition(|release| has_succeeded(release));
    let kept = |most: u32| usize::try_from(most).unwrap_or(usize::MAX);
    let old_succeeded = succeeded
        .len()
        .saturating_sub(kept(history.keep_succeeded.max(1)));
    let old_others = others.len().saturating_sub(kept(history.keep_failed));
    let old = succeeded.into_iter().take(old_succeeded);
    let mut old: Vec<&Release> = old.chain(others.into_iter().take(old_others)).collect();
    old.retain(|release| may_go(release, releases, archives));
    old.sort_by_key(|release| release.spec.number);
    old
}

/// Whether an ended release may go, whatever the plan keeps. The one place where something else may hold it.
///
/// What the inventory reads always stays: the newest whole release that succeeded, and those after it that may have
/// written something. Where an archive is kept, nothing goes that is not in it.
fn may_go(release: &Release, all: &[Release], archives: bool) -> bool {
    let whole = all
        .iter()
        .rfind(|other| has_succeeded(other) && is_whole(other));
    let newest = whole.map_or(0, |whole| whole.spec.number);
    let is_needed = release.spec.number >= newest && may_have_written(release);
    !is_needed && (!archives || is_archived(release))
}

/// Whether the archive has a release.
pub fn is_archived(release: &Release) -> bool {
    let status = release.status.as_ref();
    status.is_some_and(|status| status.archive.is_some())
}

fn outcome(release: &Release) -> Option<&str> {
    release.status.as_ref()?.outcome.as_deref()
}

/// The release whose input brings back what ran before one: the newest before it that succeeded, with another input.
pub fn way_back<'r>(current: &Release, of_plan: &'r [Release]) -> Option<&'r Release> {
    let origin = origin(current, of_plan);
    of_plan.iter().rfind(|release| {
        release.spec.number < current.spec.number
            && has_succeeded(release)
            && is_whole(release)
            && release.spec.bundle.digest != current.spec.bundle.digest
            && self::origin(release, of_plan) != origin
    })
}

/// The release whose input a release has once more: its own name where it brought that input itself.
fn origin(release: &Release, of_plan: &[Release]) -> String {
    let mut origin = release;
    // Each is older than the one before, so this ends.
    while let Some(name) = &origin.spec.retry_of
        && let Some(earlier) = of_plan.iter().find(|other| other.name_any() == *name)
        && earlier.spec.number < origin.spec.number
    {
        origin = earlier;
    }
    origin.name_any()
}

/// Whether a release has ended well.
pub fn has_succeeded(release: &Release) -> bool {
    outcome(release) == Some("Succeeded")
}

/// Whether an ended release got as far as its first write: a refused one did not.
pub(super) fn may_have_written(release: &Release) -> bool {
    release.status.as_ref().is_some_and(|status| {
        let outcome = status.outcome.as_deref();
        status.start_time.is_some() && outcome.is_some_and(|outcome| outcome != "Refused")
    })
}

/// Whether a release was about every service, so that what it does not have is nowhere else.
pub(super) fn is_whole(release: &Release) -> bool {
    let status = release.status.as_ref();
    status.is_some_and(|status| status.held_out.is_empty())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use kube::ResourceExt;

    use super::{beyond, way_back};
    use crate::spec::crd::{History, Release, ReleaseSpec, ReleaseStatus};

    /// `1 Succeeded, 2 Failed, 3 Succeeded part, 4 Refused, 5 running`
    fn releases(text: &str) -> Vec<Release> {
        let one = |words: &str| {
            let mut words = words.split_whitespace();
            let number = words.next().unwrap();
            let outcome = words.next().unwrap();
            let spec = ReleaseSpec {
                plan: "shop".to_owned(),
                number: number.parse().unwrap(),
                ..ReleaseSpec::default()
            };
            let mut release = Release::new(number, spec);
            release.status = Some(ReleaseStatus {
                outcome: (outcome != "running").then(|| outcome.to_owned()),
                start_time: (outcome != "Refused").then_some(Time(Timestamp::UNIX_EPOCH)),
                held_out: words.map(ToOwned::to_owned).collect(),
                ..ReleaseStatus::default()
            });
            release
        };
        text.split(',').map(one).collect()
    }

    fn gone(text: &str, keep_succeeded: u32, keep_failed: u32) -> String {
        let history = History {
            keep_succeeded,
            keep_failed,
        };
        let releases = releases(text);
        let names = beyond(&releases, &history, false);
        let names: Vec<String> = names.into_iter().map(ResourceExt::name_any).collect();
        names.join(" ")
    }

    #[test]
    fn the_oldest_of_each_kind_go_beyond_what_is_kept() {
        let all =
            "1 Succeeded, 2 Failed, 3 Succeeded, 4 Aborted, 5 Succeeded, 6 Refused, 7 Succeeded";
        assert_eq!(gone(all, 2, 1), "1 2 3 4");
        assert_eq!(gone(all, 4, 3), "");
        assert_eq!(gone(all, 1, 0), "1 2 3 4 5 6");
    }

    #[test]
    fn what_the_inventory_reads_stays_however_little_is_kept() {
        assert_eq!(
            gone("1 Succeeded, 2 Failed, 3 Aborted, 4 Refused", 1, 0),
            "4"
        );
        // A part says nothing of the rest, so the whole release before it is still needed.
        assert_eq!(
            gone("1 Succeeded, 2 Succeeded, 3 Succeeded web, 4 Failed", 1, 0),
            "1"
        );
    }

    /// What brings back what ran before the last one; by number, each with an input of its own unless a letter says
    /// which.
    fn back(text: &str) -> String {
        let mut all = releases(text);
        for release in &mut all {
            let input = release.status.as_mut().unwrap().held_out.pop();
            release.spec.bundle.digest = input.unwrap_or_else(|| release.name_any());
        }
        let found = way_back(all.last().unwrap(), &all);
        found.map_or_else(|| "none".to_owned(), ResourceExt::name_any)
    }

    #[test]
    fn the_newest_before_it_that_succeeded_with_another_input_is_the_way_back() {
        assert_eq!(back("1 Succeeded, 2 Succeeded"), "1");
        assert_eq!(back("1 Succeeded, 2 Succeeded, 3 Failed"), "2");
        assert_eq!(back("1 Succeeded, 2 Failed, 3 running"), "1");
        assert_eq!(back("1 Succeeded a, 2 Succeeded b, 3 Succeeded b"), "1");
        assert_eq!(back("1 Failed, 2 Succeeded"), "none");
    }

    #[test]
    fn a_release_that_puts_back_what_was_changed_is_no_step_to_go_back_to() {
        let mut all = releases("1 Succeeded, 2 Succeeded, 3 Succeeded, 4 Succeeded");
        for release in &mut all {
            release.spec.bundle.digest = release.name_any();
        }
        all[2].spec.retry_of = Some("2".to_owned());
        all[3].spec.retry_of = Some("3".to_owned());
        let found = way_back(&all[3], &all).map(ResourceExt::name_any);
        assert_eq!(found.as_deref(), Some("1"));
    }

    #[test]
    fn what_has_not_ended_stays() {
        assert_eq!(gone("1 running, 2 Succeeded, 3 running", 1, 0), "");
    }
}
