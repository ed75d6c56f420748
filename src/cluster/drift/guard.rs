//! Guards one plan at rest: watches the metadata of what it released, and looks closer where somebody else has written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{SelectAll, select_all};
use jiff::Timestamp;
use kube::api::{DynamicObject, ListParams, PartialObjectMeta};
use kube::runtime::watcher::Event as Watched;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use tokio::time::Instant;

use super::DriftListener;
use super::healing::heal;
use super::look::look;
use super::seen::Seen;
use super::told::Told;
use crate::cluster::builds::as_released;
use crate::cluster::client::Connection;
use crate::cluster::error::ClusterError;
use crate::cluster::kinds::Kinds;
use crate::cluster::releases::Releases;
use crate::drift::{Change, Decision, DriftEvent, Part, Resting, decide, told};
use crate::manifest::Bundle;
use crate::spec::ObjectRef;
use crate::spec::crd::{DriftPolicy, PLAN_LABEL, Release, ReleasePlan};

/// How long nobody may write before it is looked at: who changes one object often changes several.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait before everything is tried again that the API server did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long a guard without a timer sleeps.
const LONG: Duration = Duration::from_hours(24 * 365);
/// What runs to its end may be tidied away by whoever made it so.
const ENDING_KINDS: [&str; 5] = ["Job", "Pod", "Workflow", "TaskRun", "PipelineRun"];

/// The kind of an object: `apiVersion` and `kind`.
type Kind = (String, String);
type Shown = (Kind, Watched<PartialObjectMeta<DynamicObject>>);

/// Guards one plan.
pub(super) struct Guard {
    connection: Connection,
    plan: ReleasePlan,
    namespace: String,
    releases: Releases,
    resting: Resting,
    told: Told,
}

/// One object that is guarded, and which part of the plan's releases brought it.
struct Guarded {
    object: ObjectRef,
    part: usize,
}

/// What a closer look has found, for the version that was looked at.
type Looked = BTreeMap<ObjectRef, (String, Vec<Change>)>;

impl Guard {
    pub(super) fn new(
        connection: Connection,
        plan: &ReleasePlan,
        resting: Resting,
        listeners: Vec<Arc<dyn DriftListener>>,
    ) -> Self {
        let namespace = plan.namespace().unwrap_or_default();
        let client = connection.client();
        Self {
            releases: Releases::new(client.clone(), &namespace),
            told: Told::new(client, plan, listeners),
            plan: plan.clone(),
            connection,
            namespace,
            resting,
        }
    }

