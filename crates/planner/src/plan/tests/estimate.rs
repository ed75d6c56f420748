//! Estimates from earlier releases.

use std::collections::BTreeMap;

use super::notation::system_of;
use crate::plan::{Estimate, estimate, plan};
use tidegate_spec::ServiceName;

const SYSTEM: &str = "catalog: serves 1 -> 1,2 | auth: image | orders: serves 1 -> 1,2; calls catalog 1 -> 2 | web: calls orders 1 -> 2";

fn estimated(earlier: &[(&str, &[u64])]) -> Option<Estimate> {
    let earlier: BTreeMap<ServiceName, Vec<u64>> = earlier
        .iter()
        .map(|(name, seconds)| (ServiceName::parse(name).expect("a name"), seconds.to_vec()))
        .collect();
    estimate(&plan(&system_of(SYSTEM)), &earlier)
}

#[test]
fn without_history_nothing_is_said() {
    assert_eq!(estimated(&[]), None);
    assert_eq!(estimated(&[("elsewhere", &[5])]), None);
}

#[test]
fn a_wave_takes_as_long_as_its_slowest_and_the_median_counts() {
    let found = estimated(&[
        ("catalog", &[60, 600, 90]),
        ("auth", &[300]),
        ("orders", &[20, 40]),
        ("web", &[10]),
    ])
    .expect("an estimate");
    let waves: Vec<_> = found
        .waves
        .iter()
        .map(|wave| (wave.seconds, wave.slowest.as_deref()))
        .collect();
    assert_eq!(
        waves,
        [
            (Some(300), Some("auth")),
            (Some(40), Some("orders")),
            (Some(10), Some("web"))
        ]
    );
    assert_eq!(found.seconds, 350);
    assert_eq!(
        found.critical_path,
        ["auth"],
        "longer than catalog, orders and web together"
    );
    assert_eq!(found.critical_path_seconds, 300);
    assert!(found.unknown.is_empty());
}

#[test]
fn what_is_not_known_is_named() {
    let found = estimated(&[("catalog", &[60]), ("web", &[10])]).expect("an estimate");
    assert_eq!(found.unknown, ["auth", "orders"]);
    assert_eq!(found.waves[1].seconds, None);
    assert_eq!(found.critical_path, ["catalog", "orders", "web"]);
    assert_eq!((found.seconds, found.critical_path_seconds), (70, 70));
}
