//! What builds, as it is made and as it is read.

mod argo;
mod buildkit;
