//! Webhooks of a real repository: one that comes leads to a look at once, one that does not come is told.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate::archive::Archive;
use tokio::sync::mpsc;

use crate::sourced::{Sourced, outcome};
use crate::support::eventually;

const SECRET: &str = "canary-4711-of-the-webhook";

impl Sourced {
    /// Where the controller serves something, as its log says.
    pub(crate) async fn served(&self, what: &str) -> String {
        let start = format!("{what} at http://");
        eventually(what, async || {
            let log = self.controller.as_ref()?.stderr();
            let rest = log.split(&start).nth(1)?;
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))?;
            Some(format!("http://{}", rest.get(..end)?))
        })
        .await
    }

    async fn hooked(name: &str, interval: &str, spec: Value) -> Self {
        let sourced = Self::new(name).await;
        sourced.good_secret().await;
        sourced.secret("hook", &[("secret", SECRET)]).await;
        let webhook = json!({"provider": "github", "secretRef": {"name": "hook"}});
        sourced
            .plan(json!({"interval": interval, "webhook": webhook}), spec)
            .await;
        sourced
    }

    /// Sends what GitHub sends after a push. Out: status and sentence.
    pub(crate) async fn deliver(&self, commit: &str, secret: &str) -> String {
        let body = json!({"ref": "refs/heads/main", "after": commit, "repository": {"full_name": "team/shop"}});
        let body = body.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let digest = mac.finalize().into_bytes();
        let digits = digest.iter().map(|byte| format!("{byte:02x}"));
        let digits = digits.collect::<Vec<_>>().concat();
        let address = self.served("webhooks are taken").await;
        let answer = reqwest::Client::new()
            .post(format!("{address}/hooks/{}/shop", self.space.namespace))
            .header("x-github-event", "push")
            .header("x-github-delivery", "72d3162e")
            .header("x-hub-signature-256", format!("sha256={digits}"))
            .body(body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        format!("{status} {}", answer.text().await.unwrap().trim_end())
    }
}

#[tokio::test]
async fn a_webhook_leads_to_a_release_long_before_the_next_look() {
    let mut sourced = Sourced::hooked("webhook", "1h", json!({})).await;
    let first = sourced.push(1);
    let folder = tempfile::tempdir().unwrap();
    let archive = format!("sqlite:{}", folder.path().join("archive.db").display());
    sourced.start_with(&["--hooks", "127.0.0.1:0", "--archive", &archive]);
    sourced.until_released(&first).await;
    let condition = sourced
        .until_condition("a door", "WebhookHealthy", |_, _| true)
        .await;
    assert_eq!(
        condition,
        "Unknown NothingDelivered: no webhook has come yet"
    );

    let second = sourced.push(2);
    let forged = sourced.deliver(&second, "another-secret-of-somebody").await;
    assert_eq!(forged, "401 the delivery is not authentic");
    let pushed = Timestamp::now();
    let taken = sourced.deliver(&second, SECRET).await;
    assert_eq!(taken, "202 the repository is looked at");
    let known = sourced.deliver(&second, SECRET).await;
    assert_eq!(known, "200 this delivery is known; nothing is done twice");
    let release = sourced.until_released(&second).await;
    assert_eq!(
        (outcome(&release), release.spec.trigger.as_str()),
        ("Succeeded", "webhook")
    );
    let made = release
        .creation_timestamp()
        .unwrap()
        .0
        .duration_since(pushed);
    eprintln!("from the webhook to the release: {made:#}");
    assert!(made.as_secs() < 15, "{made:#}");
    let condition = sourced
        .until_condition("that it came", "WebhookHealthy", |reason, _| {
            reason == "Delivered"
        })
        .await;
    assert_eq!(condition, "True Delivered: webhooks come");

    // It names a commit; what counts is what the repository says.
    let invented = "0123456789012345678901234567890123456789";
    let taken = sourced.deliver(invented, SECRET).await;
    assert_eq!(taken, "202 the repository is looked at");
    let archive = Archive::open_to_read(&archive).await.unwrap();
    let source = format!("{}/shop", sourced.space.namespace);
    let kept = archive.deliveries(&source, 10).await.unwrap();
    let commits: Vec<_> = kept.iter().map(|kept| kept.revision.as_deref()).collect();
    assert_eq!(commits, [Some(invented), Some(second.as_str())]);
    assert_eq!(sourced.commits().await, [first, second]);
    let said = sourced.controller.unwrap().stderr();
    assert!(!said.contains(SECRET), "{said}");
}

#[tokio::test]
async fn a_commit_without_its_webhook_is_released_in_time_and_its_loss_is_told_everywhere() {
    let (told, mut news) = mpsc::channel::<Value>(100);
    let receiver = axum::Router::new()
        .route(
            "/",
            post(
                async |State(told): State<mpsc::Sender<Value>>, Json(event): Json<Value>| {
                    told.send(event).await.unwrap();
                },
            ),
        )
        .with_state(told);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    let notify = json!([{"on": ["WebhookLost"], "cloudEvents": {"url": address}}]);
    let mut sourced = Sourced::hooked("unhooked", "5s", json!({"notify": notify})).await;
    let first = sourced.push(1);
    sourced.start_with(&["--hooks", "127.0.0.1:0"]);
    sourced.until_released(&first).await;
    sourced
        .until("a calm source", |reason, _| reason == "UpToDate")
        .await;

    let pushed = Timestamp::now();
    let second = sourced.push(2);
    let release = sourced.until_released(&second).await;
    assert_eq!(release.spec.trigger, "poll");
    let made = release
        .creation_timestamp()
        .unwrap()
        .0
        .duration_since(pushed);
    eprintln!("from the push to the release: {made:#}");
    // The interval with its tenth, and what the issue allows.
    assert!(made.as_millis() < 5_500 + 10_000, "{made:#}");
    let words = format!("commit {} was found without its webhook", &second[..12]);
    let condition = sourced
        .until_condition("the loss", "WebhookHealthy", |reason, message| {
            reason == "CommitSeenByPollFirst" && message.starts_with(&words)
        })
        .await;
    assert!(condition.starts_with("False "), "{condition}");
    let event = eventually("the Event", async || {
        let events: Vec<Event> = sourced.space.list().await;
        let mut events = events.into_iter();
        events.find(|event| event.reason.as_deref() == Some("WebhookLost"))
    })
    .await;
    assert_eq!(event.regarding.unwrap().name.as_deref(), Some("shop"));
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let metrics = sourced.served("health and metrics are").await;
    let page = reqwest::get(format!("{metrics}/metrics")).await.unwrap();
    let page = page.text().await.unwrap();
    let line = "tidegate_source_events_total{plan=\"shop\",reason=\"WebhookLost\"} 1";
    assert!(page.lines().any(|one| one == line), "{page}");
    let event = tokio::time::timeout(Duration::from_mins(1), news.recv()).await;
    let event = event.unwrap().unwrap();
    assert_eq!(event["type"], "dev.tidegate.source.WebhookLost");
    assert_eq!(event["data"]["revision"], second);

    // The next one that comes says that it works again.
    let third = sourced.push_text(&crate::files::pair(1).without_plan().text(), "back");
    let taken = sourced.deliver(&third, SECRET).await;
    assert_eq!(taken, "202 the repository is looked at");
    sourced
        .until_condition("that it came", "WebhookHealthy", |reason, _| {
            reason == "Delivered"
        })
        .await;
}
