//! Deliveries over HTTP, to a real server on loopback: the catalogue of what is sent to it, each with its answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Bounds, Deliveries, Doors, NotKept, Porter, Remembered, serve};
use crate::hook::{Door, Outcome, Received};
use crate::spec::GitAddress;
use crate::spec::crd::{SecretReference, Webhook, WebhookProvider};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "fedcba9876543210fedcba9876543210";
const PUSH: &str = r#"{"ref":"refs/heads/main","after":"1ca2617e0d7c4a5b9f3e2d1c0b9a8f7e6d5c4b3a","repository":{"full_name":"team/shop"}}"#;

/// The door of `shop/shop`, and how often its bell was rung.
struct House {
    door: Arc<Door>,
    rung: Mutex<u32>,
}

impl Doors for House {
    fn door(&self, namespace: &str, plan: &str) -> Option<Arc<Door>> {
        ((namespace, plan) == ("shop", "shop")).then(|| Arc::clone(&self.door))
    }

    fn ring(&self, namespace: &str, plan: &str, _at: Timestamp) {
        assert_eq!((namespace, plan), ("shop", "shop"));
        *self.rung.lock().expect("no panic") += 1;
    }
}

/// A place that takes nothing.
struct Down(NotKept);

impl Deliveries for Down {
    fn keep(&self, _received: Received) -> BoxFuture<'_, Result<bool, NotKept>> {
        async { Err(self.0.clone()) }.boxed()
    }
}

struct Server {
    house: Arc<House>,
    address: String,
    counted: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Server {
    async fn start() -> Self {
        Self::with(Bounds::default(), Arc::new(Remembered::default())).await
    }

    async fn with(bounds: Bounds, deliveries: Arc<dyn Deliveries>) -> Self {
        let webhook = Webhook {
            provider: WebhookProvider::GitHub,
            secret_ref: SecretReference {
                name: "hook".to_owned(),
            },
        };
        let keys = [("secret", SECRET), ("token", TOKEN)];
        let data = keys.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        let address = GitAddress::parse("https://git.example.org/team/shop.git").expect("good");
        let house = Arc::new(House {
            door: Arc::new(Door::of(&webhook, &data.into(), &address).expect("a door")),
            rung: Mutex::new(0),
        });
        let counts: Arc<Mutex<BTreeMap<&'static str, u32>>> = Arc::default();
        let noted = Arc::clone(&counts);
        let counter = Arc::new(move |outcome: &Outcome| {
            let mut noted = noted.lock().expect("no panic");
            *noted.entry(outcome.word()).or_default() += 1;
        });
        let doors: Arc<dyn Doors> = house.clone();
        let porter = Porter::new(doors, deliveries, bounds, counter);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        tokio::spawn(serve(listener, Arc::new(porter)));
        Self {
            house,
            address,
            counted: counts,
        }
    }

    /// Sends bytes as they are, and reads the answer until the server closes or has said it all. Out: status and sentence.
    async fn raw(&self, pieces: &[&[u8]]) -> String {
        let mut stream = TcpStream::connect(&self.address).await.expect("connected");
        for piece in pieces {
            // A server that has heard enough does not read on.
            stream.write_all(piece).await.ok();
        }
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&answer);
            if count == 0 || text.contains("\r\n\r\n") && text.ends_with('\n') {
                break;
            }
        }
        shown(&String::from_utf8_lossy(&answer))
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let head = head("POST", path, headers, Some(body.len()));
        self.raw(&[head.as_bytes(), body.as_bytes()]).await
    }

    /// A push as GitHub sends it.
    async fn push(&self, body: &str) -> String {
        let signature = signed(body);
        let headers = [
            ("X-GitHub-Event", "push"),
            ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("X-Hub-Signature-256", signature.as_str()),
        ];
        self.send("/hooks/shop/shop", &headers, body).await
    }

    fn rung(&self) -> u32 {
        *self.house.rung.lock().expect("no panic")
    }

    fn counted(&self) -> Vec<(&'static str, u32)> {
        let counted = self.counted.lock().expect("no panic");
        counted
            .iter()
            .map(|(word, count)| (*word, *count))
            .collect()
    }
}

fn signed(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let digits = mac.finalize().into_bytes();
    digits.iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("written");
        text
    })
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: hooks\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("written");
    }
    let written = match length {
        Some(length) => write!(head, "Content-Length: {length}\r\n\r\n"),
        None => write!(head, "Transfer-Encoding: chunked\r\n\r\n"),
    };
    written.expect("written");
    head
}

