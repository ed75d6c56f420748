//! What must hold when all is over, beside what the judge saw on the way.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::facts::{Pod, Workload};
use super::faults::{Fault, Faults};
use super::process::{Kept, Shared, hold};
use super::remains::is_left_half;
use super::run::Run;
use super::scenario::Scenario;
use tidegate_upgrade::{Ending, Standing};

/// How long nothing may be written once all is over.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

impl Run {
    /// What does not hold; L1, L2 and S7 of reliability.md.
    pub(super) fn verdict(&mut self, faults: &Faults) -> Vec<String> {
        let mut wrong = Vec::new();
        for (_, ending) in &self.endings {
            if let Err(error) = ending {
                wrong.push(format!("L2: a controller gave up: {error}"));
            }
        }
        let releases = hold(&self.shared).releases.len();
        for release in 0..releases {
            wrong.extend(self.of_release(release, faults));
        }
        let has_succeeded = self.has_succeeded(releases - 1);
        let mut shared = hold(&self.shared);
        let is_changed = faults.has(Fault::Undone) || faults.has(Fault::Deleted);
        if has_succeeded && !is_changed {
            wrong.extend(as_released(&shared));
        }
        let writes = shared.cluster.journal.writes;
        self.traffic = shared.cluster.judge.traffic;
        let quiet = shared.cluster.after(QUIET);
        shared.cluster.pass_to(quiet);
        if shared.cluster.journal.writes != writes {
            wrong.push("L1: something was written after the end".to_owned());
        }
        let left = shared.cluster.view.workloads.values();
        wrong.extend(left.filter_map(is_left_half));
        wrong.extend(std::mem::take(&mut shared.cluster.judge.wrong));
        wrong
    }

    fn endings_of(&self, release: usize) -> impl Iterator<Item = &Ending> {
        let endings = self.endings.iter().filter(move |(of, _)| *of == release);
        endings.filter_map(|(_, ending)| ending.as_ref().ok())
    }

    fn has_succeeded(&self, release: usize) -> bool {
        self.endings_of(release)
            .any(|ending| ending.word() == "Succeeded")
    }

    /// How one release ended: all controllers say the same, it succeeded unless something may hinder it, and where it did not,
    /// it says why.
    fn of_release(&self, release: usize, faults: &Faults) -> Vec<String> {
        let mut wrong = Vec::new();
        let words: BTreeSet<&str> = self.endings_of(release).map(Ending::word).collect();
        if words.len() > 1 {
            wrong.push(format!(
                "S7: controllers do not agree on how it ended: {words:?}"
            ));
        }
        let shared = hold(&self.shared);
        let kept = shared.releases.get(release);
        let kept_word = kept.and_then(|kept| kept.filed.status.outcome.clone());
        if kept_word.is_none() && self.is_uninstalled {
            return wrong;
        }
        if let (Some(kept), Some(word)) = (&kept_word, words.first())
            && kept != word
        {
            wrong.push(format!("S7: it ended as {word}, and {kept} is kept"));
        }
        if kept_word.is_none() && words.is_empty() {
            wrong.push(format!("L2: release {release} never ended"));
        }
        if kept_word.is_none() && !words.is_empty() {
            wrong.push(format!("S7: it ended as {words:?}, which is not kept"));
        }
        let is_newest = release + 1 == shared.releases.len();
        if let Some(kept) = kept {
            wrong.extend(left_undone(kept, is_newest && !self.is_uninstalled));
        }
        let has_rival = kept.is_some_and(|kept| kept.filed.rival.is_some());
        let may_fail = faults.iter().any(Fault::may_fail);
        for ending in self.endings_of(release) {
            let is_fine = match ending {
                Ending::Succeeded => !has_rival,
                Ending::Superseded { .. } => !is_newest,
                // What others do may leave a mix for which there is no safe order.
                Ending::Refused { .. } => has_rival || may_fail,
                Ending::Failed { .. } | Ending::Aborted { .. } => may_fail,
            };
            if !is_fine {
                wrong.push(format!("L1: release {release} did not succeed: {ending:?}"));
            }
            if let Ending::Failed { reason, message } = ending
                && (reason.is_empty() || !names_something(&shared, release, message))
            {
                wrong.push(format!(
                    "L2: it does not say why it failed: {reason:?} {message:?}"
                ));
            }
        }
        wrong
    }
}

/// What the end of a release promises and is not there.
fn left_undone(kept: &Kept, is_newest: bool) -> Option<String> {
    let filed = &kept.filed;
    let wants_back = kept.scenario.wants_way_back() && kept.scenario.back.is_some();
    // A plan that is refused once more has nothing to bring back: no service has failed.
    let mut steps = filed.status.waves.iter().flat_map(|wave| &wave.services);
    let has_failed = steps.any(|step| step.state == Standing::Failed.word());
    match filed.status.outcome.as_deref() {
        Some("Succeeded") if !filed.is_published => {
            Some("L1: it succeeded, and its graph was not written".to_owned())
        }
        Some("Failed") if wants_back && has_failed && is_newest => {
            Some("S6: it failed, and nobody brings back what ran before".to_owned())
        }
        Some(_) | None => None,
    }
}

/// Whether words name a service of a release.
fn names_something(shared: &Shared, release: usize, words: &str) -> bool {
    let Some(kept) = shared.releases.get(release) else {
        return false;
    };
    let mut services = kept.scenario.system().services.keys();
    services.any(|service| words.contains(service.as_str()))
}

/// What is not as the newest release says, which has succeeded.
fn as_released(shared: &Shared) -> Vec<String> {
    let Some(kept) = shared.releases.last() else {
        return Vec::new();
    };
    let workloads = shared.cluster.view.workloads.values();
    workloads
        .filter_map(|workload| not_as_released(&kept.scenario, workload))
        .map(|words| format!("L1: {words}"))
        .collect()
}

/// What is wrong with a workload after a release that has succeeded.
fn not_as_released(scenario: &Scenario, workload: &Workload) -> Option<String> {
    let object = &workload.reference;
    let stays = scenario.bundle.manifest(object).is_some();
    if !stays
        && scenario
            .leaving
            .values()
            .flatten()
            .any(|leaving| leaving == object)
    {
        let is_left = workload.exists || workload.live().next().is_some();
        return is_left.then(|| format!("{object} or a pod of it is left"));
    }
    let is_target = |pod: &Pod| {
        workload
            .template_of(pod)
            .is_some_and(|template| template.is_target)
    };
    let old = workload.live().find(|pod| !is_target(pod))?;
    stays.then(|| format!("pod {} of the old revision is left", old.name))
}
