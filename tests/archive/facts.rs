//! What is true of every archive, whichever the database.

use jiff::Timestamp;
use tempfile::TempDir;
use tidegate::archive::{
    Act, Archive, ArchiveError, ArchivedEvent, Build, Delivery, Filter, LogPiece, Session,
};

use crate::postgres;
use crate::sample::release;

/// An empty archive on each database that there is here.
pub(crate) struct Both {
    _folder: TempDir,
    pub(crate) archives: Vec<(&'static str, String, Archive)>,
}

pub(crate) async fn both() -> Both {
    let folder = tempfile::tempdir().expect("a folder");
    let mut urls = vec![(
        "SQLite",
        format!("sqlite:{}", folder.path().join("archive.db").display()),
    )];
    urls.extend(postgres::shared().map(|server| ("PostgreSQL", server.database())));
    let mut archives = Vec::new();
    for (engine, url) in urls {
        let archive = Archive::open(&url).await.expect("opens");
        archives.push((engine, url, archive));
    }
    Both {
        _folder: folder,
        archives,
    }
}

fn names(page: &tidegate::archive::Page) -> Vec<&str> {
    page.entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect()
}

#[tokio::test]
async fn a_release_comes_back_as_it_was_kept_and_keeping_it_twice_makes_one() {
    for (engine, _, archive) in both().await.archives {
        let kept = release("shop", "shop", 3);
        archive.keep(&kept).await.expect("kept");
        archive.keep(&kept).await.expect("kept again");
        let found = archive.release("shop", "shop-3").await.expect("reads");
        assert_eq!(found.as_ref(), Some(&kept), "{engine}");
        let by_uid = archive
            .release_by_uid("uid-shop-shop-3")
            .await
            .expect("reads");
        assert_eq!(by_uid, Some(kept), "{engine}");
        assert_eq!(
            archive.size().await.expect("counts").releases,
            1,
            "{engine}"
        );
        let acts = archive.acts("uid-shop-shop-3").await.expect("reads");
        let people: Vec<&str> = acts.iter().map(|act| act.person.as_str()).collect();
        assert_eq!(people, ["kim@example.org"], "{engine}");
        assert_eq!(
            archive.release("shop", "shop-4").await.expect("reads"),
            None,
            "{engine}"
        );
        assert_eq!(
            archive.release("other", "shop-3").await.expect("reads"),
            None,
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_release_that_has_not_ended_is_not_kept() {
    for (engine, _, archive) in both().await.archives {
        let mut running = release("shop", "shop", 3);
        running.status.as_mut().expect("a status").outcome = None;
        let refused = archive.keep(&running).await.expect_err("it runs");
        assert_eq!(
            refused.to_string(),
            "release `shop-3` cannot be archived: it has not ended",
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_namespace_plan_outcome_and_time_newest_first() {
    for (engine, _, archive) in both().await.archives {
        for number in 1..=6 {
            archive
                .keep(&release("shop", "shop", number))
                .await
                .expect("kept");
        }
        archive
            .keep(&release("bank", "ledger", 4))
            .await
            .expect("kept");
        let list = async |filter: Filter| {
            let page = archive.releases(&filter).await.expect("lists");
            names(&page).join(" ")
        };
        let all = list(Filter::default()).await;
        assert_eq!(
            all, "shop-6 shop-5 ledger-4 shop-4 shop-3 shop-2 shop-1",
            "{engine}"
        );
        let in_namespaces = |names: &[&str]| Filter {
            namespaces: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..Filter::default()
        };
        assert_eq!(list(in_namespaces(&["bank"])).await, "ledger-4", "{engine}");
        assert_eq!(
            list(in_namespaces(&[])).await,
            "",
            "{engine}: no namespace is none, not all"
        );
        let plan = Filter {
            plan: Some("ledger".to_owned()),
            ..Filter::default()
        };
        assert_eq!(list(plan).await, "ledger-4", "{engine}");
        let failed = Filter {
            outcome: Some("Failed".to_owned()),
            ..Filter::default()
        };
        assert_eq!(list(failed).await, "shop-5", "{engine}");
        let between = Filter {
            after: Some("2026-01-01T00:02:00Z".parse().expect("a time")),
            before: Some("2026-01-01T00:04:00Z".parse().expect("a time")),
            ..Filter::default()
        };
        assert_eq!(list(between).await, "shop-3 shop-2", "{engine}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_repetition() {
    for (engine, _, archive) in both().await.archives {
        // Two plans, so that two releases are of the same moment.
        for number in 1..=5 {
            archive
                .keep(&release("shop", "shop", number))
                .await
                .expect("kept");
            archive
                .keep(&release("shop", "bank", number))
                .await
                .expect("kept");
        }
        let mut filter = Filter {
            limit: 3,
            ..Filter::default()
        };
        let mut seen: Vec<String> = Vec::new();
        loop {
            let page = archive.releases(&filter).await.expect("lists");
            seen.extend(names(&page).iter().map(|name| (*name).to_owned()));
            let Some(next) = page.next else { break };
            // As a link carries it.
            filter.from = Some(next.to_string().parse().expect("a cursor"));
        }
        assert_eq!(seen.len(), 10, "{engine}: {seen:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10, "{engine}");
    }
    let wrong = "yesterday"
        .parse::<tidegate::archive::Cursor>()
        .expect_err("no cursor");
    assert_eq!(wrong, "`yesterday` is not the end of a page");
}

#[tokio::test]
async fn a_search_finds_by_the_beginnings_of_words() {
    for (engine, _, archive) in both().await.archives {
        for number in 1..=12 {
            archive
                .keep(&release("shop", "shop", number))
                .await
                .expect("kept");
        }
        let search = async |words: &str| {
            let filter = Filter {
                words: Some(words.to_owned()),
                ..Filter::default()
            };
            let page = archive.releases(&filter).await.expect("searches");
            names(&page).join(" ")
        };
        let commit = format!("{:040x}", 3 * 7_919);
        for (asked, found) in [
            // Also where `4` begins a tag.
            ("SHOP-4", "shop-4 shop-3"),
            (commit.as_str(), "shop-3"),
            ("orders:12", "shop-12 shop-11"),
            ("fail", "shop-10 shop-5"),
            ("kim fail ticket", "shop-10 shop-5"),
            ("web flip drained failed 10", "shop-10"),
            ("nobody", ""),
            ("?!", ""),
            ("' OR nobody=nobody --", ""),
            ("\"", ""),
        ] {
            assert_eq!(search(asked).await, found, "{engine}: {asked}");
        }
    }
}

#[tokio::test]
async fn hostile_texts_are_kept_as_texts() {
    for (engine, _, archive) in both().await.archives {
        let mut hostile = release("shop", "shop", 1);
        let text = "'); DROP TABLE releases; -- \0 <script> 💥 ملف";
        hostile.spec.reason = Some(text.to_owned());
        archive.keep(&hostile).await.expect("kept");
        let page = archive.releases(&Filter::default()).await.expect("lists");
        let reason = page.entries.first().and_then(|entry| entry.reason.clone());
        assert_eq!(reason, Some(text.replace('\0', "\u{fffd}")), "{engine}");
        assert_eq!(
            archive.release("shop", "shop-1").await.expect("reads"),
            Some(hostile),
            "{engine}"
        );
    }
}

#[tokio::test]
async fn a_service_is_followed_through_the_releases() {
    for (engine, _, archive) in both().await.archives {
        for number in 1..=3 {
            archive
                .keep(&release("shop", "shop", number))
                .await
                .expect("kept");
        }
        let moves = archive.moves("shop", "web", 2).await.expect("reads");
        let told: Vec<String> = moves
            .iter()
            .map(|one| format!("{} {} {}", one.release, one.step, one.state))
            .collect();
        assert_eq!(
            told,
            ["shop-3 web/flip Done", "shop-2 web/flip Done"],
            "{engine}"
        );
    }
}

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
            [act.clone()],
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
            [done.clone()],
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

#[tokio::test]
async fn an_error_names_the_place_and_never_the_password() {
    let nowhere = Archive::open("postgres://kim:canary-password@127.0.0.1:1/tidegate").await;
    let error = nowhere.expect_err("nobody listens there");
    assert!(error.is_passing(), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the archive at `postgres://127.0.0.1:1/tidegate` is not available: cannot open its tables"
    );
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    for (url, words) in [
        (
            "mysql://kim:canary-password@host/db",
            "it begins with neither",
        ),
        (
            "sqlite:",
            "`sqlite:` is followed by the path of a file and nothing else",
        ),
        (
            "postgres://kim:canary-password@host:port/db",
            "invalid port number",
        ),
    ] {
        let error = Archive::open(url).await.expect_err("no address");
        assert!(
            matches!(&error, ArchiveError::Address { message } if message.contains(words)),
            "{error:?}"
        );
        assert!(
            !format!("{error:?} {error}").contains("canary"),
            "{error:?}"
        );
    }
}
