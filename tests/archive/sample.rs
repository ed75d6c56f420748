//! Releases to keep.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tidegate::spec::crd::Release;

/// 2026-01-01.
const START_S: i64 = 1_767_225_600;

/// A release of a plan that has ended; `number` tells all about it, a minute apart from the next.
pub(crate) fn release(namespace: &str, plan: &str, number: u64) -> Release {
    let started = START_S + i64::try_from(number).expect("a small number") * 60;
    let at = |seconds: i64| Time(jiff::Timestamp::from_second(started + seconds).expect("a time"));
    let outcome = if number.is_multiple_of(5) {
        "Failed"
    } else {
        "Succeeded"
    };
    serde_json::from_value(serde_json::json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "Release",
        "metadata": {
            "name": format!("{plan}-{number}"), "namespace": namespace,
            "uid": format!("uid-{namespace}-{plan}-{number}"), "creationTimestamp": at(0),
        },
        "spec": {
            "plan": plan, "number": number, "revision": format!("{:040x}", number * 7_919),
            "trigger": "manual", "reason": format!("ticket SHOP-{number}"),
            "bundle": {"digest": format!("sha256:{:064x}", number), "parts": 1},
            "control": {"approvals": [{"step": "orders", "by": "kim@example.org", "time": at(5), "reason": "looked at it"}]},
        },
        "status": {
            "phase": outcome, "outcome": outcome, "summary": "2/2 waves",
            "startTime": at(1), "completionTime": at(50),
            "conditions": [{"type": "Ready", "status": "True", "reason": outcome, "message": "all services are done",
                "lastTransitionTime": at(50)}],
            "waves": [
                {"index": 1, "startTime": at(1), "endTime": at(20), "services": [
                    {"name": "orders", "state": "Done", "action": "roll", "from": format!("orders:{number}"),
                     "to": format!("orders:{}", number + 1), "newReady": 2, "newWanted": 2, "oldAlive": 0,
                     "startTime": at(1), "endTime": at(20)}]},
                {"index": 2, "startTime": at(20), "endTime": at(50), "services": [
                    {"name": "web/flip", "state": "Done", "action": "flip", "from": "web:7", "to": "web:7",
                     "newReady": 3, "newWanted": 3, "oldAlive": 0, "reason": "Drained", "startTime": at(20), "endTime": at(50)}]},
            ],
        },
    }))
    .expect("a release")
}
