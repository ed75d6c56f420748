//! What happened in a release, in order.

use jiff::Timestamp;
use serde::Serialize;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{count, ms, text, time};

/// One thing that happened in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedEvent {
    /// Its place in the release, from 1; given when it is written.
    pub sequence: u64,
    /// When it was heard of.
    pub at: Timestamp,
    /// One word, as Kubernetes Events have it.
    pub reason: String,
    /// The step that it is about.
    pub step: Option<String>,
    /// A sentence.
    pub message: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    sequence: i64,
    at_ms: i64,
    reason: String,
    step: Option<String>,
    message: String,
}

const APPEND: &str = "INSERT INTO events (release_uid, sequence, at_ms, reason, step, message)
    SELECT $1, coalesce(max(sequence), 0) + 1, $2, $3, $4, $5 FROM events WHERE release_uid = $1";

impl Archive {
    /// Writes events after those that are there, all or none; `sequence` of what is given is not looked at. One process
    /// drives a release, so nobody else numbers its events at the same time.
    pub async fn append_events(
        &self,
        release_uid: &str,
        events: &[ArchivedEvent],
    ) -> Result<(), ArchiveError> {
        writing!(self, "write events down", transaction => {
            for event in events {
                sqlx::query(APPEND)
                    .bind(release_uid)
                    .bind(ms(event.at))
                    .bind(&event.reason)
                    .bind(event.step.as_deref())
                    .bind(text(&event.message))
                    .execute(&mut *transaction)
                    .await?;
            }
        })
    }

    /// The events of a release after a place in it, in order; from its beginning with 0.
    pub async fn events(
        &self,
        release_uid: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ArchivedEvent>, ArchiveError> {
        let rows = reading!(self, "read the events", pool => {
            sqlx::query_as::<_, Row>(
                "SELECT sequence, at_ms, reason, step, message FROM events
                 WHERE release_uid = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
            )
            .bind(release_uid)
            .bind(super::statement::number(after))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
        })?;
        let event = |row: Row| ArchivedEvent {
            sequence: count(row.sequence),
            at: time(row.at_ms),
            reason: row.reason,
            step: row.step,
            message: row.message,
        };
        Ok(rows.into_iter().map(event).collect())
    }
}
