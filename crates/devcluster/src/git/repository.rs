//! Commits in a repository of the server, made with the `git` program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::GitError;

/// A repository of the server, and a work tree of it.
#[derive(Debug)]
pub struct GitRepository {
    bare: PathBuf,
    tree: PathBuf,
    url: String,
}

impl GitRepository {
    pub(super) fn make(root: &Path, name: &str, url: String) -> Result<Self, GitError> {
        let bare = root.join("served").join(name);
        let tree = root.join("trees").join(name);
        fs::create_dir_all(&bare)?;
        fs::create_dir_all(&tree)?;
        let repository = Self { bare, tree, url };
        git(
            &repository.bare,
            &["init", "--quiet", "--bare", "--initial-branch=main", "."],
        )?;
        git(
            &repository.tree,
            &["init", "--quiet", "--initial-branch=main", "."],
        )?;
        let bare = repository.bare.display().to_string();
        repository.git(&["remote", "add", "origin", &bare])?;
        Ok(repository)
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder whose files are committed.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Writes files, each at its path, and commits and pushes all that the tree holds. Out: the commit.
    pub fn push(&self, files: &[(&str, &str)], message: &str) -> Result<String, GitError> {
        for (path, text) in files {
            let path = self.tree.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, text)?;
        }
        self.git(&["add", "--all", "."])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&["push", "--quiet", "--force", "origin", "HEAD"])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree. Out: what it printed, without the line break at the end.
    pub fn git(&self, arguments: &[&str]) -> Result<String, GitError> {
        git(&self.tree, arguments)
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, GitError> {
    let done = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=devcluster",
            "-c",
            "user.email=devcluster@localhost",
        ])
        .args(["-c", "commit.gpgSign=false"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .map_err(|source| GitError::NoGit { source })?;
    if done.status.success() {
        let text = String::from_utf8_lossy(&done.stdout);
        return Ok(text.trim_end().to_owned());
    }
    Err(GitError::Failed {
        arguments: arguments.join(" "),
        message: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
    })
}
