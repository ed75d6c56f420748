//! A real receiver on loopback: one that fails, one that is slow, one that refuses, one that points elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

use crate::notify::{Request, SendError, Sender};

/// Answers one after the other, the last for ever; remembers what came in.
struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let received: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (log, answers) = (received.clone(), answers.to_vec());
        let answer = move |headers: HeaderMap, body: String| async move {
            let mut log = log.lock().unwrap();
            let authorization = headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap().to_owned());
            log.push((authorization.unwrap_or_default(), body));
            let code = answers
                .get(log.len() - 1)
                .or_else(|| answers.last())
                .copied()
                .unwrap();
            (
                StatusCode::from_u16(code).unwrap(),
                [(header::LOCATION, "http://127.0.0.1:1/elsewhere")],
            )
        };
        let router = Router::new().route("/in/canary-path", post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in/canary-path", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    fn request(&self) -> Request {
        Request {
            url: self.url.clone(),
            authorization: Some(("authorization", "Bearer canary-token".to_owned())),
            content_type: "application/json",
            body: "{}".to_owned(),
        }
    }

    fn times(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

fn sender() -> Sender {
    // Whoever makes a client of kube's has done this.
    rustls_ring();
    Sender::with_pause(Duration::from_millis(1)).unwrap()
}

fn rustls_ring() {
    kube::client::ClientBuilder::try_from(kube::Config::new("http://127.0.0.1".parse().unwrap()))
        .map(|_| ())
        .unwrap();
}

#[tokio::test]
async fn a_receiver_that_fails_in_passing_is_told_again_until_it_takes_it() {
    let receiver = Receiver::start(&[500, 429, 503, 200]).await;
    sender().send(&receiver.request()).await.unwrap();
    assert_eq!(receiver.times(), 4);
    let first = receiver.received.lock().unwrap().first().cloned();
    assert_eq!(
        first,
        Some(("Bearer canary-token".to_owned(), "{}".to_owned()))
    );
}

#[tokio::test]
async fn a_receiver_that_refuses_is_told_once() {
    for code in [400, 401, 404, 410] {
        let receiver = Receiver::start(&[code]).await;
        let error = sender().send(&receiver.request()).await.unwrap_err();
        assert!(
            matches!(error, SendError::Refused(answer) if answer == code),
            "{error:?}"
        );
        assert_eq!(receiver.times(), 1);
    }
}

#[tokio::test]
async fn a_receiver_that_always_fails_is_given_up() {
    let receiver = Receiver::start(&[502]).await;
    let error = sender().send(&receiver.request()).await.unwrap_err();
    assert_eq!(error.to_string(), "the receiver answers 502");
    assert_eq!(receiver.times(), 9);
}

#[tokio::test]
async fn nobody_is_followed_elsewhere_with_our_token() {
    let receiver = Receiver::start(&[307]).await;
    let error = sender().send(&receiver.request()).await.unwrap_err();
    assert_eq!(error.to_string(), "the receiver answers 307");
}

#[tokio::test]
async fn an_error_has_neither_the_address_nor_the_token() {
    let request = Request {
        url: "http://127.0.0.1:1/canary-path".to_owned(),
        ..Receiver::start(&[200]).await.request()
    };
    let error = sender().send(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the receiver does not answer");
    let text = format!("{error:?} {error}");
    assert!(!text.contains("canary"), "{text}");
}
