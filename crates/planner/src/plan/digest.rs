//! The digest of a plan and of the system that it was made for: equal for equal input, whatever the
//! machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::document::{Action, Ordering, Precedence, Step};
use crate::graph::{Member, Moves, Outside, Revision, System};
use tidegate_spec::crd::Routing;
use tidegate_spec::{Assume, Edge, Interface, Manner, Need, Negotiate, Requirement, Version};

/// `sha256:` and 64 digits over a system and its plan: its steps and precedences, and a document with the rest of it.
///
/// What a large plan has most of is not written as JSON: that took twice as long as the hash.
pub(super) fn digest(
    document: &impl Serialize,
    (steps, precedences): (&[Step], &[Precedence]),
    system: &System,
) -> String {
    let mut sink = Sink::default();
    // Serializing strings, numbers and lists into a hash does not fail; if it ever did, no plan
    // would match its digest and none would run.
    if serde_json::to_writer(&mut sink, document).is_err() {
        return String::new();
    }
    sink.number(steps.len());
    for step in steps {
        write_step(&mut sink, step);
    }
    sink.number(precedences.len());
    for precedence in precedences {
        write_precedence(&mut sink, precedence);
    }
    write_system(&mut sink, system);
    sink.hash_all();
    told(&sink.hash.finalize())
}

/// `sha256:` and 64 digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    told(&Sha256::digest(bytes))
}

fn told(bytes: &[u8]) -> String {
    let digits = bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("sha256:{digits}")
}

/// What is hashed. Each text has its length before it, so that no two systems look the same.
#[derive(Default)]
struct Sink {
    hash: Sha256,
    /// Many small texts are hashed at a time.
    waiting: Vec<u8>,
}

const WAITING_BYTES_MAX: usize = 1 << 16;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn put(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= WAITING_BYTES_MAX {
            self.hash_all();
        }
    }

    fn hash_all(&mut self) {
        self.hash.update(&self.waiting);
        self.waiting.clear();
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.put(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.put(&(number as u64).to_be_bytes());
    }

    fn perhaps(&mut self, text: Option<&str>) {
        self.number(usize::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }
}

fn write_step(sink: &mut Sink, step: &Step) {
    let Step {
        id,
        service,
        action,
        after,
        drain,
    } = step;
    sink.text(id);
    sink.text(service.as_str());
    sink.text(match action {
        Action::Create => "create",
        Action::Roll => "roll",
        Action::Delete => "delete",
        Action::Job => "job",
        Action::Flip => "flip",
        Action::Drain => "drain",
    });
    for list in [after, drain] {
        sink.number(list.len());
        for text in list {
            sink.text(text);
        }
    }
}

fn write_precedence(sink: &mut Sink, precedence: &Precedence) {
    let Precedence {
        first,
        then,
        kind,
        assumed,
        edge,
        because: _,
    } = precedence;
    sink.text(first.as_str());
    sink.text(then.as_str());
    sink.text(match kind {
        Ordering::ServerFirst => "serverFirst",
        Ordering::ClientFirst => "clientFirst",
        Ordering::Manual => "manual",
        Ordering::Exclusive => "exclusive",
    });
    sink.number(usize::from(*assumed));
    sink.number(usize::from(edge.is_some()));
    if let Some(Edge {
        caller,
        callee,
        contract,
    }) = edge
    {
        sink.text(caller.as_str());
        sink.text(callee.as_str());
        sink.text(contract.as_str());
    }
}

fn write_system(sink: &mut Sink, system: &System) {
    let System {
        services,
        external,
        assume,
        repair,
    } = system;
    sink.number(usize::from(*repair));
    sink.text(match assume {
        Assume::ServerFirst => "serverFirst",
        Assume::Strict => "strict",
    });
    sink.number(services.len());
    for (name, member) in services {
        let Member {
            live,
            retained,
            target,
            moves,
            after,
            manner,
        } = member;
        sink.text(name.as_str());
        sink.text(match moves {
            Moves::Create => "create",
            Moves::Roll => "roll",
            Moves::Job => "job",
            Moves::Delete => "delete",
            Moves::Stays => "stays",
            Moves::Kept => "kept",
        });
        write_manner(sink, manner);
        write_revisions(sink, live);
        write_revisions(sink, retained);
        write_revisions(sink, target.as_slice());
        sink.number(after.len());
        for name in after {
            sink.text(name.as_str());
        }
    }
    sink.number(external.len());
    for (name, outside) in external {
        sink.text(name.as_str());
        let Outside {
            live,
            coming,
            ended,
        } = outside;
        sink.perhaps(ended.as_deref());
        write_revisions(sink, live);
        write_revisions(sink, coming.as_slice());
    }
}

fn write_manner(sink: &mut Sink, manner: &Manner) {
    let Manner {
        routing,
        switch,
        exclusive,
        reversible,
    } = manner;
    sink.text(match routing {
        Routing::Blind => "blind",
        Routing::Versioned => "versioned",
    });
    sink.perhaps(switch.as_deref());
    sink.perhaps(exclusive.as_deref());
    sink.text(match reversible {
        None => "unsaid",
        Some(true) => "reversible",
        Some(false) => "irreversible",
    });
}

fn write_revisions(sink: &mut Sink, revisions: &[Revision]) {
    sink.number(revisions.len());
    for Revision {
        name,
        interface,
        verified,
    } in revisions
    {
        sink.text(name);
        sink.number(verified.len());
        for (callee, results) in verified {
            sink.text(callee.as_str());
            sink.number(results.len());
            for (revision, works) in results {
                sink.text(revision);
                sink.text(if *works { "works" } else { "fails" });
            }
        }
        let Some(Interface { serves, calls }) = interface else {
            sink.text("undeclared");
            continue;
        };
        sink.text(if serves.is_some() {
            "serves"
        } else {
            "servesUnknown"
        });
        sink.number(serves.as_ref().map_or(0, BTreeMap::len));
        for (contract, versions) in serves.iter().flatten() {
            sink.text(contract.as_str());
            write_versions(sink, versions);
        }
        sink.number(calls.len());
        for ((callee, contract), requirement) in calls {
            let Requirement {
                need,
                optional,
                weight,
                durable,
            } = requirement;
            sink.text(callee.as_str());
            sink.text(contract.as_str());
            sink.text(if *optional { "optional" } else { "hard" });
            sink.text(&weight.to_string());
            sink.perhaps(durable.as_ref().map(ToString::to_string).as_deref());
            write_need(sink, need);
        }
    }
}

fn write_need(sink: &mut Sink, need: &Need) {
    match need {
        Need::Unknown => sink.text("unknown"),
        Need::Version(version) => {
            sink.text("version");
            sink.text(version.as_str());
        }
        Need::All(versions) => {
            sink.text("all");
            write_versions(sink, versions);
        }
        Need::Any(versions, negotiate) => {
            sink.text(match negotiate {
                Negotiate::PerCall => "any",
                Negotiate::PerConnection => "anyPerConnection",
                Negotiate::Cached => "anyCached",
            });
            write_versions(sink, versions);
        }
    }
}

fn write_versions(sink: &mut Sink, versions: &BTreeSet<Version>) {
    sink.number(versions.len());
    for version in versions {
        sink.text(version.as_str());
    }
}
