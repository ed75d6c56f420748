//! tidegate upgrades a whole system of services on Kubernetes in an order that is proved safe.
//!
//! ```text
//! spec ─▶ manifest ─▶ discover                         what people declare, read and checked; what others know
//! spec ─▶ graph ─▶ plan ─▶ upgrade: step(agenda, state, observation) ─▶ {state, actions, events}     pure
//!                              ▲                                            │
//!                        observation               controller: save(state) ─▶ act(actions) ─▶ tell(events)
//!                              │                                            ▼
//!                          cluster (the only holder of a Kubernetes client)      telemetry reads events
//! ```
//!
//! The modules stand in reading order; `ARCHITECTURE.md` says who may import whom.

pub use tidegate_build as build;
pub use tidegate_controller::{controller, sim};
pub use tidegate_manifest as manifest;
pub use tidegate_planner::{graph, plan};
pub use tidegate_spec as spec;
pub use tidegate_upgrade as upgrade;

pub mod discover;

pub mod draw;
pub mod drift;

pub mod hook;
pub mod source;

pub mod archive;
pub mod install;
pub mod notify;

pub mod cli;
pub mod cluster;
pub mod telemetry;
pub mod web;
