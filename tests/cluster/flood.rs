//! A flood of webhooks: what it costs the controller, and what it costs a release that runs meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::files::pair;
use crate::sourced::{Sourced, outcome};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "fedcba9876543210fedcba9876543210";
/// How long each flood lasts.
const FLOOD: Duration = Duration::from_secs(10);
/// How many senders there are at once.
const SENDERS: u64 = 16;
/// How much more memory the process may have afterwards.
const GROWTH_MIB_MAX: u64 = 32;

/// What is sent.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Signed wrongly.
    Forged,
    /// Authentic, and known.
    Replayed,
    /// Authentic, and each of them new.
    New,
}

fn request(path: &str, kind: Kind, number: u64) -> Vec<u8> {
    let body = json!({"ref": "refs/heads/main", "commits": ["x".repeat(4096)]}).to_string();
    let proof = match kind {
        Kind::Forged => format!("X-Hub-Signature-256: sha256={}\r\n", "0".repeat(64)),
        Kind::Replayed => format!("Authorization: Bearer {TOKEN}\r\nIdempotency-Key: one\r\n"),
        Kind::New => format!("Authorization: Bearer {TOKEN}\r\nIdempotency-Key: {number}\r\n"),
    };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: hooks\r\nX-GitHub-Event: push\r\n{proof}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends over one connection until the time is over. Out: how many were answered.
async fn send(address: String, path: String, kind: Kind, numbers: Arc<AtomicU64>) -> u64 {
    let until = Instant::now() + FLOOD;
    let mut count = 0;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        stream
            .write_all(&request(&path, kind, number))
            .await
            .unwrap();
        // An answer ends with a line break, and its head has none alone.
        let mut answer = Vec::new();
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the server has closed");
            answer.extend_from_slice(&buffer[..read]);
            if answer.ends_with(b"\n") && !answer.ends_with(b"\r\n") {
                break;
            }
        }
        let status = answer.get(9..12).unwrap();
        match kind {
            Kind::Forged => assert_eq!(status, b"401"),
            Kind::Replayed | Kind::New => assert!(matches!(status, b"200" | b"202" | b"503")),
        }
        count += 1;
    }
    count
}

/// Resident memory of a process.
fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib >> 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_webhooks_costs_no_memory_and_no_release() {
    let mut sourced = Sourced::new("flood").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced
        .secret("hook", &[("secret", SECRET), ("token", TOKEN)])
        .await;
    let webhook = json!({"provider": "github", "secretRef": {"name": "hook"}});
    sourced
        .plan(json!({"interval": "1h", "webhook": webhook}), json!({}))
        .await;
    let folder = tempfile::tempdir().unwrap();
    let archive = format!("sqlite:{}", folder.path().join("archive.db").display());
    sourced.start_with(&["--hooks", "127.0.0.1:0", "--archive", &archive]);
    sourced.until_released(&first).await;
    let address = sourced.served("webhooks are taken").await;
    let address = address.trim_start_matches("http://").to_owned();
    let path = format!("/hooks/{}/shop", sourced.space.namespace);
    let pid = sourced.controller.as_ref().unwrap().pid();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut commits = vec![first];
    for (kind, version) in [(Kind::Forged, 2), (Kind::Replayed, 1), (Kind::New, 2)] {
        let before = resident_mib(pid);
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let (address, path) = (address.clone(), path.clone());
            senders.spawn(send(address, path, kind, Arc::clone(&numbers)));
        }
        // A release in its midst: the one that asks for a look is let through among them.
        let text = pair(version).without_plan().text();
        let commit = sourced.push_text(&text, &format!("{kind:?}"));
        let began = Instant::now();
        ask_for_look(&address, &path, &commit).await;
        let release = sourced.until_released(&commit).await;
        let took = began.elapsed();
        assert_eq!(outcome(&release), "Succeeded");
        commits.push(commit);
        let sent: u64 = senders.join_all().await.into_iter().sum();
        let after = resident_mib(pid);
        println!(
            "| {kind:?} | {} deliveries a second | resident {before} MiB, then {after} MiB | a release meanwhile {:.1} s |",
            sent / FLOOD.as_secs(),
            took.as_secs_f64()
        );
        assert!(
            after < before + GROWTH_MIB_MAX,
            "{before} MiB, then {after} MiB"
        );
    }
    assert_eq!(sourced.commits().await, commits);
}

/// Sends one delivery that is taken, among many that are not.
async fn ask_for_look(address: &str, path: &str, name: &str) {
    let answer = reqwest::Client::new()
        .post(format!("http://{address}{path}"))
        .bearer_auth(TOKEN)
        .header("idempotency-key", name)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 202);
}
