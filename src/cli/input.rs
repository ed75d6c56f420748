//! Files, folders and stdin to texts. What is in them is judged elsewhere.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::failure::{Exit, Failure};
use crate::manifest::{ENDINGS, FILE_BYTES_MAX, Text, is_manifest_name};

/// How many files a folder may have.
const FILES_MAX: usize = 10_000;
/// The name that a path from stdin goes by in messages.
const STDIN: &str = "<stdin>";

/// Reads paths: a file, a folder with all below it, or `-` for stdin. Files of a folder come in the order of
/// their names.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Text>, Failure> {
    let mut texts = Vec::new();
    for path in paths {
        texts.extend(read(path)?);
    }
    Ok(texts)
}

fn read(path: &Path) -> Result<Vec<Text>, Failure> {
    if path == Path::new("-") {
        let bytes = read_at_most(std::io::stdin().lock()).map_err(|e| cannot_read(STDIN, &e))?;
        return Ok(vec![Text {
            file: STDIN.to_owned(),
            bytes,
        }]);
    }
    let shown = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| cannot_read(&shown, &error))?;
    // A pipe, as of `-f <(helm template …)`, is read as a file is.
    if !metadata.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    if files.is_empty() {
        return Err(
            Failure::new(Exit::Usage, format!("`{shown}` holds no manifests")).hint(format!(
                "files that end in {} are read, subfolders included",
                endings()
            )),
        );
    }
    files.sort();
    files.iter().map(|file| read_file(file)).collect()
}

fn endings() -> String {
    ENDINGS.map(|ending| format!("`.{ending}`")).join(", ")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let shown = folder.display().to_string();
    for entry in fs::read_dir(folder).map_err(|error| cannot_read(&shown, &error))? {
        let path = entry.map_err(|error| cannot_read(&shown, &error))?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let is_manifest = is_manifest_name(&name);
        // A link to a folder is not followed: it may lead round in a circle.
        let kind = fs::symlink_metadata(&path).map_err(|error| cannot_read(&shown, &error))?;
        if kind.is_dir() {
            collect(&path, files)?;
        } else if is_manifest {
            let target = fs::metadata(&path)
                .map_err(|error| cannot_read(&path.display().to_string(), &error))?;
            if target.is_dir() {
                continue;
            }
            // A pipe in a folder would be waited for without end.
            if !target.is_file() {
                let path = path.display();
                let words = format!("`{path}` is neither a file nor a folder");
                return Err(Failure::new(Exit::Usage, words));
            }
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{shown}` holds more than {FILES_MAX} manifests"),
            ));
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<Text, Failure> {
    let shown = path.display().to_string();
    let file = fs::File::open(path).map_err(|error| cannot_read(&shown, &error))?;
    let bytes = read_at_most(file).map_err(|error| cannot_read(&shown, &error))?;
    Ok(Text { file: shown, bytes })
}

/// Reads one byte more than is allowed at the most: enough to see that it is too much.
fn read_at_most(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cannot_read(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("cannot read `{what}`: {error}"))
}
