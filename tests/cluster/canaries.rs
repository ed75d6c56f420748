//! Secrets that are planted wherever one may be, and looked for wherever anybody may look.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ServiceGraph};

use crate::files::pair;
use crate::sourced::{Sourced, outcome};
use crate::support::{Running, eventually, program};

/// Each is found in nothing but itself.
const GIT_TOKEN: &str = "canary-a91f-git-token";
const SSH_KEY: &str = "canary-b02e-ssh-key";
const SSH_PASSPHRASE: &str = "canary-c13d-ssh-passphrase";
const WEBHOOK_SECRET: &str = "canary-d24c-webhook-secret";
const WEBHOOK_TOKEN: &str = "canary-e35b-webhook-token";
const DATABASE: &str = "canary-f46a-database-password";
const SLACK: &str = "canary-0579-slack-path";
const EVENTS_TOKEN: &str = "canary-1688-cloud-events-token";
const STATUS_TOKEN: &str = "canary-2797-commit-status-token";
const IN_MANIFEST: &str = "canary-38a6-in-a-manifest";
/// A number: the API server refuses it, and says which value it refuses.
const WRONG_IN_MANIFEST: u64 = 49_151_694_915_169;
/// No base64: likewise.
const NO_BASE64: &str = "canary-4ab4 is no base64!";
const LATE_KEY: &str = "canary-5bc3-of-another-kind";

const ALL: [&str; 12] = [
    GIT_TOKEN,
    SSH_KEY,
    SSH_PASSPHRASE,
    WEBHOOK_SECRET,
    WEBHOOK_TOKEN,
    DATABASE,
    SLACK,
    EVENTS_TOKEN,
    STATUS_TOKEN,
    IN_MANIFEST,
    NO_BASE64,
    LATE_KEY,
];

/// Where somebody looked, and what was to be seen there.
type Seen = Vec<(String, String)>;

/// The system with a Secret among its manifests.
fn with_secret(version: u32, part: &str, value: &Value) -> String {
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "database"},
    });
    secret[part] = json!({"password": value});
    pair(version).without_plan().with(secret).text()
}

async fn plant(sourced: &Sourced) {
    sourced.good_secret().await;
    let key = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{SSH_KEY}\n-----END OPENSSH PRIVATE KEY-----\n"
    );
    let ssh = [
        ("identity", key.as_str()),
        ("password", SSH_PASSPHRASE),
        (
            "known_hosts",
            "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHOrrvPJmOkd4gdl1bVU3pGQFdC8xxrnkFBKSNyBT5UF",
        ),
    ];
    sourced.secret("ssh", &ssh).await;
    let wrong = [
        ("username", "reader"),
        ("password", GIT_TOKEN),
        ("ca.crt", sourced.server.authority()),
    ];
    sourced.secret("wrong", &wrong).await;
    let hook = [("secret", WEBHOOK_SECRET), ("token", WEBHOOK_TOKEN)];
    sourced.secret("hook", &hook).await;
    let slack = format!("http://127.0.0.1:1/{SLACK}");
    sourced.secret("slack", &[("url", &slack)]).await;
    sourced.secret("events", &[("token", EVENTS_TOKEN)]).await;
    sourced.secret("status", &[("token", STATUS_TOKEN)]).await;
    let notify = json!([
        {"slack": {"secretRef": {"name": "slack"}}},
        {"cloudEvents": {"url": "http://127.0.0.1:1/", "secretRef": {"name": "events"}}},
        {"commitStatus": {"provider": "github", "repository": "team/shop", "apiUrl": "http://127.0.0.1:1",
                          "secretRef": {"name": "status"}}},
    ]);
    let webhook = json!({"provider": "github", "secretRef": {"name": "hook"}});
    sourced
        .plan(json!({"webhook": webhook}), json!({"notify": notify}))
        .await;
    // Plans whose sources cannot be read.
    for (name, url, secret) in [
        ("wrong", sourced.repository.url(), "wrong"),
        ("ssh", "ssh://git@127.0.0.1:1/shop.git", "ssh"),
    ] {
        let git = json!({"url": url, "ref": {"branch": "main"}, "interval": "5s", "secretRef": {"name": secret}});
        sourced
            .space
            .create::<ReleasePlan>(json!({
                "apiVersion": "tidegate.dev/v1alpha1",
                "kind": "ReleasePlan",
                "metadata": {"name": name},
                "spec": {"source": {"git": git}},
            }))
            .await;
    }
}

