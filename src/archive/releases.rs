//! Keeping a release.

use super::error::ArchiveError;
use super::open::{Archive, Engine};
use super::rows::{Rows, release_number, time_ms};
use super::statement::text;
use super::words;
use crate::spec::crd::Release;

const KEEP: &str = "INSERT INTO releases (uid, namespace, name, plan, number, revision, cause, reason, outcome, summary,
        message, wave_count, service_count, created_ms, started_ms, ended_ms, document)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (uid) DO UPDATE SET outcome = excluded.outcome, summary = excluded.summary,
        message = excluded.message, wave_count = excluded.wave_count, service_count = excluded.service_count,
        started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, document = excluded.document
    RETURNING id";

const KEEP_SERVICE: &str = "INSERT INTO services (release_id, step, service, wave, action, state, from_revision,
        to_revision, new_ready, new_wanted, old_alive, reason, message, since_ms, started_ms, ended_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const FIND_BY_WORDS: [&str; 2] = [
    "DELETE FROM release_words WHERE rowid = $1",
    "INSERT INTO release_words (rowid, words) VALUES ($1, $2)",
];
const FIND_BY_VECTOR: [&str; 1] =
    ["UPDATE releases SET words = array_to_tsvector(string_to_array($2, ' ')) WHERE id = $1"];

/// Writes the waves and steps of a release, which has none yet.
macro_rules! keep_steps {
    ($transaction:ident, $id:expr, $rows:expr) => {{
        let (id, rows): (i64, &Rows) = ($id, &$rows);
        for wave in &rows.waves {
            sqlx::query("INSERT INTO waves (release_id, wave, started_ms, ended_ms) VALUES ($1, $2, $3, $4)")
                .bind(id)
                .bind(wave.wave)
                .bind(wave.started_ms)
                .bind(wave.ended_ms)
                .execute(&mut *$transaction)
                .await?;
        }
        for row in &rows.services {
            let step = &row.status;
            sqlx::query(KEEP_SERVICE)
                .bind(id)
                .bind(&step.name)
                .bind(&row.service)
                .bind(row.wave)
                .bind(&step.action)
                .bind(&step.state)
                .bind(text(&step.from))
                .bind(text(&step.to))
                .bind(i64::from(step.new_ready))
                .bind(i64::from(step.new_wanted))
                .bind(i64::from(step.old_alive))
                .bind(&step.reason)
                .bind(text(&step.message))
                .bind(time_ms(step.since.as_ref()))
                .bind(time_ms(step.start_time.as_ref()))
                .bind(time_ms(step.end_time.as_ref()))
                .execute(&mut *$transaction)
                .await?;
        }
    }};
}

impl Archive {
    /// Keeps a release that has ended, with its waves, services and approvals. Keeping it again changes nothing, or
    /// brings it up to date.
    pub async fn keep(&self, release: &Release) -> Result<(), ArchiveError> {
        let rows = Rows::of(release)?;
        let status = release.status.clone().unwrap_or_default();
        let words = words::of_release(release).join(" ");
        let finding: &[&'static str] = match self.engine {
            Engine::Sqlite { .. } => &FIND_BY_WORDS,
            Engine::Postgres(_) => &FIND_BY_VECTOR,
        };
        writing!(self, "keep a release", transaction => {
            let id: i64 = sqlx::query_scalar(KEEP)
                .bind(&rows.uid)
                .bind(&rows.namespace)
                .bind(&rows.name)
                .bind(&release.spec.plan)
                .bind(release_number(release))
                .bind(text(&release.spec.revision))
                .bind(&release.spec.trigger)
                .bind(release.spec.reason.as_deref().map(text))
                .bind(&rows.outcome)
                .bind(text(&status.summary))
                .bind(&rows.message)
                .bind(i64::try_from(rows.waves.len()).unwrap_or(i64::MAX))
                .bind(i64::try_from(rows.services.len()).unwrap_or(i64::MAX))
                .bind(rows.created_ms)
                .bind(rows.started_ms)
                .bind(rows.ended_ms)
                .bind(&rows.document)
                .fetch_one(&mut *transaction)
                .await?;
            for statement in finding {
                let query = sqlx::query(*statement).bind(id);
                // SQLite would take a value that the statement does not ask for as an error.
                let query = if statement.contains("$2") { query.bind(&words) } else { query };
                query.execute(&mut *transaction).await?;
            }
            for statement in ["DELETE FROM waves WHERE release_id = $1", "DELETE FROM services WHERE release_id = $1"] {
                sqlx::query(statement).bind(id).execute(&mut *transaction).await?;
            }
            keep_steps!(transaction, id, rows);
            for act in &rows.acts {
                note_act!(transaction, act);
            }
        })
    }
}
