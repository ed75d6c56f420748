//! Evidence that cannot be read: what it hides may be an old pod, so nothing that it concerns is complete.
//!
//! In: what is there and is not as its kind is, and whose the pods are. Out: why the state of a workload is unknown.

use super::Look;
use super::endpoints::{Fronts, SERVICE_NAME};
use super::lineage::Lineage;
use super::reason::Reason;
use super::snapshot::{self, Unreadable};
use super::verdict::Verdict;

/// What is said of a workload whose evidence cannot be read.
pub(super) fn unknown(
    look: &Look<'_>,
    lineage: &Lineage<'_>,
    fronts: &Fronts<'_>,
    (done, total): (u32, u32),
) -> Option<Verdict> {
    let mut unreadable = look.snapshot.unreadable.iter();
    let first = unreadable.find(|object| concerns(object, lineage, fronts))?;
    let words = format!("{}: {}", first.object, first.fault);
    Some(Verdict::progressing(Reason::UnknownStatus, done, total).with(words))
}

/// Whether it may be about the workload; where it does not say whose it is, it may.
fn concerns(object: &Unreadable, lineage: &Lineage<'_>, fronts: &Fronts<'_>) -> bool {
    match object.object.kind.as_str() {
        "Pod" => lineage.may_own(&object.metadata),
        "EndpointSlice" => snapshot::label(&object.metadata, SERVICE_NAME)
            .is_none_or(|service| fronts.names.contains(service)),
        "Service" => true,
        _ => snapshot::controller(&object.metadata).is_none_or(|owner| lineage.is_own(&owner.uid)),
    }
}
