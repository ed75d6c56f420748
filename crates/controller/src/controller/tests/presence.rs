//! Whether every pod of a service serves a version, from what runs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::objects::{Deployed, PodFacts, Template, deployment, snapshot};
use super::scenario::name;
use crate::controller::{Question, missing};
use tidegate_spec::{ContractName, Graph, Interface, ServiceName, Version, check_graph, stamp};
use tidegate_upgrade::gate::Read;

fn interface(versions: &str) -> Interface {
    let spec = format!("services: [{{name: orders, serves: [{{versions: [{versions}]}}]}}]");
    let spec = serde_saphyr::from_str(&spec).expect("a graph");
    let (mut graph, _): (Graph, _) = check_graph("shop", &spec);
    graph
        .services
        .remove(&name("orders"))
        .expect("it")
        .interface
}

fn template(tag: &str, versions: Option<&str>) -> Template {
    Template {
        image: format!("orders:{tag}"),
        stamp: versions.map(|versions| stamp::write(&interface(versions))),
    }
}

fn question(version: &str) -> Question {
    let service: ServiceName = name("orders");
    Question {
        contract: ContractName::from(&service),
        service,
        version: Version::parse(version).expect("a version"),
    }
}

/// What is missing until every pod of a Deployment serves a version.
fn asked(deployed: &Deployed, version: &str, declared: Option<&str>) -> String {
    let all = BTreeMap::from([("orders".to_owned(), deployed.clone())]);
    let look = snapshot("orders", &all, Read::Live, Timestamp::UNIX_EPOCH);
    let declared = declared.map(interface);
    missing(
        &question(version),
        &[(deployment("orders"), look)],
        declared.as_ref(),
    )
    .join("\n")
}

#[test]
fn nothing_is_missing_where_every_pod_serves_the_version() {
    let steady = Deployed::steady("orders", 2, template("1", Some("'1', '2'")));
    assert_eq!(asked(&steady, "2", None), "");
}

#[test]
fn pods_of_another_version_are_named_also_while_they_end() {
    let mut mixed = Deployed::steady("orders", 2, template("1", Some("'1'")));
    mixed.set(template("2", Some("'1', '2'")));
    mixed.pods.push(PodFacts {
        name: "orders-1-3".to_owned(),
        revision: 1,
        is_ready: true,
        gone_by: None,
    });
    for pod in mixed.pods.iter_mut().take(2) {
        pod.gone_by = Some(Timestamp::UNIX_EPOCH);
    }
    assert_eq!(
        asked(&mixed, "2", None),
        "pods orders-0-1, orders-0-2 serve 1 of orders, not 2"
    );
    assert_eq!(asked(&mixed, "1", None), "");
}

#[test]
fn a_pod_without_a_stamp_speaks_what_is_declared_if_it_is_the_newest() {
    let steady = Deployed::steady("orders", 1, template("1", None));
    assert_eq!(asked(&steady, "2", Some("'2'")), "");
    assert_eq!(
        asked(&steady, "2", None),
        "pods orders-0-1: nobody has declared what they serve"
    );
    let mut mixed = steady;
    mixed.set(template("2", Some("'2'")));
    assert_eq!(
        asked(&mixed, "2", Some("'2'")),
        "pods orders-0-1: nobody has declared what they serve"
    );
}

#[test]
fn a_service_without_a_ready_pod_or_without_a_workload_is_not_there() {
    let mut starting = Deployed::steady("orders", 1, template("1", Some("'2'")));
    starting.pods[0].is_ready = false;
    assert_eq!(asked(&starting, "2", None), "no pod of orders is ready");
    let mut gone = starting;
    gone.exists = false;
    gone.pods.clear();
    assert_eq!(
        asked(&gone, "2", None),
        "Deployment/shop/orders does not exist\nno pod of orders is ready"
    );
}

#[test]
fn a_range_asks_for_any_version_in_it() {
    let steady = Deployed::steady("orders", 1, template("1", Some("'1.4'")));
    assert_eq!(asked(&steady, "^1.2", None), "");
    assert_eq!(
        asked(&steady, "^1.5", None),
        "pods orders-0-1 serve 1.4 of orders, not ^1.5"
    );
}
