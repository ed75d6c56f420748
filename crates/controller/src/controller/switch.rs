//! The two moves of a service with a switch: first the new image with the value that runs now, then the value.
//!
//! In: the manifests and the values that run. Out: what the first move keeps, or why it cannot be kept.

use serde_json::Value;

use tidegate_manifest::Bundle;
use tidegate_spec::crd::HeldVariable;
use tidegate_spec::{ObjectRef, ServiceName};

/// The variables that keep their value while the new image comes.
///
/// In: the frozen input, a service with its switch, and the plain values that the switch has in what runs. Error: a
/// sentence with the way out.
pub(super) fn held(
    bundle: &Bundle,
    (service, switch): (&ServiceName, &str),
    running: &[HeldVariable],
) -> Result<Vec<HeldVariable>, String> {
    let owned = bundle.services.get(service);
    let workloads = owned.map(|owned| bundle.references(&owned.workloads));
    let mut held = Vec::new();
    let mut changes = false;
    for workload in workloads.into_iter().flatten() {
        let manifest = bundle.manifest(&workload);
        for wanted in manifest
            .into_iter()
            .flat_map(|it| variables(it, &workload, switch))
        {
            let Some(wanted) = wanted else {
                return Err(format!(
                    "the switch {switch} of {service} is not set as a plain value in {workload}, so nothing here can \
                     keep what runs: write `{{name: {switch}, value: …}}`, or let it move in order"
                ));
            };
            let mut known = running.iter();
            let known = known
                .find(|one| one.workload == wanted.workload && one.container == wanted.container);
            let Some(known) = known else {
                return Err(format!(
                    "the switch {switch} of {service} has no plain value in what runs as {workload}, so the new image \
                     cannot be given it: release it once with the value of now, or let it move in order"
                ));
            };
            changes |= known.value != wanted.value;
            held.push(known.clone());
        }
    }
    if changes {
        Ok(held)
    } else {
        Err(format!(
            "the switch {switch} of {service} has the same value in what runs and in what shall run, so it does not \
             select what {service} calls: give it its new value, or let it move in order"
        ))
    }
}

/// How a pod template sets a variable, container by container; `None` where it is no plain value.
fn variables(manifest: &Value, workload: &ObjectRef, name: &str) -> Vec<Option<HeldVariable>> {
    let containers = manifest.pointer("/spec/template/spec/containers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let in_container = |container: &Value| {
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(ToOwned::to_owned);
        let env = container.get("env")?.as_array()?;
        let set = env
            .iter()
            .find(|one| one.get("name").is_some_and(|it| it == name))?;
        Some(
            text(container, "name")
                .zip(text(set, "value"))
                .map(|(container, value)| HeldVariable {
                    workload: workload.clone(),
                    container,
                    name: name.to_owned(),
                    value,
                }),
        )
    };
    containers.filter_map(in_container).collect()
}

/// What a set of variables is set to, for people.
pub(super) fn told(variables: &[HeldVariable]) -> String {
    let mut texts: Vec<String> = variables
        .iter()
        .map(|one| format!("{}={}", one.name, one.value))
        .collect();
    texts.dedup();
    texts.join(", ")
}

/// The same variables as the manifests have them.
pub(super) fn wanted(bundle: &Bundle, held: &[HeldVariable]) -> Vec<HeldVariable> {
    let of_one = |one: &HeldVariable| {
        let manifest = bundle.manifest(&one.workload)?;
        let all = variables(manifest, &one.workload, &one.name);
        all.into_iter()
            .flatten()
            .find(|it| it.container == one.container)
    };
    held.iter().filter_map(of_one).collect()
}
