//! A Backstage catalog: which component provides and consumes which API, and depends on which other.
//!
//! Fields after <https://backstage.io/docs/features/software-catalog/descriptor-format/>. References are
//! `[kind:][namespace/]name`; `providesApis` and `consumesApis` default to the kind API, `dependsOn` and `dependencyOf` to
//! none (backstage/backstage: plugins/catalog-backend/src/processors/BuiltinKindsEntityProcessor.ts).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::seen::{Confidence, Found, Role, SeenEdge, SeenService, Sighting, Source};
use crate::manifest::{Object, Text, read, shorten};
use crate::spec::crd::Channel;
use crate::spec::{Code, Problem, did_you_mean};

/// What an entity is known by: kind in lower case, namespace, name in lower case, as Backstage compares them.
type Reference = (String, String, String);

/// Reads the entities of all files together, since one refers to another.
///
/// In: YAML or JSON, any number of documents. Out: the components with their edges, and every problem. Documents that
/// are no entity are not looked at.
pub fn backstage(texts: &[Text]) -> (Found, Vec<Problem>) {
    let (manifests, problems) = read(texts);
    let mut catalog = Catalog {
        entities: BTreeMap::new(),
        providers: BTreeMap::new(),
        found: Found::from(Source::Backstage),
        problems: super::manifests::as_hints(problems),
    };
    for object in &manifests.objects {
        if is_entity(object) {
            catalog.entities.insert(own(object), object);
        }
    }
    catalog.provided();
    let components: Vec<&Object> = catalog
        .entities
        .iter()
        .filter(|((kind, _, _), _)| kind == "component")
        .map(|(_, object)| *object)
        .collect();
    for component in components {
        catalog.component(component);
    }
    (catalog.found, catalog.problems)
}

/// Whether an object is of Backstage's own API group.
pub(super) fn is_entity(object: &Object) -> bool {
    object.reference.group() == "backstage.io"
}

struct Catalog<'a> {
    entities: BTreeMap<Reference, &'a Object>,
    /// The components that provide each API.
    providers: BTreeMap<Reference, BTreeSet<Reference>>,
    found: Found,
    problems: Vec<Problem>,
}

