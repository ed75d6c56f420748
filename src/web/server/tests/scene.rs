//! A page over objects that a test makes, and a client that keeps its session.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::{Client, Method, Response};
use serde_json::json;
use tokio::sync::watch;

use crate::spec::crd::{Release, ServiceGraph, ServiceGraphSpec};
use crate::web::backend::{Ask, Backend, Explained, Fact, Person, Question, Refused, Right};
use crate::web::server::{Door, serve};
use crate::web::view::Sight;
use crate::web::view::tests::{awaiting, draining, now, plan, release};

/// What the page stands on in a test: the rights are a table, and what is asked is noted.
pub(super) struct Scene {
    pub(super) sight: Mutex<Arc<Sight>>,
    /// Who has which right where.
    pub(super) rights: Mutex<BTreeSet<(&'static str, Right, &'static str)>>,
    pub(super) asked: Mutex<Vec<(String, Ask)>>,
    pub(super) changes: watch::Sender<u64>,
}

/// Two namespaces, each with a release: `shop` drains, `till` waits for a word.
pub(super) fn two_namespaces() -> Sight {
    let graph = |namespace: &str| {
        let mut graph = ServiceGraph::new("shop", ServiceGraphSpec::default());
        graph.metadata.namespace = Some(namespace.to_owned());
        Arc::new(graph)
    };
    Sight::new(
        vec![
            release("shop", 2, &draining()),
            release("till", 1, &awaiting()),
        ],
        vec![
            plan("shop", "shop", &json!({})),
            plan("till", "shop", &json!({})),
        ],
        vec![graph("shop"), graph("till")],
        true,
    )
}

impl Backend for Scene {
    fn sight(&self) -> Arc<Sight> {
        Arc::clone(&self.sight.lock().expect("no panic"))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn recognise<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Person>, Refused>> {
        let name = token.strip_prefix("token-of-");
        let person = name.map(|name| Person {
            name: name.to_owned(),
            ..Person::default()
        });
        async move { Ok(person) }.boxed()
    }

    fn may<'a>(
        &'a self,
        person: &'a Person,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<bool, Refused>> {
        let rights = self.rights.lock().expect("no panic");
        let answer = rights.iter().any(|(name, right, namespace)| {
            *name == person.name
                && *right == question.right
                && question.namespace.as_deref().unwrap_or("*") == *namespace
        });
        async move { Ok(answer) }.boxed()
    }

    fn explain<'a>(&'a self, _release: &'a Release) -> BoxFuture<'a, Option<Arc<Explained>>> {
        async { None }.boxed()
    }

    fn graph_of<'a>(
        &'a self,
        _release: &'a Release,
    ) -> BoxFuture<'a, Result<ServiceGraphSpec, Refused>> {
        async { Ok(ServiceGraphSpec::default()) }.boxed()
    }

    fn ask<'a>(&'a self, release: &'a Release, ask: &'a Ask) -> BoxFuture<'a, Result<(), Refused>> {
        let name = release.metadata.name.clone().unwrap_or_default();
        self.asked
            .lock()
            .expect("no panic")
            .push((name, ask.clone()));
        async { Ok(()) }.boxed()
    }

    fn facts(&self) -> BoxFuture<'_, Vec<Fact>> {
        async { Vec::new() }.boxed()
    }
}

/// A server with its scene.
pub(super) struct Page {
    pub(super) scene: Arc<Scene>,
    pub(super) address: String,
}

impl Page {
    /// Starts one. In: who has which right where.
    pub(super) async fn start(rights: &[(&'static str, Right, &'static str)]) -> Self {
        let (changes, _) = watch::channel(0);
        let scene = Arc::new(Scene {
            sight: Mutex::new(Arc::new(two_namespaces())),
            rights: Mutex::new(rights.iter().copied().collect()),
            asked: Mutex::default(),
            changes,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let backend: Arc<dyn Backend> = scene.clone();
        tokio::spawn(serve(listener, backend, Door::SignIn, None));
        Self { scene, address }
    }

    /// A request as a program makes it, with a token.
    pub(super) async fn as_program(&self, who: &str, method: Method, path: &str) -> Response {
        let request = client().request(method, format!("{}{path}", self.address));
        request
            .bearer_auth(format!("token-of-{who}"))
            .send()
            .await
            .expect("an answer")
    }

    /// Signs in as a browser does. Out: the cookie.
    pub(super) async fn sign_in(&self, who: &str) -> String {
        let answer = self
            .send_form(&format!("kubernetes=token-of-{who}&back=/"), "/login", "")
            .await;
        assert_eq!(answer.status(), 303, "signed in");
        let cookie = answer.headers().get("set-cookie").expect("a cookie");
        let cookie = cookie.to_str().expect("text").to_owned();
        for flag in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(flag), "{flag} is not in {cookie}");
        }
        cookie.split(';').next().expect("a pair").to_owned()
    }

    /// A form that one of our own pages sends.
    pub(super) async fn send_form(&self, body: &str, path: &str, cookie: &str) -> Response {
        let request = client().post(format!("{}{path}", self.address));
        let request = request
            .header("origin", &self.address)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body(body.to_owned());
        request.send().await.expect("an answer")
    }

    /// A page as a browser reads it.
    pub(super) async fn read(&self, path: &str, cookie: &str) -> Response {
        let request = client().get(format!("{}{path}", self.address));
        request
            .header("cookie", cookie)
            .send()
            .await
            .expect("an answer")
    }
}

/// A client that follows nothing and keeps nothing.
pub(super) fn client() -> Client {
    rustls_provider();
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// Only the first call can install it; all others find it there.
fn rustls_provider() {
    let ring = rustls::crypto::ring::default_provider();
    if ring.install_default().is_err() {
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
