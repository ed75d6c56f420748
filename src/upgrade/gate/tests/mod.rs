//! Tables, histories and properties of the gate. [`world`] alone builds objects.

mod deployments;
mod drains;
mod failures;
mod histories;
mod other_kinds;
mod properties;
mod records;
mod sentences;
mod world;
