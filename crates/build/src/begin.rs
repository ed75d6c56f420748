//! What has to be built for a release, and what was built before.

use std::collections::BTreeMap;

use super::recipe::Recipe;
use super::state::{Build, Stand};
use tidegate_spec::ServiceName;

/// What an earlier release has built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The digest of all that went in.
    pub input: String,
    /// The image by its digest.
    pub image: String,
    /// The release.
    pub release: String,
}

/// The builds of a release that is about to be planned.
///
/// In: its recipes, what is known of its builds already (a plan may be made anew), and what earlier releases have built,
/// the newest last.
pub fn begin(
    recipes: &BTreeMap<ServiceName, Recipe>,
    known: &BTreeMap<ServiceName, Build>,
    built: &[Built],
) -> BTreeMap<ServiceName, Build> {
    let of_one = |(service, recipe): (&ServiceName, &Recipe)| {
        let kept = known.get(service).filter(|one| one.input == recipe.input);
        let kept = kept.cloned().unwrap_or_else(|| begun(recipe, built));
        (service.clone(), kept)
    };
    recipes.iter().map(of_one).collect()
}

fn begun(recipe: &Recipe, earlier: &[Built]) -> Build {
    let build = Build::waiting(&recipe.input);
    let Some(before) = earlier.iter().rfind(|one| one.input == recipe.input) else {
        return build;
    };
    Build {
        stand: Stand::Skipped,
        image: Some(before.image.clone()),
        reason: "SameInput".to_owned(),
        message: format!(
            "nothing that goes in has changed since `{}`",
            before.release
        ),
        ..build
    }
}
