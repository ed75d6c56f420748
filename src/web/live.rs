//! The page of a real cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use super::backend::{Ask, Backend, Explained, Fact, Person, Question, Refused, Wish};
use super::explained::of_release;
use super::view::Sight;
use crate::cluster::{
    ClusterError, Connection, Declared, Deed, Releases, Subject, Word, describe, may, recognise,
};
use crate::spec::crd::{Approval, Release, ServiceGraphSpec};

/// So many plans in words are remembered.
const EXPLAINED_MAX: usize = 500;

/// A cluster, seen through watches; reviews and writes go to its API server with the account of this program.
pub struct LiveBackend {
    connection: Connection,
    declared: Declared,
    /// The sight, and the number of the change that it was made after.
    sight: Mutex<Option<(u64, Arc<Sight>)>>,
    /// By the uid of a release and the digest of its plan.
    explained: Mutex<BTreeMap<String, Option<Arc<Explained>>>>,
    started: Timestamp,
}

impl LiveBackend {
    /// Starts the watches. In: the way to the cluster, and the one namespace if it is one.
    pub fn start(connection: Connection, namespace: Option<&str>) -> Self {
        Self {
            declared: Declared::start(&connection.client(), namespace),
            connection,
            sight: Mutex::default(),
            explained: Mutex::default(),
            started: Timestamp::now(),
        }
    }

    async fn explain_anew(&self, release: &Release) -> Option<Explained> {
        let status = release
            .status
            .as_ref()
            .filter(|status| !status.waves.is_empty())?;
        let namespace = release.metadata.namespace.as_deref()?;
        let releases = Releases::new(self.connection.client(), namespace);
        let after = releases.bundle(release).await.ok()?.graph;
        let sight = self.sight();
        let earlier = sight
            .releases_of(namespace, &release.spec.plan)
            .iter()
            .rev();
        let mut earlier = earlier.filter(|other| {
            let outcome = other
                .status
                .as_ref()
                .and_then(|status| status.outcome.as_deref());
            other.spec.number < release.spec.number && outcome == Some("Succeeded")
        });
        let before = match earlier.next() {
            Some(before) => Some(releases.bundle(before).await.ok()?.graph),
            None => None,
        };
        of_release(status, &release.spec.planning, before.as_ref(), &after)
    }

    fn facts_now(&self) -> Vec<Fact> {
        let sight = self.sight();
        let cut = self.declared.cut();
        let fact = |about: &str, is: String, is_trouble| Fact {
            about: about.to_owned(),
            is,
            is_trouble,
        };
        let under_way = sight
            .releases()
            .iter()
            .filter(|one| !crate::cluster::has_ended(one));
        vec![
            fact("tidegate", env!("CARGO_PKG_VERSION").to_owned(), false),
            fact("API server", self.connection.server(), false),
            fact("running since", self.started.to_string(), false),
            match cut.as_slice() {
                [] if sight.is_whole => fact(
                    "watches",
                    "releases, plans and graphs are watched".to_owned(),
                    false,
                ),
                [] => fact("watches", "reading for the first time".to_owned(), false),
                cut => fact(
                    "watches",
                    format!(
                        "cut: {}; they are taken up again, until then what is shown is old",
                        cut.join(", ")
                    ),
                    true,
                ),
            },
            fact(
                "releases",
                format!(
                    "{}, {} under way",
                    sight.releases().len(),
                    under_way.count()
                ),
                false,
            ),
            fact("plans", sight.plans().len().to_string(), false),
            fact("graphs", sight.graphs().len().to_string(), false),
        ]
    }
}

fn refused(error: &ClusterError) -> Refused {
    Refused::Cluster(describe(error))
}

fn subject(person: &Person) -> Subject {
    let Person {
        name,
        uid,
        groups,
        extra,
    } = person.clone();
    Subject {
        name,
        uid,
        groups,
        extra,
    }
}

