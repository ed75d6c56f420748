//! The code that images are built of: Git's own digest of a folder, so that an unchanged folder is known without reading it.

use git2::{ErrorCode, ObjectType, Oid};

use super::error::SourceError;
use super::fetch::{Cache, cache_error};
use super::tree::{LINK_MODE, SUBMODULE_MODE};

impl Cache {
    /// The digest of a folder of a commit that is here; `None`: of all of it. The Dockerfile must be in it.
    pub fn tree_digest(
        &self,
        commit: &str,
        (field, context): (&str, Option<&str>),
        dockerfile: &str,
    ) -> Result<String, SourceError> {
        let repository = self.open()?;
        let id = Oid::from_str(commit).map_err(|error| cache_error(&error))?;
        let root = repository
            .find_commit(id)
            .and_then(|commit| commit.tree())
            .map_err(|error| cache_error(&error))?;
        let refused = |path: &str, wrong: &str, of: &str| SourceError::Tree {
            path: path.to_owned(),
            wrong: wrong.to_owned(),
            next: format!("correct `{field}.{of}`, or add it to the repository"),
        };
        let mut tree = root;
        let mut gone = String::new();
        for part in context.into_iter().flat_map(|context| context.split('/')) {
            if !gone.is_empty() {
                gone.push('/');
            }
            gone.push_str(part);
            let below = match tree.get_name(part) {
                Some(entry) if entry.kind() == Some(ObjectType::Tree) => entry.id(),
                Some(_) => return Err(refused(&gone, "is no folder in this commit", "context")),
                None => return Err(refused(&gone, "is not there in this commit", "context")),
            };
            tree = repository
                .find_tree(below)
                .map_err(|error| cache_error(&error))?;
        }
        let of_file = tree.get_path(std::path::Path::new(dockerfile));
        let path = if gone.is_empty() {
            dockerfile.to_owned()
        } else {
            format!("{gone}/{dockerfile}")
        };
        match of_file {
            Ok(entry) if [LINK_MODE, SUBMODULE_MODE].contains(&entry.filemode()) => {
                return Err(refused(&path, "is no plain file", "dockerfile"));
            }
            Ok(entry) if entry.kind() == Some(ObjectType::Blob) => {}
            Ok(_) => return Err(refused(&path, "is no file", "dockerfile")),
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Err(refused(&path, "is not there in this commit", "dockerfile"));
            }
            Err(error) => return Err(cache_error(&error)),
        }
        Ok(tree.id().to_string())
    }
}
