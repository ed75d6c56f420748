//! The page of a simulated release: every state of it without a cluster, for people and for the browser tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::sync::watch;

use super::failure::{Exit, Failure};
use super::output::Output;
use crate::sim::Cranked;
use crate::spec::crd::{Approval, Release, ReleasePlan, ReleasePlanSpec, ServiceGraphSpec};
use crate::web::view::Sight;
use crate::web::{
    Ask, Backend, Crank, Door, Explained, Fact, Person, Question, Refused, Wish, serve,
};

/// A cranked release behind the page.
struct Simulated {
    cranked: Mutex<Cranked>,
    words: Arc<Explained>,
    changes: watch::Sender<u64>,
}

impl Simulated {
    fn hold(&self) -> MutexGuard<'_, Cranked> {
        self.cranked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes
            .send_modify(|number| *number = number.wrapping_add(1));
    }
}

/// Serves the page until the process is told to stop.
pub(super) async fn serve_simulated(
    output: &Output,
    address: SocketAddr,
    cranked: Cranked,
    words: Explained,
) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(
            Exit::Usage,
            format!("cannot serve the page at {address}: {error}"),
        )
        .hint("choose another address with `--serve`, for instance `--serve 127.0.0.1:0`")
    };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let (changes, _) = watch::channel(0);
    let simulated = Arc::new(Simulated {
        cranked: Mutex::new(cranked),
        words: Arc::new(words),
        changes,
    });
    let cranking = Arc::clone(&simulated);
    let crank: Crank = Arc::new(move |seconds| {
        cranking
            .hold()
            .advance(SignedDuration::from_secs(i64::from(seconds)));
        cranking.changed();
    });
    let door = Door::Open(Person {
        name: "you".to_owned(),
        ..Person::default()
    });
    output.say(&format!(
        "the page of the simulated release is at http://{bound}; Ctrl-C ends it"
    ));
    tokio::select! {
        ended = serve(listener, simulated, door, Some(crank)) => ended.map_err(cannot),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

impl Backend for Simulated {
    fn sight(&self) -> Arc<Sight> {
        let cranked = self.hold();
        let release = cranked.release();
        let mut plan = ReleasePlan::new(&release.spec.plan, ReleasePlanSpec::default());
        plan.metadata
            .namespace
            .clone_from(&release.metadata.namespace);
        let graph = cranked.graph();
        Arc::new(Sight::new(
            vec![Arc::new(release)],
            vec![Arc::new(plan)],
            vec![Arc::new(graph)],
            true,
        ))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn now(&self) -> Timestamp {
        self.hold().now()
    }

    fn recognise<'a>(&'a self, _token: &'a str) -> BoxFuture<'a, Result<Option<Person>, Refused>> {
        async { Ok(None) }.boxed()
    }

    fn may<'a>(
        &'a self,
        _person: &'a Person,
        _question: &'a Question,
    ) -> BoxFuture<'a, Result<bool, Refused>> {
        async { Ok(true) }.boxed()
    }

    fn explain<'a>(&'a self, _release: &'a Release) -> BoxFuture<'a, Option<Arc<Explained>>> {
        async { Some(Arc::clone(&self.words)) }.boxed()
    }

    fn graph_of<'a>(
        &'a self,
        _release: &'a Release,
    ) -> BoxFuture<'a, Result<ServiceGraphSpec, Refused>> {
        async { Ok(self.hold().released()) }.boxed()
    }

    fn ask<'a>(
        &'a self,
        _release: &'a Release,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Result<(), Refused>> {
        async move {
            let now = self.now();
            self.hold().control(|control| {
                let reason = ask.reason.clone();
                match &ask.wish {
                    Wish::Approve { step } => control.approvals.push(Approval {
                        step: step.clone(),
                        by: ask.by.clone(),
                        time: Some(Time(now)),
                        reason,
                    }),
                    Wish::Pause => (control.pause, control.reason) = (true, reason),
                    Wish::Resume => (control.pause, control.reason) = (false, reason),
                    Wish::Abort => (control.abort, control.reason) = (true, reason),
                }
            });
            self.changed();
            Ok(())
        }
        .boxed()
    }

    fn facts(&self) -> BoxFuture<'_, Vec<Fact>> {
        let fact = |about: &str, is: String| Fact {
            about: about.to_owned(),
            is,
            is_trouble: false,
        };
        let facts = vec![
            fact("tidegate", env!("CARGO_PKG_VERSION").to_owned()),
            fact(
                "cluster",
                "simulated in this process; nothing is written anywhere".to_owned(),
            ),
            fact("clock", "stands still until somebody cranks it".to_owned()),
        ];
        async move { facts }.boxed()
    }
}
