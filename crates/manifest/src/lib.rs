//! Reads manifests: YAML or JSON text into objects, each field with its place.
//!
//! In: the bytes of files, and the checked graph for [`assign`]. Out: [`Manifests`], who owns what in which
//! order it is applied, and every [`Problem`](tidegate_spec::Problem) with file, line and column.
//! Reads no file and knows no cluster; renders nothing (no Kustomize, no Helm).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod assemble;
mod bundle;
mod claims;
mod completion;
mod compose;
mod decode;
mod document;
mod file_name;
mod images;
mod mend;
mod namespace;
mod node;
mod object;
mod order;
mod owner;
mod read;
mod reference;
mod rules;
mod scalar;
mod schema;
mod selector;
mod unending;

#[cfg(test)]
mod tests;

pub use assemble::{Assembled, assemble, assemble_after, the_graph};
pub use bundle::{Bundle, Entry, OwnedEntries};
pub use claims::claimed_twice;
pub use completion::unknown_fields;
pub use file_name::{ENDINGS, is_manifest_name};
pub use mend::{Mended, hides_others, mend};
pub use namespace::place_in;
pub use node::{Key, Node, NodeKind, Spot, index_path, key_path, shorten};
pub use object::Object;
pub use order::{apply_order, deletion_order};
pub use owner::{Owned, Ownership, assign};
pub use read::{Declared, FILE_BYTES_MAX, Manifests, Text, documents, read};
pub use reference::{pod_template, pod_template_of};
pub use rules::{beyond, broken_rules};
pub use selector::{Labels, labels, matches_plain};
pub use unending::unending;
