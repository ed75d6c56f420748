//! Who has written an object after tidegate has, by its managed fields.
//!
//! Telling whether what they wrote matters takes a look at the values; this only says whether such a look is due, so that
//! nothing is asked of the API server while nobody has written.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

/// Somebody who has written an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    /// Who.
    pub manager: String,
    /// When last; `None` where the object does not say.
    pub at: Option<Timestamp>,
}

/// Everybody else whose last write came after the last apply of `own`, or in the same second. Where there is no entry of
/// `own` any more, everybody.
///
/// What controllers write into a status, and what an autoscaler chooses, is their own.
pub fn later_writers(entries: &[ManagedFieldsEntry], own: &[&str]) -> Vec<Writer> {
    let is_own = |entry: &&ManagedFieldsEntry| {
        let manager = entry.manager.as_deref().unwrap_or_default();
        own.contains(&manager)
    };
    let time = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|time| time.0);
    let applied = entries.iter().filter(is_own).filter_map(time).max();
    let others = entries.iter().filter(|entry| !is_own(entry));
    let others = others.filter(|entry| match entry.subresource.as_deref() {
        Some("status") => false,
        Some("scale") => entry.manager.as_deref() != Some("kube-controller-manager"),
        Some(_) | None => true,
    });
    let later = others.filter(|entry| match (applied, time(entry)) {
        (Some(applied), Some(at)) => at >= applied,
        // Without a time nothing can be said, so a look is due.
        (Some(_) | None, Some(_) | None) => true,
    });
    let writers = later.map(|entry| Writer {
        manager: entry.manager.clone().unwrap_or_default(),
        at: time(entry),
    });
    writers.collect()
}

#[cfg(test)]
mod tests {
    use super::{ManagedFieldsEntry, later_writers};

    /// `tidegate 10:00, kubectl-set 10:05, kcm/status 10:07`
    fn later(text: &str) -> String {
        let entry = |words: &str| {
            let (manager, time) = words.trim().split_once(' ').unwrap();
            let (manager, subresource) = match manager.split_once('/') {
                Some((manager, subresource)) => (manager, Some(subresource.to_owned())),
                None => (manager, None),
            };
            let time = format!("{{\"time\": \"2026-11-30T{time}:00Z\"}}");
            let entry: ManagedFieldsEntry = serde_json::from_str(&time).unwrap();
            ManagedFieldsEntry {
                manager: Some(manager.to_owned()),
                subresource,
                ..entry
            }
        };
        let entries: Vec<ManagedFieldsEntry> = text.split(',').map(entry).collect();
        let writers = later_writers(&entries, &["tidegate"]);
        let names: Vec<String> = writers.into_iter().map(|one| one.manager).collect();
        names.join(" ")
    }

    #[test]
    fn only_who_wrote_after_the_last_apply_is_looked_into() {
        assert_eq!(
            later("kubectl 09:00, tidegate 10:00, kubectl-set 10:05"),
            "kubectl-set"
        );
        assert_eq!(later("tidegate 10:00, kubectl-edit 10:00"), "kubectl-edit");
        assert_eq!(later("tidegate 10:00"), "");
        assert_eq!(later("kubectl-replace 09:00"), "kubectl-replace");
    }

    #[test]
    fn what_controllers_and_autoscalers_write_is_their_own() {
        let kcm = "kube-controller-manager";
        assert_eq!(later(&format!("tidegate 10:00, {kcm}/status 10:05")), "");
        assert_eq!(later(&format!("tidegate 10:00, {kcm}/scale 10:05")), "");
        assert_eq!(later("tidegate 10:00, kubectl/scale 10:05"), "kubectl");
    }
}
