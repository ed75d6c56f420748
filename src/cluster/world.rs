//! The real [`World`]: one release in one cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;

use super::act::Acting;
use super::builds::{BuildWatch, Builder, built};
use super::caches::Caches;
use super::client::Connection;
use super::error::ClusterError;
use super::freeze::Windows;
use super::inventory::Inventory;
use super::kinds::Kinds;
use super::releases::Releases;
use super::rivals::{Rivals, rival_of};
use super::survey::survey;
use super::watched::WatchedRelease;
use crate::build::Seen;
use crate::controller::{Loaded, Saved, Survey, World, WorldError, with_images};
use crate::manifest::Bundle;
use crate::spec::ServiceName;
use crate::spec::crd::Release;
use crate::upgrade::{
    Action, Agenda, Asked, Event, Observation, Outcome, State, Wanted, Wish, status,
};

/// Looks again at least this often, though no watch said a word: the net under the watches.
const SAFETY_POLL: Duration = Duration::from_secs(10);

/// Whoever wants to hear what happens in a release.
pub trait Listener: Send + Sync {
    /// Hears of events, in order.
    fn hear(&self, release: &Release, events: &[Event]);

    /// Whether it keeps ended releases elsewhere, so that none is deleted before that.
    fn archives(&self) -> bool {
        false
    }
}

/// One release in one cluster.
pub struct ClusterWorld {
    connection: Connection,
    own: Client,
    pub(super) acting: Client,
    pub(super) namespace: String,
    name: String,
    pub(super) releases: Releases,
    watched: WatchedRelease,
    rivals: Rivals,
    windows: Windows,
    pub(super) release: Release,
    /// May this process go on? A lease that was lost says no.
    held: watch::Receiver<bool>,
    /// The frozen input.
    frozen: Arc<Bundle>,
    /// The same with the images that are built, as far as they are.
    pub(super) bundle: Arc<Bundle>,
    /// The images that are in it.
    images: BTreeMap<ServiceName, Option<String>>,
    builds: Option<BuildWatch>,
    pub(super) kinds: Kinds,
    caches: Option<Caches>,
    listeners: Vec<Arc<dyn Listener>>,
}

impl ClusterWorld {
    /// Takes up a release. `held` says whether this process holds the release's lease.
    pub async fn open(
        connection: Connection,
        release: Release,
        held: watch::Receiver<bool>,
        listeners: Vec<Arc<dyn Listener>>,
    ) -> Result<Self, ClusterError> {
        let own = connection.client();
        let namespace = release.namespace().unwrap_or_default();
        let releases = Releases::new(own.clone(), &namespace);
        let bundle = Arc::new(releases.bundle(&release).await?);
        let acting =
            connection.acting_as(&namespace, bundle.plan.service_account_name.as_deref())?;
        let kinds = Kinds::discover(acting.clone()).await?;
        let name = release.name_any();
        let watched = WatchedRelease::start(&own, &namespace, &name);
        let rivals = Rivals::start(&own, &namespace, &release);
        let plan = (namespace.as_str(), release.spec.plan.as_str());
        let windows = Windows::start(&own, plan, &bundle.plan.freeze);
        Ok(Self {
            connection,
            own,
            acting,
            namespace,
            name,
            releases,
            watched,
            rivals,
            windows,
            release,
            held,
            frozen: Arc::clone(&bundle),
            bundle,
            images: BTreeMap::new(),
            builds: None,
            kinds,
            caches: None,
            listeners,
        })
    }

    pub(super) async fn caches(&mut self) -> Result<&Caches, WorldError> {
        if self.caches.is_none() {
            self.caches = Some(
                Caches::start(&self.own, &self.acting, &self.namespace)
                    .await
                    .map_err(|error| world_error(&error))?,
            );
        }
        self.caches
            .as_ref()
            .ok_or_else(|| WorldError::Unreachable("no watches".to_owned()))
    }

    fn check_held(&self) -> Result<(), WorldError> {
        if *self.held.borrow() {
            return Ok(());
        }
        Err(WorldError::Lost(format!(
            "another process goes on with release `{}`",
            self.name
        )))
    }

