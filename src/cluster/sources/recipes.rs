//! What a commit makes of a plan's builds.

use std::collections::BTreeMap;

use super::reading::{SourceReader, blocking};
use crate::build::Recipe;
use crate::source::SourceError;
use crate::spec::ServiceName;
use crate::spec::crd::ReleasePlan;

impl SourceReader {
    /// The recipes of a plan's builds with the code of a commit.
    pub async fn recipes(
        &self,
        plan: &ReleasePlan,
        commit: &str,
    ) -> Result<BTreeMap<ServiceName, Recipe>, SourceError> {
        let Some(source) = plan
            .spec
            .source
            .as_ref()
            .filter(|_| !plan.spec.builds.is_empty())
        else {
            return Ok(BTreeMap::new());
        };
        let url = source.git.url.clone();
        let builds = plan.spec.builds.clone();
        let cache = self.cache();
        let commit = commit.to_owned();
        blocking(move || {
            let mut recipes = BTreeMap::new();
            for (index, build) in builds.iter().enumerate() {
                let field = format!("spec.builds[{index}]");
                let context = (field.as_str(), build.context.as_deref());
                let dockerfile = build.dockerfile.as_deref().unwrap_or("Dockerfile");
                let tree = cache.tree_digest(&commit, context, dockerfile)?;
                // A name that is none is refused before anything is fetched.
                if let Ok(service) = ServiceName::parse(&build.service) {
                    recipes.insert(service, Recipe::new(build, (&url, &commit), &tree));
                }
            }
            Ok(recipes)
        })
        .await
    }
}
