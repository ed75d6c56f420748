//! What an object names: the ConfigMaps of its pods, the Services of its routes.
//!
//! In: an object. Out: kinds and names, all in the object's own namespace.

use std::collections::BTreeSet;

use serde_json::Value;

use super::object::Object;

/// Kind and name of an object in the same namespace.
pub(super) type Named = (&'static str, String);

/// The pod template of a workload, or the object itself if it is a pod.
pub fn pod_template(object: &Object) -> Option<&Value> {
    pod_template_of(&object.reference.kind, &object.value)
}

/// The same of a manifest of a kind.
pub fn pod_template_of<'v>(kind: &str, manifest: &'v Value) -> Option<&'v Value> {
    let spec = manifest.get("spec")?;
    match kind {
        "Pod" => Some(manifest),
        "CronJob" => spec.get("jobTemplate")?.get("spec")?.get("template"),
        _ => spec
            .get("template")
            .filter(|template| template.get("spec").is_some()),
    }
}

/// Where an object of a kind says what its pods are.
pub(super) fn pod_spec_path(kind: &str) -> &'static str {
    match kind {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    }
}

/// Everything that an object must find when its pods start, or that it is for.
pub(super) fn references(object: &Object) -> BTreeSet<Named> {
    let mut found = BTreeSet::new();
    if let Some(spec) = pod_template(object).and_then(|template| template.get("spec")) {
        pod_references(spec, &mut found);
    }
    let value = &object.value;
    match object.reference.kind.as_str() {
        "StatefulSet" => {
            found.extend(named("Service", value.pointer("/spec/serviceName")));
        }
        "ServiceAccount" => {
            for list in ["secrets", "imagePullSecrets"] {
                found.extend(each(value, list).filter_map(|it| named("Secret", it.get("name"))));
            }
        }
        "Ingress" => {
            let tls = value
                .get("spec")
                .into_iter()
                .flat_map(|spec| each(spec, "tls"));
            found.extend(tls.filter_map(|tls| named("Secret", tls.get("secretName"))));
        }
        _ => {}
    }
    found
}

fn pod_references(spec: &Value, found: &mut BTreeSet<Named>) {
    let account = spec
        .get("serviceAccountName")
        .or_else(|| spec.get("serviceAccount"));
    found.extend(named("ServiceAccount", account));
    found.extend(each(spec, "imagePullSecrets").filter_map(|it| named("Secret", it.get("name"))));
    for volume in each(spec, "volumes") {
        volume_references(volume, found);
        let claim = volume.pointer("/persistentVolumeClaim/claimName");
        found.extend(named("PersistentVolumeClaim", claim));
        for source in volume
            .get("projected")
            .into_iter()
            .flat_map(|it| each(it, "sources"))
        {
            volume_references(source, found);
        }
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in each(spec, list) {
            for from in each(container, "envFrom") {
                found.extend(named("ConfigMap", from.pointer("/configMapRef/name")));
                found.extend(named("Secret", from.pointer("/secretRef/name")));
            }
            for variable in each(container, "env") {
                let of = |key: &str| {
                    variable
                        .get("valueFrom")
                        .and_then(|from| from.get(key)?.get("name"))
                };
                found.extend(named("ConfigMap", of("configMapKeyRef")));
                found.extend(named("Secret", of("secretKeyRef")));
            }
        }
    }
}

/// A volume names a Secret by `secretName`, a source of a projected one by `name`.
fn volume_references(volume: &Value, found: &mut BTreeSet<Named>) {
    found.extend(named("ConfigMap", volume.pointer("/configMap/name")));
    let secret = volume
        .pointer("/secret/secretName")
        .or_else(|| volume.pointer("/secret/name"));
    found.extend(named("Secret", secret));
    found.extend(named(
        "Secret",
        volume.pointer("/csi/nodePublishSecretRef/name"),
    ));
}

/// The Services that an Ingress or a route of the Gateway API leads to.
pub(super) fn backends(object: &Object) -> BTreeSet<String> {
    let Some(spec) = object.value.get("spec") else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    let mut add =
        |name: Option<&Value>| found.extend(name.and_then(Value::as_str).map(str::to_owned));
    add(spec.pointer("/defaultBackend/service/name"));
    add(spec.pointer("/to/name"));
    for rule in each(spec, "rules") {
        for path in rule
            .get("http")
            .into_iter()
            .flat_map(|http| each(http, "paths"))
        {
            add(path.pointer("/backend/service/name"));
        }
        for backend in each(rule, "backendRefs") {
            add(backend.get("name"));
        }
    }
    found
}

/// The entries of a list that may be absent.
pub(super) fn each<'a>(value: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn named(kind: &'static str, name: Option<&Value>) -> Option<Named> {
    let name = name
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())?;
    Some((kind, name.to_owned()))
}
