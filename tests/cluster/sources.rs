//! From a commit to a finished release: a real Git server, the controller, the real control plane.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tidegate::spec::crd::Release;

use crate::files::pair;
use crate::sourced::{Sourced, outcome};
use crate::support::eventually;

/// Longer than any look at the source may take.
const SEVERAL_LOOKS: Duration = Duration::from_secs(13);

#[tokio::test]
async fn a_commit_that_is_pushed_is_released_in_order_and_once() {
    let mut sourced = Sourced::new("pushed").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let release = sourced.until_released(&first).await;
    assert_eq!(
        (outcome(&release), release.spec.trigger.as_str()),
        ("Succeeded", "poll")
    );
    assert_eq!(release.spec.reason.as_deref(), Some("pair 1"));

    let since = Timestamp::now();
    let second = sourced.push(2);
    let release = sourced.until_released(&second).await;
    assert_eq!(outcome(&release), "Succeeded");
    let early = sourced
        .space
        .early_starts(since, &[("server", "client")])
        .await;
    assert_eq!(early, Vec::<String>::new());
    let status = sourced.status().await.source.unwrap();
    assert_eq!(status.commit.as_deref(), Some(second.as_str()));
    assert_eq!(status.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(status.release, Some(release.name_any()));

    // Another process that has seen nothing of this makes no second one.
    sourced.controller.take().unwrap().kill().await;
    sourced.start();
    sourced
        .until("a calm source", |reason, _| reason == "UpToDate")
        .await;
    tokio::time::sleep(SEVERAL_LOOKS).await;
    assert_eq!(sourced.commits().await, [first.clone(), second.clone()]);

    // A branch that is set back is a change like any other.
    sourced
        .repository
        .git(&["reset", "--quiet", "--hard", &first])
        .unwrap();
    sourced
        .repository
        .git(&["push", "--quiet", "--force", "origin", "HEAD"])
        .unwrap();
    eventually("the release of the way back", async || {
        (sourced.commits().await == [first.clone(), second.clone(), first.clone()]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_commit_is_told_with_its_place_and_stops_no_later_one() {
    let mut sourced = Sourced::new("invalid").await;
    let text = pair(1)
        .without_plan()
        .text()
        .replace("\"calls\"", "\"call\"");
    let bad = sourced.push_text(&text, "a misspelt key");
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let told = sourced
        .until("what is wrong", |reason, _| reason == "ManifestsInvalid")
        .await;
    assert!(told.contains("deploy/all.yaml:1:"), "{told}");
    assert!(told.contains("call") && told.contains(&bad[..12]), "{told}");
    assert_eq!(sourced.commits().await, Vec::<String>::new());
    let good = sourced.push(1);
    assert_eq!(outcome(&sourced.until_released(&good).await), "Succeeded");

    // Nor may a commit change as whom it is released.
    sourced.push_text(&pair(2).text(), "with a plan of its own");
    let told = sourced
        .until("what is wrong", |reason, _| reason == "ManifestsInvalid")
        .await;
    assert!(
        told.contains("a ReleasePlan among the files of a source"),
        "{told}"
    );
}

#[tokio::test]
async fn what_keeps_a_repository_from_being_read_is_told_on_the_plan() {
    let mut sourced = Sourced::new("unreadable").await;
    sourced.push(1);
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let told = sourced
        .until("the missing Secret", |reason, _| reason == "SecretUnusable")
        .await;
    assert!(told.contains("secret `git` does not exist"), "{told}");
    sourced
        .secret(
            "strange",
            &[("username", "reader"), ("password", "canary-0815")],
        )
        .await;
    let secret = |name: &str| json!({"spec": {"source": {"git": {"secretRef": {"name": name}}}}});
    sourced.patch(secret("strange")).await;
    let told = sourced
        .until("the unknown authority", |reason, _| {
            reason == "ServerUntrusted"
        })
        .await;
    assert!(told.contains("`ca.crt`"), "{told}");
    sourced
        .secret(
            "wrong",
            &[
                ("username", "reader"),
                ("password", "canary-0815"),
                ("ca.crt", sourced.server.authority()),
            ],
        )
        .await;
    sourced.patch(secret("wrong")).await;
    let told = sourced
        .until("the wrong password", |reason, _| {
            reason == "CredentialsRefused"
        })
        .await;
    assert!(
        told.contains("secretRef") && !told.contains("canary"),
        "{told}"
    );
    sourced.good_secret().await;
    sourced.patch(secret("git")).await;
    sourced
        .until("a release", |reason, _| {
            matches!(reason, "ReleaseMade" | "UpToDate")
        })
        .await;
    sourced
        .patch(json!({"spec": {"source": {"git": {"ref": {"branch": "mian"}}}}}))
        .await;
    let told = sourced
        .until("the missing branch", |reason, _| {
            reason == "ReferenceMissing"
        })
        .await;
    assert!(told.contains("did you mean `main`?"), "{told}");
    let said = sourced.controller.unwrap().stderr();
    assert!(
        !said.contains("canary") && !said.contains(sourced.server.password()),
        "{said}"
    );
}

#[tokio::test]
async fn commits_wait_while_the_plan_is_suspended() {
    let mut sourced = Sourced::new("waiting").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({"suspend": true})).await;
    sourced.start();
    sourced
        .until("a commit that waits", |reason, _| reason == "Suspended")
        .await;
    assert_eq!(sourced.commits().await, Vec::<String>::new());
    sourced.patch(json!({"spec": {"suspend": false}})).await;
    sourced.until_released(&first).await;
    assert_eq!(sourced.commits().await, [first]);
}

#[tokio::test]
async fn only_the_newest_of_the_commits_that_came_while_a_release_ran_is_released() {
    let mut sourced = Sourced::new("held").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    sourced.until_released(&first).await;

    // A release that lasts until somebody says a word, however fast or slow the machine is.
    let gate = |before: serde_json::Value| json!({"spec": {"strategy": {"approvals": before}}});
    sourced.patch(gate(json!([{"before": "client"}]))).await;
    let second = sourced.push(2);
    let held = eventually("the release that waits for a word", async || {
        let mut releases = sourced.releases().await;
        releases.retain(|release| release.spec.revision == second);
        releases.pop()
    })
    .await;
    // The release has its frozen copy of what the plan said; the next one asks nobody.
    sourced.patch(gate(json!(null))).await;
    let changed = |version: &str| {
        let text = pair(2).without_plan().text();
        text.replace("registry/client:2", &format!("registry/client:{version}"))
    };
    for message in ["between", "last"] {
        let commit = sourced.push_text(&changed(message), message);
        let told = sourced
            .until("that the commit waits", |reason, message| {
                reason == "ReleaseUnfinished" && message.contains(&commit[..12])
            })
            .await;
        let name = format!("release `{}` has not ended", held.name_any());
        assert!(told.contains(&name), "{told}");
        assert_eq!(sourced.commits().await, [first.clone(), second.clone()]);
    }
    let last = sourced.repository.git(&["rev-parse", "HEAD"]).unwrap();
    let word = json!({"spec": {"control": {"approvals": [{"step": "client", "by": "anna"}]}}});
    sourced
        .space
        .api::<Release>()
        .patch(
            &held.name_any(),
            &PatchParams::default(),
            &Patch::Merge(&word),
        )
        .await
        .unwrap();
    assert_eq!(outcome(&sourced.until_released(&last).await), "Succeeded");
    assert_eq!(sourced.commits().await, [first, second, last]);
}

#[tokio::test]
async fn a_release_of_what_the_source_has_now_needs_neither_files_nor_a_controller() {
    let sourced = Sourced::new("by-hand").await;
    let first = sourced.push(1);
    sourced.plan(json!({}), json!({})).await;
    let refused = sourced.space.tidegate(&["run", "shop"]).await.with_code(3);
    assert!(
        refused
            .stderr
            .contains("the source of plan `shop`: secret `git` does not exist"),
        "{}",
        refused.stderr
    );
    sourced.good_secret().await;
    let run = sourced.space.tidegate(&["run", "shop"]).await.with_code(0);
    assert!(
        run.stderr.contains(&format!(
            "commit {} of refs/heads/main: pair 1",
            &first[..12]
        )),
        "{}",
        run.stderr
    );
    let released = sourced.until_released(&first).await;
    assert_eq!(outcome(&released), "Succeeded");
    assert_eq!(
        (
            released.spec.trigger.as_str(),
            released.spec.reason.as_deref()
        ),
        ("manual", Some("pair 1"))
    );
    // What is wrong with a commit is told as of files.
    sourced.push_text(&pair(2).text(), "with a plan of its own");
    let refused = sourced.space.tidegate(&["run", "shop"]).await.with_code(2);
    assert!(
        refused
            .stderr
            .contains("have a ReleasePlan of their own, `pair`"),
        "{}",
        refused.stderr
    );
    let unknown = sourced.space.tidegate(&["run", "shp"]).await.with_code(2);
    assert!(
        unknown.stderr.contains("there is no plan `shp`"),
        "{}",
        unknown.stderr
    );
}
