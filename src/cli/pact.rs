//! `plan --pact FILE`: what a Pact broker knows of two versions counts more than what is declared of them.
//!
//! A matrix speaks of versions, a plan of revisions: the version of a revision is the label `app.kubernetes.io/version` of
//! its manifests, or what `--revision` says, or the name that `--live` gives it. Of a revision without one the matrix says
//! nothing, and that is told.

#![expect(
    clippy::similar_names,
    reason = "caller and callee are the words of the domain"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::assemble::tell_problems;
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::Output;
use crate::discover::{Matrix, pact, service_name};
use crate::graph::{Difference, Disagreement, Match, Revision, System, Verifications};
use crate::manifest::Bundle;
use crate::spec::{Code, Place, Problem, ServiceName, did_you_mean};

/// The label that says which version of an application a pod is
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/#app-kubernetes-io-version>).
const VERSION_LABEL: &str = "/metadata/labels/app.kubernetes.io~1version";

/// The options of a verification matrix.
#[derive(Debug, clap::Args)]
pub(super) struct PactArgs {
    /// A verification matrix of a Pact broker (JSON of `/matrix`): what failed there is incompatible whatever is declared, and
    /// what succeeded needs no declaration
    #[arg(long, value_name = "FILE", requires = "from")]
    pact: Option<PathBuf>,
    /// The version by which the matrix knows a revision (`live`, `target`, or a name from `--live`), where no label
    /// `app.kubernetes.io/version` says it
    #[arg(long, value_name = "SERVICE@REVISION=VERSION", requires = "pact", value_parser = revision)]
    revision: Vec<(ServiceName, String, String)>,
}

fn revision(text: &str) -> Result<(ServiceName, String, String), String> {
    let parts = text
        .split_once('=')
        .and_then(|(left, version)| Some((left.split_once('@')?, version)));
    let Some(((service, revision), version)) = parts else {
        return Err("write it as `orders@target=2.1.0`".to_owned());
    };
    let service = ServiceName::parse(service).map_err(|error| format!("`{service}` {error}"))?;
    if revision.is_empty() || version.is_empty() {
        return Err("write it as `orders@target=2.1.0`".to_owned());
    }
    Ok((service, revision.to_owned(), version.to_owned()))
}

/// The version of each service by the labels of its workloads; none where they differ.
pub(super) fn labelled_versions(bundle: &Bundle) -> BTreeMap<ServiceName, String> {
    let mut versions = BTreeMap::new();
    for (name, owned) in &bundle.services {
        let labels: BTreeSet<Option<&str>> = bundle
            .references(&owned.workloads)
            .into_iter()
            .filter_map(|workload| bundle.manifest(&workload))
            .map(|manifest| {
                let template = manifest.pointer("/spec/template");
                let label = template.and_then(|template| template.pointer(VERSION_LABEL));
                label.or_else(|| manifest.pointer(VERSION_LABEL))?.as_str()
            })
            .collect();
        if let [Some(version)] = Vec::from_iter(labels).as_slice() {
            versions.insert(name.clone(), (*version).to_owned());
        }
    }
    versions
}

/// The system with what the matrix says of it. Out of the labels of both sides; differences are told on stderr.
pub(super) fn with_matrix(
    output: &Output,
    args: &PactArgs,
    system: System,
    [old, new]: [&BTreeMap<ServiceName, String>; 2],
) -> Result<System, Failure> {
    let Some(file) = &args.pact else {
        return Ok(system);
    };
    let texts = read_all(std::slice::from_ref(file))?;
    let mut reading = Reading {
        known: Verifications::default(),
        places: BTreeMap::new(),
        problems: Vec::new(),
    };
    for text in &texts {
        let (matrix, problems) = pact(text);
        reading.problems.extend(problems);
        reading.rows(&matrix, &system);
    }
    reading.versions(&system, old, new);
    for (service, revision, version) in &args.revision {
        if !revisions(&system, service).any(|known| known.name == *revision) {
            let wrong = format!("`--revision`: there is no revision {service}@{revision}");
            return Err(Failure::new(Exit::Usage, wrong)
                .hint("the revisions are `live`, `target`, and those that `--live` names"));
        }
        let key = (service.clone(), revision.clone());
        reading.known.versions.insert(key, version.clone());
    }
    reading.unversioned(&system);
    let system = system.verified_by(&reading.known);
    reading.differences(system.differences());
    tell_problems(output, &reading.problems, &texts)?;
    Ok(system)
}

/// All revisions of a service or of an external caller.
fn revisions<'a>(system: &'a System, name: &ServiceName) -> impl Iterator<Item = &'a Revision> {
    let own = system.services.get(name);
    let own = own.map(|member| {
        let live = member.live.iter().chain(&member.target);
        live.chain(&member.retained)
    });
    let outside = system.external.get(name);
    let outside = outside.map(|caller| caller.live.iter().chain(&caller.coming));
    own.into_iter()
        .flatten()
        .chain(outside.into_iter().flatten())
}

