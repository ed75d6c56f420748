//! What a kubelet does with the one container of a pod: its words, its variables, its files, a root that cannot be written, and
//! what it says last. The container is a real one, by runc; its image has busybox and `buildctl`.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::process::Command;

use super::daemon::BuildKit;

/// What of busybox the image has.
const APPLETS: [&str; 5] = ["sh", "sed", "base64", "tr", "printf"];
/// How long a termination message may be.
const MESSAGE_BYTES_MAX: usize = 4096;
/// How much of a log takes its place.
const FALLBACK_BYTES_MAX: usize = 2048;
const FALLBACK_LINES_MAX: usize = 80;
/// Where a container says its last word.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// A container that is to be run, on the network of this machine.
#[derive(Debug, Clone, Default)]
pub struct Container {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Its variables.
    pub variables: Vec<(String, String)>,
    /// As whom it runs.
    pub user: u32,
    /// Folders that can be read, with the files in each.
    pub files: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Folders that can be written, empty.
    pub scratch: Vec<String>,
}

/// How a container has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code.
    pub exit_code: i32,
    /// Its termination message; of one that failed without, the end of its log.
    pub message: String,
    /// All that it said.
    pub log: String,
}

impl BuildKit {
    /// Runs a container to its end.
    pub async fn run(&self, container: &Container) -> io::Result<Ended> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("buildkit-{}-{number}", std::process::id());
        let bundle = self.folder.join("bundles").join(&name);
        fs::create_dir_all(&bundle)?;
        let last_word = bundle.join("termination-log");
        fs::write(&last_word, "")?;
        fs::set_permissions(&last_word, Permissions::from_mode(0o666))?;
        let mut mounts = standard_mounts();
        mounts.push(bind(&last_word, TERMINATION_LOG, "rw"));
        mounts.push(bind(&self.buildctl, "/bin/buildctl", "ro"));
        for (number, (folder, files)) in container.files.iter().enumerate() {
            let from = bundle.join(format!("files-{number}"));
            fs::create_dir_all(&from)?;
            for (name, bytes) in files {
                fs::write(from.join(name), bytes)?;
            }
            mounts.push(bind(&from, folder, "ro"));
        }
        for (number, folder) in container.scratch.iter().enumerate() {
            // As an `emptyDir` is.
            let from = bundle.join(format!("scratch-{number}"));
            fs::create_dir_all(&from)?;
            fs::set_permissions(&from, Permissions::from_mode(0o777))?;
            mounts.push(bind(&from, folder, "rw"));
        }
        let config = config(container, &self.image, &mounts);
        fs::write(bundle.join("config.json"), config.to_string())?;
        let done = Command::new("runc")
            .arg("--root")
            .arg(self.folder.join("containers"))
            .args(["run", "--bundle"])
            .arg(&bundle)
            .arg(&name)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
        let log = String::from_utf8_lossy(&said).into_owned();
        let exit_code = done.status.code().unwrap_or(-1);
        let message = fs::read(&last_word)?;
        let message = message.get(..MESSAGE_BYTES_MAX).unwrap_or(&message);
        let message = String::from_utf8_lossy(message).into_owned();
        fs::remove_dir_all(&bundle)?;
        Ok(Ended {
            exit_code,
            message: if message.is_empty() && exit_code != 0 {
                end_of(&log)
            } else {
                message
            },
            log,
        })
    }
}

/// Makes the files of the image, but for `buildctl`.
pub(super) fn make_image(folder: &Path) -> io::Result<PathBuf> {
    let image = folder.join("image");
    let programs = image.join("bin");
    fs::create_dir_all(&programs)?;
    fs::set_permissions(&image, Permissions::from_mode(0o755))?;
    let busybox = std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join("busybox"))
        .find(|path| path.is_file())
        .ok_or(io::ErrorKind::NotFound)?;
    fs::copy(busybox, programs.join("busybox"))?;
    for applet in APPLETS {
        symlink("busybox", programs.join(applet))?;
    }
    Ok(image)
}

/// The settings of runc.
fn config(container: &Container, image: &Path, mounts: &[Value]) -> Value {
    let mut variables = vec!["PATH=/bin".to_owned()];
    let given = container.variables.iter();
    variables.extend(given.map(|(name, value)| format!("{name}={value}")));
    let namespaces = ["pid", "ipc", "uts", "mount"].map(|kind| json!({"type": kind}));
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "args": container.words,
            "env": variables,
            "cwd": "/",
            "user": {"uid": container.user, "gid": container.user},
            "noNewPrivileges": true,
            "capabilities": {"bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": []},
        },
        "root": {"path": image, "readonly": true},
        "mounts": mounts,
        "linux": {"namespaces": namespaces},
    })
}

fn standard_mounts() -> Vec<Value> {
    vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc"}),
        json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]}),
    ]
}

fn bind(from: &Path, to: &str, access: &str) -> Value {
    json!({"destination": to, "type": "bind", "source": from, "options": ["bind", access]})
}

/// The end of a log, as a kubelet takes it for a message.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let lines = lines.get(lines.len().saturating_sub(FALLBACK_LINES_MAX)..);
    let text = lines.unwrap_or_default().join("\n");
    let mut from = text.len().saturating_sub(FALLBACK_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default().to_owned()
}
