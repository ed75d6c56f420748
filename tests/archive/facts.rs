//! What is true of every archive, whichever the database.

use tempfile::TempDir;
use tidegate::archive::{Archive, ArchiveError, Filter};

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
