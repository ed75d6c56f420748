//! What the tests share: a page to look at, a browser to look with, and patience.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// How long anything that must come may take: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
const NEEDED: &str = "the browser tests need Chromium, chromedriver and axe-core: `make browser-tests` installs them as root, \
                      otherwise `apt-get install chromium chromium-driver` and `npm install axe-core`";

/// A program that ends with the test, by this signal.
struct Ending(Child, &'static str);

impl Drop for Ending {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let ended = Command::new("kill").args([self.1, &pid]).status();
        let ended = ended.and_then(|_| self.0.wait());
        assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
    }
}

/// A simulated release behind a page.
pub(crate) struct Page {
    pub(crate) address: String,
    program: Ending,
    http: reqwest::Client,
}

impl Page {
    /// Serves the release of two folders with graphs.
    pub(crate) fn of(from: &str, to: &str) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args([
                "simulate",
                "--serve",
                "127.0.0.1:0",
                "--from",
                from,
                "--to",
                to,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut program = Ending(program, "-KILL");
        let lines = BufReader::new(program.0.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line
                .split_whitespace()
                .find(|word| word.starts_with("http://"))
            {
                let _ = rustls::crypto::ring::default_provider()
                    .install_default()
                    .is_ok();
                return Self {
                    address: address.trim_end_matches(';').to_owned(),
                    program,
                    http: reqwest::Client::builder().no_proxy().build().unwrap(),
                };
            }
            said.push(line);
        }
        panic!("it does not serve the page: {said:?}");
    }

    /// Ten services in three waves.
    pub(crate) fn boutique() -> Self {
        Self::of("examples/online-boutique/v1", "examples/online-boutique/v2")
    }

    /// The address of the one release.
    pub(crate) fn release(&self) -> String {
        format!("{}/releases/simulated/simulated-1", self.address)
    }

    /// Lets simulated time pass, as somebody else's browser would.
    pub(crate) async fn advance(&self, seconds: u32) {
        let html = self
            .http
            .get(&self.address)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let token = html.split("name=\"token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let request = self.http.post(format!("{}/clock/advance", self.address));
        let request = request
            .header("origin", &self.address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("seconds={seconds}&token={token}&back=/"));
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Lets the server stand still, or go on.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(signal)
            .arg(self.program.0.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }
}

/// How the browser is set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting {
    pub(crate) has_no_script: bool,
    pub(crate) width: u32,
}

/// A browser with one window.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Ending,
    port: u16,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn open(setting: Setting) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{NEEDED} ({error})"));
        // Asked and not killed, it ends its browser too.
        let driver = Ending(driver, "-TERM");
        let profile = tempfile::tempdir().unwrap();
        let width = if setting.width == 0 {
            1440
        } else {
            setting.width
        };
        let arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--no-proxy-server".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--lang=en".to_owned(),
            format!("--window-size={width},1000"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let script = if setting.has_no_script { 2 } else { 1 };
        let capabilities: Map<String, Value> = serde_json::from_value(json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {"profile.managed_default_content_settings.javascript": script},
            },
        }))
        .unwrap();
        let mut builder = ClientBuilder::new(hyper_util_connector());
        builder.capabilities(capabilities);
        let began = std::time::Instant::now();
        let client = loop {
            match builder.connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(error) if began.elapsed() > PATIENCE => panic!("{NEEDED} ({error})"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        Self {
            client,
            driver,
            port,
            _profile: profile,
        }
    }

    pub(crate) async fn go(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        found.unwrap_or_else(|error| panic!("`{css}` does not come: {error}"))
    }

    /// Clicks an element. One that goes away in between, since the page is replaced, is found anew.
    pub(crate) async fn click(&self, css: &str) {
        let began = std::time::Instant::now();
        loop {
            match self.find(css).await.click().await {
                Ok(()) => return,
                Err(error) if error.is_stale_element_reference() && began.elapsed() < PATIENCE => {}
                Err(error) => panic!("`{css}` cannot be clicked: {error}"),
            }
        }
    }

    /// Waits until an element says something.
    pub(crate) async fn until(&self, css: &str, words: &str) {
        let began = std::time::Instant::now();
        loop {
            // An element that is being replaced is found anew.
            let now = match self.client.find(Locator::Css(css)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if now.contains(words) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "`{css}` never says `{words}`, but `{now}`"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        let answer: Result<Value, CmdError> = self.client.execute(script, Vec::new()).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Presses keys where the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let active = self.client.active_element().await.unwrap();
        active.send_keys(keys).await.unwrap();
    }

    /// Keeps what is seen for people.
    pub(crate) async fn keep(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// Ends the browser. Fails if it has complained of anything: a refused script or style, an error.
    pub(crate) async fn close(self) {
        let session = self.client.session_id().await.unwrap().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let log = format!("http://127.0.0.1:{}/session/{session}/se/log", self.port);
        let answer = http
            .post(log)
            .json(&json!({"type": "browser"}))
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        let entries = answer["value"].as_array().cloned().unwrap_or_default();
        let told: Vec<String> = entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["source"] == "security")
            .map(|entry| entry["message"].to_string())
            // A stream that a test has cut, and an answer that it has asked for.
            .filter(|words| !words.contains("/live?") && !words.contains("/acts"))
            .collect();
        assert!(
            told.is_empty(),
            "the browser complains:\n{}",
            told.join("\n")
        );
        self.client.close().await.unwrap();
        drop(self.driver);
    }
}

/// A connector without TLS: everything is on this machine.
fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// The text of axe-core, from where `make browser-tests` has put it.
pub(crate) fn axe() -> String {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let file = cache.join("tidegate/axe/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{NEEDED} ({}: {error})", file.display()))
}
