//! Which plan of the files is carried out: by switches, of a part, as a way back, or exactly a saved one.

use devcluster::oracle;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use tidegate::spec::crd::ServiceGraph;

use crate::files::{Files, QUICK, pair};
use crate::support::{Done, Space, service_status, waves};

/// A chain in which each caller has a switch: web calls cart, cart calls store.
fn chain(version: u32) -> Files {
    let tag = version.to_string();
    let serves = if version == 1 {
        json!(["1"])
    } else {
        json!(["1", "2"])
    };
    let switch = json!({"env": "PROTO"});
    let services = json!([
        {"name": "store", "serves": [{"versions": serves}]},
        {"name": "cart", "switch": switch, "serves": [{"versions": serves}],
         "calls": [{"service": "store", "version": tag}]},
        {"name": "web", "switch": switch, "calls": [{"service": "cart", "version": tag}]},
    ]);
    let strategy = json!({"strategy": {"settle": "300ms", "order": "Flip"}});
    let files = Files::graph("chain", &services)
        .with_plan("chain", &strategy)
        .with_workload("store", &tag, QUICK)
        .with_workload("cart", &tag, QUICK)
        .with_workload("web", &tag, QUICK);
    let env = json!([{"name": "PROTO", "value": tag}]);
    let place = "spec/template/spec/containers/0/env";
    files
        .set(("Deployment", "cart"), place, env.clone())
        .set(("Deployment", "web"), place, env)
}

/// The image and the switch of what a Deployment is made of now.
async fn made_of(space: &Space, name: &str) -> (String, String) {
    let deployment = space.deployment(name).await;
    let container = deployment.spec.template.spec.unwrap().containers.remove(0);
    let env = container.env.unwrap_or_default();
    let value = env.first().and_then(|one| one.value.clone());
    (container.image.unwrap(), value.unwrap_or_default())
}

#[tokio::test]
async fn all_images_come_with_the_old_value_and_then_the_switches_also_over_a_crash() {
    let space = Space::new("flip").await;
    space.run(&chain(1)).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&chain(2));
    space
        .until("chain-2", "the images", |status| {
            status
                .waves
                .first()
                .is_some_and(|wave| wave.services.iter().all(|service| service.state == "Done"))
                || status
                    .waves
                    .iter()
                    .flat_map(|wave| &wave.services)
                    .any(|service| service.name == "web/expand" && service.state == "Moving")
        })
        .await;
    running.kill().await;
    space.run(&chain(2)).await.with_code(0);
    let status = space.status("chain-2").await;
    assert_eq!(
        waves(&status),
        [
            vec!["cart/expand", "store", "web/expand"],
            vec!["cart/flip", "web/flip"]
        ]
    );
    let flip = service_status(&status, "cart/flip").unwrap();
    assert_eq!(
        (flip.from.as_str(), flip.to.as_str()),
        ("PROTO=1", "PROTO=2")
    );
    for name in ["cart", "web"] {
        let (image, value) = made_of(&space, name).await;
        assert_eq!(
            (image, value),
            (format!("registry/{name}:2"), "2".to_owned())
        );
    }
    // The last revision of a caller is the one with the new value: it must not live beside an old server.
    let history = space.history().await;
    let precedences = [("store", "cart"), ("cart", "web")];
    let early = oracle::early_starts(&history, &space.namespace, since, &precedences[..1]);
    assert!(early.is_empty(), "{early:?}");
    the_image_was_whole_before_the_switch(&space, since).await;
}

/// No pod of the first revision of cart lives when a pod of web with the new value begins.
async fn the_image_was_whole_before_the_switch(space: &Space, since: Timestamp) {
    let history = space.history().await;
    let lives = oracle::lives(&history, &space.namespace);
    let of = |service: &'static str| lives.iter().filter(move |life| life.service == service);
    let first = of("cart").find(|life| life.created.at < since).unwrap();
    let last = of("web").next_back().unwrap();
    let begun = of("web").filter(|life| life.revision == last.revision);
    let begun = begun.map(|life| life.created).collect::<Vec<_>>();
    let old = of("cart").filter(|life| life.revision == first.revision);
    for pod in old {
        assert!(begun.iter().all(|at| !pod.is_alive_at(at)), "{pod:?}");
    }
}

#[tokio::test]
async fn a_way_back_of_a_switch_moves_it_alone() {
    let space = Space::new("unflip").await;
    space.run(&chain(1)).await.with_code(0);
    space.run(&chain(2)).await.with_code(0);
    // The images stay, the switches go back: callers first, in one wave since every server speaks both.
    let back = chain(2)
        .set(
            ("Deployment", "cart"),
            "spec/template/spec/containers/0/env/0/value",
            json!("1"),
        )
        .set(
            ("Deployment", "web"),
            "spec/template/spec/containers/0/env/0/value",
            json!("1"),
        )
        .set(
            ("ServiceGraph", "chain"),
            "spec/services/1/calls/0/version",
            json!("1"),
        )
        .set(
            ("ServiceGraph", "chain"),
            "spec/services/2/calls/0/version",
            json!("1"),
        );
    space.run(&back).await.with_code(0);
    let status = space.status("chain-3").await;
    assert_eq!(waves(&status), [["cart", "web"]]);
    assert_eq!(
        made_of(&space, "web").await,
        ("registry/web:2".to_owned(), "1".to_owned())
    );
}

