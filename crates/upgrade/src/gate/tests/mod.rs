//! Tables, histories and properties of the gate. [`world`] alone builds objects.

mod argo_rollouts;
mod canaries;
mod cron_jobs;
mod custom;
mod deployments;
mod drains;
mod evidence;
mod failures;
mod files;
mod histories;
mod laws;
mod many_looks;
mod one_look;
mod other_kinds;
mod plain;
mod properties;
mod recorded;
mod records;
mod routers;
mod sentences;
mod strangers;
mod tried;
mod troubles;
mod workflows;
mod world;
