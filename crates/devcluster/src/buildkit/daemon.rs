//! The daemon and the registry: their settings, their processes, and when they are ready.

use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::container::make_image;
use crate::build::{self, BuildError};
use crate::certificates::{Authority, Identity};
use crate::components::{BUILDCTL, BUILDKITD, Extras};
use crate::ports;
use crate::progress::Progress;
use crate::supervisor::{Supervisor, is_alive, log_path};
use crate::tail::tail;

/// Who may push.
pub const REGISTRY_USERNAME: &str = "pusher";
/// With what.
pub const REGISTRY_PASSWORD: &str = "canary-4b7e-registry-password";
/// The same, as the registry keeps it.
const REGISTRY_LINE: &str = "pusher:$2b$04$eTEsZSW3f2oRaPdHb4DsXOIHBTSS7tlAV8ovsN.bb2KtZ3yt0/VP2\n";
const REGISTRY: &str = "docker-registry";
/// The programs beside our own, and the packages of Debian that have them.
const PROGRAMS: [(&str, &str); 5] = [
    (REGISTRY, "docker-registry"),
    ("runc", "runc"),
    ("busybox", "busybox-static"),
    ("git", "git"),
    ("unshare", "util-linux"),
];
/// What git trusts on Debian. The daemon lets no setting of ours through to it.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Replaces that for the program that it then becomes, and for nobody else.
const WITH_TRUST: &str = r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#;
/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(50);
/// How often a start is tried again because somebody took a port meanwhile.
const PORT_ATTEMPTS: u32 = 5;

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum BuildKitError {
    /// A program could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file or process operation failed.
    #[error("the builds cannot be set up")]
    Io(#[from] io::Error),
    /// A certificate.
    #[error("the daemon's certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// A program did not get ready.
    #[error("{program} is not ready; the end of its log:\n{log_end}")]
    NotReady {
        /// Which one.
        program: &'static str,
        /// Its last words.
        log_end: String,
    },
}

/// What this machine lacks for real builds, in one line.
pub fn needs() -> Option<String> {
    let mut missing: Vec<String> = Vec::new();
    // The owner of our own process.
    if fs::metadata("/proc/self").map_or(1, |process| process.uid()) != 0 {
        missing.push("root".to_owned());
    }
    let folders: Vec<PathBuf> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    for (program, package) in PROGRAMS {
        if !folders.iter().any(|folder| folder.join(program).is_file()) {
            missing.push(format!("`{program}` (Debian: `{package}`)"));
        }
    }
    (!missing.is_empty()).then(|| format!("builds by BuildKit need {}", missing.join(", ")))
}

/// A daemon that builds and a registry that keeps; both end when it is dropped.
#[derive(Debug)]
pub struct BuildKit {
    pub(super) folder: PathBuf,
    pub(super) image: PathBuf,
    pub(super) buildctl: PathBuf,
    daemon: SocketAddr,
    registry: SocketAddr,
    authority: String,
    client: Identity,
    _supervisor: Supervisor,
}

impl BuildKit {
    /// Builds what is missing and starts both. In: the authority that vouches for the Git server, as PEM. Blocks.
    pub fn start(git_authority: &str, progress: &Progress) -> Result<Self, BuildKitError> {
        let extras = Extras {
            buildkit: true,
            ..Extras::default()
        };
        let binaries = build::ensure(extras, progress)?;
        let path = |name: &str| {
            binaries
                .path(name)
                .unwrap_or_else(|| Path::new(name))
                .to_owned()
        };
        let programs = (path(BUILDKITD), path(BUILDCTL));
        let mut attempts = 1;
        loop {
            match Self::launch(git_authority, &programs) {
                Err(BuildKitError::NotReady { log_end, .. })
                    if ports::is_taken(&log_end) && attempts < PORT_ATTEMPTS =>
                {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    fn launch(
        git_authority: &str,
        (buildkitd, buildctl): &(PathBuf, PathBuf),
    ) -> Result<Self, BuildKitError> {
        let [daemon, registry] =
            ports::free()?.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let folder = tempfile::Builder::new()
            .prefix("buildkit-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let mut supervisor = Supervisor::spawn(folder.path(), true)?;
        // From here on the supervisor removes it.
        let folder = folder.keep();
        let authority = Authority::new()?;
        let server = authority.api_server(Ipv4Addr::LOCALHOST)?;
        let write = |name: &str, text: &str| fs::write(folder.join(name), text);
        write("ca.crt", &authority.certificate())?;
        write("server.crt", &server.certificate)?;
        write("server.key", &server.key)?;
        write("trusted.crt", git_authority)?;
        write("passwords", REGISTRY_LINE)?;
        write("registry.yml", &registry_settings(&folder, registry))?;
        write(
            "buildkitd.toml",
            &daemon_settings(&folder, daemon, registry),
        )?;
        let file = |name: &str| folder.join(name).display().to_string();
        let arguments = ["serve".to_owned(), file("registry.yml")];
        let registry_pid = supervisor.start(REGISTRY, Path::new(REGISTRY), &arguments)?;
        let arguments = [
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            WITH_TRUST,
            "sh",
        ];
        let mut arguments: Vec<String> = arguments.map(ToOwned::to_owned).to_vec();
        arguments.extend([
            file("trusted.crt"),
            TRUSTED.to_owned(),
            buildkitd.display().to_string(),
        ]);
        arguments.extend(["--config".to_owned(), file("buildkitd.toml")]);
        let daemon_pid = supervisor.start(BUILDKITD, Path::new("unshare"), &arguments)?;
        wait_for(&folder, (REGISTRY, registry_pid), registry)?;
        wait_for(&folder, (BUILDKITD, daemon_pid), daemon)?;
        let client = authority.administrator("builder")?;
        let image = make_image(&folder)?;
        Ok(Self {
            folder,
            image,
            buildctl: buildctl.clone(),
            daemon,
            registry,
            authority: authority.certificate(),
            client,
            _supervisor: supervisor,
        })
    }

    /// Where the daemon listens, as `buildctl` wants it.
    pub fn address(&self) -> String {
        format!("tcp://{}", self.daemon)
    }

    /// Where the registry listens: host and port.
    pub fn registry(&self) -> String {
        self.registry.to_string()
    }

    /// The files with which somebody may talk to the daemon, by their names in a Secret.
    pub fn tls(&self) -> [(&'static str, &str); 3] {
        [
            ("ca.crt", &self.authority),
            ("tls.crt", &self.client.certificate),
            ("tls.key", &self.client.key),
        ]
    }

    /// What the daemon and the registry have said.
    pub fn logs(&self) -> String {
        let read = |name: &str| fs::read(log_path(&self.folder, name)).unwrap_or_default();
        let both = [read(BUILDKITD), read(REGISTRY)];
        both.map(|log| String::from_utf8_lossy(&log).into_owned())
            .concat()
    }
}

fn registry_settings(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "version: 0.1
storage: {{filesystem: {{rootdirectory: '{folder}/images'}}}}
http: {{addr: '{address}'}}
auth: {{htpasswd: {{realm: devcluster, path: '{folder}/passwords'}}}}
"
    )
}

fn daemon_settings(folder: &Path, address: SocketAddr, registry: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        r#"root = "{folder}/daemon"
[grpc]
address = ["tcp://{address}"]
[grpc.tls]
cert = "{folder}/server.crt"
key = "{folder}/server.key"
ca = "{folder}/ca.crt"
[otel]
socketPath = "{folder}/otel.sock"
[worker.oci]
enabled = true
[worker.containerd]
enabled = false
[registry."{registry}"]
http = true
"#
    )
}

fn wait_for(
    folder: &Path,
    (program, pid): (&'static str, u32),
    address: SocketAddr,
) -> Result<(), BuildKitError> {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        if !is_alive(pid) || began.elapsed() > PATIENCE {
            return Err(BuildKitError::NotReady {
                program,
                log_end: tail(&log_path(folder, program)),
            });
        }
        std::thread::sleep(POLL_EVERY);
    }
    Ok(())
}
