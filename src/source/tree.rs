//! The files of a commit, straight from Git's objects: nothing is written anywhere, so nothing can lead anywhere else.

use git2::{ObjectType, Odb, Oid, Repository, Tree};

use super::error::SourceError;
use super::limits::Limits;
use crate::manifest::{FILE_BYTES_MAX, Text, is_manifest_name};

/// The modes of entries that are neither files nor folders (`git help fast-import` lists them).
pub(super) const LINK_MODE: i32 = 0o120_000;
pub(super) const SUBMODULE_MODE: i32 = 0o160_000;
/// How the text begins that Git LFS keeps in the place of a file.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Reads what is below a path, in the order of the names.
///
/// Files of the endings of manifests are taken, and names that begin with a dot left out, as from a folder of this
/// machine. Errors: links, submodules and LFS pointers, each with its path; more than the limits allow.
pub(super) fn read(
    repository: &Repository,
    commit: Oid,
    path: Option<&str>,
    limits: &Limits,
) -> Result<Vec<Text>, SourceError> {
    let odb = repository.odb().map_err(|error| damaged(&error))?;
    let mut reader = Reader {
        repository,
        odb: &odb,
        limits,
        entries: 0,
        bytes: 0,
        texts: Vec::new(),
    };
    let commit = repository
        .find_commit(commit)
        .map_err(|error| damaged(&error))?;
    let root = commit.tree().map_err(|error| damaged(&error))?;
    match path {
        None => reader.folder(&root, "", 0)?,
        Some(path) => reader.path(&root, path)?,
    }
    Ok(reader.texts)
}

fn damaged(error: &git2::Error) -> SourceError {
    SourceError::Cache(error.message().to_owned())
}

struct Reader<'a> {
    repository: &'a Repository,
    odb: &'a Odb<'a>,
    limits: &'a Limits,
    entries: usize,
    bytes: usize,
    texts: Vec<Text>,
}

impl Reader<'_> {
    /// Goes down to a path, part by part, so that no part of it can be a link.
    fn path(&mut self, root: &Tree<'_>, path: &str) -> Result<(), SourceError> {
        let mut tree = root.clone();
        let mut gone = String::new();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            gone = joined(&gone, part);
            let Some(entry) = tree.get_name(part) else {
                return Err(refused(
                    &gone,
                    "is not there in this commit",
                    "correct `spec.source.git.path`, or add it to the repository",
                ));
            };
            let (id, kind, mode) = (entry.id(), entry.kind(), entry.filemode());
            refuse_mode(&gone, mode)?;
            match (kind, parts.peek()) {
                (Some(ObjectType::Tree), _) => {}
                (Some(ObjectType::Blob), None) => return self.file(&gone, id),
                (Some(_) | None, _) => {
                    return Err(refused(
                        &gone,
                        "is no folder",
                        "correct `spec.source.git.path`",
                    ));
                }
            }
            drop(entry);
            tree = self
                .repository
                .find_tree(id)
                .map_err(|error| damaged(&error))?;
        }
        self.folder(&tree, &gone, 0)
    }

    fn folder(&mut self, tree: &Tree<'_>, path: &str, depth: usize) -> Result<(), SourceError> {
        if depth > self.limits.depth {
            return Err(SourceError::Limit {
                what: format!("folders that nest below `{path}`"),
                limit: self.limits.depth.to_string(),
            });
        }
        for entry in tree {
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(SourceError::Limit {
                    what: "files and folders in the source".to_owned(),
                    limit: self.limits.entries.to_string(),
                });
            }
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = joined(path, &name);
            refuse_mode(&path, entry.filemode())?;
            if entry.kind() == Some(ObjectType::Tree) {
                let below = self
                    .repository
                    .find_tree(entry.id())
                    .map_err(|error| damaged(&error))?;
                self.folder(&below, &path, depth + 1)?;
            } else if is_manifest_name(&name) {
                self.file(&path, entry.id())?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, id: Oid) -> Result<(), SourceError> {
        let (size, _) = self.odb.read_header(id).map_err(|error| damaged(&error))?;
        if size > FILE_BYTES_MAX {
            return Err(SourceError::Limit {
                what: format!("`{path}` has {size} bytes,"),
                limit: format!("{FILE_BYTES_MAX} bytes"),
            });
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.total_bytes {
            return Err(SourceError::Limit {
                what: format!(
                    "the files up to `{path}` take {} bytes together,",
                    self.bytes
                ),
                limit: format!("{} bytes", self.limits.total_bytes),
            });
        }
        let object = self.odb.read(id).map_err(|error| damaged(&error))?;
        if object.data().starts_with(LFS_POINTER) {
            return Err(refused(
                path,
                "is kept in Git LFS, and only its pointer is in the repository",
                "keep manifests in Git itself",
            ));
        }
        self.texts.push(Text {
            file: path.to_owned(),
            bytes: object.data().to_vec(),
        });
        Ok(())
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}

fn refuse_mode(path: &str, mode: i32) -> Result<(), SourceError> {
    match mode {
        LINK_MODE => Err(refused(
            path,
            "is a symbolic link, which is not followed",
            "put the file itself there, or leave the link out of `path`",
        )),
        SUBMODULE_MODE => Err(refused(
            path,
            "is a submodule, which is not fetched",
            "put the files themselves there, or leave it out of `path`",
        )),
        _ => Ok(()),
    }
}

fn refused(path: &str, wrong: &str, next: &str) -> SourceError {
    SourceError::Tree {
        path: path.to_owned(),
        wrong: wrong.to_owned(),
        next: next.to_owned(),
    }
}
