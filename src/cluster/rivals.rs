//! Other releases of the same plan that have not ended: one that is to take a release's place, one that it must wait for.
//!
//! In: a release and all of its plan. Out: who goes first. A watch tells while the release runs; what counts before it
//! begins is read anew.

use std::collections::BTreeMap;

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::releases::has_ended;
use crate::controller::Rival;
use crate::spec::crd::{Concurrency, PLAN_LABEL, Release};

/// The release before which another one must not begin, if there is one.
pub fn rival_of(release: &Release, all: &[Release]) -> Option<Rival> {
    let newer = all.iter().rfind(|other| supersedes(other, release));
    let newer = newer.map(|newer| Rival::Newer(newer.name_any()));
    let forbids = || {
        let mut all = all.iter();
        let older = all.find(|other| comes_before(other, release) && !is_to_be_aborted(other))?;
        let is_forbidden = match release.spec.concurrency {
            Concurrency::Forbid => true,
            Concurrency::Queue | Concurrency::Supersede => false,
        };
        is_forbidden.then(|| Rival::Older(older.name_any()))
    };
    newer.or_else(forbids)
}

/// The first release of the plan that has not ended and comes before one.
pub fn older<'r>(release: &Release, all: &'r [Release]) -> Option<&'r Release> {
    all.iter()
        .filter(|other| comes_before(other, release))
        .min_by_key(|other| other.spec.number)
}

fn comes_before(other: &Release, release: &Release) -> bool {
    other.spec.plan == release.spec.plan
        && other.spec.number < release.spec.number
        && !has_ended(other)
}

/// Whether somebody has asked for its end.
pub fn is_to_be_aborted(release: &Release) -> bool {
    let control = release.spec.control.as_ref();
    control.is_some_and(|control| control.abort)
}

fn supersedes(newer: &Release, release: &Release) -> bool {
    let replaces = match newer.spec.concurrency {
        Concurrency::Supersede => true,
        Concurrency::Queue | Concurrency::Forbid => false,
    };
    replaces
        && newer.spec.plan == release.spec.plan
        && newer.spec.number > release.spec.number
        && !has_ended(newer)
}

/// Who is to take a release's place, watched.
pub(super) struct Rivals {
    newest: watch::Receiver<Option<String>>,
    /// Dropped with it, which ends the watch.
    _watch: JoinSet<()>,
}

impl Rivals {
    /// Starts the watch.
    pub(super) fn start(client: &Client, namespace: &str, release: &Release) -> Self {
        let (sender, newest) = watch::channel(None);
        let api: Api<Release> = Api::namespaced(client.clone(), namespace);
        let label = format!("{PLAN_LABEL}={}", release.spec.plan);
        let release = release.clone();
        let mut watch = JoinSet::new();
        watch.spawn(async move {
            let config = watcher::Config::default().labels(&label);
            let mut stream = std::pin::pin!(watcher(api, config).default_backoff());
            let mut newer = BTreeMap::new();
            while let Some(next) = stream.next().await {
                match next {
                    Ok(watcher::Event::Apply(other) | watcher::Event::InitApply(other)) => {
                        if supersedes(&other, &release) {
                            newer.insert(other.spec.number, other.name_any());
                        } else {
                            newer.remove(&other.spec.number);
                        }
                    }
                    Ok(watcher::Event::Delete(other)) => {
                        newer.remove(&other.spec.number);
                    }
                    Ok(watcher::Event::Init) => newer.clear(),
                    Ok(watcher::Event::InitDone) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the watch of the plan's releases was cut");
                        continue;
                    }
                }
                let last = newer.values().next_back().cloned();
                sender.send_if_modified(|known| {
                    let is_news = *known != last;
                    known.clone_from(&last);
                    is_news
                });
                if sender.is_closed() {
                    return;
                }
            }
        });
        Self {
            newest,
            _watch: watch,
        }
    }

    /// The newest release that is to take its place, as far as is known.
    pub(super) fn newest(&self) -> Option<String> {
        self.newest.borrow().clone()
    }

    /// Waits for news.
    pub(super) async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Concurrency, Release, older, rival_of};
    use crate::spec::crd::{ReleaseSpec, ReleaseStatus};

    /// `1 ended, 2 Queue, 3 Supersede`
    fn releases(text: &str) -> Vec<Release> {
        let one = |words: &str| {
            let (number, how) = words.trim().split_once(' ').unwrap();
            let spec = ReleaseSpec {
                plan: "shop".to_owned(),
                number: number.parse().unwrap(),
                concurrency: match how {
                    "Supersede" => Concurrency::Supersede,
                    "Forbid" => Concurrency::Forbid,
                    _ => Concurrency::Queue,
                },
                ..ReleaseSpec::default()
            };
            let mut release = Release::new(&format!("shop-{number}"), spec);
            release.status = Some(ReleaseStatus {
                outcome: (how == "ended").then(|| "Succeeded".to_owned()),
                ..ReleaseStatus::default()
            });
            release
        };
        text.split(',').map(one).collect()
    }

    fn rival(number: usize, text: &str) -> String {
        let all = releases(text);
        let rival = rival_of(&all[number - 1], &all);
        rival.map_or(String::new(), |rival| format!("{rival:?}"))
    }

    #[test]
    fn the_newest_that_supersedes_takes_the_place_of_all_before_it() {
        let all = "1 Queue, 2 Queue, 3 Supersede, 4 Supersede, 5 Queue";
        assert_eq!(rival(1, all), "Newer(\"shop-4\")");
        assert_eq!(rival(3, all), "Newer(\"shop-4\")");
        assert_eq!(rival(4, all), "");
        assert_eq!(rival(5, all), "");
        assert_eq!(
            older(&releases(all)[4], &releases(all))
                .unwrap()
                .spec
                .number,
            1
        );
    }

    #[test]
    fn one_that_is_forbidden_beside_another_gives_way_and_one_that_queues_waits() {
        assert_eq!(rival(2, "1 Queue, 2 Forbid"), "Older(\"shop-1\")");
        assert_eq!(rival(2, "1 ended, 2 Forbid"), "");
        assert_eq!(rival(2, "1 Queue, 2 Queue"), "");
    }
}
