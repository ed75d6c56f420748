//! Releases in an archive: found when the cluster has them no more, and never in the way of a release.

use serde_json::json;

use crate::accounts::rights_of_a_plan;
use crate::at_rest::{Controller, files};
use crate::files::pair;
use crate::support::{Space, condition, eventually};

#[tokio::test]
async fn what_has_left_the_cluster_is_found_in_the_archive_by_the_same_names() {
    let space = Space::new("archived").await;
    let folder = tempfile::tempdir().unwrap();
    let archive = format!("sqlite:{}", folder.path().join("archive.db").display());
    let with_archive = async |arguments: &[&str]| {
        let arguments = [arguments, &["--archive", &archive]].concat();
        space.tidegate(&arguments).await
    };
    for (version, reason) in [(1, "first try"), (2, "second try")] {
        let files = pair(version)
            .set(
                ("ReleasePlan", "pair"),
                "spec/history",
                json!({"keepSucceeded": 1}),
            )
            .folder();
        let path = files.path().display().to_string();
        with_archive(&["run", "-f", &path, "--reason", reason])
            .await
            .with_code(0);
    }
    let kept = space.status("pair-2").await;
    assert!(kept.archive.is_some(), "{kept:#?}");
    assert_eq!(condition(&kept, "Archived").0, "True");
    eventually("the end of the older release", async || {
        space.release("pair-1").await.is_none().then_some(())
    })
    .await;

    let history = with_archive(&["history", "pair"]).await.with_code(0);
    let names: Vec<&str> = history
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["RELEASE", "pair-2", "pair-1"], "{}", history.stdout);
    let searched = with_archive(&["history", "--search", "first"])
        .await
        .with_code(0);
    assert!(
        searched.stdout.contains("pair-1") && !searched.stdout.contains("pair-2"),
        "{}",
        searched.stdout
    );
    for name in ["pair-1", "tgr/pair-1", "pair#1"] {
        let status = with_archive(&["status", name]).await.with_code(0);
        assert!(
            status.stdout.contains("pair-1  Succeeded"),
            "{}",
            status.stdout
        );
        assert!(status.stdout.contains("● server"), "{}", status.stdout);
    }
    let why = with_archive(&["why", "client", "--release", "pair-1"])
        .await
        .with_code(0);
    assert!(why.stdout.contains("pair-1"), "{}", why.stdout);
    let unknown = space.tidegate(&["status", "pair-1"]).await.with_code(2);
    assert!(
        unknown
            .stderr
            .contains("there is no release or plan `pair-1`"),
        "{}",
        unknown.stderr
    );
}

#[tokio::test]
async fn a_release_goes_on_without_its_archive_and_is_archived_when_that_is_there() {
    let space = Space::new("unarchived").await;
    space
        .account("deployer", &rights_of_a_plan(&["create", "patch"]))
        .await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("not-mounted-yet");
    let controller =
        Controller::start_with(&space, &["--data-dir", &data.display().to_string()]).await;
    let input = files(1).folder();
    let path = input.path().display().to_string();
    space
        .tidegate(&["run", "-f", &path, "--detach"])
        .await
        .with_code(0);
    space
        .until(
            "pair-1",
            "a release that succeeded and says that it is not archived",
            |status| {
                status.outcome.as_deref() == Some("Succeeded")
                    && status
                        .conditions
                        .iter()
                        .any(|one| one.type_ == "Archived" && one.status == "False")
            },
        )
        .await;
    let waiting = space.status("pair-1").await;
    let told = condition(&waiting, "Archived").1;
    assert!(
        told.contains("is not available") && told.contains("nothing is lost"),
        "{told}"
    );
    let (status, ready) = controller.get("/readyz").unwrap();
    assert_eq!(status, "HTTP/1.0 200 OK");
    assert!(ready.contains("archive: the archive at"), "{ready}");
    let (_, metrics) = controller.get("/metrics").unwrap();
    for line in ["tidegate_archive_up 0", "tidegate_unarchived_releases 1"] {
        assert!(metrics.contains(line), "{line}?\n{metrics}");
    }

    std::fs::create_dir(&data).unwrap();
    space
        .until("pair-1", "an archived release", |status| {
            status.archive.is_some()
        })
        .await;
    assert_eq!(
        condition(&space.status("pair-1").await, "Archived").0,
        "True"
    );
    eventually("a quiet controller", async || {
        let (_, ready) = controller.get("/readyz")?;
        (ready.trim() == "ok").then_some(())
    })
    .await;
    controller.running.kill().await;
}