impl Backend for LiveBackend {
    fn sight(&self) -> Arc<Sight> {
        let number = *self.declared.changes().borrow();
        let mut known = self.sight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, sight)) = &*known
            && *at == number
        {
            return Arc::clone(sight);
        }
        let is_whole = self.declared.whole().now_or_never().is_some();
        let sight = Arc::new(Sight::new(
            self.declared.releases(),
            self.declared.plans(),
            self.declared.graphs(),
            is_whole,
        ));
        *known = Some((number, Arc::clone(&sight)));
        sight
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.declared.changes()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn recognise<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Person>, Refused>> {
        async move {
            let found = recognise(&self.connection.client(), token).await;
            let person = |subject: Subject| Person {
                name: subject.name,
                uid: subject.uid,
                groups: subject.groups,
                extra: subject.extra,
            };
            Ok(found.map_err(|error| refused(&error))?.map(person))
        }
        .boxed()
    }

    fn may<'a>(
        &'a self,
        person: &'a Person,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<bool, Refused>> {
        async move {
            let (verb, resource) = question.right.words();
            let deed = Deed {
                verb,
                resource,
                namespace: question.namespace.as_deref(),
                name: question.name.as_deref(),
            };
            let answer = may(&self.connection.client(), &subject(person), &deed).await;
            answer.map_err(|error| refused(&error))
        }
        .boxed()
    }

    fn explain<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, Option<Arc<Explained>>> {
        async move {
            let plan = release.status.as_ref()?.plan.as_ref()?;
            // A release that is planned anew has other reasons.
            let uid = format!("{} {}", release.metadata.uid.as_ref()?, plan.digest);
            let known = |map: &Mutex<BTreeMap<String, Option<Arc<Explained>>>>| {
                let map = map.lock().unwrap_or_else(PoisonError::into_inner);
                map.get(&uid).cloned()
            };
            if let Some(known) = known(&self.explained) {
                return known;
            }
            let made = self.explain_anew(release).await.map(Arc::new);
            let mut map = self
                .explained
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if map.len() >= EXPLAINED_MAX {
                map.clear();
            }
            map.insert(uid, made.clone());
            made
        }
        .boxed()
    }

    fn graph_of<'a>(
        &'a self,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<ServiceGraphSpec, Refused>> {
        async move {
            let namespace = release.metadata.namespace.as_deref().unwrap_or_default();
            let releases = Releases::new(self.connection.client(), namespace);
            let bundle = releases.bundle(release).await;
            Ok(bundle.map_err(|error| refused(&error))?.graph)
        }
        .boxed()
    }

    fn ask<'a>(&'a self, release: &'a Release, ask: &'a Ask) -> BoxFuture<'a, Result<(), Refused>> {
        async move {
            let namespace = release.metadata.namespace.as_deref().unwrap_or_default();
            let name = release.metadata.name.as_deref().unwrap_or_default();
            let releases = Releases::new(self.connection.client(), namespace);
            let Ask { wish, by, reason } = ask;
            let mut control = match wish {
                Wish::Approve { step } => {
                    let approval = Approval {
                        step: step.clone(),
                        by: by.clone(),
                        // The API server keeps whole seconds.
                        time: Timestamp::from_second(Timestamp::now().as_second())
                            .ok()
                            .map(Into::into),
                        reason: reason.clone(),
                    };
                    let done = releases.say(name, Word::Approve, &[approval]).await;
                    return done.map(|_| ()).map_err(|error| refused(&error));
                }
                Wish::Pause => json!({"pause": true}),
                Wish::Resume => json!({"pause": false}),
                Wish::Abort => json!({"abort": true}),
            };
            if let (Some(fields), Some(reason)) = (control.as_object_mut(), reason) {
                fields.insert("reason".to_owned(), json!(format!("{by}: {reason}")));
            }
            let done = releases.control(name, &control).await;
            done.map(|_| ()).map_err(|error| refused(&error))
        }
        .boxed()
    }

    fn facts(&self) -> BoxFuture<'_, Vec<Fact>> {
        async move { self.facts_now() }.boxed()
    }
}
