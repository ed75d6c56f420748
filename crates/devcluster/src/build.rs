//! Builds the programs of the control plane from their Go modules, once.
//!
//! In: the embedded module files. Out: [`Binaries`] in the user's cache folder, named after the hash
//! of all that they are built from. Where modules come from is for the go command to know.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::components::{Component, Extras, Program, programs};
use crate::progress::Progress;
use crate::tail::tail;

/// The oldest Go that compiles the modules.
const GO_NEEDED: (u32, u32) = (1, 26);
/// What every build is done with; a part of the cache key.
const GO_FLAGS: [&str; 1] = ["-trimpath"];
const GO_ENVIRONMENT: [(&str, &str); 3] = [
    ("CGO_ENABLED", "0"),
    ("GOFLAGS", "-mod=readonly"),
    ("GOTOOLCHAIN", "local"),
];
/// The compilers run faster with more memory; it changes nothing in the result.
const GO_GARBAGE_PERCENT: &str = "400";

/// The programs, built.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    programs: BTreeMap<&'static str, PathBuf>,
    definitions: BTreeMap<&'static str, Vec<PathBuf>>,
}

impl Binaries {
    /// Where a program is, for instance `kube-apiserver`.
    pub fn path(&self, program: &str) -> Option<&Path> {
        self.programs.get(program).map(PathBuf::as_path)
    }

    /// All programs, by name.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.programs
            .iter()
            .map(|(name, path)| (*name, path.as_path()))
    }

    /// The YAML files of the custom resources that a program serves.
    pub fn definitions(&self, program: &str) -> &[PathBuf] {
        self.definitions.get(program).map_or(&[], Vec::as_slice)
    }
}

