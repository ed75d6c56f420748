//! Keeps `.status` within its limit, whatever the number of services and pods.
//!
//! In: a `.status` with everything. Out: the same, smaller if need be: first without what
//! [`Recorded::from_value`](super::gate::Recorded::from_value) puts back or
//! nobody reads, then with fewer of the pods that were recorded before each apply, last with shorter words.
//! Only what is saved is cut, so only a crash notices: a pod that is left out is still found by its owner, its
//! labels and its endpoints, but no more if somebody takes it out of all of them, or if its node is lost.

use serde_json::Value;

use tidegate_spec::crd::{ReleaseStatus, ServiceStatus};

/// What a `.status` may take: the API server refuses objects of some 1.5 MB, and each save writes it whole.
const STATUS_BYTES_MAX: usize = 300_000;
/// How long a sentence may be where there is no room.
const WORDS_MAX: usize = 60;

/// Makes the status fit.
pub(super) fn fit(status: &mut ReleaseStatus) {
    if bytes(status) <= STATUS_BYTES_MAX {
        return;
    }
    for record in records(status) {
        strip(record);
    }
    let over = bytes(status).saturating_sub(STATUS_BYTES_MAX);
    cut_pods(status, over);
    if bytes(status) > STATUS_BYTES_MAX {
        for service in services(status) {
            shorten(&mut service.message);
        }
    }
}

fn services(status: &mut ReleaseStatus) -> impl Iterator<Item = &mut ServiceStatus> {
    status.waves.iter_mut().flat_map(|wave| &mut wave.services)
}

fn records(status: &mut ReleaseStatus) -> impl Iterator<Item = &mut Value> {
    services(status).flat_map(|service| service.records.values_mut())
}

fn strip(record: &mut Value) {
    let object = record.get("object").cloned();
    for part in ["baseline", "applied"] {
        if let Some(part) = record.get_mut(part).and_then(Value::as_object_mut)
            && part.get("workload") == object.as_ref()
        {
            part.remove("workload");
        }
    }
    // A gate compares with a condition of before only where it says that something is wrong.
    let conditions = record.pointer_mut("/baseline/conditions");
    if let Some(conditions) = conditions.and_then(Value::as_array_mut) {
        conditions.retain(|condition| {
            let is = |key: &str, value: &str| condition.get(key).is_some_and(|has| has == value);
            !(is("status", "True") && (is("type", "Available") || is("type", "Progressing")))
        });
    }
}

/// Leaves out recorded pods, of the longest lists first, until so many bytes are saved.
fn cut_pods(status: &mut ReleaseStatus, over: usize) {
    let pods =
        records(status).filter_map(|record| record.pointer_mut("/baseline/pods")?.as_array_mut());
    let mut lists: Vec<(usize, &mut Vec<Value>)> = pods.map(|pods| (bytes(pods), pods)).collect();
    lists.sort_by_key(|(size, _)| *size);
    let all: usize = lists.iter().map(|(size, _)| size).sum();
    let mut left = all.saturating_sub(over);
    let mut others = lists.len();
    for (_, pods) in lists {
        let share = left.checked_div(others).unwrap_or(0);
        left = left.saturating_sub(cut(pods, share));
        others = others.saturating_sub(1);
    }
}

/// Shortens a list to a number of bytes; how many it takes then.
fn cut(list: &mut Vec<Value>, share: usize) -> usize {
    let mut taken = bytes(&Vec::<Value>::new());
    let mut keep = 0;
    for item in list.iter() {
        let with_comma = bytes(item) + 1;
        if taken + with_comma > share {
            break;
        }
        taken += with_comma;
        keep += 1;
    }
    list.truncate(keep);
    taken
}

fn shorten(words: &mut String) {
    if let Some((end, _)) = words.char_indices().nth(WORDS_MAX) {
        words.truncate(end);
        words.push('…');
    }
}

fn bytes(value: &impl serde::Serialize) -> usize {
    // Plain data of texts and numbers always has a JSON form.
    serde_json::to_vec(value).map_or(0, |json| json.len())
}
