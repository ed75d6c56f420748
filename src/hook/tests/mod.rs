//! Deliveries in, words out.

mod authentic;
mod lost;
mod said;

use std::collections::BTreeMap;

use crate::hook::{Claim, Door, Judge};
use crate::spec::GitAddress;
use crate::spec::crd::{SecretReference, Webhook, WebhookProvider};

pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(super) const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// A door with these keys in its Secret.
pub(super) fn door_with(provider: WebhookProvider, keys: &[(&str, &str)]) -> Result<Door, String> {
    let webhook = Webhook {
        provider,
        secret_ref: SecretReference {
            name: "hook".to_owned(),
        },
    };
    let data: BTreeMap<String, Vec<u8>> = keys
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let address = GitAddress::parse("https://git.example.org/team/shop.git").expect("an address");
    Door::of(&webhook, &data, &address).map_err(|error| error.to_string())
}

pub(super) fn door(provider: WebhookProvider) -> Door {
    door_with(provider, &[("secret", SECRET), ("token", OTHER)]).expect("a door")
}

/// The claim of a request with these headers.
pub(super) fn claim(provider: WebhookProvider, headers: &[(&str, &str)]) -> Claim {
    Claim::of(provider, |name| {
        let found = headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_bytes())
    })
}

/// What names a delivery, or that it is refused.
pub(super) fn judged(door: Option<&Door>, headers: &[(&str, &str)], body: &str) -> String {
    let provider = door.map_or(WebhookProvider::GitHub, Door::provider);
    let mut judge = Judge::begin(door, &claim(provider, headers));
    // In pieces, as it comes.
    body.as_bytes()
        .chunks(7)
        .for_each(|piece| judge.hear(piece));
    judge.end("fresh").unwrap_or_else(|| "refused".to_owned())
}
