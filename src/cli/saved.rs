//! Plans in files: written by `plan --out`, checked by `plan --verify`, carried out by `run --plan`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use crate::graph::System;
use crate::manifest::Bundle;
use crate::plan::{EdgeCounts, Manifests, Plan, Sameness, SavedPlan, moved};
use crate::spec::crd::{Planning, Release};
use crate::spec::words::count;

/// How many bytes a saved plan may have: some 200,000 edges with their certificates.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// A plan from a file that has stood all checks.
pub(super) struct SavedFile {
    path: PathBuf,
    saved: SavedPlan,
}

/// Writes a plan to a file.
pub(super) fn write(path: &Path, saved: &SavedPlan) -> Result<(), Failure> {
    let text = saved
        .to_text()
        .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    write_text(path, &text)
}

/// Writes a text to a file.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        let words = format!("cannot write `{}`: {error}", path.display());
        Failure::new(Exit::Usage, words)
    })
}

fn read(path: &Path) -> Result<SavedPlan, Failure> {
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("cannot read `{shown}`: {error}"))
    };
    if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
        let words = format!("`{shown}` is larger than any saved plan");
        return Err(Failure::new(Exit::Refused, words));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    SavedPlan::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        Failure::new(Exit::Refused, format!("`{shown}`: {error}"))
            .hint("`tidegate plan … --out FILE` writes a saved plan")
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified<'a> {
    file: String,
    holds: bool,
    plan_digest: &'a str,
    waves: &'a [Vec<String>],
    edges: EdgeCounts,
    certificates: usize,
    faults: Vec<String>,
}

/// Checks a file by the independent checker, and says what rests on what, or every fault.
pub(super) fn verify(output: &Output, format: Format, path: &Path) -> Result<(), Failure> {
    let saved = read(path)?;
    let (edges, faults) = match saved.verify() {
        Ok(edges) => (edges, Vec::new()),
        Err(faults) => (saved.plan.edges, faults),
    };
    let verified = Verified {
        file: path.display().to_string(),
        holds: faults.is_empty(),
        plan_digest: &saved.plan.digest,
        waves: &saved.plan.waves,
        edges,
        certificates: saved.certificates.len(),
        faults,
    };
    output.document(format, &verified, || {
        text(&verified, saved.manifests.is_some())
    })?;
    if verified.holds {
        Ok(())
    } else {
        Err(Failure::told(Exit::Refused))
    }
}

fn text(verified: &Verified<'_>, for_a_cluster: bool) -> String {
    let Verified {
        file,
        holds,
        plan_digest,
        waves,
        edges,
        certificates,
        faults,
    } = verified;
    if !holds {
        let mut lines = vec![format!(
            "`{file}` does not hold: {}",
            count(faults.len(), "fault")
        )];
        lines.extend(faults.iter().map(|fault| format!("  {fault}")));
        return lines.join("\n");
    }
    let steps = waves.iter().map(Vec::len).sum();
    let made = if for_a_cluster {
        "made for what ran in a cluster and for its manifests"
    } else {
        "made offline, from declared graphs"
    };
    let given_up = match edges.given_up {
        0 => String::new(),
        some => format!(", {some} given up"),
    };
    [
        format!(
            "`{file}` holds: {}, {}; {made}",
            count(waves.len(), "wave"),
            count(steps, "step")
        ),
        format!(
            "edges: {} proved ({}), {} assumed, {} free{given_up}",
            edges.proved,
            count(*certificates, "certificate"),
            edges.assumed,
            edges.free
        ),
        format!("plan {plan_digest}"),
    ]
    .join("\n")
}