    /// Guards it until somebody ends this.
    pub(super) async fn keep(mut self) {
        loop {
            if let Err(error) = self.guard().await {
                let words = crate::cluster::describe(&error);
                tracing::warn!(plan = %self.plan.name_any(), "whether others change what was released is not known: {words}");
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn guard(&mut self) -> Result<(), ClusterError> {
        if self.plan.spec.drift == DriftPolicy::Ignore {
            self.told.stands(&self.plan, &DriftEvent::Over).await?;
            return std::future::pending().await;
        }
        let account = self.plan.spec.service_account_name.as_deref();
        let acting = self.connection.acting_as(&self.namespace, account)?;
        let kinds = Kinds::discover(acting.clone()).await?;
        let guarded = self.guarded().await?;
        let mut watches = self.watches(&acting, &kinds, &guarded).await?;
        let mut seen: BTreeMap<Kind, Seen> = BTreeMap::new();
        for (kind, _) in &watches {
            seen.insert(kind.clone(), Seen::default());
        }
        let mut shown: SelectAll<_> = select_all(watches.drain(..).map(|(_, stream)| stream));
        let mut looked = Looked::new();
        let mut look_at = Instant::now() + LONG;
        loop {
            tokio::select! {
                next = shown.next() => {
                    let Some((kind, event)) = next else {
                        // Nothing of it can be watched.
                        return std::future::pending().await;
                    };
                    let is_news = seen.entry(kind).or_default().take(event);
                    if is_news && seen.values().all(|seen| seen.is_whole) {
                        look_at = look_at.min(Instant::now() + QUIET);
                    }
                }
                () = tokio::time::sleep_until(look_at) => {
                    let found = self.changes((&acting, &kinds), &guarded, (&seen, &mut looked)).await?;
                    look_at = Instant::now() + self.answer(&found).await?;
                }
            }
        }
    }

    /// What is guarded. The manifests are read again when they are needed.
    async fn guarded(&self) -> Result<Vec<Guarded>, ClusterError> {
        let mut all = Vec::new();
        for (index, part) in self.resting.parts.iter().enumerate() {
            let bundle = self.bundle(part).await?;
            for entry in &bundle.objects {
                let owner = bundle.owner(&entry.reference).map(ToString::to_string);
                if part.brought(owner.as_deref()) && entry.reference.namespace == self.namespace {
                    let object = entry.reference.clone();
                    all.push(Guarded {
                        object,
                        part: index,
                    });
                }
            }
        }
        Ok(all)
    }

    async fn bundle(&self, part: &Part) -> Result<Bundle, ClusterError> {
        let release = self.releases.get(&part.release).await?;
        let bundle = self.releases.bundle(&release).await?;
        // What runs has the images that were built, and not what the files name.
        Ok(as_released(&bundle, &release))
    }

    /// A watch for each kind that the account may watch.
    async fn watches(
        &self,
        acting: &Client,
        kinds: &Kinds,
        guarded: &[Guarded],
    ) -> Result<Vec<(Kind, futures::stream::BoxStream<'static, Shown>)>, ClusterError> {
        let mut watches: Vec<(Kind, _)> = Vec::new();
        for Guarded { object, .. } in guarded {
            let kind = (object.api_version.clone(), object.kind.clone());
            if watches.iter().any(|(known, _)| *known == kind) {
                continue;
            }
            let Ok(api) = kinds.metadata(acting, object) else {
                continue;
            };
            let label = format!("{PLAN_LABEL}={}", self.plan.name_any());
            // One small list first: a watch would retry a missing right for ever without a word.
            let probe = ListParams::default().labels(&label).limit(1);
            if let Err(error) = api.list(&probe).await {
                let error = ClusterError::of(error, object.kind.clone());
                if error.is_passing() {
                    return Err(error);
                }
                let plan = self.plan.name_any();
                let kind = &object.kind;
                tracing::debug!(%plan, %kind, "foreign changes are not seen: {}", crate::cluster::describe(&error));
                continue;
            }
            let of_kind = kind.clone();
            let config = watcher::Config::default().labels(&label);
            let stream = watcher(api, config).default_backoff();
            let stream = stream.filter_map(move |next| {
                let shown = next.ok().map(|event| (of_kind.clone(), event));
                futures::future::ready(shown)
            });
            watches.push((kind, stream.boxed()));
        }
        Ok(watches)
    }

    /// Everything that is not as it was released.
    async fn changes(
        &self,
        (acting, kinds): (&Client, &Kinds),
        guarded: &[Guarded],
        (seen, looked): (&BTreeMap<Kind, Seen>, &mut Looked),
    ) -> Result<Vec<(usize, Change)>, ClusterError> {
        let mut found = Vec::new();
        let mut bundles: BTreeMap<usize, Bundle> = BTreeMap::new();
        for Guarded { object, part } in guarded {
            let kind = (object.api_version.clone(), object.kind.clone());
            let Some(of_kind) = seen.get(&kind) else {
                continue;
            };
            let known = of_kind.get(object);
            let version = known.map(|known| known.version.clone()).unwrap_or_default();
            if known.is_some_and(|known| known.writers.is_empty())
                || (known.is_none() && ENDING_KINDS.contains(&object.kind.as_str()))
            {
                looked.remove(object);
                continue;
            }
            // Of what is not there no version says that it is still so.
            let is_known =
                known.is_some() && looked.get(object).is_some_and(|(at, _)| *at == version);
            if !is_known {
                if !bundles.contains_key(part)
                    && let Some(of_part) = self.resting.parts.get(*part)
                {
                    bundles.insert(*part, self.bundle(of_part).await?);
                }
                let Some(bundle) = bundles.get(part) else {
                    continue;
                };
                let api = kinds.api(acting, object)?;
                let plan = self.plan.name_any();
                let changes = look(&api, object, (&plan, bundle)).await?;
                looked.insert(object.clone(), (version, changes));
            }
            let changes = looked
                .get(object)
                .into_iter()
                .flat_map(|(_, changes)| changes);
            found.extend(changes.map(|change| (*part, change.clone())));
        }
        Ok(found)
    }

    /// Tells what was found, and puts it back if that is due. Out: how long until that may be.
    async fn answer(&mut self, found: &[(usize, Change)]) -> Result<Duration, ClusterError> {
        let Some((part, _)) = found.first() else {
            self.told.stands(&self.plan, &DriftEvent::Over).await?;
            return Ok(LONG);
        };
        let all: Vec<Change> = found.iter().map(|(_, change)| change.clone()).collect();
        let mut objects: Vec<&ObjectRef> = all.iter().map(|change| &change.object).collect();
        objects.dedup();
        let event = DriftEvent::Found {
            objects: objects.len(),
            message: told(&all),
        };
        self.told.stands(&self.plan, &event).await?;
        let of_plan = self.releases.list(Some(&self.plan.name_any())).await?;
        let now = Timestamp::now();
        let decision = decide(self.plan.spec.drift, self.plan.spec.suspend, &of_plan, now);
        match decision {
            Decision::Tell => Ok(LONG),
            Decision::HealAt(at) => Ok(Duration::try_from(at.duration_since(now)).unwrap_or(QUIET)),
            Decision::Not(message) => {
                let event = DriftEvent::NotHealed { message };
                self.told.tell(&self.plan, &event).await;
                Ok(LONG)
            }
            Decision::Heal => {
                // One release has one input: what another part brought comes after it.
                let of_part = found.iter().filter(|(one, _)| one == part);
                let changes: Vec<Change> = of_part.map(|(_, change)| change.clone()).collect();
                self.heal(*part, &of_plan, &changes).await?;
                Ok(LONG)
            }
        }
    }

    async fn heal(
        &mut self,
        part: usize,
        of_plan: &[Release],
        changes: &[Change],
    ) -> Result<(), ClusterError> {
        let Some(part) = self.resting.parts.get(part) else {
            return Ok(());
        };
        let bundle = self.bundle(part).await?;
        let (releases, plan) = (self.releases.clone(), self.plan.clone());
        let (source, seen) = (part.release.clone(), of_plan.last().cloned());
        let changes = changes.to_vec();
        // The guard ends as soon as the release is there, and its bundle comes after it.
        let made = tokio::spawn(async move {
            let seen = (&plan, seen.as_ref());
            heal(&releases, seen, (&source, bundle), &changes).await
        });
        let Ok(release) = made.await else {
            return Ok(());
        };
        let release = release?;
        self.told
            .tell(&self.plan, &DriftEvent::Heals { release })
            .await;
        Ok(())
    }
}
