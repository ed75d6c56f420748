//! The programs of the control plane: which Go module each comes from, and how it is linked.
//!
//! The module files are part of this crate's binary, so that a build needs no source tree.

/// A folder with one `go.mod`: components need different versions of the same libraries.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) go_mod: &'static str,
    pub(crate) go_sum: &'static str,
    /// A module, and the folder in it whose YAML files are kept beside the program.
    pub(crate) definitions: Option<(&'static str, &'static str)>,
}

/// One program to build.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) component: &'static Component,
    pub(crate) package: &'static str,
    pub(crate) linker_flags: &'static str,
    /// How long a cold build takes on two cores.
    pub(crate) build_minutes: u32,
}

macro_rules! component {
    ($name:literal, $definitions:expr) => {
        Component {
            name: $name,
            go_mod: include_str!(concat!("../components/", $name, "/go.mod")),
            go_sum: include_str!(concat!("../components/", $name, "/go.sum")),
            definitions: $definitions,
        }
    };
}

static ETCD_MODULE: Component = component!("etcd", None);
static KUBERNETES_MODULE: Component = component!("kubernetes", None);
static KWOK_MODULE: Component = component!("kwok", None);
static ARGO_ROLLOUTS_MODULE: Component = component!(
    "argo-rollouts",
    Some(("github.com/argoproj/argo-rollouts", "manifests/crds"))
);
static ARGO_WORKFLOWS_MODULE: Component = component!(
    "argo-workflows",
    Some((
        "github.com/argoproj/argo-workflows/v3",
        "manifests/base/crds/minimal"
    ))
);
static BUILDKIT_MODULE: Component = component!("buildkit", None);
static FLAGGER_MODULE: Component = component!(
    "flagger",
    Some(("github.com/fluxcd/flagger", "artifacts/flagger"))
);

/// Without these, clients see version v0.0.0.
const KUBERNETES_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=37";
const BUILDKIT_FLAGS: &str = "-s -w -X github.com/moby/buildkit/version.Version=v0.34.2";
const PLAIN_FLAGS: &str = "-s -w";
/// The version of Kubernetes that a cluster reports.
pub const KUBERNETES_VERSION: &str = "v1.37.2";

pub(crate) const ETCD: &str = "etcd";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const SCHEDULER: &str = "kube-scheduler";
pub(crate) const KWOK: &str = "kwok";
pub(crate) const ARGO_ROLLOUTS: &str = "rollouts-controller";
pub(crate) const ARGO_WORKFLOWS: &str = "workflow-controller";
pub(crate) const BUILDKITD: &str = "buildkitd";
pub(crate) const BUILDCTL: &str = "buildctl";
pub(crate) const FLAGGER: &str = "flagger";

/// The order is that of the builds; later ones of a module find most of it compiled.
static PROGRAMS: [Program; 10] = [
    Program {
        name: ETCD,
        version: "v3.7.3",
        component: &ETCD_MODULE,
        package: "go.etcd.io/etcd/server/v3",
        linker_flags: PLAIN_FLAGS,
        build_minutes: 1,
    },
    Program {
        name: API_SERVER,
        version: KUBERNETES_VERSION,
        component: &KUBERNETES_MODULE,
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        linker_flags: KUBERNETES_FLAGS,
        build_minutes: 6,
    },
    Program {
        name: CONTROLLER_MANAGER,
        version: KUBERNETES_VERSION,
        component: &KUBERNETES_MODULE,
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        linker_flags: KUBERNETES_FLAGS,
        build_minutes: 2,
    },
    Program {
        name: SCHEDULER,
        version: KUBERNETES_VERSION,
        component: &KUBERNETES_MODULE,
        package: "k8s.io/kubernetes/cmd/kube-scheduler",
        linker_flags: KUBERNETES_FLAGS,
        build_minutes: 1,
    },
    Program {
        name: KWOK,
        version: "v0.8.0",
        component: &KWOK_MODULE,
        package: "sigs.k8s.io/kwok/cmd/kwok",
        linker_flags: PLAIN_FLAGS,
        build_minutes: 2,
    },
    Program {
        name: ARGO_ROLLOUTS,
        version: "v1.10.1",
        component: &ARGO_ROLLOUTS_MODULE,
        package: "github.com/argoproj/argo-rollouts/cmd/rollouts-controller",
        linker_flags: PLAIN_FLAGS,
        build_minutes: 3,
    },
    Program {
        name: ARGO_WORKFLOWS,
        version: "v3.7.3",
        component: &ARGO_WORKFLOWS_MODULE,
        package: "github.com/argoproj/argo-workflows/v3/cmd/workflow-controller",
        linker_flags: PLAIN_FLAGS,
        build_minutes: 4,
    },
    Program {
        name: BUILDKITD,
        version: "v0.34.2",
        component: &BUILDKIT_MODULE,
        package: "github.com/moby/buildkit/cmd/buildkitd",
        linker_flags: BUILDKIT_FLAGS,
        build_minutes: 4,
    },
    Program {
        name: BUILDCTL,
        version: "v0.34.2",
        component: &BUILDKIT_MODULE,
        package: "github.com/moby/buildkit/cmd/buildctl",
        linker_flags: BUILDKIT_FLAGS,
        build_minutes: 1,
    },
    Program {
        name: FLAGGER,
        version: "v1.36.1",
        component: &FLAGGER_MODULE,
        package: "github.com/fluxcd/flagger/cmd/flagger",
        linker_flags: PLAIN_FLAGS,
        build_minutes: 4,
    },
];

/// What runs beside a control plane only where it is asked for.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a program that runs or does not, whatever the others do"
)]
pub struct Extras {
    /// The Argo Rollouts controller.
    pub argo_rollouts: bool,
    /// The Argo Workflows controller.
    pub argo_workflows: bool,
    /// BuildKit's daemon and its client: built here, and run by [`crate::buildkit`].
    pub buildkit: bool,
    /// Flagger, for Canaries without a mesh.
    pub flagger: bool,
}

/// The programs of a cluster, in build order.
pub(crate) fn programs(extras: Extras) -> impl Iterator<Item = &'static Program> {
    PROGRAMS.iter().filter(move |program| match program.name {
        ARGO_ROLLOUTS => extras.argo_rollouts,
        ARGO_WORKFLOWS => extras.argo_workflows,
        BUILDKITD | BUILDCTL => extras.buildkit,
        FLAGGER => extras.flagger,
        _ => true,
    })
}