/// What everybody sees of the objects: all but Secrets, which are where such things belong.
async fn objects(sourced: &Sourced) -> Seen {
    let space = &sourced.space;
    let text = |value: Value| value.to_string();
    let plans = serde_json::to_value(space.list::<ReleasePlan>().await).unwrap();
    let releases = serde_json::to_value(space.list::<Release>().await).unwrap();
    let graphs = serde_json::to_value(space.list::<ServiceGraph>().await).unwrap();
    let events = serde_json::to_value(space.list::<CoreEvent>().await).unwrap();
    vec![
        ("plans".to_owned(), text(plans)),
        ("releases".to_owned(), text(releases)),
        ("graphs".to_owned(), text(graphs)),
        ("events".to_owned(), text(events)),
    ]
}

/// What commands say.
async fn commands(sourced: &Sourced, archive: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("all.yaml"),
        with_secret(2, "stringData", &json!(LATE_KEY)),
    )
    .unwrap();
    let files = folder.path().display().to_string();
    let wrong = folder.path().join("wrong");
    std::fs::create_dir(&wrong).unwrap();
    let text = with_secret(2, "stringData", &json!(WRONG_IN_MANIFEST));
    std::fs::write(wrong.join("all.yaml"), text).unwrap();
    let wrong = wrong.display().to_string();
    let files = format!("{files}/all.yaml");
    let lost = format!("postgres://kim:{DATABASE}@127.0.0.1:1/tidegate");
    let mut seen = Vec::new();
    for arguments in [
        &["status", "shop", "-o", "yaml"][..],
        &["status", "shop", "--archive", archive],
        &["status", "shop", "--archive", &lost],
        &["history", "shop", "-o", "json", "--archive", archive],
        &["history", "--archive", &lost],
        &["why", "client", "--release", "shop-1"],
        &["diff", "-f", &files],
        &["diff", "-f", &wrong],
        &["plan", "-f", &files],
        &["run", "shop", "-f", &wrong],
        &["run", "shop", "-f", &files, "--dry-run"],
        &["run", "wrong"],
        &["run", "ssh"],
        &["lint", &files],
        &["check", "shop"],
    ] {
        let mut command = program(&sourced.space.kubeconfig, arguments);
        if arguments[0] == "lint" {
            command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tidegate"));
            command.args(arguments);
        } else {
            command.args(["-n", &sourced.space.namespace]);
        }
        let done = Running::start(command, None).done().await;
        assert!(
            !done.stderr.contains("Usage:"),
            "{arguments:?}: {}",
            done.stderr
        );
        seen.push((
            arguments.join(" "),
            format!("{}{}", done.stdout, done.stderr),
        ));
    }
    // What was said on the command line is not what is looked for.
    for (name, _) in &mut seen {
        *name = name.replace(&lost, "(lost)");
    }
    seen
}

/// What the server shows to somebody who may see everything.
async fn pages(sourced: &Sourced, token: &str) -> Seen {
    let page = sourced.served("the page is").await;
    let metrics = sourced.served("health and metrics are").await;
    let namespace = &sourced.space.namespace;
    let mut addresses = vec![
        format!("{metrics}/metrics"),
        format!("{metrics}/readyz"),
        format!("{page}/"),
        format!("{page}/login"),
        format!("{page}/plans/{namespace}/shop"),
        format!("{page}/graphs/{namespace}/pair"),
        format!("{page}/api/v1/overview"),
        format!("{page}/api/v1/plans/{namespace}/shop"),
        format!("{page}/api/v1/graphs/{namespace}/pair"),
        format!("{page}/api/v1/namespaces/{namespace}/releases"),
    ];
    for release in sourced.releases().await {
        let name = release.metadata.name.unwrap();
        addresses.push(format!("{page}/releases/{namespace}/{name}"));
        addresses.push(format!("{page}/api/v1/releases/{namespace}/{name}"));
        addresses.push(format!("{page}/api/v1/releases/{namespace}/{name}/object"));
    }
    let client = reqwest::Client::new();
    let mut seen = Vec::new();
    for address in addresses {
        let answer = client
            .get(&address)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        seen.push((address, answer.text().await.unwrap()));
    }
    seen
}

