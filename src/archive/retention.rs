//! What goes out of the archive, by age and by count.

use jiff::{SignedDuration, Timestamp};

use super::error::ArchiveError;
use super::open::{Archive, Engine};
use super::statement::ms;

/// How long deliveries are kept at the most: providers send one again within some days, never later.
const DELIVERIES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many releases go at once, so that nobody waits long for the lock.
const BATCH: i64 = 200;

/// How long things are kept; `None` is for ever. The newest release of a plan always stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Releases, with all that belongs to them; acts too, and deliveries, which go after 30 days at the latest.
    pub age: Option<SignedDuration>,
    /// How many releases of each plan.
    pub releases_per_plan: Option<u32>,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Releases.
    pub releases: u64,
}

/// Numbers the releases of each plan from the newest on, and takes those beyond what is kept.
const SURPLUS: &str = "SELECT id, uid FROM (SELECT id, uid, created_ms, row_number() OVER (
            PARTITION BY namespace, plan ORDER BY created_ms DESC, id DESC) AS place FROM releases) AS placed
    WHERE place > 1 AND (place > $1 OR created_ms < $2) ORDER BY created_ms LIMIT $3";

/// What belongs to a release and has its uid.
const OF_RELEASE: [&str; 3] = [
    "DELETE FROM events WHERE release_uid = $1",
    "DELETE FROM acts WHERE release_uid = $1",
    "DELETE FROM builds WHERE release_uid = $1",
];

impl Archive {
    /// Lets go what is older or more than what is kept, and sessions that have ended.
    pub async fn prune(
        &self,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<Pruned, ArchiveError> {
        let most = retention.releases_per_plan.map_or(i64::MAX, i64::from);
        let oldest = retention.age.and_then(|age| now.checked_sub(age).ok());
        let oldest_ms = oldest.map_or(i64::MIN, ms);
        let deliveries_ms = now.checked_sub(DELIVERIES_KEPT).map_or(i64::MIN, ms);
        let mut pruned = Pruned::default();
        loop {
            let gone = self.prune_releases(most, oldest_ms).await?;
            pruned.releases += u64::try_from(gone).unwrap_or(u64::MAX);
            if i64::try_from(gone).unwrap_or(i64::MAX) < BATCH {
                break;
            }
        }
        writing!(self, "let old deliveries go", transaction => {
            sqlx::query("DELETE FROM deliveries WHERE received_ms < $1")
                .bind(deliveries_ms.max(oldest_ms))
                .execute(&mut *transaction)
                .await?;
            for statement in [
                "DELETE FROM logs WHERE at_ms < $1",
                "DELETE FROM events WHERE at_ms < $1 AND release_uid NOT IN (SELECT uid FROM releases)",
                "DELETE FROM acts WHERE at_ms < $1 AND release_uid NOT IN (SELECT uid FROM releases)",
                "DELETE FROM builds WHERE ended_ms < $1 AND release_uid NOT IN (SELECT uid FROM releases)",
            ] {
                sqlx::query(statement).bind(oldest_ms).execute(&mut *transaction).await?;
            }
            sqlx::query("DELETE FROM sessions WHERE expires_ms <= $1")
                .bind(ms(now))
                .execute(&mut *transaction)
                .await?;
        })?;
        Ok(pruned)
    }

    async fn prune_releases(&self, most: i64, oldest_ms: i64) -> Result<usize, ArchiveError> {
        let is_file = matches!(self.engine, Engine::Sqlite { .. });
        writing!(self, "let old releases go", transaction => {
            let surplus: Vec<(i64, String)> = sqlx::query_as(SURPLUS)
                .bind(most)
                .bind(oldest_ms)
                .bind(BATCH)
                .fetch_all(&mut *transaction)
                .await?;
            for (id, uid) in &surplus {
                for statement in OF_RELEASE {
                    sqlx::query(statement).bind(uid).execute(&mut *transaction).await?;
                }
                if is_file {
                    let words = "DELETE FROM release_words WHERE rowid = $1";
                    sqlx::query(words).bind(id).execute(&mut *transaction).await?;
                }
                let release = "DELETE FROM releases WHERE id = $1";
                sqlx::query(release).bind(id).execute(&mut *transaction).await?;
            }
            surplus.len()
        })
    }
}
