//! Names that have been checked, so that nobody checks them again.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name of a service or contract. Kubernetes label values end at 63, and names derived
/// from a service's name must fit too.
const NAME_LENGTH_MAX: usize = 63;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was written.
    #[error("is empty")]
    Empty,
    /// More than 63 characters.
    #[error("has {length} characters, at most 63 are allowed")]
    TooLong {
        /// How many it has.
        length: usize,
    },
    /// A character outside `a-z 0-9 - .`, or one of those at an end where it may not be.
    #[error("must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit")]
    Malformed,
    /// White space in a version that is no range.
    #[error("has white space in it and is no semver range such as `>=1.2, <2`")]
    Spaced,
    /// White space around a version.
    #[error("begins or ends with white space")]
    Padded,
    /// Several versions in one text.
    #[error(
        "has a comma in it and is no semver range such as `>=1.2, <2`: write each version as an entry of its own"
    )]
    Listed,
    /// What semver writes as `1.*`.
    #[error("is no semver range: write `{range}`")]
    Wildcard {
        /// As it is to be written.
        range: String,
    },
    /// It begins as a range does.
    #[error("begins as a semver range does, and is none")]
    NoRange,
}

// Shared, since the plan of a large system names each service hundreds of times.
macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// In the same order as the text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                if Arc::ptr_eq(&self.0, &other.0) {
                    Ordering::Equal
                } else {
                    self.0.cmp(&other.0)
                }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

text_name!(
    /// A node of the graph. Lower case letters, digits, `-` and `.`, at most 63 characters.
    ServiceName
);
text_name!(
    /// The name of an API that is spoken between services, for instance `orders`.
    ContractName
);
text_name!(
    /// One version of a contract: an opaque text, or semver (`1.4` served, `^1.2` called).
    Version
);

fn check_name(text: &str) -> Result<(), NameError> {
    let length = text.chars().count();
    if length == 0 {
        return Err(NameError::Empty);
    }
    if length > NAME_LENGTH_MAX {
        return Err(NameError::TooLong { length });
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer) {
        Ok(())
    } else {
        Err(NameError::Malformed)
    }
}

impl ServiceName {
    /// Checks a service's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_name(text).map(|()| Self(text.into()))
    }

    /// What stands for a name that is wrong, so that what is said of its service can be checked.
    pub(super) fn of_nobody() -> Self {
        Self("nobody".into())
    }
}

impl ContractName {
    /// Checks a contract's name. A contract may be named as its protocol package is
    /// (`hipstershop.CartService`), so upper case, `_` and `/` are allowed too.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty);
        }
        if length > NAME_LENGTH_MAX {
            return Err(NameError::TooLong { length });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/');
        if text.chars().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Malformed)
        }
    }
}

impl From<&ServiceName> for ContractName {
    /// A contract's name defaults to its service's.
    fn from(service: &ServiceName) -> Self {
        Self(Arc::clone(&service.0))
    }
}

impl Version {
    /// Checks a version: any text without white space and commas, or a semver range, at most 63 characters. What looks
    /// like a range and is none is refused: as an opaque text it would match nothing, and nobody would be told.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty);
        }
        if length > NAME_LENGTH_MAX {
            return Err(NameError::TooLong { length });
        }
        if text.trim() != text {
            return Err(NameError::Padded);
        }
        let version = Self(text.into());
        if version.is_range() {
            return Ok(version);
        }
        if text.starts_with(OPERATORS) {
            return Err(NameError::NoRange);
        }
        if text.contains(',') {
            return Err(NameError::Listed);
        }
        if text.chars().any(char::is_whitespace) {
            return Err(NameError::Spaced);
        }
        match wildcard(text) {
            Some(range) => Err(NameError::Wildcard { range }),
            None => Ok(version),
        }
    }

    /// Whether it is a semver range: it begins with an operator or has a `*`. A bare `1.2` means itself alone
    /// (planning.md §3.3).
    pub fn is_range(&self) -> bool {
        let says_so = self.0.starts_with(OPERATORS) || self.0.contains('*');
        says_so && semver::VersionReq::parse(&self.0).is_ok()
    }

    /// Whether a range can match it: one to three numbers, as in `1`, `1.4` and `1.4.2`.
    pub fn is_number(&self) -> bool {
        let zeros = match self.0.matches('.').count() {
            0 => ".0.0",
            1 => ".0",
            _ => "",
        };
        semver::Version::parse(&format!("{}{zeros}", self.0)).is_ok()
    }
}

/// What a semver range begins with.
const OPERATORS: [char; 5] = ['^', '~', '>', '<', '='];

/// `1.*` for `1.x`, as other tools write it.
fn wildcard(text: &str) -> Option<String> {
    let (numbers, last) = text.rsplit_once('.')?;
    let numbers_alone = numbers
        .trim_end_matches(['x', 'X', '.'])
        .chars()
        .all(|c| c.is_ascii_digit() || c == '.');
    (matches!(last, "x" | "X") && text.starts_with(|c: char| c.is_ascii_digit()) && numbers_alone)
        .then(|| format!("{}.*", numbers.trim_end_matches(['x', 'X', '.'])))
}

/// One object of the cluster, by what names it: `Deployment/shop/cart`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectRef {
    /// Group and version, for instance `apps/v1`.
    pub api_version: String,
    /// The kind, for instance `Deployment`.
    pub kind: String,
    /// The namespace; empty for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl ObjectRef {
    /// The workload of a service that declares none: the Deployment of its name, in no namespace yet.
    pub fn deployment_of(service: &ServiceName) -> Self {
        Self {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: String::new(),
            name: service.to_string(),
        }
    }

    /// The group of the API: `apps` of `apps/v1`, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// What tells it from all others: group, kind, namespace and name. The version does not, since the API server
    /// converts.
    pub fn identity(&self) -> Identity {
        (
            self.group().to_owned(),
            self.kind.clone(),
            self.namespace.clone(),
            self.name.clone(),
        )
    }
}

/// Group, kind, namespace and name of an object.
pub type Identity = (String, String, String, String);

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(formatter, "{}/{}", self.kind, self.name)
        } else {
            write!(formatter, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}
