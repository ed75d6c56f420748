//! How far a workload swells while it rolls, by its manifest.

use serde_json::Value;

use tidegate_spec::ObjectRef;
use tidegate_upgrade::{Surge, Swell};

/// What a Deployment and a Rollout have where nothing is said.
const USUAL_SURGE: Surge = Surge::Percent(25);

/// Reads it from a manifest. Of a kind that is not known it is the number of pods that it has, and none more.
pub(super) fn swell(workload: &ObjectRef, manifest: &Value) -> Swell {
    let number = |path: &str| {
        let number = manifest.pointer(path).and_then(Value::as_u64);
        number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let replicas = number("/spec/replicas").unwrap_or(1);
    let surge_at = |path: &str| manifest.pointer(path).and_then(surge);
    let (replicas, surge) = match (workload.group(), workload.kind.as_str()) {
        ("apps", "Deployment") => {
            let recreates = manifest
                .pointer("/spec/strategy/type")
                .and_then(Value::as_str);
            let surge = match recreates {
                Some("Recreate") => Surge::Pods(0),
                Some(_) | None => {
                    surge_at("/spec/strategy/rollingUpdate/maxSurge").unwrap_or(USUAL_SURGE)
                }
            };
            (replicas, surge)
        }
        ("argoproj.io", "Rollout") => {
            let is_blue_green = manifest.pointer("/spec/strategy/blueGreen").is_some();
            let surge = if is_blue_green {
                Surge::Percent(100)
            } else {
                surge_at("/spec/strategy/canary/maxSurge").unwrap_or(USUAL_SURGE)
            };
            (replicas, surge)
        }
        ("apps", "DaemonSet") => {
            let surge = surge_at("/spec/updateStrategy/rollingUpdate/maxSurge");
            (0, surge.unwrap_or(Surge::Pods(0)))
        }
        ("batch", "Job") => {
            let pods = number("/spec/parallelism").unwrap_or(1);
            (pods, Surge::Pods(pods))
        }
        _ => (replicas, Surge::Pods(0)),
    };
    Swell {
        workload: workload.clone(),
        replicas,
        surge,
    }
}

/// A number, or a percentage as text.
fn surge(value: &Value) -> Option<Surge> {
    let whole = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    match value.as_str() {
        Some(text) => text.strip_suffix('%')?.parse().ok().map(Surge::Percent),
        None => value.as_u64().map(whole).map(Surge::Pods),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ObjectRef, swell};

    fn told(api_version: &str, kind: &str, spec: &Value) -> String {
        let workload = ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let swell = swell(&workload, &json!({"spec": spec}));
        format!("{} {:?}", swell.replicas, swell.surge)
    }

    #[test]
    fn a_manifest_says_how_many_pods_there_are_beside_the_usual_ones() {
        let rolling = |surge: Value| json!({"replicas": 8, "strategy": {"rollingUpdate": {"maxSurge": surge}}});
        assert_eq!(told("apps/v1", "Deployment", &json!({})), "1 Percent(25)");
        assert_eq!(
            told("apps/v1", "Deployment", &rolling(json!(3))),
            "8 Pods(3)"
        );
        assert_eq!(
            told("apps/v1", "Deployment", &rolling(json!("50%"))),
            "8 Percent(50)"
        );
        let recreate = json!({"replicas": 8, "strategy": {"type": "Recreate"}});
        assert_eq!(told("apps/v1", "Deployment", &recreate), "8 Pods(0)");
        let blue_green = json!({"replicas": 4, "strategy": {"blueGreen": {}}});
        assert_eq!(
            told("argoproj.io/v1alpha1", "Rollout", &blue_green),
            "4 Percent(100)"
        );
        assert_eq!(
            told("apps/v1", "StatefulSet", &json!({"replicas": 3})),
            "3 Pods(0)"
        );
        assert_eq!(told("apps/v1", "DaemonSet", &json!({})), "0 Pods(0)");
        assert_eq!(
            told("batch/v1", "Job", &json!({"parallelism": 5})),
            "5 Pods(5)"
        );
    }
}
