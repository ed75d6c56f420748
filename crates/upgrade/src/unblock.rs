//! What would let a service go on: the other half of why it does not.

use super::why::AWAITING;
use tidegate_spec::crd::ServiceStatus;
use tidegate_spec::words::count;

/// What has to happen before a service goes on, to be read after "goes on when": `store is done`, `1 old pod has ended`.
/// `None` where it goes on by itself, or is over.
pub fn unblocked_by(service: &ServiceStatus) -> Option<String> {
    let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    match service.state.as_str() {
        "Done" | "Failed" | "Starting" => None,
        _ if service.reason == AWAITING => Some("somebody approves it".to_owned()),
        "Waiting" => match service.after.as_slice() {
            [] => None,
            [first] => Some(format!("{first} is done")),
            several => Some(format!("{} are done", several.join(", "))),
        },
        "Moving" if service.new_ready < service.new_wanted => {
            let missing = many(service.new_wanted - service.new_ready);
            let verb = if missing == 1 { "is" } else { "are" };
            Some(format!("{} {verb} ready", count(missing, "more new pod")))
        }
        _ if service.old_alive > 0 => {
            let old = many(service.old_alive);
            let verb = if old == 1 { "has" } else { "have" };
            Some(format!("{} {verb} ended", count(old, "old pod")))
        }
        _ => None,
    }
}
