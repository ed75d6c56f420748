//! What others do to a simulated cluster: nodes, quotas, autoscalers, evictions.

use jiff::SignedDuration;

use super::cluster::{Cluster, Happening};
use super::facts::{Kind, Pod, Workload};
use super::scenario::Scenario;
use tidegate_spec::ObjectRef;

/// How long a pod is not ready that was.
const FLAP_MS: u64 = 20_000;
/// The most pods that somebody scales a workload to.
const SCALED_MAX: u32 = 5;
/// How long a controller waits before it tries once more to make a pod that was refused.
const REFUSED_MS: [u64; 2] = [500, 8_000];

impl Cluster {
    /// A node is not heard of for a while: its pods do not answer, and those that are told to end do not.
    pub(super) fn lose_node(&mut self, node: u32, back_after: SignedDuration) {
        self.journal.note(self.now, &format!("node {node} is lost"));
        self.lost_nodes.insert(node);
        self.plan(back_after, Happening::NodeBack(node));
    }

    /// A newer release begins: what it brings is what counts as new from now on.
    pub(super) fn turn_to(&mut self, release: usize, scenario: &Scenario) {
        self.judge.turn_to(release, scenario.edges(), &self.view);
        for (object, workload) in &mut self.view.workloads {
            let image = scenario.target(object).map(|target| target.image.clone());
            for template in &mut workload.templates {
                template.is_target = image.as_ref() == Some(&template.image);
            }
            self.judge.look_whether_whole(workload);
        }
    }

    /// No more pods than there are now may be made for a while.
    pub(super) fn limit_pods(&mut self, over_after: SignedDuration) {
        let pods = self.view.workloads.values();
        let count = pods.map(|workload| workload.live().count()).sum();
        self.journal
            .note(self.now, &format!("a quota of {count} pods"));
        self.pods_max = Some(count);
        self.plan(over_after, Happening::PodsFree);
    }

    /// Whether a quota forbids one more pod; whoever wants it tries again after a while.
    pub(super) fn is_refused(&mut self, object: &ObjectRef, revision: usize) -> bool {
        let workloads = self.view.workloads.values();
        let count: usize = workloads.map(|workload| workload.live().count()).sum();
        let is_refused = self.pods_max.is_some_and(|most| count >= most);
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return true;
        };
        let was_refused = if is_refused {
            !workload.refused.insert(revision)
        } else {
            workload.refused.remove(&revision)
        };
        let kind = workload.kind;
        if is_refused != was_refused {
            self.changed(object);
        }
        if is_refused {
            let [least, most] = REFUSED_MS;
            let pause = self.chance.between_ms(least, most);
            let happening = match kind {
                Kind::Deployment => Happening::SyncSet(object.clone(), revision),
                Kind::StatefulSet | Kind::DaemonSet | Kind::Job => Happening::Sync(object.clone()),
            };
            self.plan_once(pause, happening);
        }
        is_refused
    }

    /// One of the pods of a workload that fit, by chance.
    fn one_pod(&mut self, object: &ObjectRef, fits: impl Fn(&Pod) -> bool) -> Option<String> {
        let workload = self.view.workloads.get(object);
        let workload = workload.filter(|workload| workload.kind != Kind::Job)?;
        let fitting = workload.staying().filter(|pod| fits(pod));
        let fitting: Vec<String> = fitting.map(|pod| pod.uid.clone()).collect();
        self.chance.one_of(&fitting).cloned()
    }

    /// Somebody drains a node, or evicts a pod for another reason.
    pub(super) fn evict(&mut self, object: &ObjectRef) {
        if let Some(pod) = self.one_pod(object, |_| true) {
            self.end_pod(object, &pod);
        }
    }

    /// Somebody deletes a workload: it is gone at once, its pods end.
    pub(super) fn delete(&mut self, object: &ObjectRef) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        workload.exists = false;
        workload.disturbed_at = Some(self.now);
        let line = format!("somebody deletes {object}");
        self.journal.note(self.now, &line);
        self.changed(object);
    }

    /// A pod says for a while that it is not ready.
    pub(super) fn flap(&mut self, object: &ObjectRef) {
        let Some(pod) = self.one_pod(object, |pod| pod.is_ready) else {
            return;
        };
        self.change_pod(object, &pod, "is not ready", |pod| pod.is_ready = false);
        let pause = self.chance.between_ms(1_000, FLAP_MS);
        self.plan(pause, Happening::Ready(object.clone(), pod));
    }

    /// An autoscaler wants another number of pods.
    pub(super) fn scale(&mut self, object: &ObjectRef) {
        let replicas = 1 + self.chance.below(SCALED_MAX);
        let fits = |workload: &&mut Workload| match workload.kind {
            Kind::Deployment | Kind::StatefulSet => workload.exists,
            Kind::DaemonSet | Kind::Job => false,
        };
        let workload = self.view.workloads.get_mut(object).filter(fits);
        let Some(workload) = workload.filter(|workload| workload.replicas != replicas) else {
            return;
        };
        workload.replicas = replicas;
        workload.generation += 1;
        let line = format!("somebody scales {object} to {replicas}");
        self.journal.note(self.now, &line);
        self.changed(object);
    }
}
