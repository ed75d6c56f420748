//! The systems that tests release: manifests and a graph, as values that a test can still change.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The annotations that steer the pods of the control plane of the tests.
pub(crate) const STEER: &str = "devcluster.tidegate.dev";

/// The documents of one version of a system.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    documents: Vec<Value>,
}

impl Files {
    /// Nothing but a graph.
    pub(crate) fn graph(name: &str, services: &Value) -> Self {
        let graph = json!({
            "apiVersion": "tidegate.dev/v1alpha1",
            "kind": "ServiceGraph",
            "metadata": {"name": name},
            "spec": {"services": services},
        });
        Self {
            documents: vec![graph],
        }
    }

    /// A folder of `examples/`, for instance `rpc-upgrade/v1`.
    pub(crate) fn example(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(root.join("examples").join(folder)).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let documents = paths.iter().flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            serde_saphyr::from_multiple::<Value>(&text).unwrap()
        });
        Self {
            documents: documents.collect(),
        }
    }

    /// The same with one more document.
    pub(crate) fn with(mut self, document: Value) -> Self {
        self.documents.push(document);
        self
    }

    /// The same with a ReleasePlan.
    pub(crate) fn with_plan(self, name: &str, spec: &Value) -> Self {
        self.with(json!({
            "apiVersion": "tidegate.dev/v1alpha1",
            "kind": "ReleasePlan",
            "metadata": {"name": name},
            "spec": spec,
        }))
    }

    /// The same with a Deployment and a Service of that name.
    pub(crate) fn with_workload(self, name: &str, version: &str, (ready, ending): Delays) -> Self {
        self.with(service(name))
            .with(workload("Deployment", name, version))
            .steer(name, "ready-delay", ready)
            .steer(name, "termination-delay", ending)
    }

    /// One document, to be changed.
    pub(crate) fn object(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.documents.iter_mut().find(|document| {
            document["kind"] == kind && document.pointer("/metadata/name") == Some(&json!(name))
        });
        found.unwrap()
    }

    /// The same with another value at a place of one document.
    pub(crate) fn set(mut self, (kind, name): (&str, &str), place: &str, value: Value) -> Self {
        let mut slot = self.object(kind, name);
        for key in place.split('/') {
            slot = match key.parse::<usize>() {
                Ok(index) => &mut slot[index],
                Err(_) => &mut slot[key],
            };
        }
        *slot = value;
        self
    }

    /// The same with an annotation that steers the pods of a workload.
    pub(crate) fn steer(mut self, name: &str, key: &str, value: &str) -> Self {
        let workloads = self.documents.iter_mut().filter(|document| {
            document.pointer("/metadata/name") == Some(&json!(name))
                && document.pointer("/spec/template").is_some()
        });
        for workload in workloads {
            steer(workload, key, value);
        }
        self
    }

    /// The same with these delays in every workload.
    pub(crate) fn at_pace(mut self, (ready, ending): Delays) -> Self {
        let workloads = self
            .documents
            .iter_mut()
            .filter(|document| document.pointer("/spec/template").is_some());
        for workload in workloads {
            steer(workload, "ready-delay", ready);
            steer(workload, "termination-delay", ending);
        }
        self
    }

    /// What is not tidegate's own.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Value> {
        self.documents.iter().filter(|document| {
            !document["apiVersion"]
                .as_str()
                .unwrap()
                .starts_with("tidegate.dev/")
        })
    }

    /// The same without its ReleasePlan.
    pub(crate) fn without_plan(mut self) -> Self {
        self.documents
            .retain(|document| document["kind"] != "ReleasePlan");
        self
    }

    /// The documents as one text.
    pub(crate) fn text(&self) -> String {
        let texts: Vec<String> = self.documents.iter().map(Value::to_string).collect();
        texts.join("\n---\n")
    }

    /// The documents as one file in a folder, for `-f`.
    pub(crate) fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), self.text()).unwrap();
        folder
    }
}

/// From scheduled to ready, and from asked to end to gone.
pub(crate) type Delays = (&'static str, &'static str);

/// For tests in which nothing depends on how long a pod takes.
pub(crate) const QUICK: Delays = ("300ms", "500ms");

fn steer(workload: &mut Value, key: &str, value: &str) {
    workload["spec"]["template"]["metadata"]["annotations"][format!("{STEER}/{key}")] =
        json!(value);
}

/// A Service in front of the pods of that name.
pub(crate) fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"name": "rpc", "port": 50051}]},
    })
}

/// A workload of two pods, where its kind counts them.
pub(crate) fn workload(kind: &str, name: &str, version: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": format!("registry/{name}:{version}")}]},
            },
        },
    });
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = json!(2);
    }
    object
}

/// The smallest system: a server and its client. Version 1 speaks protocol 1; the server of version 2 speaks both,
/// its client 2 only. Gates settle faster than usual.
pub(crate) fn pair(version: u32) -> Files {
    let (serves, calls) = if version == 1 {
        (json!(["1"]), "1")
    } else {
        (json!(["1", "2"]), "2")
    };
    let services = json!([
        {"name": "server", "serves": [{"versions": serves}]},
        {"name": "client", "calls": [{"service": "server", "version": calls}]},
    ]);
    let tag = version.to_string();
    Files::graph("pair", &services)
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload("server", &tag, QUICK)
        .with_workload("client", &tag, QUICK)
}
