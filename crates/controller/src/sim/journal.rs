//! What happened in a simulated run: a digest that is the same for the same run, and who ran when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::cluster::View;
use super::facts::Kind;
use tidegate_spec::crd::ReleaseStatus;
use tidegate_spec::{ObjectRef, ServiceName};

/// The live pods of a service at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pods {
    /// Of revisions that the release does not bring.
    pub old: u32,
    /// Of the one that it brings.
    pub new: u32,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Journal {
    digest: Sha256,
    /// The last lines, for whoever asks why.
    pub(super) lines: Vec<String>,
    /// By service, what it had from when on.
    pub(super) pods: BTreeMap<ServiceName, Vec<(Timestamp, Pods)>>,
    /// Which words of the loop and which faults were met.
    pub(super) reached: BTreeSet<String>,
    /// How many writes were made.
    pub(super) writes: usize,
    /// Whether every line is kept, and not only its digest.
    pub(super) keeps_lines: bool,
}

impl Journal {
    /// Notes a line.
    pub(super) fn note(&mut self, now: Timestamp, line: &str) {
        let line = format!("{:>9} ms {line}", now.as_millisecond());
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
        if self.keeps_lines {
            self.lines.push(line);
        }
    }

    /// Notes that something was met.
    pub(super) fn reach(&mut self, word: &str) {
        if !self.reached.contains(word) {
            self.reached.insert(word.to_owned());
        }
    }

    /// Notes from which standing to which services went, and why those that wait do.
    pub(super) fn ways(&mut self, before: &ReleaseStatus, after: &ReleaseStatus) {
        let standings = |status: &ReleaseStatus| -> BTreeMap<String, String> {
            let services = status.waves.iter().flat_map(|wave| &wave.services);
            services
                .map(|service| (service.name.clone(), service.state.clone()))
                .collect()
        };
        let known = standings(before);
        for (name, state) in standings(after) {
            match known.get(&name) {
                Some(was) if *was != state => self.reach(&format!("{was}-{state}")),
                Some(_) | None => {}
            }
        }
        for service in after.waves.iter().flat_map(|wave| &wave.services) {
            if !service.reason.is_empty() {
                self.reach(&service.reason);
            }
        }
    }

    /// Notes the pods of a workload's service.
    pub(super) fn pods(&mut self, now: Timestamp, view: &View, object: &ObjectRef) {
        let Some(workload) = view
            .workloads
            .get(object)
            .filter(|workload| workload.kind != Kind::Job)
        else {
            return;
        };
        let is_new = |pod: &super::facts::Pod| {
            workload
                .template_of(pod)
                .is_some_and(|template| template.is_target)
        };
        let all = workload.count(|_| true);
        let new = workload.count(is_new);
        let pods = Pods {
            old: all - new,
            new,
        };
        let of_service = self.pods.entry(workload.service.clone()).or_default();
        if of_service.last().is_none_or(|(_, known)| *known != pods) {
            of_service.push((now, pods));
        }
    }

    /// The digest of all lines.
    pub(super) fn digest(&self) -> String {
        let digest = self.digest.clone().finalize();
        let mut text = String::new();
        for byte in digest.iter().take(8) {
            // Writing into a String cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
        }
        text
    }
}
