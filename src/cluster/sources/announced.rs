//! Webhooks of one source: who may knock, and whether one came for each commit.

use jiff::Timestamp;

use super::keeper::Keeper;
use super::told::speaks_of_webhook;
use crate::cluster::error::ClusterError;
use crate::hook::{Announcement, Door, Unannounced, announcement};
use crate::spec::GitAddress;
use crate::spec::crd::{GitSource, ReleasePlan};

/// What is remembered of looks and webhooks.
#[derive(Default)]
pub(super) struct Announcements {
    /// When the last look that found something began, and what the plan was then.
    looked: Option<(Timestamp, Option<i64>)>,
    /// A commit for which none came yet.
    unannounced: Option<Unannounced>,
    /// The commit for which one came.
    announced: Option<String>,
    /// What this process has written of the newest one: written times have no parts of seconds.
    written: Option<Timestamp>,
}

/// A look that has begun.
#[derive(Clone, Copy)]
pub(super) struct Look {
    began: Timestamp,
    /// When the newest webhook came.
    delivered: Option<Timestamp>,
    /// Whether it asks for this look.
    is_rung: bool,
}

impl Keeper {
    /// A look begins: a webhook that comes from now on asks for another one.
    pub(super) fn begin_look(&mut self) -> Look {
        let began = Timestamp::now();
        let (delivered, is_rung) = self.bell.hear();
        Look {
            began,
            delivered,
            is_rung,
        }
    }

    /// Opens the door as the plan has it now. A Secret that was changed counts from the next look on.
    pub(super) async fn open_door(
        &mut self,
        plan: &ReleasePlan,
        git: &GitSource,
    ) -> Result<(), ClusterError> {
        let (Some(webhook), Ok(address)) = (&git.webhook, GitAddress::parse(&git.url)) else {
            self.bell.set_door(None);
            if speaks_of_webhook(plan) {
                self.told.no_webhook(plan).await?;
            }
            self.announcements = Announcements::default();
            return Ok(());
        };
        let named = ("webhook.secretRef", &webhook.secret_ref);
        let opened = match self.reader.secret_of(plan, named).await? {
            Ok(data) => Door::of(webhook, &data, &address).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (door, shut) = match opened {
            Ok(door) => (Some(door), None),
            Err(why) => (None, Some(why)),
        };
        self.bell.set_door(door);
        self.told.door(plan, shut.as_deref()).await
    }

    /// What a look that found a commit says of the webhook. Out: when to look again, to say whether one was lost.
    pub(super) async fn judge_webhook(
        &mut self,
        plan: &ReleasePlan,
        look: Look,
        (commit, is_new): (&str, bool),
    ) -> Result<Option<Timestamp>, ClusterError> {
        let has_webhook = plan.spec.source.as_ref();
        if has_webhook.is_none_or(|source| source.git.webhook.is_none()) {
            return Ok(None);
        }
        let generation = plan.metadata.generation;
        // What another branch or address names was never announced, nor was what came while no process ran.
        let before = self.announcements.looked.replace((look.began, generation));
        let before = before.filter(|(_, known)| *known == generation);
        match (look.is_rung, look.delivered, before) {
            (true, Some(at), _) => {
                if is_new {
                    self.announcements.announced = Some(commit.to_owned());
                }
                self.told.delivered(plan, at).await?;
                self.announcements.written = Some(at);
            }
            (false, _, Some((looked_before, _))) if is_new => {
                self.announcements.unannounced = Some(Unannounced {
                    commit: commit.to_owned(),
                    found: Timestamp::now(),
                    looked_before,
                });
            }
            (true, None, _) | (false, _, _) => {}
        }
        self.settle_unannounced(plan).await
    }

    async fn settle_unannounced(
        &mut self,
        plan: &ReleasePlan,
    ) -> Result<Option<Timestamp>, ClusterError> {
        let Some(found) = self.announcements.unannounced.clone() else {
            return Ok(None);
        };
        let elsewhere = self.told.known(plan).await?.delivered.map(|time| time.0);
        let delivered = self.newest_delivery(elsewhere);
        match announcement(&found, delivered, Timestamp::now()) {
            Announcement::MayCome(until) => return Ok(Some(until)),
            Announcement::Came => self.announcements.announced = Some(found.commit),
            Announcement::Lost => self.told.lost(plan, &found.commit).await?,
        }
        self.announcements.unannounced = None;
        Ok(None)
    }

    /// When the newest webhook came, here or at another replica, of which the plan's status tells.
    fn newest_delivery(&self, told: Option<Timestamp>) -> Option<Timestamp> {
        let own = self.announcements.written.map(Timestamp::as_second);
        let others = told.filter(|told| Some(told.as_second()) != own);
        // It came within the second that is told.
        let others = others.map(|told| {
            let second = jiff::SignedDuration::from_secs(1);
            told.saturating_add(second).unwrap_or(told)
        });
        self.bell.last().max(others)
    }

    /// Whether a webhook led to a commit.
    pub(super) fn is_announced(&self, commit: &str) -> bool {
        self.announcements.announced.as_deref() == Some(commit)
    }
}
