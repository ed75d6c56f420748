//! Names that have been checked, so that nobody checks them again.

use std::fmt;

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
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
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
        check_name(text).map(|()| Self(text.to_owned()))
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
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Malformed)
        }
    }
}

impl From<&ServiceName> for ContractName {
    /// A contract's name defaults to its service's.
    fn from(service: &ServiceName) -> Self {
        Self(service.0.clone())
    }
}

impl Version {
    /// Checks a version: any text without white space or a semver range, at most 63 characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty);
        }
        if length > NAME_LENGTH_MAX {
            return Err(NameError::TooLong { length });
        }
        let is_spaced = text.chars().any(char::is_whitespace);
        if is_spaced && semver::VersionReq::parse(text).is_err() {
            return Err(NameError::Spaced);
        }
        Ok(Self(text.to_owned()))
    }
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
    /// The group of the API: `apps` of `apps/v1`, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(formatter, "{}/{}", self.kind, self.name)
        } else {
            write!(formatter, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}
