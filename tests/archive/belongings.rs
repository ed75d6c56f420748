//! What belongs to releases and to their sources: events, acts, webhooks, builds, logs, sessions.

use jiff::Timestamp;
use tidegate::archive::{Act, ArchivedEvent, Build, Delivery, LogPiece, Session};

use crate::facts::both;

#[tokio::test]
async fn events_keep_their_order_and_are_read_from_where_somebody_left_off() {
    for (engine, _, archive) in both().await.archives {
        let event = |word: &str| ArchivedEvent {
            sequence: 0,
            at: Timestamp::UNIX_EPOCH,
            reason: word.to_owned(),
            step: Some("orders".to_owned()),
            message: format!("{word} happened"),
        };
        archive
            .append_events("uid-1", &[event("Planned"), event("WaveStarted")])
            .await
            .expect("kept");
        archive
            .append_events("uid-2", &[event("Planned")])
            .await
            .expect("kept");
        archive
            .append_events("uid-1", &[event("Ended")])
            .await
            .expect("kept");
        let all = archive.events("uid-1", 0, 10).await.expect("reads");
        let told: Vec<String> = all
            .iter()
            .map(|event| format!("{} {}", event.sequence, event.reason))
            .collect();
        assert_eq!(told, ["1 Planned", "2 WaveStarted", "3 Ended"], "{engine}");
        let rest = archive.events("uid-1", 2, 10).await.expect("reads");
        assert_eq!(rest.len(), 1, "{engine}");
    }
}

#[tokio::test]
async fn the_same_act_is_written_down_once() {
    for (engine, _, archive) in both().await.archives {
        let act = Act {
            release_uid: "uid-1".to_owned(),
            namespace: "shop".to_owned(),
            release: "shop-1".to_owned(),
            at: "2026-01-01T00:00:05Z".parse().expect("a time"),
            person: "kim@example.org".to_owned(),
            act: "abort".to_owned(),
            target: String::new(),
            why: "wrong commit".to_owned(),
        };
        archive.note_act(&act).await.expect("noted");
        archive.note_act(&act).await.expect("noted again");
        assert_eq!(
            archive.acts("uid-1").await.expect("reads"),
            std::slice::from_ref(&act),
            "{engine}"
        );
        let newest = archive
            .newest_acts("2026-01-02T00:00:00Z".parse().expect("a time"), 10)
            .await;
        assert_eq!(newest.expect("reads"), [act], "{engine}");
    }
}

#[tokio::test]
async fn a_delivery_is_new_once() {
    for (engine, _, archive) in both().await.archives {
        let delivery = Delivery {
            source: "shop/shop".to_owned(),
            delivery: "72d3162e".to_owned(),
            received: Timestamp::UNIX_EPOCH,
            provider: "github".to_owned(),
            event: "push".to_owned(),
            revision: Some("4f2a".to_owned()),
            verdict: "taken".to_owned(),
            body: "{}".to_owned(),
        };
        assert!(
            archive.store_delivery(&delivery).await.expect("stored"),
            "{engine}"
        );
        assert!(
            !archive.store_delivery(&delivery).await.expect("stored"),
            "{engine}: a replay"
        );
        let elsewhere = Delivery {
            source: "bank/bank".to_owned(),
            ..delivery.clone()
        };
        assert!(
            archive.store_delivery(&elsewhere).await.expect("stored"),
            "{engine}"
        );
        archive
            .judge_delivery("shop/shop", "72d3162e", "released as `shop-4`")
            .await
            .expect("judged");
        let all = archive.deliveries("shop/shop", 10).await.expect("reads");
        assert_eq!(
            all,
            [Delivery {
                verdict: "released as `shop-4`".to_owned(),
                ..delivery
            }],
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_build_is_found_again_by_its_input_only_when_it_made_an_image() {
    for (engine, _, archive) in both().await.archives {
        let running = Build {
            release_uid: "uid-1".to_owned(),
            service: "orders".to_owned(),
            namespace: "shop".to_owned(),
            plan: "shop".to_owned(),
            input: "sha256:aa".to_owned(),
            engine: "buildkit".to_owned(),
            state: "Running".to_owned(),
            image: None,
            link: None,
            message: String::new(),
            started: Some(Timestamp::UNIX_EPOCH),
            ended: None,
        };
        archive.store_build(&running).await.expect("stored");
        let plan = ("shop", "shop");
        assert_eq!(
            archive
                .built(plan, "orders", "sha256:aa")
                .await
                .expect("looks"),
            None,
            "{engine}"
        );
        let done = Build {
            state: "Succeeded".to_owned(),
            image: Some("registry/orders@sha256:bb".to_owned()),
            ended: Some(Timestamp::UNIX_EPOCH),
            ..running
        };
        archive.store_build(&done).await.expect("stored");
        assert_eq!(
            archive.builds("uid-1").await.expect("reads"),
            std::slice::from_ref(&done),
            "{engine}"
        );
        assert_eq!(
            archive
                .built(plan, "orders", "sha256:aa")
                .await
                .expect("looks"),
            Some(done),
            "{engine}"
        );
        assert_eq!(
            archive
                .built(plan, "web", "sha256:aa")
                .await
                .expect("looks"),
            None,
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_log_that_is_read_again_from_its_beginning_has_no_line_twice() {
    for (engine, _, archive) in both().await.archives {
        let lines = |first_line, words: &[&str]| LogPiece {
            first_line,
            lines: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let now = Timestamp::UNIX_EPOCH;
        let log = "build/uid-1/orders";
        assert_eq!(
            archive
                .append_log(log, &lines(0, &["a", "", "c"]), now)
                .await
                .expect("kept"),
            3,
            "{engine}"
        );
        // The pod's log is read again after a crash.
        assert_eq!(
            archive
                .append_log(log, &lines(0, &["a", "", "c", "d"]), now)
                .await
                .expect("kept"),
            4,
            "{engine}"
        );
        assert_eq!(
            archive
                .append_log(log, &lines(0, &["a"]), now)
                .await
                .expect("kept"),
            4,
            "{engine}"
        );
        let pieces = archive.read_log(log, 0, 10).await.expect("reads");
        let text: Vec<String> = pieces.into_iter().flat_map(|piece| piece.lines).collect();
        assert_eq!(text, ["a", "", "c", "d"], "{engine}");
        let rest = archive.read_log(log, 2, 10).await.expect("reads");
        assert_eq!(rest, [lines(2, &["c"]), lines(3, &["d"])], "{engine}");
        assert_eq!(
            archive
                .read_log("build/uid-1/web", 0, 10)
                .await
                .expect("reads"),
            [],
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_session_ends_by_itself_and_when_somebody_signs_out() {
    for (engine, _, archive) in both().await.archives {
        let session = |digest: &str| Session {
            digest: digest.to_owned(),
            document: r#"{"user":"kim"}"#.to_owned(),
            expires: Timestamp::from_second(100).expect("a time"),
        };
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        archive
            .store_session(&session("one"))
            .await
            .expect("stored");
        archive
            .store_session(&session("two"))
            .await
            .expect("stored");
        assert_eq!(
            archive.session("one", at(99)).await.expect("reads"),
            Some(session("one")),
            "{engine}"
        );
        assert_eq!(
            archive.session("one", at(100)).await.expect("reads"),
            None,
            "{engine}"
        );
        archive.end_session("two").await.expect("ended");
        assert_eq!(
            archive.session("two", at(1)).await.expect("reads"),
            None,
            "{engine}"
        );
    }
}
