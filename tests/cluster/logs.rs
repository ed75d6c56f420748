//! What builds say: followed while they run, and found when their pods are gone.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::json;

use crate::buildkit::Yard;
use crate::executor::{Ends, digest};
use crate::shop::DOCKERFILES;
use crate::support::{Done, eventually};

/// How much of one log the archive keeps.
const KEPT_BYTES: usize = 16 << 20;

/// A yard that builds, and an archive.
struct Talks {
    yard: Yard,
    archive: String,
    _folder: tempfile::TempDir,
}

impl Talks {
    async fn new(name: &str) -> Self {
        let script = [("server", Ends::Never), ("client", Ends::Never)];
        let folder = tempfile::tempdir().unwrap();
        let mut talks = Self {
            yard: Yard::new(name, &script).await,
            archive: format!("sqlite:{}", folder.path().join("archive.db").display()),
            _folder: folder,
        };
        talks.yard.plan(json!({})).await;
        let archive = talks.archive.clone();
        talks.yard.shop.start_with(&["--archive", &archive]);
        talks
    }

    async fn logs(&self, arguments: &[&str]) -> Done {
        let arguments = [&["logs"], arguments].concat();
        self.yard.shop.space.tidegate(&arguments).await
    }

    /// Waits until the archive has a release, and takes its Jobs and pods away.
    async fn forget(&self, release: &str) {
        let space = &self.yard.shop.space;
        space
            .until(release, "the archive", |status| status.archive.is_some())
            .await;
        let background = DeleteParams::background();
        for job in self.yard.builds.list::<Job>().await {
            let jobs = self.yard.builds.api::<Job>();
            jobs.delete(&job.name_any(), &background).await.unwrap();
        }
        eventually("the end of the pods", async || {
            let pods: Vec<Pod> = self.yard.builds.list().await;
            pods.is_empty().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_build_says_is_followed_and_found_in_the_archive_when_its_pod_is_gone() {
    let talks = Talks::new("logs").await;
    let kubelet = &talks.yard.shop.executor;
    kubelet.speak("client", "the first line\n");
    let commit = talks.yard.shop.push(1, &DOCKERFILES);
    let name = talks.yard.shop.release(&commit).await.name_any();
    let follows = talks.yard.shop.space.start(&["logs", &name, "client"]);
    eventually("the first line", async || {
        (follows.stdout() == "the first line\n").then_some(())
    })
    .await;
    let kubelet = &talks.yard.shop.executor;
    kubelet.speak("client", "the first line\n\u{1b}[31mthe second line\n");
    eventually("the second line", async || {
        follows.stdout().contains("the second line").then_some(())
    })
    .await;
    let shown = talks.logs(&[&name, "client", "--no-follow"]).await;
    let both = shown.with_code(0).stdout;
    // Each line once, and none that paints somebody's terminal.
    assert!(
        both.starts_with("the first line\n") && both.lines().count() == 2,
        "{both}"
    );
    assert!(!both.contains('\u{1b}'), "{both:?}");

    let kubelet = &talks.yard.shop.executor;
    kubelet.say("server", Ends::With(digest('a')));
    kubelet.say("client", Ends::With(digest('b')));
    assert_eq!(follows.done().await.with_code(0).stdout, both);
    talks.yard.shop.ended(&commit).await;
    talks.forget(&name).await;
    let archive = talks.archive.clone();
    let kept = talks.logs(&[&name, "client", "--archive", &archive]).await;
    assert_eq!(kept.with_code(0).stdout, both);
    let nowhere = talks.logs(&[&name, "client"]).await.with_code(1);
    assert!(
        nowhere.stderr.contains("its pods are gone") && nowhere.stderr.contains("--archive URL"),
        "{}",
        nowhere.stderr
    );
    let unknown = talks.logs(&[&name, "cliemt"]).await.with_code(2);
    assert!(
        unknown.stderr.contains("did you mean `client`?"),
        "{}",
        unknown.stderr
    );

    // Nothing of it has changed: it was not built, and that is told.
    let next = talks.yard.shop.push(1, &[("services/server/main.c", "2")]);
    talks.yard.shop.ended(&next).await;
    let next = talks.yard.shop.release(&next).await.name_any();
    let skipped = talks.logs(&[&next, "client"]).await;
    assert_eq!(skipped.code, 1);
    assert!(
        skipped.stderr.contains("was not built") && skipped.stderr.contains(&name),
        "{}",
        skipped.stderr
    );
}

#[tokio::test]
async fn a_log_without_end_fills_no_archive() {
    let mut talks = Talks::new("long-log").await;
    let line = format!("{}\n", "x".repeat(1023));
    let kubelet = &talks.yard.shop.executor;
    kubelet.speak("client", &line.repeat(17 << 10));
    kubelet.say("server", Ends::With(digest('a')));
    kubelet.say("client", Ends::With(digest('b')));
    let commit = talks.yard.shop.push(1, &DOCKERFILES);
    talks.yard.shop.ended(&commit).await;
    let name = talks.yard.shop.release(&commit).await.name_any();
    talks.forget(&name).await;
    let archive = talks.archive.clone();
    let kept = talks.logs(&[&name, "client", "--archive", &archive]).await;
    assert_eq!(kept.with_code(0).stdout.len(), KEPT_BYTES);
    talks.yard.shop.controller.take().unwrap().kill().await;
}
