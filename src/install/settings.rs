//! What an installation can be asked for.

use serde_json::Value;

/// Which namespaces the controller serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// It sees tidegate's own objects in all, and drives the releases of those that are named.
    #[default]
    Namespaces,
    /// It sees and drives one, and has no right in any other.
    Namespace,
    /// It drives the releases of all.
    Cluster,
}

/// What is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The image of the controller, with a tag or a digest.
    pub image: String,
    /// Where the controller runs.
    pub system: String,
    /// How many controllers run; one of them drives a release at a time.
    pub replicas: u16,
    /// Which namespaces it serves.
    pub reach: Reach,
    /// Those that get an account for their plans.
    pub namespaces: Vec<String>,
}

/// Why something cannot be installed as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No namespace has this name.
    #[error(
        "`{0}` is no name of a namespace: a-z, 0-9 and `-`, at most 63 characters, a letter or digit at both ends"
    )]
    Namespace(String),
    /// It would stand unquoted in YAML, and be no text there: `123`, `true`.
    #[error(
        "`{0}` is read as something else than a name in YAML: a namespace of this name cannot be installed for"
    )]
    NoText(String),
    /// No image has this name.
    #[error("`{0}` is no image: write `registry/name:tag` or `registry/name@sha256:…`")]
    Image(String),
    /// `latest`, or nothing, is another image tomorrow.
    #[error(
        "image `{0}` has no tag but `latest`, which may be another program tomorrow: name a version, or a digest"
    )]
    Floating(String),
    /// Nobody would drive anything.
    #[error("no controller would run: `--replicas` must be 1 at least")]
    NoReplicas,
    /// One is meant, and another number was named.
    #[error("`--reach namespace` serves one namespace, and `--namespaces` names {0}")]
    NotOne(usize),
}

impl Settings {
    /// Everything that is wrong with them.
    pub fn problems(&self) -> Vec<SettingsError> {
        let Self {
            image,
            system,
            replicas,
            reach,
            namespaces,
        } = self;
        let names = std::iter::once(system).chain(namespaces);
        let wrong = names.filter_map(|name| match name {
            name if !is_namespace(name) => Some(SettingsError::Namespace(name.clone())),
            name if !is_text(name) => Some(SettingsError::NoText(name.clone())),
            _ => None,
        });
        let mut problems: Vec<SettingsError> = wrong.collect();
        match image_kind(image) {
            ImageKind::Fixed => {}
            ImageKind::Floating => problems.push(SettingsError::Floating(image.clone())),
            ImageKind::None => problems.push(SettingsError::Image(image.clone())),
        }
        if *replicas == 0 {
            problems.push(SettingsError::NoReplicas);
        }
        if *reach == Reach::Namespace && namespaces.len() != 1 {
            problems.push(SettingsError::NotOne(namespaces.len()));
        }
        problems
    }
}

/// A label of the domain name system (RFC 1123), which is what the API server takes.
fn is_namespace(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_short = (1..=63).contains(&name.len());
    is_short && name.chars().all(inner) && name.starts_with(outer) && name.ends_with(outer)
}

fn is_text(name: &str) -> bool {
    matches!(serde_saphyr::from_str(name), Ok(Value::String(_)))
}

enum ImageKind {
    /// Always the same program, as far as its publisher keeps tags.
    Fixed,
    Floating,
    None,
}

/// The grammar of the distribution project (`distribution/reference`), as far as people write it.
fn image_kind(image: &str) -> ImageKind {
    let (named, digest) = match image.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (image, None),
    };
    // A colon before the last slash belongs to a port.
    let (folder, last) = named.rsplit_once('/').unwrap_or(("", named));
    let (last, tag) = match last.split_once(':') {
        Some((last, tag)) => (last, Some(tag)),
        None => (last, None),
    };
    let mut parts = folder.split('/').filter(|_| !folder.is_empty());
    let is_place = parts.next().is_none_or(|host| {
        let (host, port) = host.split_once(':').unwrap_or((host, "0"));
        is_part(host) && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
    });
    let is_name = is_place && parts.all(is_part) && is_part(last) && tag.is_none_or(is_tag);
    match (is_name, digest, tag) {
        (true, Some(digest), _) if is_digest(digest) => ImageKind::Fixed,
        (true, None, Some(tag)) if tag != "latest" => ImageKind::Fixed,
        (true, None, _) => ImageKind::Floating,
        (_, _, _) => ImageKind::None,
    }
}

fn is_part(part: &str) -> bool {
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| outer(c) || "-._".contains(c);
    part.chars().all(inner) && part.starts_with(outer) && part.ends_with(outer)
}

fn is_tag(tag: &str) -> bool {
    let outer = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inner = |c: char| outer(c) || "-.".contains(c);
    (1..=128).contains(&tag.len()) && tag.chars().all(inner) && tag.starts_with(outer)
}

fn is_digest(digest: &str) -> bool {
    let digits = digest.strip_prefix("sha256:").unwrap_or_default();
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    digits.len() == 64 && digits.chars().all(is_digit)
}
