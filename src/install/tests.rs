use super::fill::{CONTROLLER, PLAN_ACCOUNT, Place, RIGHTS, SEE_ONE};
use super::*;

fn settings(reach: Reach, namespaces: &[&str]) -> Settings {
    Settings {
        image: "registry.example/tidegate:1.2".to_owned(),
        system: "ops".to_owned(),
        replicas: 3,
        reach,
        namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// `Kind/namespace/name` of every object, with what a binding binds.
fn shown(settings: &Settings) -> String {
    let objects = objects(settings).expect("the files are YAML");
    let text = |path: &str, object: &serde_json::Value| {
        let value = object.pointer(path).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let lines = objects.iter().map(|object| {
        let parts = [
            "/kind",
            "/metadata/namespace",
            "/metadata/name",
            "/roleRef/name",
        ];
        parts.map(|path| text(path, object)).join(" ")
    });
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn every_place_stands_in_the_files_where_it_is_filled() {
    let places = [
        (CONTROLLER, Place::System, 4),
        (CONTROLLER, Place::Image, 1),
        (CONTROLLER, Place::Replicas, 1),
        (CONTROLLER, Place::Arguments, 1),
        (RIGHTS, Place::System, 1),
        (SEE_ONE, Place::System, 2),
        (SEE_ONE, Place::Namespace, 3),
        (PLAN_ACCOUNT, Place::System, 1),
    ];
    for (file, place, count) in places {
        assert_eq!(file.matches(place.words()).count(), count, "{place:?}");
    }
    let image = format!("image: tidegate:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(Place::Image.words(), image);
}

#[test]
fn nothing_of_the_files_own_names_is_left() {
    for reach in [Reach::Namespaces, Reach::Namespace, Reach::Cluster] {
        let text = text(&settings(reach, &["bank"]));
        for left in ["shop", SYSTEM_NAMESPACE, "replicas: 2", "image: tidegate"] {
            assert!(!text.contains(left), "{reach:?}: `{left}`");
        }
    }
}

#[test]
fn names_that_are_words_of_the_files_are_not_filled_in_again() {
    let settings = Settings {
        system: "shop".to_owned(),
        ..settings(Reach::Namespace, &["tidegate-system"])
    };
    let shown = shown(&settings);
    assert!(shown.contains("ServiceAccount shop tidegate\n"), "{shown}");
    assert!(
        shown.contains("ServiceAccount tidegate-system tidegate-system-deployer\n"),
        "{shown}"
    );
}

#[test]
fn namespaces_are_driven_one_by_one_and_seen_all() {
    let shown = shown(&settings(Reach::Namespaces, &["bank", "shop"]));
    insta::assert_snapshot!(shown, @r"
    Namespace  ops
    ServiceAccount ops tidegate
    ClusterRole  tidegate-controller
    ClusterRole  tidegate-driver
    ClusterRoleBinding  tidegate-controller tidegate-controller
    ValidatingAdmissionPolicy  tidegate-approvals
    ValidatingAdmissionPolicyBinding  tidegate-approvals
    Service ops tidegate
    Deployment ops tidegate
    PodDisruptionBudget ops tidegate
    NetworkPolicy ops tidegate
    ServiceAccount bank bank-deployer
    Role bank tidegate-plan
    RoleBinding bank tidegate-plan tidegate-plan
    RoleBinding bank tidegate-driver tidegate-driver
    ServiceAccount shop shop-deployer
    Role shop tidegate-plan
    RoleBinding shop tidegate-plan tidegate-plan
    RoleBinding shop tidegate-driver tidegate-driver
    ");
}

#[test]
fn one_namespace_alone_needs_no_right_in_any_other() {
    let one = settings(Reach::Namespace, &["bank"]);
    let shown = shown(&one);
    let across: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("ClusterRoleBinding"))
        .collect();
    assert_eq!(
        across,
        ["ClusterRoleBinding  tidegate-page system:auth-delegator"]
    );
    assert!(text(&one).contains("\"--hooks=0.0.0.0:8091\", --watch-namespace=bank]"));
}

#[test]
fn a_whole_cluster_is_driven_by_one_binding() {
    let shown = shown(&settings(Reach::Cluster, &[]));
    assert!(
        shown.contains("ClusterRoleBinding  tidegate-driver tidegate-driver\n"),
        "{shown}"
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let wrong = Settings {
        image: "tidegate".to_owned(),
        system: "Ops".to_owned(),
        replicas: 0,
        ..settings(Reach::Namespace, &["a", "b_c"])
    };
    let told: Vec<String> = wrong.problems().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    `Ops` is no name of a namespace: a-z, 0-9 and `-`, at most 63 characters, a letter or digit at both ends
    `b_c` is no name of a namespace: a-z, 0-9 and `-`, at most 63 characters, a letter or digit at both ends
    image `tidegate` has no tag but `latest`, which may be another program tomorrow: name a version, or a digest
    no controller would run: `--replicas` must be 1 at least
    `--reach namespace` serves one namespace, and `--namespaces` names 2
    ");
}

#[test]
fn a_name_that_yaml_reads_as_a_number_or_a_truth_is_told() {
    for name in ["123", "true", "null", "1e3"] {
        let told = settings(Reach::Namespaces, &[name]).problems();
        assert_eq!(told, [SettingsError::NoText(name.to_owned())]);
    }
}

#[test]
fn an_image_needs_a_tag_that_stays_or_a_digest() {
    let problems = |image: &str| {
        let image = image.to_owned();
        let asked = Settings {
            image,
            ..settings(Reach::Namespaces, &[])
        };
        asked.problems().len()
    };
    let digest = format!("r.example:5000/tidegate@sha256:{}", "0".repeat(64));
    for fixed in ["tidegate:0.1.0", "r.example:5000/a/tidegate:v1", &digest] {
        assert_eq!(problems(fixed), 0, "{fixed}");
    }
    for other in [
        "r.example:5000/tidegate",
        "tidegate:latest",
        "tidegate:",
        "",
        "a b:1",
        "x:1\ny",
        "-x:1",
        "http://x/y:1",
        "x//y:1",
        "UPPER/x:1",
        "x:y:z",
        "x/y@sha256:12",
    ] {
        assert_eq!(problems(other), 1, "{other:?}");
    }
}

#[test]
fn the_chart_is_made_of_the_same_files() {
    let files = chart("definitions");
    let of = |name: &str| {
        let found = files.iter().find(|(path, _)| *path == name);
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    };
    for (path, text) in &files {
        let is_template = path.starts_with("templates/");
        assert!(!is_template || !text.contains(SYSTEM_NAMESPACE), "{path}");
        assert!(!text.contains("VERSION"), "{path}");
    }
    assert!(of("templates/controller.yaml").contains("replicas: {{ .Values.replicas }}"));
    assert!(of("templates/plan-accounts.yaml").contains("name: {{ . }}-deployer"));
    assert_eq!(of("crds/tidegate.yaml"), "definitions");
}
