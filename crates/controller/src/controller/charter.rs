//! The frozen input of a release, turned into what `upgrade` needs of it.

use super::swell::swell;
use tidegate_manifest::Bundle;
use tidegate_spec::crd::Advance;
use tidegate_spec::{Graph, check_graph, duration, stamp};
use tidegate_upgrade::gate::is_waited_for;
use tidegate_upgrade::{BUILDS_MAX, Before, Belongings, Charter, Strategy};

/// The checked graph of a bundle. The bundle was checked before it was made, so what an older or newer tidegate
/// would say about it does not matter any more.
pub fn graph_of(bundle: &Bundle) -> Graph {
    check_graph(&bundle.graph_name, &bundle.graph).0
}

/// What a release has to work with.
pub fn charter(bundle: &Bundle) -> Charter {
    let graph = graph_of(bundle);
    let services = graph.services.iter().filter_map(|(name, service)| {
        let owned = bundle.services.get(name)?;
        let workloads = bundle.references(&owned.workloads);
        let objects = bundle.references(&owned.objects);
        let gates = objects
            .iter()
            .filter(|object| !workloads.contains(object))
            .filter(|object| is_waited_for(object, &bundle.graph.completion));
        let manifests = workloads
            .iter()
            .filter_map(|workload| Some((workload, bundle.manifest(workload)?)));
        let swells = manifests
            .map(|(workload, manifest)| swell(workload, manifest))
            .collect();
        let belongings = Belongings {
            gates: gates.cloned().collect(),
            builds: bundle.builds_of(owned),
            workloads,
            objects,
            drain: service.drain,
            stamp: stamp::write(&service.interface),
            swells,
        };
        Some((name.clone(), belongings))
    });
    Charter {
        services: services.collect(),
        shared: bundle.references(&bundle.shared),
        images: bundle
            .builds
            .iter()
            .map(|(service, recipe)| (service.clone(), recipe.declaration.image.clone()))
            .collect(),
        strategy: strategy(bundle),
    }
}

fn strategy(bundle: &Bundle) -> Strategy {
    let written = &bundle.plan.strategy;
    let read = |text: &Option<String>| text.as_deref().and_then(duration::parse);
    Strategy {
        advance: match written.advance {
            Advance::Wave => Advance::Wave,
            Advance::Service => Advance::Service,
        },
        parallel_max: written
            .max_parallel
            .and_then(|most| usize::try_from(most).ok()),
        surge_pods_max: written.max_surge_pods,
        builds_max: written
            .max_parallel_builds
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(BUILDS_MAX),
        on_failure: written.on_failure,
        on_regression: written.on_regression,
        soak: read(&written.soak),
        asked_before: written
            .approvals
            .iter()
            .filter_map(|gate| Before::parse(&gate.before))
            .collect(),
        wave_deadline: read(&written.deadlines.wave),
        settle: read(&written.settle),
        gate: written.gate.clone(),
        service_deadline: read(&written.deadlines.service),
        release_deadline: read(&written.deadlines.release),
        rules: bundle.graph.completion.clone(),
    }
}
