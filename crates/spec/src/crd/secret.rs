//! Where a plan's secrets are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Secret: of the plan's own namespace, where nothing else is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