impl Catalog<'_> {
    fn provided(&mut self) {
        let entities: Vec<(Reference, &Object)> = self
            .entities
            .iter()
            .map(|(reference, object)| (reference.clone(), *object))
            .collect();
        for (reference, object) in entities {
            if reference.0 == "component" {
                for api in self.references(object, "providesApis", Some("api")) {
                    self.providers
                        .entry(api)
                        .or_default()
                        .insert(reference.clone());
                }
            }
        }
    }

    fn component(&mut self, object: &Object) {
        let reference = own(object);
        let provides: Vec<String> = self
            .providers
            .iter()
            .filter(|(_, providers)| providers.contains(&reference))
            .map(|(api, _)| self.told(api))
            .collect();
        self.found.services.push(SeenService {
            name: reference.2.clone(),
            role: Role::Service,
            source: Source::Backstage,
            workload: None,
            note: if provides.is_empty() {
                String::new()
            } else {
                format!("provides {}", provides.join(", "))
            },
            place: Some(object.place.clone()),
        });
        for api in self.references(object, "consumesApis", Some("api")) {
            self.consumes(object, &reference, &api);
        }
        for other in self.references(object, "dependsOn", None) {
            self.depends(object, (&reference, &other), "dependsOn");
        }
        for other in self.references(object, "dependencyOf", None) {
            self.depends(object, (&other, &reference), "dependencyOf");
        }
    }

    /// An API as a comment shows it: name, type and owner.
    fn told(&self, api: &Reference) -> String {
        let spec = self.entities.get(api).and_then(|it| it.value.get("spec"));
        let text = |key: &str| spec.and_then(|spec| spec.get(key)?.as_str());
        let mut said = Vec::new();
        said.extend(text("type").map(shorten));
        said.extend(text("owner").map(|owner| format!("owned by {}", shorten(owner))));
        if said.is_empty() {
            api.2.clone()
        } else {
            format!("{} ({})", api.2, said.join(", "))
        }
    }

    fn consumes(&mut self, object: &Object, consumer: &Reference, api: &Reference) {
        let providers = self.providers.get(api).cloned().unwrap_or_default();
        if providers.is_empty() {
            let known = self.providers.keys().map(|(_, _, name)| name.as_str());
            let hint = match did_you_mean(&api.2, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "give the file of the component that has it in `providesApis` too".to_owned()
                }
            };
            let wrong = format!("no component provides the API `{}`", shorten(&api.2));
            let problem = Problem::error(Code::LeftOut, "spec.consumesApis", wrong)
                .warning()
                .hint(hint);
            self.problems.push(problem.at(object.place.clone()));
        }
        let spec = self.entities.get(api).and_then(|it| it.value.get("spec"));
        let kind = spec.and_then(|spec| spec.get("type")?.as_str());
        for provider in providers {
            // Who provides an AsyncAPI mostly writes the messages that the others read, and what is read must be
            // understood by the reader: the reader is the callee. The catalog does not say who writes: a guess.
            let (caller, callee, channel, confidence) = if kind == Some("asyncapi") {
                (&provider, consumer, Channel::Queue, Confidence::Guess)
            } else {
                (consumer, &provider, Channel::Rpc, Confidence::Declared)
            };
            let sighting = Sighting {
                because: format!("consumesApis {}", api.2),
                ..Sighting::new(Source::Backstage, &object.place.file, confidence)
            };
            self.found.edges.push(SeenEdge {
                caller: caller.2.clone(),
                callee: callee.2.clone(),
                contract: Some(api.2.clone()),
                channel,
                sighting,
                place: Some(object.place.clone()),
            });
        }
    }

    fn depends(&mut self, object: &Object, edge: (&Reference, &Reference), field: &str) {
        let (caller, callee) = edge;
        // Resources (databases, buckets) and what is no component are not services.
        if caller.0 != "component" || callee.0 != "component" {
            return;
        }
        let sighting = Sighting {
            because: field.to_owned(),
            ..Sighting::new(Source::Backstage, &object.place.file, Confidence::Declared)
        };
        self.found.edges.push(SeenEdge {
            caller: caller.2.clone(),
            callee: callee.2.clone(),
            contract: None,
            channel: Channel::Rpc,
            sighting,
            place: Some(object.place.clone()),
        });
    }

    /// The references of a field: one text or a list of them.
    fn references(
        &mut self,
        object: &Object,
        field: &str,
        default_kind: Option<&str>,
    ) -> Vec<Reference> {
        let path = format!("spec.{field}");
        let value = object.value.get("spec").and_then(|spec| spec.get(field));
        let written: Vec<&Value> = match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        let mut references = Vec::new();
        for (index, value) in written.into_iter().enumerate() {
            let read = value
                .as_str()
                .and_then(|text| reference(text, default_kind, namespace(object)));
            if let Some(read) = read {
                references.push(read);
                continue;
            }
            let wrong = format!(
                "`{}` is no reference to an entity",
                shorten(&value.to_string())
            );
            let hint = match default_kind {
                Some(_) => "write `NAME` or `NAMESPACE/NAME`",
                None => "write `component:NAME` or `resource:NAME`; there is no default kind here",
            };
            let problem = Problem::error(Code::LeftOut, format!("{path}[{index}]"), wrong);
            self.problems
                .push(problem.warning().hint(hint).at(object.place.clone()));
        }
        references
    }
}

fn namespace(object: &Object) -> &str {
    match object.reference.namespace.as_str() {
        "" => "default",
        named => named,
    }
}

fn own(object: &Object) -> Reference {
    (
        object.reference.kind.to_lowercase(),
        namespace(object).to_lowercase(),
        object.reference.name.to_lowercase(),
    )
}

/// Takes `[kind:][namespace/]name` apart.
fn reference(text: &str, default_kind: Option<&str>, own_namespace: &str) -> Option<Reference> {
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (kind, rest),
        None => (default_kind?, text),
    };
    let (namespace, name) = rest.split_once('/').unwrap_or((own_namespace, rest));
    let parts = [kind, namespace, name].map(|part| part.trim().to_lowercase());
    let [kind, namespace, name] = parts;
    (!kind.is_empty() && !namespace.is_empty() && !name.is_empty())
        .then_some((kind, namespace, name))
}
