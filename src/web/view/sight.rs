//! All there is at one moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt;

use crate::spec::crd::{Release, ReleasePlan, ServiceGraph};

/// The annotation of a ReleasePlan that puts it into a folder: `team/shop`.
pub const FOLDER_ANNOTATION: &str = "tidegate.dev/folder";

/// All there is at one moment.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Releases by namespace, plan and number.
    releases: Vec<Arc<Release>>,
    /// Plans by namespace and name.
    plans: Vec<Arc<ReleasePlan>>,
    /// Graphs by namespace and name.
    graphs: Vec<Arc<ServiceGraph>>,
    /// Whether everything was read once; before that, nothing can be said to be missing.
    pub is_whole: bool,
}

fn of<K: ResourceExt>(object: &K) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

impl Sight {
    /// In: what was found, in any order.
    pub fn new(
        mut releases: Vec<Arc<Release>>,
        mut plans: Vec<Arc<ReleasePlan>>,
        mut graphs: Vec<Arc<ServiceGraph>>,
        is_whole: bool,
    ) -> Self {
        releases.sort_by_cached_key(|release| {
            let spec = &release.spec;
            (release.namespace(), spec.plan.clone(), spec.number)
        });
        plans.sort_by_cached_key(|plan| of(plan.as_ref()));
        graphs.sort_by_cached_key(|graph| of(graph.as_ref()));
        Self {
            releases,
            plans,
            graphs,
            is_whole,
        }
    }

    /// The part of it in which the namespaces are allowed, kind by kind.
    #[must_use]
    pub fn within(
        &self,
        releases: impl Fn(&str) -> bool,
        plans: impl Fn(&str) -> bool,
        graphs: impl Fn(&str) -> bool,
    ) -> Self {
        fn kept<K: ResourceExt>(all: &[Arc<K>], allowed: impl Fn(&str) -> bool) -> Vec<Arc<K>> {
            let is_allowed = |object: &&Arc<K>| {
                let namespace = object.meta().namespace.as_deref();
                allowed(namespace.unwrap_or_default())
            };
            all.iter().filter(is_allowed).cloned().collect()
        }
        Self {
            releases: kept(&self.releases, releases),
            plans: kept(&self.plans, plans),
            graphs: kept(&self.graphs, graphs),
            is_whole: self.is_whole,
        }
    }

    /// Every namespace that has something.
    pub fn namespaces(&self) -> BTreeSet<String> {
        let releases = self.releases.iter().map(|one| one.namespace());
        let plans = self.plans.iter().map(|one| one.namespace());
        let graphs = self.graphs.iter().map(|one| one.namespace());
        releases.chain(plans).chain(graphs).flatten().collect()
    }

    /// Every release.
    pub fn releases(&self) -> &[Arc<Release>] {
        &self.releases
    }

    /// Every plan.
    pub fn plans(&self) -> &[Arc<ReleasePlan>] {
        &self.plans
    }

    /// Every graph.
    pub fn graphs(&self) -> &[Arc<ServiceGraph>] {
        &self.graphs
    }

    /// The releases of a plan in the order of their numbers.
    pub fn releases_of(&self, namespace: &str, plan: &str) -> &[Arc<Release>] {
        let key = |release: &Arc<Release>| {
            let of = release.metadata.namespace.as_deref().unwrap_or_default();
            (of, release.spec.plan.as_str()).cmp(&(namespace, plan))
        };
        let from = self.releases.partition_point(|one| key(one).is_lt());
        let to = self.releases.partition_point(|one| key(one).is_le());
        self.releases.get(from..to).unwrap_or_default()
    }

    /// A release by name.
    pub fn release(&self, namespace: &str, name: &str) -> Option<&Arc<Release>> {
        named(&self.releases, namespace, name)
    }

    /// A plan by name.
    pub fn plan(&self, namespace: &str, name: &str) -> Option<&Arc<ReleasePlan>> {
        named(&self.plans, namespace, name)
    }

    /// A graph by name.
    pub fn graph(&self, namespace: &str, name: &str) -> Option<&Arc<ServiceGraph>> {
        named(&self.graphs, namespace, name)
    }
}

fn named<'s, K: ResourceExt>(all: &'s [Arc<K>], namespace: &str, name: &str) -> Option<&'s Arc<K>> {
    all.iter().find(|object| {
        let meta = object.meta();
        meta.name.as_deref() == Some(name)
            && meta.namespace.as_deref().unwrap_or_default() == namespace
    })
}
