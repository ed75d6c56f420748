//! The program against a real control plane: one for all tests, each in namespaces of its own.

#[cfg(test)]
mod files;
#[cfg(test)]
mod support;

#[cfg(test)]
mod fail;
#[cfg(test)]
mod order;
