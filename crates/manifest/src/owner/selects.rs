//! Rule 3: a Service belongs to the service whose pods it selects, an autoscaler to whom it scales, an Ingress to
//! the service that it leads to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Assigning, only};
use crate::object::Object;
use crate::order::{Rank, is_foundation, rank};
use crate::reference::{backends, pod_template};
use crate::selector::{Labels, labels, matches, matches_plain};
use tidegate_spec::ServiceName;

/// The labels of the pods of each owned workload.
type Templates<'a> = Vec<(&'a ServiceName, Labels)>;

impl<'a> Assigning<'a> {
    pub(super) fn by_selection(&mut self) {
        let templates = self.templates();
        // Services first: what leads to a Service goes where that one went.
        for services in [true, false] {
            for (number, object) in self.unowned() {
                let is_service = object.reference.kind == "Service";
                if is_service == services && !is_foundation(&object.reference) {
                    let owner = self.selected_owner(object, &templates);
                    self.set_owner(number, owner);
                }
            }
        }
    }

    fn templates(&self) -> Templates<'a> {
        let objects: &'a [Object] = self.objects;
        objects
            .iter()
            .enumerate()
            .filter_map(|(number, object)| {
                let owner = self.owner(number)?;
                let template = pod_template(object)?;
                Some((owner, labels(template.pointer("/metadata/labels"))))
            })
            .collect()
    }

    fn selected_owner(
        &self,
        object: &Object,
        templates: &Templates<'a>,
    ) -> Option<&'a ServiceName> {
        let spec = object.value.get("spec");
        let selected = |test: &dyn Fn(&Labels) -> bool| -> BTreeSet<&'a ServiceName> {
            templates
                .iter()
                .filter(|(_, labels)| test(labels))
                .map(|(owner, _)| *owner)
                .collect()
        };
        let target = spec.and_then(|it| it.get("scaleTargetRef").or_else(|| it.get("targetRef")));
        let by_name = || self.service(&object.reference.name);
        match (rank(&object.reference), object.reference.kind.as_str()) {
            (_, "NetworkPolicy") => {
                let selector = spec?.get("podSelector")?;
                only(&selected(&|labels| matches(selector, labels)))
            }
            (Rank::Service, "Service") => {
                let selector = spec.and_then(|it| it.get("selector"));
                let found = selector
                    .map(|selector| selected(&|labels| matches_plain(selector, labels)))
                    .unwrap_or_default();
                if found.is_empty() {
                    by_name()
                } else {
                    only(&found)
                }
            }
            (Rank::Disruption, _) | (_, "PodMonitor") => {
                let selector = spec?.get("selector")?;
                let found = selected(&|labels| matches(selector, labels));
                if found.is_empty() {
                    by_name()
                } else {
                    only(&found)
                }
            }
            (Rank::Autoscaler, _) => match target {
                Some(target) => self.scaled(target),
                None => by_name(),
            },
            (Rank::Route, _) => {
                let leads_to = backends(object);
                if leads_to.is_empty() {
                    return by_name();
                }
                let owners: BTreeSet<_> = leads_to.iter().map(|it| self.backend(it)).collect();
                only(&owners).flatten()
            }
            _ => None,
        }
    }

    /// Who owns what an autoscaler names. KEDA may leave the kind out: it means a Deployment.
    fn scaled(&self, target: &Value) -> Option<&'a ServiceName> {
        let name = target.get("name").and_then(Value::as_str)?;
        let kind = target
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or("Deployment");
        let api_version = target
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or("apps/v1");
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let number = self.index.get(&(group, kind, name))?;
        self.owner(*number)
    }

    fn backend(&self, name: &str) -> Option<&'a ServiceName> {
        match self.index.get(&("", "Service", name)) {
            Some(number) => self.owner(*number),
            None => self.service(name),
        }
    }
}
