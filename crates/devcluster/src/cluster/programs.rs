//! With which arguments each program runs, and the files that it reads.
//!
//! In: the data folder and the ports. Out: files in that folder, and argument lists. Everything
//! listens on loopback or not at all; etcd, which asks nobody for a password, on a socket in the
//! data folder, which only its owner can enter.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::StartError;
use crate::certificates::{Authority, Identity, TokenKeys};
use crate::components::{
    API_SERVER, ARGO_ROLLOUTS, ARGO_WORKFLOWS, CONTROLLER_MANAGER, ETCD, FLAGGER, KWOK, SCHEDULER,
};

const AUDIT_POLICY: &str = include_str!("../../assets/audit-policy.yaml");
const STAGES: &str = include_str!("../../assets/stages.yaml");
const SERVICE_NETWORK: &str = "10.96.0.0/16";
const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// One pool for all nodes, so that no two pods have the same address.
const POD_NETWORK: &str = "10.64.0.1/10";
/// The log is one file, however long the test: a rotated one would hide the beginning.
const AUDIT_LOG_MAX_MEGABYTES: u32 = 100_000;

/// The users of the programs, as the audit log (and its policy) names them.
const CLIENTS: [(&str, &str); 8] = [
    ("admin", "admin"),
    (SETUP, "devcluster:setup"),
    (CONTROLLER_MANAGER, "system:kube-controller-manager"),
    (SCHEDULER, "system:kube-scheduler"),
    (KWOK, "devcluster:kwok"),
    (ARGO_ROLLOUTS, "devcluster:argo-rollouts"),
    (ARGO_WORKFLOWS, "devcluster:argo-workflows"),
    (FLAGGER, "devcluster:flagger"),
];
/// Where the Argo Workflows controller finds its settings.
pub(super) const ARGO_NAMESPACE: &str = "argo";
/// The client of this crate itself, whose requests are not recorded.
pub(super) const SETUP: &str = "setup";

/// The data folder of one cluster, and what programs find there.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) folder: PathBuf,
    pub(super) server_url: String,
    pub(super) authority_pem: String,
    port: u16,
    audit: bool,
}

impl Layout {
    /// Writes certificates, kubeconfigs, the audit policy and the stages.
    pub(super) fn write(folder: &Path, port: u16, audit: bool) -> Result<Self, StartError> {
        let authority = Authority::new()?;
        let layout = Self {
            folder: folder.to_path_buf(),
            server_url: format!("https://{}:{port}", Ipv4Addr::LOCALHOST),
            authority_pem: authority.certificate(),
            port,
            audit,
        };
        layout.file("ca.crt", &layout.authority_pem)?;
        let tokens = TokenKeys::new()?;
        layout.file("service-accounts.key", &tokens.private)?;
        layout.file("service-accounts.pub", &tokens.public)?;
        let server = authority.api_server(SERVICE_ADDRESS)?;
        layout.file("server.crt", &server.certificate)?;
        layout.file("server.key", &server.key)?;
        layout.file("audit-policy.yaml", AUDIT_POLICY)?;
        layout.file("stages.yaml", STAGES)?;
        for (client, user) in CLIENTS {
            let identity = authority.administrator(user)?;
            layout.file(
                &kubeconfig_name(client),
                &layout.kubeconfig_text(user, &identity),
            )?;
        }
        Ok(layout)
    }

