//! Sending a request, again while that may help.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use super::request::Request;

/// How long one try may take.
const TRY_WITHIN: Duration = Duration::from_secs(10);
/// The pauses between tries: with eight of them some four minutes in all.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);
const TRIES_MAX: usize = 8;
/// Who asks, as receivers see it.
const USER_AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// Why somebody could not be told. The address is never part of it: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nobody answered, or not in time.
    #[error("the receiver does not answer")]
    NoAnswer(#[source] Box<reqwest::Error>),
    /// It answered that it did not take it.
    #[error("the receiver answers {0}")]
    Refused(u16),
    /// There is no way to send anything.
    #[error("no HTTP client can be made")]
    NoClient(#[source] Box<reqwest::Error>),
}

impl SendError {
    fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused(code) => *code == 429 || *code >= 500,
            Self::NoClient(_) => false,
        }
    }
}

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    pause_min: Duration,
}

impl Sender {
    /// A client that follows nobody elsewhere: a receiver must not point our token at another.
    pub fn new() -> Result<Self, SendError> {
        Self::with_pause(PAUSE_MIN)
    }

    /// The same with another first pause between two tries.
    pub fn with_pause(pause_min: Duration) -> Result<Self, SendError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(TRY_WITHIN)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| SendError::NoClient(Box::new(error.without_url())))?;
        Ok(Self { client, pause_min })
    }

    /// Sends until it is taken, refused for good, or tried often enough.
    pub async fn send(&self, request: &Request) -> Result<(), SendError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.pause_min)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(TRIES_MAX)
            .with_jitter();
        let once = || self.send_once(request);
        once.retry(pauses).when(SendError::may_pass).await
    }

    async fn send_once(&self, request: &Request) -> Result<(), SendError> {
        let mut post = self
            .client
            .post(&request.url)
            .header(CONTENT_TYPE, request.content_type)
            .body(request.body.clone());
        if let Some((name, value)) = &request.authorization {
            post = post.header(*name, value);
        }
        let answer = post
            .send()
            .await
            .map_err(|error| SendError::NoAnswer(Box::new(error.without_url())))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(SendError::Refused(answer.status().as_u16()))
        }
    }
}
