//! The writes of a controller process, one call each.

use super::faults::Fault;
use super::process::{Kept, Process, Shared, hold};
use super::scenario::Scenario;
use tidegate_spec::{Code, ObjectRef};
use tidegate_upgrade::gate::Applied;
use tidegate_upgrade::{ActFailure, Action, Outcome, Write};

impl Process {
    /// One write of an object.
    async fn write<T: Send>(
        &mut self,
        object: &ObjectRef,
        effect: impl FnOnce(&mut Shared) -> Result<T, ActFailure> + Send,
    ) -> Result<T, ActFailure> {
        if self.stood_still {
            return Err(ActFailure::Unreachable {
                object: object.clone(),
                message: "the lease was lost".to_owned(),
            });
        }
        if self.strikes(Fault::Touched) {
            hold(&self.shared).cluster.touch(object);
        }
        let answer = self.call(effect).await;
        answer.unwrap_or_else(|message| {
            Err(ActFailure::Unreachable {
                object: object.clone(),
                message,
            })
        })
    }

    /// Carries out one action.
    pub(super) async fn act_one(&mut self, action: &Action) -> Outcome {
        let result = match action {
            Action::ApplyShared { writes } | Action::Apply { service: _, writes } => {
                self.apply_all(writes).await
            }
            Action::RemoveWorkloads {
                service: _,
                objects,
            }
            | Action::RemoveRest {
                service: _,
                objects,
            }
            | Action::RemoveLeftover { objects } => self.remove_all(objects).await,
            Action::RollBack { services: _ } => self.bring_back().await,
            // Nothing is built here: no frozen input of a simulation has a recipe.
            Action::Build { .. } | Action::BeginBuild { .. } | Action::CancelBuild { .. } => {
                Ok(Vec::new())
            }
            Action::Pause {
                service: _,
                objects,
                is_paused,
            } => self.pause_all(objects, *is_paused).await,
            Action::Publish { held_out: _ } => self.publish().await,
        };
        Outcome {
            action: action.clone(),
            result,
        }
    }

    async fn apply_all(
        &mut self,
        writes: &[Write],
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let release = self.release;
        let mut applied = Vec::new();
        for write in writes {
            let record = self
                .write(&write.object, |shared| {
                    let Shared {
                        cluster, releases, ..
                    } = shared;
                    let Some(kept) = releases.get(release) else {
                        return Ok(None);
                    };
                    cluster.apply(&kept.scenario, write, release)
                })
                .await?;
            applied.extend(record);
        }
        Ok(applied)
    }

    async fn remove_all(
        &mut self,
        objects: &[ObjectRef],
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let release = self.release;
        for object in objects {
            self.write(object, |shared| {
                let Shared {
                    cluster, releases, ..
                } = shared;
                if let Some(kept) = releases.get(release) {
                    cluster.remove(&kept.scenario, object, release);
                }
                Ok(())
            })
            .await?;
        }
        Ok(Vec::new())
    }

    async fn pause_all(
        &mut self,
        objects: &[ObjectRef],
        is_paused: bool,
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let release = self.release;
        for object in objects {
            self.write(object, |shared| {
                shared.cluster.pause(object, is_paused, release);
                Ok(())
            })
            .await?;
        }
        Ok(Vec::new())
    }

    /// Makes the release that brings back what ran before, once; not where a newer one came after it.
    async fn bring_back(&mut self) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let release = self.release;
        let graph = Scenario::graph_object();
        let about = graph.clone();
        let made = self.write(&graph, move |shared| {
            let is_newest = release + 1 == shared.releases.len();
            let Some(kept) = shared.releases.get_mut(release) else {
                return Ok(());
            };
            if kept.filed.is_brought_back {
                return Ok(());
            }
            let back = kept.scenario.back.as_deref().cloned();
            let Some(back) = back.filter(|_| is_newest) else {
                return Err(ActFailure::Refused {
                    object: about,
                    code: Code::Irreversible,
                    message: "another release came after it, or none before it".to_owned(),
                });
            };
            kept.filed.is_brought_back = true;
            shared.next = None;
            shared.releases.push(Kept::of(back));
            shared.cluster.journal.reach("brought back");
            Ok(())
        });
        made.await.map(|()| Vec::new())
    }

    async fn publish(&mut self) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let release = self.release;
        let graph = Scenario::graph_object();
        let published = self.write(&graph, |shared| {
            if let Some(kept) = shared.releases.get_mut(release) {
                kept.filed.is_published = true;
                shared.cluster.declared = Some(kept.scenario.released.clone());
            }
            Ok(())
        });
        published.await.map(|()| Vec::new())
    }
}
