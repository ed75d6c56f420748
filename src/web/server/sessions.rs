//! Who has signed in. The browser holds a random name, here is only its digest: what leaks from here opens nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::web::backend::Person;

/// However long a token lasts, somebody signs in again after a working day.
pub(super) const LASTS: SignedDuration = SignedDuration::from_hours(8);
/// So that nobody fills the memory; the oldest go first.
const SESSIONS_MAX: usize = 10_000;
/// So many random bytes that nobody guesses one.
const NAME_BYTES: usize = 32;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Who.
    pub person: Person,
    /// When it ends.
    pub until: Timestamp,
}

/// Every session, by the digest of its name.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<String, Session>>);

impl Sessions {
    /// Begins a session. Out: its name, for the cookie.
    pub(super) fn begin(&self, person: Person, until: Timestamp) -> String {
        let name = random();
        let mut all = self.hold();
        let now = Timestamp::now();
        all.retain(|_, session| session.until > now);
        while all.len() >= SESSIONS_MAX
            && let Some(oldest) = all.iter().min_by_key(|(_, session)| session.until)
        {
            let oldest = oldest.0.clone();
            all.remove(&oldest);
        }
        all.insert(digest("session", &name), Session { person, until });
        name
    }

    /// The session of a name.
    pub(super) fn find(&self, name: &str) -> Option<Session> {
        let all = self.hold();
        let session = all.get(&digest("session", name))?;
        (session.until > Timestamp::now()).then(|| session.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, name: &str) {
        self.hold().remove(&digest("session", name));
    }

    fn hold(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text that nobody guesses.
pub(super) fn random() -> String {
    hex(&rand::random::<[u8; NAME_BYTES]>())
}

/// The token that every form of a session carries: whoever has it has seen a page of that session.
pub(super) fn form_token(session: &str) -> String {
    digest("form", session)
}

/// A digest of a secret for one purpose.
pub(super) fn digest(purpose: &str, secret: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(purpose.as_bytes());
    hasher.update([0]);
    hasher.update(secret.as_bytes());
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_name_until_it_ends() {
        let sessions = Sessions::default();
        let person = Person {
            name: "anna".to_owned(),
            ..Person::default()
        };
        let later = Timestamp::now() + SignedDuration::from_hours(1);
        let name = sessions.begin(person.clone(), later);
        assert_eq!(
            sessions.find(&name).map(|session| session.person),
            Some(person.clone())
        );
        assert_eq!(
            sessions.find(&digest("session", &name)),
            None,
            "a digest is no name"
        );
        sessions.end(&name);
        assert_eq!(sessions.find(&name), None);
        let over = sessions.begin(person, Timestamp::now());
        assert_eq!(sessions.find(&over), None, "its time is over");
    }
}