struct Reading {
    known: Verifications,
    /// Where each result stands.
    places: BTreeMap<Match, Place>,
    problems: Vec<Problem>,
}

impl Reading {
    /// Takes the rows whose two sides are in the system.
    fn rows(&mut self, matrix: &Matrix, system: &System) {
        let mut strangers: BTreeMap<&str, &Place> = BTreeMap::new();
        let is_known = |name: &ServiceName| {
            system.services.contains_key(name) || system.external.contains_key(name)
        };
        for (row, (works, place)) in &matrix.rows {
            let [caller, callee] = [&row.consumer, &row.provider].map(|name| {
                let known = service_name(name).filter(is_known);
                if known.is_none() {
                    strangers.entry(name).or_insert(place);
                }
                known
            });
            let (Some(caller), Some(callee)) = (caller, callee) else {
                continue;
            };
            let pair = Match {
                caller,
                caller_version: row.consumer_version.clone(),
                callee,
                callee_version: row.provider_version.clone(),
            };
            self.places.insert(pair.clone(), place.clone());
            self.known.results.insert(pair, *works);
        }
        for (name, place) in strangers {
            let names = system.services.keys().map(ServiceName::as_str);
            let hint = match did_you_mean(name, names) {
                Some(near) => format!("the graph has `{near}`: name them alike"),
                None => "its rows say nothing of this plan".to_owned(),
            };
            let wrong = format!("the matrix names `{name}`, which is no service of the graph");
            let problem = Problem::error(Code::LeftOut, "", wrong).warning();
            self.problems.push(problem.hint(hint).at(place.clone()));
        }
    }

    /// Takes the versions that labels say, and those that a revision has for its name.
    fn versions(
        &mut self,
        system: &System,
        old: &BTreeMap<ServiceName, String>,
        new: &BTreeMap<ServiceName, String>,
    ) {
        let mut named: BTreeSet<(&ServiceName, &str)> = BTreeSet::new();
        for pair in self.known.results.keys() {
            named.insert((&pair.caller, &pair.caller_version));
            named.insert((&pair.callee, &pair.callee_version));
        }
        let mut found = Vec::new();
        for name in system.services.keys().chain(system.external.keys()) {
            for revision in revisions(system, name) {
                let label = match revision.name.as_str() {
                    "live" => old.get(name),
                    "target" => new.get(name),
                    own => named.contains(&(name, own)).then_some(&revision.name),
                };
                let key = (name.clone(), revision.name.clone());
                found.extend(label.map(|label| (key, label.clone())));
            }
        }
        self.known.versions.extend(found);
    }

    /// Says of which revisions the matrix cannot speak.
    fn unversioned(&mut self, system: &System) {
        let sides = self.known.results.keys();
        let names: BTreeSet<&ServiceName> = sides
            .flat_map(|pair| [&pair.caller, &pair.callee])
            .collect();
        let running = system.running();
        let without: Vec<String> = names
            .into_iter()
            .flat_map(|name| {
                running
                    .get(name)
                    .into_iter()
                    .flatten()
                    .map(move |one| (name, one))
            })
            .filter(|(name, revision)| {
                let key = ((*name).clone(), revision.name.clone());
                !self.known.versions.contains_key(&key)
            })
            .map(|(name, revision)| format!("{name}@{}", revision.name))
            .collect();
        if without.is_empty() {
            return;
        }
        let wrong = format!(
            "no version is known of {}: of them the matrix says nothing",
            without.join(", ")
        );
        let hint =
            "label their pods `app.kubernetes.io/version`, or say `--revision orders@target=2.1.0`";
        let problem = Problem::error(Code::LeftOut, "", wrong).warning();
        self.problems.push(problem.hint(hint));
    }

    /// Says where results and declarations differ.
    fn differences(&mut self, differences: Vec<Difference>) {
        for difference in differences {
            let Difference {
                caller,
                callee,
                disagreement,
            } = difference;
            let versions = [&caller, &callee].map(|key| self.known.versions.get(key).cloned());
            let [caller_version, callee_version] = versions.map(Option::unwrap_or_default);
            let sides = format!(
                "{}@{} ({caller_version}) and {}@{} ({callee_version})",
                caller.0, caller.1, callee.0, callee.1
            );
            let (wrong, hint) = match disagreement {
                Disagreement::Failed => (
                    format!("{sides} are declared to work together, and their verification failed"),
                    "the verification counts; correct the declaration",
                ),
                Disagreement::Worked => (
                    format!("{sides} are declared not to work together, and were verified to"),
                    "the declaration counts; correct it if the verification is right",
                ),
                Disagreement::Uncalled => (
                    format!("{sides} were verified, and the graph declares no call between them"),
                    "declare the call; until then no order is kept for it",
                ),
            };
            let pair = Match {
                caller: caller.0,
                caller_version,
                callee: callee.0,
                callee_version,
            };
            let problem = Problem::error(Code::MatrixDiffers, "", wrong)
                .warning()
                .hint(hint);
            self.problems.push(match self.places.get(&pair) {
                Some(place) => problem.at(place.clone()),
                None => problem,
            });
        }
    }
}
