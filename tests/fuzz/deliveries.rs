//! Webhooks: headers, an empty line, a body.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidegate::hook::{Claim, Door, Judge, Outcome, meaning};
use tidegate::spec::GitAddress;
use tidegate::spec::crd::{SecretReference, Webhook, WebhookProvider};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "fedcba9876543210fedcba9876543210";

pub(super) const WORDS: &[&str] = &[
    "x-github-event: push\n",
    "x-gitea-event: create\n",
    "x-gitlab-event: Push Hook\n",
    "x-hub-signature-256: sha256=",
    "x-gitea-signature: ",
    "x-gitlab-token: 0123456789abcdef0123456789abcdef\n",
    "authorization: Bearer fedcba9876543210fedcba9876543210\n",
    "idempotency-key: 1\n",
    "\n\n",
    "{\"after\": \"1ca2617e0d7c4a5b9f3e2d1c0b9a8f7e6d5c4b3a\"}",
    "\"repository\": {\"full_name\": \"team/shop\"}",
    "\"project\": {\"path_with_namespace\": \"team/shop\"}",
    "null",
    "[",
];

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

/// One of each provider, rightly signed.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let body = r#"{"after": "1ca2617e0d7c4a5b9f3e2d1c0b9a8f7e6d5c4b3a", "repository": {"full_name": "team/shop"}}"#;
    let signed = signature(body.as_bytes());
    [
        format!("x-github-event: push\nx-hub-signature-256: sha256={signed}"),
        format!("x-gitea-event: push\nx-gitea-signature: {signed}"),
        format!("x-gitlab-event: Push Hook\nx-gitlab-token: {SECRET}"),
        format!("authorization: Bearer {TOKEN}"),
    ]
    .map(|head| format!("{head}\n\n{body}").into_bytes())
    .into()
}

/// Whatever comes, no door lets in what neither shows a secret nor is signed with one, and what is let in has a meaning or
/// a place where it has none.
pub(super) fn run(bytes: &[u8]) -> String {
    let at = bytes.windows(2).position(|two| two == b"\n\n");
    let (head, body) = bytes.split_at(at.unwrap_or(bytes.len()));
    let body = body.get(2..).unwrap_or_default();
    let headers: BTreeMap<&[u8], &[u8]> = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.windows(2).position(|two| two == b": ")?;
            Some((line.get(..colon)?, line.get(colon + 2..)?))
        })
        .collect();
    let shows = |word: &str| {
        let mut all = head.windows(word.len());
        all.any(|part| part == word.as_bytes())
    };
    let may = shows(SECRET) || shows(TOKEN) || shows(&signature(body));
    let mut answers = String::new();
    for provider in [
        WebhookProvider::GitHub,
        WebhookProvider::GitLab,
        WebhookProvider::Gitea,
        WebhookProvider::Generic,
    ] {
        let door = door(provider);
        let header = |name: &'static str| headers.get(name.as_bytes()).copied();
        let claim = Claim::of(provider, header);
        let mut judge = Judge::begin(Some(&door), &claim);
        judge.hear(body);
        let is_authentic = judge.end("fresh").is_some();
        assert!(may || !is_authentic, "{} lets it in", provider.word());
        let mut nobody = Judge::begin(None, &claim);
        nobody.hear(body);
        assert!(nobody.end("fresh").is_none(), "let in without a door");
        let word = match (is_authentic, meaning(&door, &claim, body)) {
            (false, _) => Outcome::Refused.word(),
            (true, Ok(means)) => Outcome::of(&means).word(),
            (true, Err(unreadable)) => Outcome::Unreadable(unreadable).word(),
        };
        answers.push_str(word);
    }
    answers
}

fn door(provider: WebhookProvider) -> Door {
    let webhook = Webhook {
        provider,
        secret_ref: SecretReference {
            name: "hook".to_owned(),
        },
    };
    let data = [("secret", SECRET), ("token", TOKEN)];
    let data = data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let address = GitAddress::parse("https://git.example.org/team/shop.git").expect("an address");
    Door::of(&webhook, &data.into(), &address).expect("a door")
}
