//! How long services took in earlier releases, and what that says of the next one.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;

use super::failure::Failure;
use crate::cluster::{ClusterError, Releases};
use crate::plan::{Estimate, Plan, estimate};
use crate::spec::ServiceName;
use crate::spec::crd::Release;
use crate::spec::duration::describe;
use crate::spec::words::count;

/// So many earlier releases count: older ones ran on other machines, with other images.
const RELEASES_MAX: usize = 10;

/// An estimate, and on what it rests.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Expected {
    /// How many earlier releases it rests on.
    releases: usize,
    #[serde(flatten)]
    estimate: Estimate,
}

/// How long a plan is likely to take, where earlier releases of it succeeded.
pub(super) async fn expected(
    releases: &Releases,
    name: &str,
    plan: &Plan,
) -> Result<Option<Expected>, Failure> {
    let all = match releases.list(Some(name)).await {
        Ok(all) => all,
        Err(ClusterError::NotInstalled) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(expected_from(&all, plan))
}

fn expected_from(all: &[Release], plan: &Plan) -> Option<Expected> {
    let succeeded = all.iter().rev().filter_map(|release| {
        let status = release.status.as_ref()?;
        (status.outcome.as_deref() == Some("Succeeded")).then_some(status)
    });
    let mut earlier: BTreeMap<ServiceName, Vec<u64>> = BTreeMap::new();
    let mut releases = 0;
    for status in succeeded
        .filter(|status| !status.waves.is_empty())
        .take(RELEASES_MAX)
    {
        releases += 1;
        for service in status.waves.iter().flat_map(|wave| &wave.services) {
            let times = service.start_time.as_ref().zip(service.end_time.as_ref());
            let took = times.map(|(from, to)| to.0.duration_since(from.0).as_secs());
            let took = took.and_then(|seconds| u64::try_from(seconds).ok());
            if let (Ok(name), Some(took)) = (ServiceName::parse(&service.name), took) {
                earlier.entry(name).or_default().push(took);
            }
        }
    }
    let estimate = estimate(plan, &earlier)?;
    Some(Expected { releases, estimate })
}

/// The estimate in lines of text.
pub(super) fn told(expected: &Expected) -> Vec<String> {
    let Expected { releases, estimate } = expected;
    let Estimate {
        waves,
        seconds,
        critical_path,
        critical_path_seconds,
        unknown,
    } = estimate;
    let time = |seconds: u64| {
        describe(SignedDuration::from_secs(
            i64::try_from(seconds).unwrap_or(i64::MAX),
        ))
    };
    let mut lines = vec![format!(
        "Takes about {} (median of {})",
        time(*seconds),
        count(*releases, "earlier release")
    )];
    lines.extend(waves.iter().enumerate().filter_map(|(at, wave)| {
        let (seconds, slowest) = wave.seconds.zip(wave.slowest.as_ref())?;
        Some(format!(
            "  wave {}: {}, {slowest} is the slowest",
            at + 1,
            time(seconds)
        ))
    }));
    if critical_path.len() > 1 {
        lines.push(format!(
            "  longest path {}: {}",
            critical_path.join(" → "),
            time(*critical_path_seconds)
        ));
    }
    if !unknown.is_empty() {
        lines.push(format!(
            "  not counted, for want of history: {}",
            unknown.join(", ")
        ));
    }
    lines
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::{expected_from, told};
    use crate::graph::{Member, Moves, Revision, System};
    use crate::plan::plan;
    use crate::spec::crd::Release;
    use crate::spec::{Interface, ServiceName};

    fn release(number: u64, outcome: &str, services: &[(&str, u64)]) -> Release {
        let services: Vec<_> = services
            .iter()
            .map(|(name, took)| {
                json!({
                    "name": name, "state": "Done", "action": "roll",
                    "startTime": "2026-11-01T10:00:00Z", "endTime": format!("2026-11-01T10:{:02}:{:02}Z", took / 60, took % 60),
                })
            })
            .collect();
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Release", "metadata": {"name": format!("shop-{number}")},
            "spec": {"plan": "shop", "number": number, "revision": "r", "trigger": "manual", "bundle": {"digest": "", "parts": 1}},
            "status": {"outcome": outcome, "waves": [{"index": 1, "services": services}]},
        }))
        .expect("a release")
    }

    #[test]
    fn only_releases_that_succeeded_count() {
        let mut system = System::default();
        for name in ["orders", "web"] {
            let revision = |name: &str| Revision::declared(name, Interface::default());
            let member = Member {
                target: Some(revision("target")),
                moves: Moves::Roll,
                ..Member::deleted(vec![revision("live")])
            };
            system
                .services
                .insert(ServiceName::parse(name).expect("a name"), member);
        }
        let plan = plan(&system);
        assert!(expected_from(&[release(1, "Failed", &[("orders", 9)])], &plan).is_none());
        let all = [
            release(1, "Succeeded", &[("orders", 100)]),
            release(2, "Failed", &[("orders", 900)]),
            release(3, "Succeeded", &[("orders", 80)]),
            release(4, "Succeeded", &[("orders", 70), ("cart", 5)]),
        ];
        let expected = expected_from(&all, &plan).expect("an estimate");
        insta::assert_snapshot!(told(&expected).join("\n"), @r"
        Takes about 1m20s (median of 3 earlier releases)
          wave 1: 1m20s, orders is the slowest
          not counted, for want of history: web
        ");
    }
}
