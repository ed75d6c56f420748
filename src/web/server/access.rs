//! What somebody may see and do, asked of the API server and remembered for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::sessions::digest;
use crate::web::backend::{Backend, Person, Question, Refused, Right};
use crate::web::view::Sight;

/// How long an answer about what may be seen counts; what may be done is asked anew each time.
const REMEMBERED: Duration = Duration::from_secs(20);
/// How long it counts that a token is somebody's.
const RECOGNISED: Duration = Duration::from_secs(10);
/// So that nobody fills the memory with questions.
const ANSWERS_MAX: usize = 20_000;
/// No token of a cluster is longer; a longer one is not even sent to the API server.
const TOKEN_BYTES_MAX: usize = 32 << 10;

type Answers<K, V> = Mutex<BTreeMap<K, (Instant, V)>>;

/// Asks and remembers.
pub(super) struct Access {
    backend: Arc<dyn Backend>,
    answers: Answers<(String, Question), bool>,
    tokens: Answers<String, Option<Person>>,
}

fn hold<K, V>(answers: &Answers<K, V>) -> MutexGuard<'_, BTreeMap<K, (Instant, V)>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is remembered, if it is still fresh.
fn remembered<K: Ord, V: Clone>(answers: &Answers<K, V>, key: &K, lasts: Duration) -> Option<V> {
    let known = hold(answers);
    let (at, answer) = known.get(key)?;
    (at.elapsed() < lasts).then(|| answer.clone())
}

fn remember<K: Ord, V>(answers: &Answers<K, V>, key: K, answer: V) {
    let mut known = hold(answers);
    if known.len() >= ANSWERS_MAX {
        known.clear();
    }
    known.insert(key, (Instant::now(), answer));
}

/// Everything about a person by which rights are judged.
fn key_of(person: &Person) -> String {
    let Person {
        name,
        uid,
        groups,
        extra,
    } = person;
    digest("person", &format!("{name:?} {uid:?} {groups:?} {extra:?}"))
}

impl Access {
    pub(super) fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            answers: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// Whose token it is.
    pub(super) async fn recognise(&self, token: &str) -> Result<Option<Person>, Refused> {
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let key = digest("token", token);
        if let Some(known) = remembered(&self.tokens, &key, RECOGNISED) {
            return Ok(known);
        }
        let person = self.backend.recognise(token).await?;
        remember(&self.tokens, key, person.clone());
        Ok(person)
    }

    /// Whether somebody has a right, asked now.
    pub(super) async fn may(&self, person: &Person, question: &Question) -> Result<bool, Refused> {
        self.backend.may(person, question).await
    }

    /// Whether somebody has a right, as it was a moment ago at the latest.
    async fn saw(&self, person: &Person, question: Question) -> Result<bool, Refused> {
        let key = (key_of(person), question);
        if let Some(known) = remembered(&self.answers, &key, REMEMBERED) {
            return Ok(known);
        }
        let answer = self.backend.may(person, &key.1).await?;
        remember(&self.answers, key, answer);
        Ok(answer)
    }

    /// Whether somebody may do what a button is for; where that cannot be found out there is no button.
    pub(super) async fn has(&self, person: &Person, right: Right, namespace: &str) -> bool {
        let question = Question {
            right,
            namespace: Some(namespace.to_owned()),
            name: None,
        };
        self.saw(person, question).await.unwrap_or(false)
    }

    /// What a person may see of all there is.
    pub(super) async fn sight(&self, person: &Person) -> Result<Sight, Refused> {
        let all = self.backend.sight();
        let namespaces = all.namespaces();
        let mut allowed: BTreeMap<Right, Option<Vec<String>>> = BTreeMap::new();
        for right in [Right::SeeReleases, Right::SeePlans, Right::SeeGraphs] {
            let everywhere = Question {
                right,
                namespace: None,
                name: None,
            };
            if self.saw(person, everywhere).await? {
                allowed.insert(right, None);
                continue;
            }
            let mut some = Vec::new();
            for namespace in &namespaces {
                let there = Question {
                    right,
                    namespace: Some(namespace.clone()),
                    name: None,
                };
                if self.saw(person, there).await? {
                    some.push(namespace.clone());
                }
            }
            allowed.insert(right, Some(some));
        }
        let sees = |right: Right, namespace: &str| match allowed.get(&right) {
            Some(None) => true,
            Some(Some(some)) => some.iter().any(|one| one == namespace),
            None => false,
        };
        Ok(all.within(
            |namespace| sees(Right::SeeReleases, namespace),
            |namespace| sees(Right::SeePlans, namespace),
            |namespace| sees(Right::SeeGraphs, namespace),
        ))
    }
}
