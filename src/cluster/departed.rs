//! How pods went: a pod that is not there any more does not say whether its process was told to end.
//!
//! In: what the watch of pods brings, in its order. Out: of each pod that went, whether it had ended or was taken away.
//! A watch that is taken up again after a gap shows what is there, not what went: of that nothing is known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;

use crate::upgrade::gate::{Departure, is_live};

/// Older ones are forgotten: a gate asks for a pod within minutes, and a namespace may go on for months.
const KNOWN_MAX: usize = 20_000;

/// The pods of a namespace that went while they were watched.
#[derive(Debug, Clone, Default)]
pub(super) struct Departed {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Those that are there and have been told to end.
    told: BTreeSet<String>,
    gone: Arc<BTreeMap<String, Departure>>,
    /// Their uids, the oldest first.
    order: VecDeque<String>,
}

impl Departed {
    /// Takes in what the watch has brought.
    pub(super) fn note(&self, event: &Event<Pod>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(pod) | Event::InitApply(pod) => known.shown(pod),
            Event::Delete(pod) => known.went(pod),
            Event::Init | Event::InitDone => {}
        }
    }

    /// All that is known now.
    pub(super) fn all(&self) -> Arc<BTreeMap<String, Departure>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.gone.clone()
    }
}

impl Known {
    fn shown(&mut self, pod: &Pod) {
        // A grace period of zero gives it no time: that is no telling.
        let has_time = pod.metadata.deletion_grace_period_seconds != Some(0);
        if let Some(uid) = &pod.metadata.uid
            && pod.metadata.deletion_timestamp.is_some()
            && has_time
        {
            self.told.insert(uid.clone());
        }
    }

    fn went(&mut self, pod: &Pod) {
        let Some(uid) = pod.metadata.uid.clone() else {
            return;
        };
        let how = if self.told.remove(&uid) || !is_live(pod) {
            Departure::Ended
        } else {
            Departure::Forced
        };
        Arc::make_mut(&mut self.gone).insert(uid.clone(), how);
        self.order.push_back(uid);
        if self.order.len() > KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            Arc::make_mut(&mut self.gone).remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, grace_s: Option<i64>, phase: &str) -> Pod {
        let mut metadata = serde_json::json!({"name": uid, "uid": uid});
        if let Some(grace_s) = grace_s {
            metadata["deletionTimestamp"] = "2026-11-24T12:00:30Z".into();
            metadata["deletionGracePeriodSeconds"] = grace_s.into();
        }
        let pod = serde_json::json!({"metadata": metadata,
            "spec": {"nodeName": "node-1", "containers": []}, "status": {"phase": phase}});
        serde_json::from_value(pod).expect("a pod")
    }

    fn went(events: &[Event<Pod>]) -> Option<Departure> {
        let departed = Departed::default();
        for event in events {
            departed.note(event);
        }
        departed.all().get("a").copied()
    }

    #[test]
    fn a_pod_that_was_given_time_has_ended_and_one_that_was_not_was_taken_away() {
        let running = || Event::Apply(pod("a", None, "Running"));
        let told = || Event::Apply(pod("a", Some(30), "Running"));
        let gone = |grace_s, phase| Event::Delete(pod("a", grace_s, phase));
        assert_eq!(
            went(&[running(), told(), gone(Some(0), "Running")]),
            Some(Departure::Ended)
        );
        assert_eq!(
            went(&[running(), gone(None, "Running")]),
            Some(Departure::Forced)
        );
        assert_eq!(
            went(&[running(), gone(Some(0), "Running")]),
            Some(Departure::Forced)
        );
        assert_eq!(
            went(&[running(), gone(None, "Succeeded")]),
            Some(Departure::Ended)
        );
        assert_eq!(went(&[running()]), None);
        assert_eq!(
            went(&[
                Event::Init,
                Event::InitApply(pod("a", Some(30), "Running")),
                Event::InitDone,
                gone(Some(0), "Running")
            ]),
            Some(Departure::Ended)
        );
    }

    #[test]
    fn what_went_long_ago_is_forgotten() {
        let departed = Departed::default();
        for number in 0..=KNOWN_MAX {
            departed.note(&Event::Delete(pod(&format!("p{number}"), None, "Running")));
        }
        let all = departed.all();
        assert_eq!((all.len(), all.contains_key("p0")), (KNOWN_MAX, false));
    }
}
