//! Maps that are asked for a name on every edge of a large system.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

/// In the order in which it was filled. The hash is a weak one: files have at most 20,000 services, so that even names
/// that all collide cost seconds and no more.
pub(crate) type ByName<N, T> = IndexMap<N, T, FxBuildHasher>;