    /// Takes what the watch knows of the release, if that is newer.
    fn catch_up(&mut self) -> Result<(), WorldError> {
        match self.watched.newest() {
            Some(None) => {
                return Err(WorldError::Lost(format!(
                    "release `{}` was deleted",
                    self.name
                )));
            }
            Some(Some(newest)) if is_newer(&newest, &self.release) => {
                // Only what people ask is taken over; where it stands is known better here, and a foreign write of
                // it is met at the next save.
                if newest.status == self.release.status {
                    self.release.metadata.resource_version = newest.metadata.resource_version;
                }
                self.release.metadata.generation = newest.metadata.generation;
                self.release.spec = newest.spec;
            }
            None | Some(Some(_)) => {}
        }
        Ok(())
    }

    /// Takes in the images that are known now, so that what is looked at and written has them.
    fn take_images(&mut self, state: &State) {
        let images = state.builds.iter();
        let images = images.map(|(service, build)| (service.clone(), build.image.clone()));
        let images: BTreeMap<ServiceName, Option<String>> = images.collect();
        if images != self.images {
            self.bundle = Arc::new(with_images(&self.frozen, &state.builds));
            self.images = images;
        }
    }

    fn builder(&self) -> Builder<'_> {
        Builder {
            client: &self.acting,
            release: &self.release,
            bundle: &self.frozen,
        }
    }

    /// What is seen of the builds that are under way.
    async fn look_at_builds(
        &mut self,
        state: &State,
    ) -> Result<BTreeMap<ServiceName, Seen>, WorldError> {
        let watched = state.builds.iter();
        let watched: Vec<_> = watched
            .filter(|(_, build)| build.stand.is_watched())
            .collect();
        if watched.is_empty() {
            self.builds = None;
            return Ok(BTreeMap::new());
        }
        if self.builds.is_none() {
            self.builds = Some(BuildWatch::start(&self.builder()));
        }
        let builder = self.builder();
        let looks = watched.into_iter().map(async |(service, build)| {
            let seen = builder.look(service, build).await?;
            Ok((service.clone(), seen))
        });
        try_join_all(looks)
            .await
            .map(|seen| seen.into_iter().collect())
            .map_err(|error: ClusterError| world_error(&error))
    }

    fn wanted(&self) -> Wanted {
        let control = self.release.spec.control.clone().unwrap_or_default();
        Wanted {
            pause: control.pause,
            abort: control.abort,
            reason: control.reason,
            approvals: control.approvals,
            retries: control.retries,
            forces: control.forces,
            freeze: self.windows.of(&self.release),
            superseded_by: self.rivals.newest(),
        }
    }
}