/// The digests of what is released, by object.
pub(super) fn manifests_of(bundle: &Bundle) -> Manifests {
    let digest = |bytes: serde_json::Result<Vec<u8>>| Some(Bundle::digest(&bytes.ok()?));
    let mut objects: BTreeMap<String, Option<String>> = bundle
        .objects
        .iter()
        .map(|entry| {
            let is_secret = entry.reference.kind == "Secret";
            let hashed = || digest(serde_json::to_vec(&entry.value));
            let digest = if is_secret { None } else { hashed() };
            (entry.reference.to_string(), digest)
        })
        .collect();
    let graph = format!("ServiceGraph/{}", bundle.graph_name);
    objects.insert(graph, digest(serde_json::to_vec(&bundle.graph)));
    objects.insert(
        "ReleasePlan".to_owned(),
        digest(serde_json::to_vec(&bundle.plan)),
    );
    Manifests {
        digest: Bundle::digest(&bundle.to_bytes()),
        objects,
    }
}

/// The objects that are not as they were when the plan was made.
fn moved_manifests(then: &Manifests, now: &Manifests) -> Vec<String> {
    if then.digest == now.digest {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (object, digest) in &then.objects {
        match now.objects.get(object) {
            None => found.push(format!("{object}: is not in the files any more")),
            Some(other) if other != digest => {
                found.push(format!("{object}: is another one in the files"));
            }
            Some(_) => {}
        }
    }
    let added = now
        .objects
        .keys()
        .filter(|object| !then.objects.contains_key(*object));
    found.extend(added.map(|object| format!("{object}: was not in the files")));
    if found.is_empty() {
        let secrets = now.objects.iter().filter(|(_, digest)| digest.is_none());
        let secrets: Vec<&str> = secrets.map(|(object, _)| object.as_str()).collect();
        found.push(match secrets.as_slice() {
            [] => {
                "the namespace, or which object belongs to which service, is another one".to_owned()
            }
            [one] => format!("{one}: is another one in the files"),
            [..] => format!(
                "one of these is another one in the files: {}",
                secrets.join(", ")
            ),
        });
    }
    found
}

impl SavedFile {
    /// Reads a file and checks it.
    pub(super) fn open(output: &Output, path: &Path) -> Result<Self, Failure> {
        let saved = read(path)?;
        if let Err(faults) = saved.verify() {
            for fault in faults {
                output.say(&format!("  {fault}"));
            }
            let words = format!(
                "the plan in `{}` does not hold; nothing was written",
                path.display()
            );
            return Err(Failure::new(Exit::Refused, words));
        }
        Ok(Self {
            path: path.to_owned(),
            saved,
        })
    }

    /// Which plan of the files it is.
    pub(super) fn planning(&self) -> &Planning {
        &self.saved.planning
    }

    /// Whether a release carries out this plan.
    pub(super) fn is_of(&self, release: &Release) -> bool {
        match (&self.saved.manifests, &release.spec.plan_digest) {
            (Some(_), Some(digest)) => *digest == self.saved.plan.digest,
            // The names of live revisions were not known offline: the release has the digest with them.
            (None, Some(_)) => true,
            (Some(_) | None, None) => false,
        }
    }

    /// Whether the plan still holds for what is there now, or everything that moved since.
    ///
    /// In: the frozen input, the system as it is and the plan that this makes.
    pub(super) fn holds_for(
        &self,
        output: &Output,
        bundle: &Bundle,
        (system, plan): (&System, &Plan),
    ) -> Result<(), Failure> {
        let then = self
            .saved
            .system()
            .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
        let (mut found, by) = match &self.saved.manifests {
            Some(then) => (
                moved_manifests(then, &manifests_of(bundle)),
                Sameness::Named,
            ),
            None => (Vec::new(), Sameness::Declared),
        };
        found.extend(moved(&then, system, by));
        let same_order = plan.waves == self.saved.plan.waves && plan.steps == self.saved.plan.steps;
        if found.is_empty() && !same_order {
            found.push("this tidegate would order the same services otherwise".to_owned());
        }
        if found.is_empty() {
            return Ok(());
        }
        for one in &found {
            output.say(&format!("  {one}"));
        }
        let path = self.path.display();
        let words = format!("the plan in `{path}` was made for another world; nothing was written");
        Err(Failure::new(Exit::Refused, words).hint(format!(
            "make a new one, and look at it: `tidegate plan -f … --out {path}`"
        )))
    }
}
