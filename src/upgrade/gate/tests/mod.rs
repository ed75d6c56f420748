//! Tables, histories and properties of the gate. [`world`] alone builds objects.

mod argo_rollouts;
mod canaries;
mod cron_jobs;
mod custom;
mod deployments;
mod drains;
mod failures;
mod files;
mod histories;
mod laws;
mod one_look;
mod other_kinds;
mod plain;
mod properties;
mod records;
mod sentences;
mod strangers;
mod workflows;
mod world;
