//! What the headers of a delivery say: from whom it is, of what it tells, and the proof that is shown.

use crate::spec::crd::WebhookProvider;

/// How long a name of a delivery may be; longer ones are of no provider.
const NAME_BYTES_MAX: usize = 128;

/// What a delivery says of itself before its body is read. It has no `Debug`: it holds a secret.
pub struct Claim {
    /// What it tells of, in the provider's word.
    pub event: String,
    /// The sender's name for it, if it has one.
    pub name: Option<String>,
    pub(super) proof: Proof,
}

/// What is shown as proof.
pub enum Proof {
    /// HMAC-SHA256 of the body.
    Signature([u8; 32]),
    /// The secret itself.
    Secret(Vec<u8>),
    /// The token of the plan's own trigger.
    Token(Vec<u8>),
    /// Nothing that could be one.
    Nothing,
}

/// What the plan's own trigger tells of.
pub(super) const TRIGGER: &str = "trigger";

impl Claim {
    /// In: whose webhooks the plan takes, and the headers by their names in small letters.
    pub fn of<'h>(
        provider: WebhookProvider,
        header: impl Fn(&'static str) -> Option<&'h [u8]>,
    ) -> Self {
        let text = |name| header(name).and_then(plain);
        // Other schemes are for whoever stands before us.
        let shown = header("authorization").and_then(|value| value.strip_prefix(b"Bearer "));
        if let Some(token) = shown {
            return Self {
                event: TRIGGER.to_owned(),
                name: text("idempotency-key"),
                proof: Proof::Token(token.to_vec()),
            };
        }
        let (event, name, proof) = match provider {
            WebhookProvider::GitHub => (
                text("x-github-event"),
                text("x-github-delivery"),
                signature(header("x-hub-signature-256"), b"sha256="),
            ),
            WebhookProvider::Gitea => (
                text("x-gitea-event"),
                text("x-gitea-delivery"),
                signature(header("x-gitea-signature"), b""),
            ),
            WebhookProvider::GitLab => (
                text("x-gitlab-event"),
                text("idempotency-key"),
                header("x-gitlab-token")
                    .map_or(Proof::Nothing, |token| Proof::Secret(token.to_vec())),
            ),
            WebhookProvider::Generic => (None, None, Proof::Nothing),
        };
        Self {
            event: event.unwrap_or_default(),
            name,
            proof,
        }
    }
}

/// A header of ours to keep and show: short, and nothing but visible letters.
fn plain(value: &[u8]) -> Option<String> {
    let is_plain = !value.is_empty()
        && value.len() <= NAME_BYTES_MAX
        && value.iter().all(|byte| (b' '..=b'~').contains(byte));
    is_plain.then(|| String::from_utf8_lossy(value).into_owned())
}

/// A signature as the provider writes it and in no other way: 64 small hexadecimal digits.
fn signature(value: Option<&[u8]>, prefix: &[u8]) -> Proof {
    let digits = value.and_then(|value| value.strip_prefix(prefix));
    digits
        .and_then(bytes)
        .map_or(Proof::Nothing, Proof::Signature)
}

fn bytes(digits: &[u8]) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?));
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
