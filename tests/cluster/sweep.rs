//! Sweeps: one fault at every single write of a release, and every read that shows something new, one release for each;
//! judged by the API server's audit log alone.

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use tidegate::spec::crd::Release;

use crate::files::{Files, QUICK};
use crate::support::Space;

/// What `src/cluster/faults.rs` can do to a request.
const MODES: [&str; 9] = [
    "twice",
    "crash-before",
    "crash-after",
    "lost",
    "late",
    "timed-out",
    "broken",
    "conflict",
    "old",
];
/// Every so many requests, unless `TIDEGATE_LONG` asks for each, each kind of fault beginning at another one.
const STRIDE: usize = 7;
/// A chain of services, each of which serves the version before too: every release moves all of them, the last callee first.
fn chain(names: &[&str], version: u32) -> Files {
    let services: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let serves = [version - 1, version].map(|version| version.to_string());
            let callee = at.checked_sub(1).map(|at| names[at]);
            let calls: Vec<_> = callee
                .iter()
                .map(|callee| json!({"service": callee, "version": version.to_string()}))
                .collect();
            json!({"name": name, "serves": [{"versions": serves}], "calls": calls})
        })
        .collect();
    let plan = json!({"strategy": {"settle": "300ms"}});
    names.iter().fold(
        Files::graph("chain", &json!(services)).with_plan("chain", &plan),
        |files, name| files.with_workload(name, &version.to_string(), QUICK),
    )
}

/// What one kind of fault did.
struct Swept {
    mode: &'static str,
    struck: usize,
    wrong: Vec<String>,
}

/// Releases of one namespace, with one kind of fault at every `stride`th request, until a release has no more.
async fn sweep(mode: &'static str, first: usize, stride: usize, names: &[&str]) -> Swept {
    let space = Space::new(&format!("sweep-{mode}")).await;
    space.run(&chain(names, 1)).await.with_code(0);
    let mut swept = Swept {
        mode,
        struck: 0,
        wrong: Vec::new(),
    };
    for (version, at) in (2..).zip((first..).step_by(stride)) {
        let fault = format!("{mode}@{at}");
        if !release(
            &space,
            &chain(names, version),
            &fault,
            names,
            &mut swept.wrong,
        )
        .await
        {
            break;
        }
        swept.struck += 1;
    }
    swept
}

/// One release with a fault, and what a person does after it: the same command again. Out: whether the fault struck.
async fn release(
    space: &Space,
    files: &Files,
    fault: &str,
    names: &[&str],
    wrong: &mut Vec<String>,
) -> bool {
    let since = Timestamp::now();
    let mut done = space.start_faulty_run(files, fault).done().await;
    let has_struck = done.stderr.contains("fault ");
    if done.code != 0 {
        done = space.run(files).await;
    }
    let newest = space.list::<Release>().await.into_iter();
    let newest = newest.max_by_key(|release| release.spec.number).unwrap();
    let outcome = newest.status.unwrap_or_default().outcome;
    if done.code != 0 || outcome.as_deref() != Some("Succeeded") {
        let code = done.code;
        wrong.push(format!(
            "{fault}: code {code}, {outcome:?}\n{}",
            done.stderr
        ));
    }
    let precedences: Vec<_> = names.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let early = space.early_starts(since, &precedences).await;
    wrong.extend(early.iter().map(|early| format!("{fault}: {early}")));
    has_struck
}

#[tokio::test]
async fn a_fault_at_any_request_of_a_release_makes_no_client_early_and_the_release_succeeds() {
    let is_long = std::env::var_os("TIDEGATE_LONG").is_some();
    let stride = if is_long { 1 } else { STRIDE };
    let sweeps = MODES.into_iter().enumerate();
    let sweeps =
        sweeps.map(|(at, mode)| sweep(mode, at % stride + 1, stride, &["server", "client"]));
    for swept in join_all(sweeps).await {
        let Swept {
            mode,
            struck,
            wrong,
        } = swept;
        println!("{mode}: {struck} releases with a fault");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(struck > 1, "{mode}: the fault never struck");
    }
}