/// Why the programs could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no Go that is new enough.
    #[error(
        "Go {}.{} or newer is needed to build the control plane; found {found}: \
         install it from your package manager or go.dev/dl",
        GO_NEEDED.0, GO_NEEDED.1
    )]
    Go {
        /// What was found: a version, or "none".
        found: String,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` says where to keep the programs.
    #[error("no cache folder: set XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    /// A file could not be read or written.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The go command failed.
    #[error("building {program} failed; the end of {}:\n{log_end}", .log.display())]
    Failed {
        /// What was being built.
        program: &'static str,
        /// Where the whole output is.
        log: PathBuf,
        /// The last lines of it.
        log_end: String,
    },
}

/// Builds what is missing; blocks, for many minutes the first time.
pub fn ensure(extras: Extras, progress: &Progress) -> Result<Binaries, BuildError> {
    let cache = cache_folder()?;
    let mut binaries = Binaries::default();
    let mut built = false;
    for program in programs(extras) {
        let folder = cache.join("bin").join(cache_key(program));
        let path = folder.join(program.name);
        if !path.is_file() {
            built |= build_once(program, &cache, &path, progress)?;
        }
        if program.component.definitions.is_some() {
            let files = yaml_files(&folder)?;
            binaries.definitions.insert(program.name, files);
        }
        binaries.programs.insert(program.name, path);
    }
    if built {
        progress.say(&format!(
            "the programs are kept in {}",
            cache.join("bin").display()
        ));
    }
    Ok(binaries)
}

/// False when another process built it while this one waited for the lock.
fn build_once(
    program: &'static Program,
    cache: &Path,
    path: &Path,
    progress: &Progress,
) -> Result<bool, BuildError> {
    require_go()?;
    let key = cache_key(program);
    let sources = cache.join("modules").join(&key);
    for folder in [Some(sources.as_path()), path.parent()]
        .into_iter()
        .flatten()
    {
        fs::create_dir_all(folder).map_err(failed_to("make", folder))?;
    }
    let lock_path = sources.join("lock");
    let lock = File::create(&lock_path).map_err(failed_to("make", &lock_path))?;
    if lock.try_lock().is_err() {
        let waiting = progress.begin("waiting for another process that builds the control plane");
        lock.lock().map_err(failed_to("lock", &lock_path))?;
        drop(waiting);
    }
    if path.is_file() {
        return Ok(false);
    }
    for (file, text) in [
        ("go.mod", program.component.go_mod),
        ("go.sum", program.component.go_sum),
    ] {
        let file = sources.join(file);
        fs::write(&file, text).map_err(failed_to("write", &file))?;
    }
    let name = format!("{} {}", program.name, program.version);
    let step = progress.begin(&format!(
        "building {name} ({})",
        estimate(program.build_minutes)
    ));
    let unfinished = path.with_extension("unfinished");
    go_build(program, &sources, &unfinished)?;
    keep_definitions(program, &sources, path)?;
    fs::rename(&unfinished, path).map_err(failed_to("rename", &unfinished))?;
    step.done(&format!("built {name}"));
    Ok(true)
}

fn go_build(program: &'static Program, sources: &Path, to: &Path) -> Result<(), BuildError> {
    let log = sources.join(format!("{}.log", program.name));
    let output = File::create(&log).map_err(failed_to("make", &log))?;
    let errors = output.try_clone().map_err(failed_to("open", &log))?;
    let status = go(sources)
        .arg("build")
        .args(GO_FLAGS)
        .arg(format!("-ldflags={}", program.linker_flags))
        .arg("-o")
        .arg(to)
        .arg(program.package)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(failed_to("run go in", sources))?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed {
        program: program.name,
        log_end: tail(&log),
        log,
    })
}

/// Copies the YAML files of the module to the program's folder, so that later runs need no Go.
fn keep_definitions(
    program: &'static Program,
    sources: &Path,
    program_path: &Path,
) -> Result<(), BuildError> {
    let (Some((module, from)), Some(to)) = (program.component.definitions, program_path.parent())
    else {
        return Ok(());
    };
    let output = go(sources)
        .args(["list", "-m", "-f", "{{.Dir}}", module])
        .output()
        .map_err(failed_to("run go in", sources))?;
    let from = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join(from);
    for file in yaml_files(&from)? {
        let copy = to.join(file.file_name().unwrap_or_default());
        let text = fs::read(&file).map_err(failed_to("read", &file))?;
        fs::write(&copy, text).map_err(failed_to("write", &copy))?;
    }
    Ok(())
}

/// The definitions in a folder, in the order of their names.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed_to("list", folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name != "kustomization.yaml")
        })
        .collect();
    files.sort();
    Ok(files)
}

fn go(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder)
        .envs(GO_ENVIRONMENT)
        .env("GOGC", GO_GARBAGE_PERCENT);
    go
}

fn require_go() -> Result<(), BuildError> {
    let output = go(&env::temp_dir()).args(["env", "GOVERSION"]).output();
    let found = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        Ok(_) | Err(_) => "none".to_owned(),
    };
    if is_new_enough(&found) {
        Ok(())
    } else {
        Err(BuildError::Go { found })
    }
}

/// Whether a version such as `go1.26.8` will do.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("go").split(['.', '-', 'r', 'b']);
    let mut number = || numbers.next()?.parse::<u32>().ok();
    number()
        .zip(number())
        .is_some_and(|found| found >= GO_NEEDED)
}

/// How long it usually takes, on as many cores as there are here.
fn estimate(minutes_on_two_cores: u32) -> String {
    let cores = thread::available_parallelism().map_or(2, NonZero::get);
    estimate_on(
        minutes_on_two_cores,
        u32::try_from(cores).unwrap_or(u32::MAX),
    )
}

fn estimate_on(minutes_on_two_cores: u32, cores: u32) -> String {
    let minutes = minutes_on_two_cores
        .saturating_mul(2)
        .div_ceil(cores.max(1));
    let plural = if cores == 1 { "" } else { "s" };
    format!("about {minutes} min on {cores} core{plural}, once")
}

/// All that the result depends on; the version of Go is left out, since any new enough one will do.
fn cache_key(program: &Program) -> String {
    let Component {
        name,
        go_mod,
        go_sum,
        definitions: _,
    } = program.component;
    let mut hash = Sha256::new();
    for part in [name, go_mod, go_sum, program.linker_flags] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(format!("{GO_FLAGS:?} {GO_ENVIRONMENT:?}"));
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(String::new(), |key, byte| format!("{key}{byte:02x}"))
}

fn cache_folder() -> Result<PathBuf, BuildError> {
    let folder = |name: &str| {
        env::var_os(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .map(|cache| cache.join("tidegate"))
        .ok_or(BuildError::NoCacheFolder)
}

fn failed_to(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let doing = format!("{verb} {}", path.display());
    move |source| BuildError::Io { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_must_be_new_enough() {
        assert!(is_new_enough("go1.26.8"));
        assert!(is_new_enough("go1.27rc1"));
        assert!(is_new_enough("go2.0"));
        assert!(!is_new_enough("go1.21"));
        assert!(!is_new_enough("none"));
        let error = BuildError::Go {
            found: "go1.21".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "Go 1.26 or newer is needed to build the control plane; found go1.21: install it from \
             your package manager or go.dev/dl"
        );
    }

    #[test]
    fn the_estimate_shrinks_with_more_cores() {
        assert_eq!(estimate_on(6, 2), "about 6 min on 2 cores, once");
        assert_eq!(estimate_on(6, 16), "about 1 min on 16 cores, once");
        assert_eq!(estimate_on(6, 1), "about 12 min on 1 core, once");
    }

    #[test]
    fn programs_of_one_module_with_other_flags_have_other_keys() {
        const ALL: Extras = Extras {
            argo_rollouts: true,
            argo_workflows: true,
            buildkit: true,
            flagger: true,
        };
        let keys: Vec<String> = programs(ALL).map(cache_key).collect();
        assert_eq!(keys[1], keys[2]);
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[0].len(), 16);
    }
}
