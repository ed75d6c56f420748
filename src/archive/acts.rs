//! What people did: who, when, what, to which release, and why.

use jiff::Timestamp;
use serde::Serialize;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{ms, time};

/// One thing that somebody did to a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// The release, for ever.
    pub release_uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// When.
    pub at: Timestamp,
    /// Who, as the API server knows them.
    pub person: String,
    /// What: `approve`, `pause`, `abort`, …
    pub act: String,
    /// To which step of it; empty: to the whole release.
    pub target: String,
    /// Why, in their words; empty where they gave no reason.
    pub why: String,
}

/// Writes an act down inside a transaction; the same act twice is one.
macro_rules! note_act {
    ($transaction:ident, $act:expr) => {{
        let act: &$crate::archive::acts::Act = $act;
        sqlx::query(
            "INSERT INTO acts (release_uid, at_ms, person, act, target, why, namespace, release_name)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(&act.release_uid)
        .bind($crate::archive::statement::ms(act.at))
        .bind($crate::archive::statement::text(&act.person))
        .bind(&act.act)
        .bind(&act.target)
        .bind($crate::archive::statement::text(&act.why))
        .bind(&act.namespace)
        .bind(&act.release)
        .execute(&mut *$transaction)
        .await?;
    }};
}

#[derive(sqlx::FromRow)]
struct Row {
    release_uid: String,
    at_ms: i64,
    person: String,
    act: String,
    target: String,
    why: String,
    namespace: String,
    release_name: String,
}

impl From<Row> for Act {
    fn from(row: Row) -> Self {
        Self {
            release_uid: row.release_uid,
            namespace: row.namespace,
            release: row.release_name,
            at: time(row.at_ms),
            person: row.person,
            act: row.act,
            target: row.target,
            why: row.why,
        }
    }
}

impl Archive {
    /// Writes down what somebody did. The same act twice is one.
    pub async fn note_act(&self, act: &Act) -> Result<(), ArchiveError> {
        writing!(self, "write an act down", transaction => {
            note_act!(transaction, act);
        })
    }

    /// What people did to a release, in the order of time.
    pub async fn acts(&self, release_uid: &str) -> Result<Vec<Act>, ArchiveError> {
        let rows = reading!(self, "read the acts", pool => {
            sqlx::query_as::<_, Row>("SELECT * FROM acts WHERE release_uid = $1 ORDER BY at_ms, act, target")
                .bind(release_uid)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(Act::from).collect())
    }

    /// What people did in all releases before a time, newest first.
    pub async fn newest_acts(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Act>, ArchiveError> {
        let rows = reading!(self, "read the acts", pool => {
            sqlx::query_as::<_, Row>("SELECT * FROM acts WHERE at_ms < $1 ORDER BY at_ms DESC LIMIT $2")
                .bind(ms(before))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(Act::from).collect())
    }
}
