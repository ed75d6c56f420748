//! All that goes into an image.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use tidegate_spec::crd::{BuildDeclaration, Engine};

/// How many digits of a commit a tag has.
const TAG_DIGITS: usize = 12;

/// What is built for a service of a release, frozen with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    /// What the plan declares.
    pub declaration: BuildDeclaration,
    /// Where the code is fetched from.
    pub repository: String,
    /// The commit.
    pub revision: String,
    /// The digest of all that goes in.
    pub input: String,
}

impl Recipe {
    /// A recipe.
    ///
    /// In: the declaration, the repository with the commit, and Git's own digest of the context's folder. Where a commit
    /// changes nothing of these, the input is the same.
    pub fn new(
        declaration: &BuildDeclaration,
        (repository, revision): (&str, &str),
        tree: &str,
    ) -> Self {
        Self {
            declaration: declaration.clone(),
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            input: input(declaration, tree),
        }
    }

    /// The image as the builder pushes it.
    pub fn tagged(&self) -> String {
        let tag: String = self.revision.chars().take(TAG_DIGITS).collect();
        format!("{}:{tag}", self.declaration.image)
    }

    /// The folder, as builders want it.
    pub fn context(&self) -> &str {
        self.declaration.context.as_deref().unwrap_or(".")
    }

    /// The Dockerfile within it.
    pub fn dockerfile(&self) -> &str {
        self.declaration
            .dockerfile
            .as_deref()
            .unwrap_or("Dockerfile")
    }

    /// The arguments, one a line.
    pub fn argument_lines(&self) -> String {
        let lines = self.declaration.arguments.iter();
        let lines: Vec<String> = lines.map(|(key, value)| format!("{key}={value}")).collect();
        lines.join("\n")
    }
}

/// Where a cache is kept and as whom something is built changes no image; all else may.
fn input(declaration: &BuildDeclaration, tree: &str) -> String {
    let BuildDeclaration {
        service: _,
        context: _,
        dockerfile,
        image,
        arguments,
        cache: _,
        platform,
        engine,
    } = declaration;
    let engine = match engine.one() {
        Some(Engine::ArgoWorkflow(engine)) => {
            json!({"argoWorkflow": [engine.template_ref, engine.parameters]})
        }
        // Which daemon it is, and what the pod that asks it may have, are of that kind.
        Some(Engine::BuildKit(_)) => json!("buildkit"),
        None => json!(null),
    };
    let all = json!({
        "version": 1,
        "tree": tree,
        "dockerfile": dockerfile,
        "image": image,
        "arguments": arguments,
        "platform": platform,
        "engine": engine,
    });
    format!("sha256:{}", digits(&Sha256::digest(all.to_string())))
}

/// Bytes as digits.
pub(super) fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a String cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}