async fn run_with(space: &Space, files: &Files, flags: &[&str]) -> Done {
    let folder = files.folder();
    let path = folder.path().display().to_string();
    let arguments = [&["run", "-f", &path, "--progress", "plain"][..], flags].concat();
    space.tidegate(&arguments).await
}

#[tokio::test]
async fn a_part_moves_alone_and_the_rest_is_neither_applied_nor_declared_nor_forgotten() {
    let space = Space::new("only").await;
    space.run(&pair(1)).await.with_code(0);
    run_with(&space, &pair(2), &["--only", "server"])
        .await
        .with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(waves(&status), [["server"]]);
    assert_eq!(status.held_out, ["client"]);
    assert_eq!(made_of(&space, "client").await.0, "registry/client:1");
    let graph: ServiceGraph = space.get("pair").await.unwrap();
    let declared = |name: &str| {
        let mut all = graph.spec.services.iter();
        all.find(|service| service.name == name).cloned().unwrap()
    };
    assert_eq!(declared("client").calls[0].version.as_deref(), Some("1"));
    assert_eq!(declared("server").serves.unwrap()[0].versions, ["1", "2"]);
    // A part that could not live with the rest is refused.
    let refused = run_with(&space, &pair(2), &["--only", "nobody"]).await;
    refused.with_code(2);
    space.run(&pair(2)).await.with_code(0);
    assert_eq!(waves(&space.status("pair-3").await), [["client"]]);
    // What the whole release does not have any more goes, though a part came in between.
    let alone = Files::graph("pair", &json!([{"name": "client"}]))
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload("client", "3", QUICK);
    run_with(&space, &alone, &["--only", "client"])
        .await
        .with_code(0);
    assert_eq!(space.pods("server").await.len(), 2);
    space.run(&alone).await.with_code(0);
    assert_eq!(waves(&space.status("pair-5").await), [["server"]]);
    assert_eq!(space.pods("server").await.len(), 0);
}

/// A schema whose Job adds a version, and the application that takes it up.
fn schema(version: u32) -> Files {
    let versions: Vec<String> = (1..=version).map(|one| one.to_string()).collect();
    let job = format!("schema-{version}");
    let services = json!([
        {"name": "schema", "workloads": [{"apiVersion": "batch/v1", "kind": "Job", "name": job}],
         "serves": [{"versions": versions}]},
        {"name": "app", "calls": [{"service": "schema", "version": version.to_string(), "channel": "schema"}]},
    ]);
    let template = json!({
        "metadata": {"labels": {"app": "schema"}},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": format!("registry/schema:{version}")}],
        },
    });
    Files::graph("crm", &services)
        .with_plan("crm", &json!({"strategy": {"settle": "300ms"}}))
        .with(
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job},
            "spec": {"template": template}}),
        )
        .with_workload("app", &version.to_string(), QUICK)
}

#[tokio::test]
async fn a_way_back_leaves_what_a_job_did_and_remembers_it() {
    let space = Space::new("back").await;
    space.run(&schema(1)).await.with_code(0);
    space.run(&schema(2)).await.with_code(0);
    let uid = |job: Option<Job>| job.and_then(|job| job.metadata.uid);
    let before = uid(space.get::<Job>("schema-2").await);
    run_with(&space, &schema(1), &["--rollback"])
        .await
        .with_code(0);
    let status = space.status("crm-3").await;
    assert_eq!(waves(&status), [["app"]]);
    assert_eq!(status.held_out, ["schema"]);
    assert_eq!(uid(space.get::<Job>("schema-2").await), before);
    assert!(space.get::<Job>("schema-1").await.is_none());
    let graph: ServiceGraph = space.get("crm").await.unwrap();
    let schema_declared = graph
        .spec
        .services
        .iter()
        .find(|one| one.name == "schema")
        .unwrap();
    let served = &schema_declared.serves.as_ref().unwrap()[0].versions;
    assert_eq!(served, &["1", "2"]);
}

#[tokio::test]
async fn a_saved_plan_is_run_as_it_is_and_refused_when_the_world_has_moved() {
    let space = Space::new("saved").await;
    space.run(&chain(1)).await.with_code(0);
    let folder = chain(2).folder();
    let path = folder.path().display().to_string();
    let plans = tempfile::tempdir().unwrap();
    let file = |name: &str| plans.path().join(name).display().to_string();
    let save = async |name: &str, flags: &[&str]| {
        let file = file(name);
        let arguments = [&["plan", "-f", &path, "--out", &file][..], flags].concat();
        space.tidegate(&arguments).await.with_code(0);
        file
    };
    let ordered = save("ordered.plan", &["--strategy", "ordered"]).await;
    let part = save("part.plan", &["--only", "store"]).await;
    let run = async |file: &str| {
        let arguments = ["run", "-f", &path, "--plan", file, "--progress", "plain"];
        space.tidegate(&arguments).await
    };
    run(&part).await.with_code(0);
    let status = space.status("chain-2").await;
    assert_eq!(waves(&status), [["store"]]);
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&part).unwrap()).unwrap();
    assert_eq!(
        status.plan.unwrap().digest,
        saved["plan"]["digest"].as_str().unwrap()
    );
    // The store runs another revision now.
    let refused = run(&ordered).await.with_code(4);
    assert!(refused.stderr.contains("store: "), "{}", refused.stderr);
    assert!(space.release("chain-3").await.is_none());
    let again = save("again.plan", &["--strategy", "ordered"]).await;
    run(&again).await.with_code(0);
    assert_eq!(waves(&space.status("chain-3").await), [["cart"], ["web"]]);
}