    pub(super) fn kubeconfig(&self, client: &str) -> PathBuf {
        self.folder.join(kubeconfig_name(client))
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// The arguments of a program; those of a name that nobody knows are none.
    pub(super) fn arguments(&self, program: &str) -> Vec<String> {
        match program {
            ETCD => self.etcd(),
            API_SERVER => self.api_server(),
            CONTROLLER_MANAGER => self.controller_manager(),
            SCHEDULER => self.scheduler(),
            KWOK => self.kwok(),
            ARGO_ROLLOUTS => self.argo_rollouts(),
            ARGO_WORKFLOWS => self.argo_workflows(),
            FLAGGER => self.flagger(),
            _ => Vec::new(),
        }
    }

    /// The command that runs a program: with an environment of its own, where it takes settings in no other way.
    pub(super) fn command(&self, program: &str, path: &Path) -> (PathBuf, Vec<String>) {
        let arguments = self.arguments(program);
        if program != ARGO_WORKFLOWS {
            return (path.to_path_buf(), arguments);
        }
        let mut words = vec![
            "LEADER_ELECTION_DISABLE=true".to_owned(),
            path.display().to_string(),
        ];
        words.extend(arguments);
        (PathBuf::from("env"), words)
    }

    fn etcd(&self) -> Vec<String> {
        let [clients, peers] = ["etcd", "peer"].map(|name| self.socket(name));
        vec![
            self.flag("data-dir", "etcd"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={peers}"),
            format!("--initial-advertise-peer-urls={peers}"),
            format!("--initial-cluster=default={peers}"),
        ]
    }

    fn api_server(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--etcd-servers={}", self.socket("etcd")),
            format!("--secure-port={}", self.port),
            format!("--bind-address={}", Ipv4Addr::LOCALHOST),
            format!("--advertise-address={}", Ipv4Addr::LOCALHOST),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
            "--authorization-mode=RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            self.flag("tls-cert-file", "server.crt"),
            self.flag("tls-private-key-file", "server.key"),
            self.flag("client-ca-file", "ca.crt"),
            self.flag("cert-dir", "certificates"),
            self.flag("service-account-key-file", "service-accounts.pub"),
            self.flag("service-account-signing-key-file", "service-accounts.key"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        ];
        if self.audit {
            arguments.push(self.flag("audit-policy-file", "audit-policy.yaml"));
            arguments.push(format!("--audit-log-path={}", self.audit_log().display()));
            arguments.push(format!("--audit-log-maxsize={AUDIT_LOG_MAX_MEGABYTES}"));
        }
        arguments
    }

    fn controller_manager(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(CONTROLLER_MANAGER)),
            self.flag("service-account-private-key-file", "service-accounts.key"),
            self.flag("root-ca-file", "ca.crt"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // The defaults are for a server that others share.
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ]
    }

    fn scheduler(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(SCHEDULER)),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ]
    }

    fn kwok(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(KWOK)),
            self.flag("config", "stages.yaml"),
            "--manage-all-nodes=false".to_owned(),
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".to_owned(),
            // Without a lease the node is taken for dead after a while.
            "--node-lease-duration-seconds=40".to_owned(),
            format!("--cidr={POD_NETWORK}"),
        ]
    }

    fn argo_rollouts(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(ARGO_ROLLOUTS)),
            "--leader-elect=false".to_owned(),
            // It would listen on all interfaces. With a port that cannot be, it logs an error and
            // goes on without a server.
            "--metricsPort=65536".to_owned(),
            "--healthzPort=65536".to_owned(),
        ]
    }

    /// Its port for health checks, 6060 on all interfaces, cannot be changed; nothing else is to be had there, and a second
    /// one beside it goes on without.
    fn argo_workflows(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(ARGO_WORKFLOWS)),
            format!("--namespace={ARGO_NAMESPACE}"),
            // Nobody pulls it: whoever runs pods here plays the executor.
            "--executor-image=argoexec:none".to_owned(),
            // The defaults are for a server that others share.
            "--qps=500".to_owned(),
            "--burst=1000".to_owned(),
        ]
    }

    /// It ends if it cannot listen, and on all interfaces; on a free port, so that two of them do not meet. There is
    /// nothing but its metrics and its health.
    fn flagger(&self) -> Vec<String> {
        vec![
            self.flag("kubeconfig", &kubeconfig_name(FLAGGER)),
            "-mesh-provider=kubernetes".to_owned(),
            // It asks for metrics only where a Canary names some.
            "-metrics-server=http://127.0.0.1:1".to_owned(),
            "-port=0".to_owned(),
            // How soon a new Canary is seen; each then has an interval of its own, of 10 s or more.
            "-control-loop-interval=1s".to_owned(),
        ]
    }

    fn socket(&self, name: &str) -> String {
        format!(
            "unix://{}",
            self.folder.join(name).with_extension("sock").display()
        )
    }

    fn flag(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.folder.join(file).display())
    }

    fn file(&self, name: &str, text: &str) -> Result<(), StartError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|source: io::Error| StartError::Io {
            doing: format!("write {name}"),
            source,
        })
    }

    /// JSON is YAML too.
    fn kubeconfig_text(&self, user: &str, identity: &Identity) -> String {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "devcluster",
            "clusters": [{"name": "devcluster", "cluster": {
                "server": self.server_url,
                "certificate-authority-data": STANDARD.encode(&self.authority_pem),
            }}],
            "users": [{"name": user, "user": {
                "client-certificate-data": STANDARD.encode(&identity.certificate),
                "client-key-data": STANDARD.encode(&identity.key),
            }}],
            "contexts": [{"name": "devcluster", "context": {"cluster": "devcluster", "user": user}}],
        })
        .to_string()
    }
}

fn kubeconfig_name(client: &str) -> String {
    if client == "admin" {
        "kubeconfig".to_owned()
    } else {
        format!("{client}.kubeconfig")
    }
}
