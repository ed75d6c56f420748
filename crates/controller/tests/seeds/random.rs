//! Systems that are made up: for each of them there is a safe order, and which one it is differs.
//!
//! In: a seed. Out: two graphs and a strategy. Each service is called by any that come after it. It either takes on a new
//! version beside its old one, so that it goes before its callers, or drops one of two, so that they go before it.

use serde_json::{Value, json};

/// What is made up.
pub(crate) struct MadeUp {
    pub(crate) before: Value,
    pub(crate) after: Value,
    pub(crate) plan: Value,
    pub(crate) replicas: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    TakesOn,
    Drops,
    Stays,
}

pub(crate) fn made_up(seed: u64) -> MadeUp {
    let mut chance = fastrand::Rng::with_seed(seed);
    let count = chance.usize(2..=7);
    let mut manners: Vec<Manner> = (0..count)
        .map(|_| match chance.u8(0..7) {
            0..=2 => Manner::TakesOn,
            3..=5 => Manner::Drops,
            _ => Manner::Stays,
        })
        .collect();
    // At least one of a system moves, whatever chance says.
    if !manners.contains(&Manner::TakesOn) {
        manners.splice(..1, [Manner::TakesOn]);
    }
    let mut before = Vec::new();
    let mut after = Vec::new();
    for (index, manner) in manners.iter().enumerate() {
        let callees: Vec<usize> = (0..index).filter(|_| chance.u8(0..5) < 2).collect();
        let workload = workload(&mut chance, index);
        let served = match manner {
            Manner::TakesOn => [json!(["1"]), json!(["1", "2"])],
            Manner::Drops => [json!(["1", "2"]), json!(["2"])],
            Manner::Stays => [json!(["1"]), json!(["1"])],
        };
        let calls = |is_after: bool| -> Value {
            let calls = callees.iter().map(|callee| {
                let moves = manners.get(*callee) != Some(&Manner::Stays);
                let version = if is_after && moves { "2" } else { "1" };
                json!({"service": name(*callee), "version": version})
            });
            calls.collect()
        };
        let service = |versions: &Value, is_after: bool| {
            let mut service = json!({
                "name": name(index),
                "serves": [{"versions": versions}],
                "calls": calls(is_after),
            });
            if let (Some(workload), Some(fields)) = (&workload, service.as_object_mut()) {
                fields.insert("workloads".to_owned(), json!([workload]));
            }
            service
        };
        let [old, new] = &served;
        before.push(service(old, false));
        after.push(service(new, true));
    }
    MadeUp {
        before: json!({"services": before}),
        after: json!({"services": after}),
        plan: json!({"strategy": strategy(&mut chance)}),
        replicas: chance.u32(1..=3),
    }
}

fn name(index: usize) -> String {
    format!("service-{index}")
}

fn workload(chance: &mut fastrand::Rng, index: usize) -> Option<Value> {
    let kind = match chance.u8(0..6) {
        0 => "StatefulSet",
        1 => "DaemonSet",
        _ => return None,
    };
    Some(json!({"kind": kind, "name": name(index)}))
}

fn strategy(chance: &mut fastrand::Rng) -> Value {
    let mut strategy = serde_json::Map::new();
    let mut set = |name: &str, value: Value| drop(strategy.insert(name.to_owned(), value));
    if chance.bool() {
        set("advance", json!("Service"));
    }
    if chance.u8(0..4) == 0 {
        set("maxParallel", json!(chance.u32(1..=2)));
    }
    if chance.u8(0..4) == 0 {
        set("maxSurgePods", json!(chance.u32(1..=4)));
    }
    if chance.u8(0..4) == 0 {
        set("settle", json!(format!("{}s", chance.u32(1..=15))));
    }
    if chance.u8(0..4) == 0 {
        set("soak", json!(format!("{}s", chance.u32(1..=40))));
    }
    if chance.u8(0..4) == 0 {
        set("onRegression", json!("Pause"));
    }
    match chance.u8(0..4) {
        0 => set("onFailure", json!("Continue")),
        1 => set("onFailure", json!("Rollback")),
        _ => {}
    }
    Value::Object(strategy)
}
