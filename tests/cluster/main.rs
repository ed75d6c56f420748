//! The program against a real control plane: one for all tests, each in namespaces of its own.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod api;
#[cfg(test)]
mod archived;
#[cfg(test)]
mod at_rest;
#[cfg(test)]
mod back;
#[cfg(test)]
mod buildkit;
#[cfg(test)]
mod buildkit_real;
#[cfg(test)]
mod builds;
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod change;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod conformance_flagger;
#[cfg(test)]
mod control;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod deployed;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod fail;
#[cfg(test)]
mod files;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod freeze;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod hundred;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod kinds_of_plans;
#[cfg(test)]
mod kubelet;
#[cfg(test)]
mod leave;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod order;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod persons;
#[cfg(test)]
mod refuse;
#[cfg(test)]
mod regress;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod sourced;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod truths;
#[cfg(test)]
mod wait;
#[cfg(test)]
mod webhooks;