/// Status and sentence of an answer.
fn shown(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).unwrap_or("no answer");
    format!("{status} {}", body.trim_end())
}

#[tokio::test]
async fn a_push_leads_to_one_look_and_its_replay_to_none() {
    let server = Server::start().await;
    assert_eq!(server.push(PUSH).await, "202 the repository is looked at");
    assert_eq!(server.rung(), 1);
    let known = "200 this delivery is known; nothing is done twice";
    assert_eq!(server.push(PUSH).await, known);
    // Its name is not signed: another one makes it no other delivery.
    let signature = signed(PUSH);
    let renamed = [
        ("X-GitHub-Event", "push"),
        ("X-GitHub-Delivery", "another"),
        ("X-Hub-Signature-256", signature.as_str()),
    ];
    assert_eq!(server.send("/hooks/shop/shop", &renamed, PUSH).await, known);
    assert_eq!(server.rung(), 1);
    assert_eq!(
        server.push(r#"{"after":null}"#).await,
        "202 the repository is looked at"
    );
    assert_eq!(server.rung(), 2);
    assert_eq!(server.counted(), [("known", 2), ("taken", 2)]);
}

#[tokio::test]
async fn what_is_forged_is_refused_without_a_hint_and_so_is_what_is_for_no_plan() {
    let server = Server::start().await;
    let right = signed(PUSH);
    let cut = &right[..right.len() - 1];
    let others = signed("another body");
    for (path, name, value) in [
        ("/hooks/shop/shop", "X-Unrelated", ""),
        ("/hooks/shop/shop", "X-Hub-Signature-256", ""),
        ("/hooks/shop/shop", "X-Hub-Signature-256", cut),
        ("/hooks/shop/shop", "X-Hub-Signature-256", &others),
        (
            "/hooks/shop/shop",
            "X-Hub-Signature",
            "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6",
        ),
        ("/hooks/shop/shop", "X-Gitlab-Token", SECRET),
        ("/hooks/shop/shop", "Authorization", "Bearer nothing"),
        // No such plan, and one that has a look at paths of others.
        ("/hooks/shop/other", "X-Hub-Signature-256", &right),
        ("/hooks/other/shop", "X-Hub-Signature-256", &right),
        ("/hooks/shop/%2e%2e", "X-Hub-Signature-256", &right),
    ] {
        let headers = [("X-GitHub-Event", "push"), (name, value)];
        let answer = server.send(path, &headers, PUSH).await;
        assert_eq!(
            answer, "401 the delivery is not authentic",
            "{path} {name}: {value}"
        );
    }
    assert_eq!(server.rung(), 0);
    assert_eq!(server.counted(), [("refused", 10)]);
}

#[tokio::test]
async fn nothing_else_is_there() {
    let server = Server::start().await;
    let nothing = "404 there is nothing here: webhooks go to /hooks/NAMESPACE/PLAN";
    for path in [
        "/",
        "/hooks/",
        "/hooks/shop",
        "/hooks/shop/shop/more",
        "/hooks//shop",
        "/metrics",
        "/api/v1/overview",
        "/login",
    ] {
        assert_eq!(server.send(path, &[], "").await, nothing, "{path}");
    }
    let get = head("GET", "/hooks/shop/shop", &[], Some(0));
    assert_eq!(server.raw(&[get.as_bytes()]).await, "405 send it with POST");
}

#[tokio::test]
async fn pings_other_events_and_programs_are_answered_as_what_they_are() {
    let server = Server::start().await;
    let send = async |event: &str, body: &str| {
        let signature = signed(body);
        let headers = [
            ("X-GitHub-Event", event),
            ("X-Hub-Signature-256", signature.as_str()),
        ];
        server.send("/hooks/shop/shop", &headers, body).await
    };
    assert_eq!(
        send("ping", r#"{"zen":"x"}"#).await,
        "200 the webhook works"
    );
    assert_eq!(
        send("issues", "{}").await,
        "202 nothing to do: it tells of no commits"
    );
    assert_eq!(
        send("push", r#"{"repository":{"full_name":"team/till"}}"#).await,
        "202 nothing to do: it is about another repository"
    );
    assert_eq!(
        send("push", "ref=main").await,
        "400 the delivery is authentic, and no JSON of a push at line 1, column 1; choose `application/json` as its content type"
    );
    assert_eq!(server.rung(), 0);
    let bearer = format!("Bearer {TOKEN}");
    let token = [("Authorization", bearer.as_str())];
    for times in 1..=2 {
        let answer = server.send("/hooks/shop/shop", &token, "").await;
        assert_eq!(answer, "202 the repository is looked at");
        assert_eq!(server.rung(), times);
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_read_to_its_end() {
    let server = Server::start().await;
    let too_large = "413 the delivery is larger than 1048576 bytes";
    let right = signed(PUSH);
    let headers = [("X-Hub-Signature-256", right.as_str())];
    // By its own word, before a byte of it came.
    let said = head("POST", "/hooks/shop/shop", &headers, Some((1 << 20) + 1));
    assert_eq!(server.raw(&[said.as_bytes()]).await, too_large);
    // Without a word: an endless one is cut.
    let endless = head("POST", "/hooks/shop/shop", &headers, None);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut pieces = vec![endless.as_bytes()];
    pieces.extend(std::iter::repeat_n(chunk.as_bytes(), 64));
    let answer = server.raw(&pieces).await;
    // It closes while we still write, so the answer may be lost on the way.
    assert!(answer == too_large || answer == "no answer ", "{answer}");
    assert_eq!(server.counted(), [("tooLarge", 2)]);
    // The largest one that is allowed.
    let largest = format!("{{\"x\":\"{}\"}}", "y".repeat((1 << 20) - 8));
    assert_eq!(largest.len(), 1 << 20);
    assert_eq!(
        server.push(&largest).await,
        "202 the repository is looked at"
    );
}

#[tokio::test]
async fn a_slow_one_is_given_up_and_a_truncated_one_changes_nothing() {
    let bounds = Bounds {
        within: Duration::from_secs(1),
        ..Bounds::default()
    };
    let server = Server::with(bounds, Arc::new(Remembered::default())).await;
    let right = signed(PUSH);
    let headers = [("X-Hub-Signature-256", right.as_str())];
    let said = head("POST", "/hooks/shop/shop", &headers, Some(PUSH.len()));
    let half = &PUSH.as_bytes()[..20];
    let answer = server.raw(&[said.as_bytes(), half]).await;
    assert_eq!(answer, "408 the delivery took longer than 1 s");
    // A head that does not come is closed without a word.
    let answer = server
        .raw(&[b"POST /hooks/shop/shop HTTP/1.1\r\nX: "])
        .await;
    assert_eq!(answer, "no answer ");
    // One that ends early.
    let mut stream = TcpStream::connect(&server.address)
        .await
        .expect("connected");
    stream.write_all(said.as_bytes()).await.expect("sent");
    stream.write_all(half).await.expect("sent");
    stream.shutdown().await.expect("shut");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    assert!(
        matches!(
            shown(&answer).as_str(),
            "400 the delivery ended before its end" | "no answer "
        ),
        "{answer}"
    );
    assert_eq!(server.rung(), 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged_and_no_release_waits_for_it() {
    let down = Down(NotKept::Down("the archive is down".to_owned()));
    let server = Server::with(
        Bounds::default(),
        Arc::new(Remembered::before(Arc::new(down))),
    )
    .await;
    let not_kept = "503 the delivery could not be kept, so it is not acknowledged; the repository is looked at all the same";
    assert_eq!(server.push(PUSH).await, not_kept);
    assert_eq!(server.push(PUSH).await, not_kept);
    assert_eq!(server.rung(), 2);
    let busy = Arc::new(Remembered::before(Arc::new(Down(NotKept::Busy))));
    let server = Server::with(Bounds::default(), busy).await;
    assert_eq!(
        server.push(PUSH).await,
        "503 there are too many deliveries at once; send it again later"
    );
}

#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let bounds = Bounds {
        bytes_at_once: 64 << 10,
        ..Bounds::default()
    };
    let server = Server::with(bounds, Arc::new(Remembered::default())).await;
    // One that has come half way holds its part.
    let mut slow = TcpStream::connect(&server.address)
        .await
        .expect("connected");
    let said = head("POST", "/hooks/shop/shop", &[], Some(100 << 10));
    slow.write_all(said.as_bytes()).await.expect("sent");
    slow.write_all(&vec![b'x'; 60 << 10]).await.expect("sent");
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(20 << 10));
    let answer = async {
        loop {
            // Until the server has read what the slow one sent.
            let answer = server.push(&large).await;
            if answer.starts_with("503") {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
    assert_eq!(
        answer.expect("in time"),
        "503 there are too many deliveries at once; send it again later"
    );
    drop(slow);
    let answer = async { while !server.push(PUSH).await.starts_with("20") {} };
    tokio::time::timeout(Duration::from_secs(20), answer)
        .await
        .expect("what it held is free again");
}
