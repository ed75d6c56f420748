//! The files of `deploy/` with other words in their places.

use serde_json::Value;

use super::{Reach, SYSTEM_NAMESPACE, Settings};
use crate::spec::ObjectRef;

/// One file of `deploy/`.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../deploy/", $name))
    };
}

pub(super) const SYSTEM: &str = file!("namespace.yaml");
pub(super) const RIGHTS: &str = file!("rbac.yaml");
pub(super) const SEE_ALL: &str = file!("see-all-namespaces.yaml");
pub(super) const SEE_ONE: &str = file!("see-one-namespace.yaml");
pub(super) const DRIVE_ALL: &str = file!("drive-all-namespaces.yaml");
pub(super) const CONTROLLER: &str = file!("controller.yaml");
pub(super) const PLAN_ACCOUNT: &str = file!("plan-account.yaml");
pub(super) const APPROVALS: &str = file!("approvals-policy.yaml");

/// A place in the files that an installation fills with its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The namespace of the controller.
    System,
    /// The namespace of a plan.
    Namespace,
    Image,
    Replicas,
    /// After the last argument of the controller.
    Arguments,
}

impl Place {
    /// The words that stand there in the files.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::System => SYSTEM_NAMESPACE,
            Self::Namespace => "shop",
            Self::Image => "image: tidegate:0.1.0",
            Self::Replicas => "replicas: 2",
            Self::Arguments => "\"--hooks=0.0.0.0:8091\"",
        }
    }
}

/// A file with other words in its places. Words that are filled in are not looked at again: a namespace may have any name.
pub(super) fn filled(file: &str, places: &[(Place, &str)]) -> String {
    let mut text = String::new();
    let mut rest = file;
    let next = |rest: &str| {
        let found = places
            .iter()
            .filter_map(|(place, words)| Some((rest.find(place.words())?, place.words(), *words)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, old, new)) = next(rest) {
        let (before, after) = rest.split_at(at);
        text += before;
        text += new;
        rest = after.strip_prefix(old).unwrap_or_default();
    }
    text + rest
}

/// The whole installation but for the custom resource definitions, as one stream of YAML documents.
pub fn text(settings: &Settings) -> String {
    let Settings {
        image,
        system,
        replicas,
        reach,
        namespaces,
    } = settings;
    let of_system = |file: &str| filled(file, &[(Place::System, system)]);
    let of_plan =
        |file: &str, plan: &str| filled(file, &[(Place::System, system), (Place::Namespace, plan)]);
    let image = format!("image: {image}");
    let replicas = format!("replicas: {replicas}");
    let arguments = match (reach, namespaces.first()) {
        (Reach::Namespace, Some(only)) => {
            format!("{}, --watch-namespace={only}", Place::Arguments.words())
        }
        (Reach::Namespace | Reach::Namespaces | Reach::Cluster, _) => {
            Place::Arguments.words().to_owned()
        }
    };
    let places = [
        (Place::System, system.as_str()),
        (Place::Arguments, &arguments),
        (Place::Image, &image),
        (Place::Replicas, &replicas),
    ];
    let controller = filled(CONTROLLER, &places);
    let mut parts = vec![of_system(SYSTEM), of_system(RIGHTS)];
    match reach {
        Reach::Namespaces => parts.push(of_system(SEE_ALL)),
        Reach::Namespace => parts.extend(namespaces.iter().map(|one| of_plan(SEE_ONE, one))),
        Reach::Cluster => parts.extend([of_system(SEE_ALL), of_system(DRIVE_ALL)]),
    }
    parts.extend([APPROVALS.to_owned(), controller]);
    parts.extend(namespaces.iter().map(|one| of_plan(PLAN_ACCOUNT, one)));
    parts
        .iter()
        .fold(String::new(), |text, part| text + "---\n" + part)
}

/// The same as objects, in the order in which they are to be applied.
///
/// Errors: the files do not hold YAML, which a test rules out.
pub fn objects(settings: &Settings) -> Result<Vec<Value>, serde_saphyr::Error> {
    serde_saphyr::from_multiple(&text(settings))
}

/// The kinds of everything that may be installed, the namespace excepted, in the order in which they are applied; without names.
///
/// Errors: as [`objects`].
pub fn kinds() -> Result<Vec<ObjectRef>, serde_saphyr::Error> {
    let files = [
        RIGHTS,
        SEE_ALL,
        SEE_ONE,
        APPROVALS,
        CONTROLLER,
        PLAN_ACCOUNT,
    ];
    let mut kinds: Vec<ObjectRef> = Vec::new();
    for manifest in serde_saphyr::from_multiple::<Value>(&files.join("---\n"))? {
        let text = |key: &str| {
            let value = manifest.get(key).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let kind = ObjectRef {
            api_version: text("apiVersion"),
            kind: text("kind"),
            namespace: String::new(),
            name: String::new(),
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}
