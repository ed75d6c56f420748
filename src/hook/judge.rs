//! Whether a delivery is from whom it says, in a time that does not depend on how wrong it is.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::claim::{Claim, Proof};
use super::door::Door;
use crate::spec::crd::WebhookProvider;

/// Hears a body as it comes, and judges at its end.
pub struct Judge {
    macs: Vec<Hmac<Sha256>>,
    shown: [u8; 32],
    /// Whether the proof is right that does not depend on the body.
    is_known: Choice,
    digest: Sha256,
    naming: Naming,
}

/// What tells a delivery from another one.
enum Naming {
    /// What was signed: the sender's name for it is not, so a replay could bring another one.
    Body,
    /// The sender's name for it, or what it says.
    Name(Option<String>),
    /// The sender's name for it; without one each is another.
    Own(Option<String>),
}

impl Judge {
    /// Begins. Without a door the end is always a no, and takes as long.
    pub fn begin(door: Option<&Door>, claim: &Claim) -> Self {
        let mut judge = Self {
            macs: Vec::new(),
            shown: [0; 32],
            is_known: Choice::from(0),
            digest: Sha256::new(),
            naming: Naming::Body,
        };
        let nobody = [Vec::new()];
        let secrets = door.map_or(nobody.as_slice(), |door| door.secrets.as_slice());
        let is_any_of = |keys: &[Vec<u8>], shown: &[u8]| {
            let shown = Sha256::digest(shown);
            keys.iter().fold(Choice::from(0), |found, key| {
                found | Sha256::digest(key).ct_eq(&shown)
            })
        };
        match &claim.proof {
            Proof::Signature(shown) => {
                judge.macs = secrets.iter().filter_map(|secret| mac(secret)).collect();
                judge.shown = *shown;
            }
            Proof::Secret(shown) => {
                judge.is_known = is_any_of(secrets, shown);
                judge.naming = Naming::Name(claim.name.clone());
            }
            Proof::Token(shown) => {
                let tokens = door.map_or(nobody.as_slice(), |door| door.tokens.as_slice());
                judge.is_known = is_any_of(tokens, shown);
                judge.naming = Naming::Own(claim.name.clone());
            }
            Proof::Nothing => {}
        }
        // An empty secret or token is nobody's.
        judge.is_known &= Choice::from(u8::from(door.is_some()));
        if door.is_none() {
            judge.shown = [0; 32];
        }
        judge
    }

    /// Hears the next bytes.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.macs.iter_mut().for_each(|mac| mac.update(bytes));
    }

    /// Judges. Out: what names the delivery, if it is authentic; `fresh` where it has no name.
    pub fn end(self, fresh: &str) -> Option<String> {
        let shown = self.shown;
        let signed = self.macs.into_iter().fold(Choice::from(0), |found, mac| {
            found | mac.finalize().into_bytes().ct_eq(&shown)
        });
        if !bool::from(signed | self.is_known) {
            return None;
        }
        let digest = || {
            let digest = self.digest.finalize();
            let digits = digest.iter().map(|byte| format!("{byte:02x}"));
            format!("sha256:{}", digits.collect::<Vec<_>>().concat())
        };
        Some(match self.naming {
            Naming::Body | Naming::Name(None) => digest(),
            Naming::Name(Some(name)) | Naming::Own(Some(name)) => name,
            Naming::Own(None) => fresh.to_owned(),
        })
    }
}

fn mac(secret: &[u8]) -> Option<Hmac<Sha256>> {
    // Every length will do.
    Hmac::new_from_slice(secret).ok()
}

/// Whether a provider signs what it says.
pub(super) fn is_signed(provider: WebhookProvider) -> bool {
    match provider {
        WebhookProvider::GitHub | WebhookProvider::Gitea => true,
        WebhookProvider::GitLab | WebhookProvider::Generic => false,
    }
}
