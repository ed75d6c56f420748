//! Opening, versions, damage, and what goes out by age and by count.

use jiff::SignedDuration;
use tidegate::archive::{Archive, ArchiveError, ArchivedEvent, Filter, Pruned, Retention};

use crate::facts::both;
use crate::sample::release;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story on two engines")]
async fn retention_lets_the_oldest_go_and_keeps_the_newest_of_each_plan() {
    for (engine, _, archive) in both().await.archives {
        for number in 1..=6 {
            archive
                .keep(&release("shop", "shop", number))
                .await
                .expect("kept");
        }
        archive
            .keep(&release("bank", "ledger", 1))
            .await
            .expect("kept");
        let event = ArchivedEvent {
            sequence: 0,
            at: "2026-01-01T00:01:00Z".parse().expect("a time"),
            reason: "Planned".to_owned(),
            step: None,
            message: String::new(),
        };
        for uid in ["uid-shop-shop-1", "uid-shop-shop-6"] {
            archive
                .append_events(uid, std::slice::from_ref(&event))
                .await
                .expect("kept");
        }
        let now = "2026-01-02T00:00:00Z".parse().expect("a time");
        let list = async |words: Option<&str>| {
            let filter = Filter {
                words: words.map(str::to_owned),
                ..Filter::default()
            };
            let page = archive.releases(&filter).await.expect("lists");
            let names: Vec<String> = page.entries.into_iter().map(|entry| entry.name).collect();
            names.join(" ")
        };
        let forever = archive
            .prune(&Retention::default(), now)
            .await
            .expect("prunes");
        assert_eq!(forever, Pruned { releases: 0 }, "{engine}");
        let four = Retention {
            releases_per_plan: Some(4),
            ..Retention::default()
        };
        assert_eq!(
            archive.prune(&four, now).await.expect("prunes"),
            Pruned { releases: 2 },
            "{engine}"
        );
        assert_eq!(
            list(None).await,
            "shop-6 shop-5 shop-4 shop-3 ledger-1",
            "{engine}"
        );
        assert_eq!(
            list(Some(&format!("{:040x}", 2 * 7_919))).await,
            "",
            "{engine}: its words are gone too"
        );
        assert_eq!(
            archive.acts("uid-shop-shop-1").await.expect("reads"),
            [],
            "{engine}"
        );
        assert_eq!(
            archive
                .events("uid-shop-shop-1", 0, 9)
                .await
                .expect("reads"),
            [],
            "{engine}"
        );
        let day = Retention {
            age: Some(SignedDuration::from_hours(1)),
            ..Retention::default()
        };
        assert_eq!(
            archive.prune(&day, now).await.expect("prunes"),
            Pruned { releases: 3 },
            "{engine}"
        );
        assert_eq!(list(None).await, "shop-6 ledger-1", "{engine}");
        assert_eq!(
            archive
                .events("uid-shop-shop-6", 0, 9)
                .await
                .expect("reads")
                .len(),
            1,
            "{engine}"
        );
    }
}

#[tokio::test]
async fn an_archive_is_opened_again_with_all_that_was_in_it() {
    let both = both().await;
    for (engine, url, archive) in &both.archives {
        archive
            .keep(&release("shop", "shop", 1))
            .await
            .expect("kept");
        archive.close().await;
        let writer = Archive::open(url).await.expect("opens");
        writer.health().await.expect("it takes writes");
        let reader = Archive::open_to_read(url).await.expect("opens");
        let page = reader.releases(&Filter::default()).await.expect("lists");
        assert_eq!(page.entries.len(), 1, "{engine}");
    }
}

#[tokio::test]
async fn reading_makes_no_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("archive.db");
    let error = Archive::open_to_read(&format!("sqlite:{}", file.display()))
        .await
        .expect_err("nothing there");
    assert!(matches!(error, ArchiveError::Missing { .. }), "{error:?}");
    assert!(!file.exists());
    if let Some(server) = crate::postgres::shared() {
        let error = Archive::open_to_read(&server.database())
            .await
            .expect_err("no tables there");
        assert!(matches!(error, ArchiveError::Missing { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("archive.db");
    let text =
        "not a database, and long enough that nobody takes it for an empty file\n".repeat(100);
    std::fs::write(&file, &text).expect("writes");
    let error = Archive::open(&format!("sqlite:{}", file.display()))
        .await
        .expect_err("no database");
    assert!(matches!(error, ArchiveError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("text"), text);
}

#[tokio::test]
async fn the_tables_of_a_newer_tidegate_are_not_touched() {
    let both = both().await;
    for (engine, url, archive) in &both.archives {
        archive.close().await;
        let statement = "UPDATE _sqlx_migrations SET version = 9999";
        if engine == &"SQLite" {
            let pool = sqlx::SqlitePool::connect(&url.replace("sqlite:", "sqlite://"))
                .await
                .expect("opens");
            sqlx::query(statement).execute(&pool).await.expect("writes");
            pool.close().await;
        } else {
            let pool = sqlx::PgPool::connect(url).await.expect("opens");
            sqlx::query(statement).execute(&pool).await.expect("writes");
            pool.close().await;
        }
        for error in [
            Archive::open(url).await.err(),
            Archive::open_to_read(url).await.err(),
        ] {
            let error = error.expect("it is newer");
            assert!(
                error
                    .to_string()
                    .ends_with("use the tidegate that wrote it, or a newer one"),
                "{engine}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("archive.db").display());
    let archive = Archive::open(&url).await.expect("opens");
    let other = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let held = other.begin_with("BEGIN EXCLUSIVE").await.expect("holds it");
    let error = archive
        .keep(&release("shop", "shop", 1))
        .await
        .expect_err("somebody holds it");
    assert!(error.is_passing(), "{error:?}");
    held.rollback().await.expect("lets go");
    archive
        .keep(&release("shop", "shop", 1))
        .await
        .expect("kept");
}
