//! A real PostgreSQL for the tests: started once, on a socket in a folder of its own, and gone with the process.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What is missing where the tests cannot run on it.
const NEEDS: &str = "PostgreSQL is not tested here: it needs `initdb` and `postgres` (Debian: `apt-get install postgresql`)";
/// The user that runs the server where the tests are root's, since PostgreSQL does not run as root: nobody.
const NOBODY: u32 = 65_534;
/// How long it may take to start.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// A server with its folder.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    databases: AtomicU32,
    running: Option<Child>,
}

/// Where Debian and others put `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&paths)
        .map(|folder| folder.join("initdb"))
        .find(|file| file.exists())
        .and_then(|file| file.canonicalize().ok());
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin/initdb")))
        .filter(|file| file.exists())
        .collect();
    debian.sort();
    let initdb = in_path.or_else(|| debian.pop())?;
    initdb.parent().map(Path::to_path_buf)
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn as_nobody(command: &mut Command) -> &mut Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").env("LC_ALL", "C")
}

impl Server {
    /// Makes the folder and starts it; `None`, and a line that says why, where there is no PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("{NEEDS}");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("the folder is nobody's");
        }
        let made = as_nobody(&mut Command::new(programs.join("initdb")))
            .args([
                "--auth=trust",
                "--username=tidegate",
                "--encoding=UTF8",
                "--no-sync",
                "-D",
            ])
            .arg(folder.path().join("data"))
            .output()
            .expect("initdb runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = Self {
            folder,
            programs,
            databases: AtomicU32::new(0),
            running: None,
        };
        server.run();
        Some(server)
    }

    /// Starts the server on what is in the folder, under a shell that ends it when this process ends, however it does.
    pub(crate) fn run(&mut self) {
        let script = r#"postgres=$1; shift; "$postgres" "$@" >&2 & cat; kill -QUIT $!; wait"#;
        let mut command = Command::new("sh");
        as_nobody(&mut command)
            .args(["-c", script, "sh"])
            .arg(self.programs.join("postgres"))
            .args(["-c", "listen_addresses=", "-c", "max_connections=100", "-k"])
            .arg(self.folder.path())
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running = Some(command.spawn().expect("a shell"));
        let before = Instant::now();
        while !self.answers() {
            assert!(
                before.elapsed() < STARTS_WITHIN,
                "PostgreSQL does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        as_nobody(&mut Command::new(self.programs.join("pg_isready")))
            .args(["-q", "-h"])
            .arg(self.folder.path())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Ends the server without a word, as a power cut does to its processes, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(&file).expect("it runs");
        let process = text.lines().next().expect("its number").to_owned();
        let status = Command::new("kill").args(["-9", &process]).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "no process {process}"
        );
        if let Some(mut shell) = self.running.take() {
            drop(shell.stdin.take());
            shell.wait().expect("the shell ends");
        }
        // Its children end when they see that it is gone, and only then a new one may start.
        let before = Instant::now();
        while self.answers() && before.elapsed() < STARTS_WITHIN {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of a new and empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("archive{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = as_nobody(&mut Command::new(self.programs.join("createdb")))
            .args(["-U", "tidegate", "-h"])
            .arg(self.folder.path())
            .arg(&name)
            .output()
            .expect("createdb runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://tidegate:canary-password@{socket}/{name}")
    }
}

/// The server that most tests share, each with a database of its own.
pub(crate) fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}
