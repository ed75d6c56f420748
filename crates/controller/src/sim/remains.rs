//! What a release leaves behind, whatever becomes of its controller: S12 of reliability.md.
//!
//! In: a pod template as it was written, or a workload after everybody has gone. Out: what is half of one revision and half
//! of another.

use super::facts::{Kind, Template, Workload};
use tidegate_spec::{ObjectRef, stamp};

/// What is wrong with a template that a release has written.
pub(super) fn is_half(object: &ObjectRef, written: &Template, target: &Template) -> Option<String> {
    let declared = target.speaks.interface.as_ref().map(stamp::write);
    let is_whole = written.image == target.image && written.stamp == declared;
    (!is_whole).then(|| {
        format!(
            "S12: {object} has the image {} with the contract {:?}",
            written.image, written.stamp
        )
    })
}

/// What is wrong with a workload that nobody has touched for long.
pub(super) fn is_left_half(workload: &Workload) -> Option<String> {
    let by_others = workload.disturbed_at.is_some() || workload.kind == Kind::Job;
    let stands_still = workload.is_paused;
    let never_ends = workload.templates.iter().any(|known| known.is_broken);
    if by_others || stands_still || never_ends {
        return None;
    }
    let is_strange = |pod: &&super::facts::Pod| !workload.exists || pod.revision != workload.wanted;
    let strange = workload.live().find(is_strange)?;
    Some(format!(
        "S12: {} is left between two revisions, with pod {}",
        workload.reference, strange.name
    ))
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::super::tests::row;
    use super::*;

    #[test]
    fn a_new_image_that_keeps_the_old_contract_is_half_a_revision() {
        let (scenario, _) = row();
        let view = scenario.running(&mut Chance::of(1));
        let (object, workload) = view.workloads.first_key_value().expect("a workload");
        let target = scenario.target(object).expect("a target");
        let whole = Template {
            stamp: target.speaks.interface.as_ref().map(stamp::write),
            ..target.clone()
        };
        assert_eq!(is_half(object, &whole, target), None);
        let half = Template {
            stamp: workload.template().and_then(|old| old.stamp.clone()),
            ..whole
        };
        let told = is_half(object, &half, target).expect("a sentence");
        assert!(told.starts_with("S12: "), "{told}");
    }

    #[test]
    fn a_workload_with_pods_of_two_revisions_and_nobody_to_move_them_is_left_half() {
        let (scenario, _) = row();
        let view = scenario.running(&mut Chance::of(1));
        let mut workload = view.workloads.into_values().next().expect("a workload");
        assert_eq!(is_left_half(&workload), None);
        let target = scenario.target(&workload.reference).cloned();
        workload.set(target.expect("a target"));
        let told = is_left_half(&workload).expect("a sentence");
        assert!(told.contains("is left between two revisions"), "{told}");
    }
}