/// The bytes of files, with what is no text left out.
fn files(folder: &std::path::Path) -> Seen {
    let entries = std::fs::read_dir(folder).unwrap();
    let read = entries.map(|entry| {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (path.display().to_string(), text)
    });
    read.collect()
}

async fn until_refused(sourced: &Sourced, commit: &str) {
    eventually("the end of what is refused", async || {
        let releases = sourced.releases().await;
        let mut ended = releases.iter().filter(|one| one.spec.revision == commit);
        let has_ended = ended.any(|release| !outcome(release).is_empty());
        let status = sourced.status().await;
        let mut conditions = status.conditions.iter();
        let told = conditions.any(|one| one.reason == "ManifestsInvalid");
        (has_ended || told).then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_seen_where_anybody_may_look() {
    let mut sourced = Sourced::new("canaries").await;
    let first = sourced.push_text(&with_secret(1, "stringData", &json!(IN_MANIFEST)), "first");
    plant(&sourced).await;
    let rules = json!([
        {"apiGroups": ["tidegate.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    ]);
    sourced.space.account("reader", &rules).await;
    let (_folder, kubeconfig) = sourced.space.kubeconfig_of("reader").await;
    let kubeconfig = serde_json::to_value(Kubeconfig::read_from(&kubeconfig).unwrap()).unwrap();
    let token = kubeconfig["users"][0]["user"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let folder = tempfile::tempdir().unwrap();
    let archive = format!("sqlite:{}", folder.path().join("archive.db").display());
    sourced.start_with(&[
        "--hooks",
        "127.0.0.1:0",
        "--web",
        "127.0.0.1:0",
        "--archive",
        &archive,
    ]);
    sourced.until_released(&first).await;
    let told = sourced.deliver(&first, "canary-6cd2-forged-secret").await;
    assert!(told.starts_with("401"), "{told}");
    let told = sourced.deliver(&first, WEBHOOK_SECRET).await;
    assert!(told.starts_with("202"), "{told}");
    let number = with_secret(1, "stringData", &json!(WRONG_IN_MANIFEST));
    until_refused(&sourced, &sourced.push_text(&number, "a number")).await;
    let no_base64 = with_secret(1, "data", &json!(NO_BASE64));
    until_refused(&sourced, &sourced.push_text(&no_base64, "no base64")).await;

    let mut seen = objects(&sourced).await;
    seen.extend(commands(&sourced, &archive).await);
    seen.extend(pages(&sourced, &token).await);
    seen.extend(files(folder.path()));
    let controller = sourced.controller.as_ref().unwrap();
    seen.push(("log".to_owned(), controller.stderr()));
    let mut planted: BTreeMap<String, String> = ALL
        .iter()
        .map(|one| ((*one).to_owned(), (*one).to_owned()))
        .collect();
    planted.insert("a number".to_owned(), WRONG_IN_MANIFEST.to_string());
    planted.insert("the reader's token".to_owned(), token);
    let password = sourced.server.password().to_owned();
    planted.insert("the Git server's password".to_owned(), password);
    let mut found = Vec::new();
    for (name, value) in &planted {
        for form in [value.clone(), STANDARD.encode(value)] {
            let places = seen.iter().filter(|(_, text)| text.contains(&form));
            found.extend(places.map(|(place, _)| format!("{name} in {place}")));
        }
    }
    for (place, text) in &seen {
        assert!(
            !text.is_empty() || place.contains("archive"),
            "nothing in {place}"
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
