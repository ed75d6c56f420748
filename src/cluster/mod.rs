//! The only holder of a Kubernetes client: reads the cluster into observations, carries actions out.
//!
//! In: a [`Connection`]. Out: [`ClusterWorld`], the real implementation of the one seam. Decides nothing.

mod act;
mod approvals;
mod archived;
mod builds;
mod caches;
mod claims;
mod client;
mod conditions;
mod counting;
mod declared;
mod declared_watch;
mod departed;
mod differences;
mod drift;
mod error;
mod events;
mod family;
#[cfg(feature = "cluster-tests")]
mod faults;
mod freeze;
mod hidden;
mod history;
mod holder;
mod install;
mod installation;
mod inventory;
mod kinds;
mod lease;
mod look;
mod manifests;
mod namespaces;
mod plan_status;
mod prepare;
mod presence;
mod queue;
mod reads;
mod release_watch;
mod releases;
mod review;
mod rights;
mod rivals;
mod secrets;
mod sources;
mod survey;
mod watched;
mod way_back;
mod world;
mod write;

pub use approvals::{Word, who_am_i};
pub use builds::{BuildPod, BuildPods, PodStands};
pub use client::{Access, Connection};
pub use counting::RequestListener;
pub use declared::keep_declared;
pub use declared_watch::Declared;
pub use differences::{Difference, differences};
pub use drift::{DriftListener, keep_drift};
pub use error::ClusterError;
pub use events::EventRecorder;
pub use history::{has_succeeded, is_archived, way_back};
pub use holder::identity;
pub use install::{Installed, install, installed};
pub use installation::{Put, labelled, missing_namespaces, put, reference, remove, under_way};
pub use lease::{LEASE_S, ReleaseLease};
pub use namespaces::{ensure_namespace, remove_namespace};
pub use presence::{Presence, presence};
pub use release_watch::watch_releases;
pub use releases::{NewRelease, Releases, has_ended};
pub use review::{Deed, Subject, may, recognise};
pub use rights::{ACTING_RIGHTS, OWN_RIGHTS, Right, missing_rights};
pub use rivals::{is_to_be_aborted, older, rival_of};
pub use secrets::put_secret;
pub use sources::{SourceKeeping, SourceListener, SourceReader, Webhooks, keep_sources};
pub use survey::survey_only;
pub use watched::{Watched, WatchedRelease};
pub use world::{ClusterWorld, Listener};
pub use write::FIELD_MANAGER;

/// An error with its causes, each once, on one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let words = deeper.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = deeper.source();
    }
    text
}
