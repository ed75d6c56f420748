//! Two sides of a release from files: what runs, and what shall run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::assemble::{Assembled, assemble_after, tell_problems};
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::live_sets::{LiveSet, live_sets};
use super::output::Output;
use super::pact::labelled_versions;
use crate::graph::System;
use crate::manifest::{Text, pod_template_of};
use crate::spec::crd::ServiceGraphSpec;
use crate::spec::{Graph, Problem, ServiceName};
use crate::upgrade::gate::template_digest;

/// What runs and what shall run, from files.
pub(super) struct Compared {
    /// The planner's input.
    pub system: System,
    /// What runs.
    pub old: Side,
    /// What shall run.
    pub new: Side,
}

/// Reads both sides, and the live sets where a service has more than one live revision. What is wrong in any of them
/// is told at once.
pub(super) fn compare(
    output: &Output,
    from: &PathBuf,
    to: &PathBuf,
    live: Option<&PathBuf>,
) -> Result<Compared, Failure> {
    let is_nothing = from.as_os_str() == "none";
    let mut texts = Vec::new();
    let mut problems = Vec::new();
    let mut told = |(found, of): (Vec<Problem>, Vec<Text>)| {
        // The same file on both sides has the same problems.
        let new: Vec<Problem> = found
            .into_iter()
            .filter(|it| !problems.contains(it))
            .collect();
        problems.extend(new);
        texts.extend(of);
    };
    let old = if is_nothing {
        Side::default()
    } else {
        let (old, found, of) = side(from, None)?;
        told((found, of));
        old
    };
    let (new, found, of) = side(to, (!is_nothing).then_some(&old.graph))?;
    told((found, of));
    let mut sets = BTreeMap::new();
    if let Some(file) = live {
        let of = read_all(std::slice::from_ref(file))?;
        let (found, wrong) = live_sets(&of, [&old.graph, &new.graph]);
        sets = found;
        told((wrong, of));
    }
    tell_problems(output, &problems, &texts)?;
    let changed = match (old.templates.is_empty(), new.templates.is_empty()) {
        (false, false) => Some(changed_templates(&old, &new)),
        (true, true) => None,
        (_, _) if is_nothing => None,
        (is_old_bare, _) => {
            let (with, without) = if is_old_bare { (to, from) } else { (from, to) };
            output.say(&format!(
                "warning: `{}` has manifests and `{}` has none, so images are not compared: a service moves only where \
                 the graph changes",
                with.display(),
                without.display()
            ));
            None
        }
    };
    let mut system = System::between(&old.graph, &new.graph, changed.as_ref());
    for (name, LiveSet { live, retained }) in sets {
        let known = system.services.get(&name);
        let live = match known {
            Some(known) if live.is_empty() => known.live.clone(),
            Some(_) | None => live,
        };
        system = system.with_live(&name, live, retained).ok_or_else(|| {
            let words = format!("there is no service `{name}` in either graph");
            Failure::new(Exit::Usage, words)
        })?;
    }
    Ok(Compared { system, old, new })
}

/// One side of an offline comparison.
#[derive(Default)]
pub(super) struct Side {
    /// The graph, checked.
    pub graph: Graph,
    /// The graph as written.
    pub spec: ServiceGraphSpec,
    /// The workloads of each service with the digests of their pod templates, where there are manifests.
    templates: BTreeMap<ServiceName, Vec<String>>,
    /// The version of each service, where its manifests are labelled with one.
    pub versions: BTreeMap<ServiceName, String>,
}

/// Reads one side: what could be read of it, every problem, and the texts.
fn side(
    path: &PathBuf,
    before: Option<&Graph>,
) -> Result<(Side, Vec<Problem>, Vec<Text>), Failure> {
    let texts = read_all(std::slice::from_ref(path))?;
    let (manifests, mut problems) = crate::manifest::read(&texts);
    let declared = super::assemble::the_graph(&texts, &manifests, before, &mut problems);
    let (graph, spec) = declared
        .map(|(graph, declared)| (graph, declared.value.spec.clone()))
        .unwrap_or_default();
    let mut side = Side {
        graph,
        spec,
        ..Side::default()
    };
    if manifests.objects.is_empty() {
        return Ok((side, problems, texts));
    }
    let (assembled, problems) = assemble_after(&texts, "default", None, before);
    let Some(Assembled { bundle, .. }) = assembled else {
        return Ok((side, problems, texts));
    };
    side.versions = labelled_versions(&bundle);
    let templates = bundle.services.iter().map(|(name, owned)| {
        let workloads = bundle.references(&owned.workloads);
        let digests = workloads.iter().filter_map(|workload| {
            let template = pod_template_of(&workload.kind, bundle.manifest(workload)?)?;
            let digest = template_digest(template);
            // Under another name the same pods are new ones.
            Some(format!("{workload} {digest}"))
        });
        (name.clone(), digests.collect())
    });
    side.templates = templates.collect();
    Ok((side, problems, texts))
}

fn changed_templates(old: &Side, new: &Side) -> BTreeMap<ServiceName, bool> {
    let changed = new
        .templates
        .iter()
        .map(|(name, digests)| (name.clone(), old.templates.get(name) != Some(digests)));
    changed.collect()
}
