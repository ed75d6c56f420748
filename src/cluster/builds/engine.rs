//! What the engines have in common, with a line for each: the kind of what builds, where it is, what it needs.

use kube::api::ApiResource;
use serde_json::Value;

use super::{argo, buildkit};
use crate::build::Recipe;
use crate::spec::crd::Engine;

/// Rights, as [`crate::cluster::rights`] has them.
type Rights = &'static [(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
)];

/// The kind of what builds.
pub(super) fn resource(engine: Engine<'_>) -> ApiResource {
    match engine {
        Engine::BuildKit(_) => buildkit::resource(),
        Engine::ArgoWorkflow(_) => argo::resource(),
    }
}

/// What the plan's account needs where that is.
pub(super) fn rights(engine: Engine<'_>) -> Rights {
    match engine {
        Engine::BuildKit(_) => buildkit::RIGHTS,
        Engine::ArgoWorkflow(_) => argo::RIGHTS,
    }
}

/// Where that is, unless it is the plan's own namespace.
pub(super) fn namespace(engine: Engine<'_>) -> Option<&str> {
    match engine {
        Engine::BuildKit(engine) => engine.namespace.as_deref(),
        Engine::ArgoWorkflow(engine) => engine.namespace.as_deref(),
    }
}

/// The object of a recipe, held back.
pub(super) fn wanted(recipe: &Recipe, engine: Engine<'_>, metadata: &Value) -> Value {
    match engine {
        Engine::BuildKit(engine) => buildkit::job(recipe, engine, metadata),
        Engine::ArgoWorkflow(engine) => argo::workflow(recipe, engine, metadata),
    }
}
