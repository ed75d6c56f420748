//! Processes that end without a word: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tidegate::archive::{Archive, Filter};

use crate::postgres::Server;
use crate::sample::release;

/// How many releases are written in all.
const WRITES: u64 = 1_000;
/// Where the writer writes.
const URL: &str = "TIDEGATE_TEST_ARCHIVE";
/// With which release it begins.
const FROM: &str = "TIDEGATE_TEST_FROM";

/// Not a test of its own: the process that the tests below start again and again and kill. It says the number of each
/// release once the archive has acknowledged it.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let (Ok(url), Ok(from)) = (std::env::var(URL), std::env::var(FROM)) else {
        return;
    };
    let archive = Archive::open(&url).await.expect("opens");
    for number in from.parse::<u64>().expect("a number")..=WRITES {
        archive
            .keep(&release("shop", "shop", number))
            .await
            .expect("kept");
        println!("\nkept {number}");
    }
}

/// Writes all releases with a process that is killed after every few; `between` is called after each kill.
fn write_all(url: &str, mut between: impl FnMut(u32)) -> BTreeSet<u64> {
    let mut acknowledged = BTreeSet::new();
    let mut random = fastrand::Rng::with_seed(7);
    let mut kills = 0;
    while acknowledged.last() != Some(&WRITES) {
        // The one that was being written is written again: nobody knows whether it came through.
        let from = acknowledged.last().map_or(1, |last| last + 1);
        let mut writer = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "killed::writes_until_it_is_killed",
                "--nocapture",
            ])
            .env(URL, url)
            .env(FROM, from.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a writer");
        let lines = BufReader::new(writer.stdout.take().expect("its words")).lines();
        let most = random.usize(1..40);
        let mut said = 0;
        for line in lines {
            let Ok(line) = line else { break };
            if let Some(number) = line.strip_prefix("kept ") {
                acknowledged.insert(number.parse().expect("a number"));
                said += 1;
            }
            if said == most {
                // Somewhere in the middle of the next one.
                std::thread::sleep(std::time::Duration::from_micros(random.u64(0..3_000)));
                writer.kill().expect("SIGKILL");
                // What it said before it died counts too.
                said += 1;
            }
        }
        writer.wait().expect("it is gone");
        kills += 1;
        between(kills);
    }
    eprintln!("{kills} writers were killed");
    acknowledged
}

async fn assert_each_is_there_once(url: &str, acknowledged: &BTreeSet<u64>) {
    let archive = Archive::open(url).await.expect("opens");
    let mut filter = Filter {
        limit: 1_000,
        ..Filter::default()
    };
    let mut found: Vec<u64> = Vec::new();
    loop {
        let page = archive.releases(&filter).await.expect("lists");
        found.extend(page.entries.iter().map(|entry| entry.number));
        filter.from = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(found.len(), distinct.len(), "none twice");
    assert_eq!(acknowledged.difference(&distinct).count(), 0, "none lost");
    for number in &distinct {
        // Never half of one.
        let name = format!("shop-{number}");
        assert_eq!(
            archive.release("shop", &name).await.expect("reads"),
            Some(release("shop", "shop", *number))
        );
    }
    let moves = archive
        .moves("shop", "orders", 10_000)
        .await
        .expect("reads");
    assert_eq!(moves.len(), distinct.len());
}

#[tokio::test]
async fn sqlite_loses_no_acknowledged_release_when_its_writer_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("archive.db").display());
    let acknowledged = write_all(&url, |_| {});
    assert_each_is_there_once(&url, &acknowledged).await;
}

#[tokio::test]
async fn postgres_loses_no_acknowledged_release_when_its_writer_or_the_server_is_killed() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let url = server.database();
    let acknowledged = write_all(&url, |kills| {
        if kills % 10 == 0 {
            server.kill();
            server.run();
        }
    });
    assert_each_is_there_once(&url, &acknowledged).await;
}
