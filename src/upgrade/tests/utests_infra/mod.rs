//! The state machine, played as scripts. [`scene`] alone touches [`super::step`], [`objects`] alone builds objects.

mod draft;
pub(crate) mod objects;
mod scene;
mod told;