fn is_newer(newest: &Release, known: &Release) -> bool {
    let version = |release: &Release| {
        release
            .metadata
            .resource_version
            .as_ref()
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    version(newest) > version(known)
}

/// What a cluster's error means to the loop.
pub(super) fn world_error(error: &ClusterError) -> WorldError {
    let text = super::describe(error);
    match error {
        ClusterError::Unreachable(cause) => WorldError::Unreachable(super::describe(cause)),
        ClusterError::Conflict { .. } => WorldError::Conflict,
        ClusterError::NotFound { .. } => WorldError::Lost(text),
        ClusterError::Kubeconfig(_)
        | ClusterError::NoCluster { .. }
        | ClusterError::Forbidden { .. }
        | ClusterError::NotInstalled
        | ClusterError::KindMissing(_)
        | ClusterError::Refused { .. }
        | ClusterError::Bundle { .. } => WorldError::Final(text),
    }
}

impl World for ClusterWorld {
    async fn load(&mut self) -> Result<Loaded, WorldError> {
        self.check_held()?;
        self.release = self
            .releases
            .get(&self.name)
            .await
            .map_err(|error| world_error(&error))?;
        let plan = &self.release.spec.plan;
        let all = self.releases.list(Some(plan)).await;
        let all = all.map_err(|error| world_error(&error))?;
        let read = self.windows.read(&self.releases, plan).await;
        read.map_err(|error| world_error(&error))?;
        Ok(Loaded {
            wanted: self.wanted(),
            status: self.release.status.clone().unwrap_or_default(),
            bundle: (*self.frozen).clone(),
            planning: self.release.spec.planning.clone(),
            plan_digest: self.release.spec.plan_digest.clone(),
            built: built(&self.release, &all),
            rival: rival_of(&self.release, &all),
            now: Timestamp::now(),
        })
    }

    async fn survey(&mut self, bundle: &Bundle) -> Result<Survey, WorldError> {
        self.bundle = Arc::new(bundle.clone());
        self.images.clear();
        let inventory = Inventory::read(&self.releases, &self.release.spec.plan)
            .await
            .map_err(|error| world_error(&error))?;
        let mut found = survey(&self.own, &self.preparing(), &inventory)
            .await
            .map_err(|error| world_error(&error))?;
        let plan = &self.release.spec.plan;
        if let Err(error) = self.releases.tell_claims(plan, &found.problems).await {
            // The release says it too, and whoever drives it need not have the right to write on plans.
            tracing::debug!("what plan `{plan}` claims was not told: {error}");
        }
        if !self.frozen.builds.is_empty() {
            let problems = self.builder().problems().await;
            let problems = problems.map_err(|error| world_error(&error))?;
            found.problems.extend(problems);
        }
        Ok(found)
    }

    async fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> Result<Observation, WorldError> {
        self.check_held()?;
        if self.caches.as_ref().is_some_and(Caches::were_cut) {
            // Silent caches look like a cluster where nothing happens: ask, so that people hear if it is gone.
            if let Err(error) = self.releases.get(&self.name).await {
                // The old watches would try again ever more rarely.
                self.caches = None;
                self.watched = WatchedRelease::start(&self.own, &self.namespace, &self.name);
                return Err(world_error(&error));
            }
        }
        self.catch_up()?;
        self.take_images(state);
        let builds = self.look_at_builds(state).await?;
        let asked = Asked::of(agenda, state, wish, Timestamp::now());
        let prepared = self.prepared(asked.objects, &asked.held).await?;
        let shown = (&asked.live, &asked.cached);
        let snapshots = self.snapshots(agenda, state, shown).await?;
        // What people ask counts as of now, not as of before the reads.
        self.catch_up()?;
        Ok(Observation {
            now: Timestamp::now(),
            wanted: self.wanted(),
            snapshots,
            prepared,
            builds,
            outcomes: Vec::new(),
        })
    }

    async fn save(&mut self, agenda: &Agenda, state: &State) -> Result<Saved, WorldError> {
        self.check_held()?;
        let before = self.release.status.clone().unwrap_or_default();
        let generation = self.release.metadata.generation.unwrap_or_default();
        let mut release = self.release.clone();
        release.status = Some(status::to_status(
            agenda,
            state,
            generation,
            &before.conditions,
            Timestamp::now(),
        ));
        let api: Api<Release> = Api::namespaced(self.own.clone(), &self.namespace);
        let saved = api
            .replace_status(&self.name, &PostParams::default(), &release)
            .await
            .map_err(|error| {
                world_error(&ClusterError::of(error, format!("release `{}`", self.name)))
            })?;
        self.release = saved;
        self.take_images(state);
        Ok(Saved::after_saving())
    }

    async fn act(&mut self, _saved: &Saved, actions: &[Action]) -> Vec<Outcome> {
        if actions.is_empty() {
            return Vec::new();
        }
        let acting = Acting {
            own: &self.own,
            client: &self.acting,
            kinds: &self.kinds,
            bundle: &self.bundle,
            release: &self.release,
            held: self.held.clone(),
        };
        let outcomes = acting.carry_out(actions).await;
        if actions
            .iter()
            .any(|action| matches!(action, Action::ApplyShared { .. }))
        {
            // Kinds may have come with it.
            if let Ok(kinds) = Kinds::discover(self.acting.clone()).await {
                self.kinds = kinds;
            }
        }
        outcomes
    }

    async fn tell(&mut self, events: &[Event]) {
        for listener in &self.listeners {
            listener.hear(&self.release, events);
        }
    }

    async fn rest(&mut self, pause: Duration) {
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
    }

    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), WorldError> {
        let pause = until.map_or(SAFETY_POLL, |at| {
            let left = at.duration_since(Timestamp::now());
            Duration::try_from(left)
                .unwrap_or(Duration::ZERO)
                .min(SAFETY_POLL)
        });
        let changed = self.caches.as_ref().map(|caches| caches.changed.clone());
        let cluster = async {
            match &changed {
                Some(changed) => changed.notified().await,
                None => std::future::pending().await,
            }
        };
        let builds = async {
            match &self.builds {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cluster => {}
            () = self.watched.changed() => {}
            () = self.rivals.changed() => {}
            () = self.windows.changed() => {}
            () = builds => {}
            _ = self.held.changed() => {}
        }
        self.check_held()
    }
}

impl ClusterWorld {
    /// The way to the cluster that it was opened with.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}
