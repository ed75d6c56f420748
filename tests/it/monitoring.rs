//! The alerts in `deploy/` against the metrics that the controller really has.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use tidegate::telemetry::Metrics;
use tidegate::upgrade::{Event, StepId};

/// Every name that begins as ours do.
fn names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| word.starts_with("tidegate_"))
        .map(str::to_owned)
        .collect()
}

/// The page of a controller where something of each kind has happened.
fn page() -> String {
    let metrics = Metrics::new().expect("metrics");
    let service = StepId {
        service: tidegate::spec::ServiceName::parse("web").expect("a name"),
        part: None,
    };
    let took = SignedDuration::from_secs(1);
    metrics.hear(
        "shop",
        &[
            Event::Waits {
                service: service.clone(),
                reason: "Draining".to_owned(),
                message: String::new(),
            },
            Event::ServiceDone { service, took },
            Event::WaveDone { wave: 1, took },
            Event::Ended {
                outcome: "Failed",
                message: String::new(),
            },
        ],
    );
    metrics.count_request("GET", 200);
    metrics.count_notification("sent");
    metrics.text()
}

#[test]
fn every_metric_of_an_alert_is_one_that_the_controller_has() {
    let known = names(&page());
    let alerts = std::fs::read_to_string("deploy/monitoring/alerts.yaml").expect("the alerts");
    let asked = names(&alerts);
    assert!(asked.len() > 4, "{asked:?}");
    let unknown: Vec<&String> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not among {known:?}");
}
