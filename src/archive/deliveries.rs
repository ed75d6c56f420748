//! Webhooks as they came in. A delivery is here before its sender hears that it was taken.

use jiff::Timestamp;
use serde::Serialize;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{ms, text, time};

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Whom it is for: `namespace/plan`.
    pub source: String,
    /// Its sender's name for it, which a repetition has too.
    pub delivery: String,
    /// When it came.
    pub received: Timestamp,
    /// `github`, `gitlab`, `gitea`, …
    pub provider: String,
    /// What it tells of, in the provider's word: `push`.
    pub event: String,
    /// The commit that it names, if it does; never believed.
    pub revision: Option<String>,
    /// What became of it, in one sentence.
    pub verdict: String,
    /// What it said; bytes that are no text are replaced.
    pub body: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    source: String,
    delivery: String,
    received_ms: i64,
    provider: String,
    event: String,
    revision: Option<String>,
    verdict: String,
    body: String,
}

impl Archive {
    /// Stores a delivery. Out: whether it is new; one that is known already is left as it is.
    pub async fn store_delivery(&self, delivery: &Delivery) -> Result<bool, ArchiveError> {
        let stored = self
            .store_deliveries(std::slice::from_ref(delivery))
            .await?;
        Ok(stored.first().copied().unwrap_or(false))
    }

    /// Stores deliveries, all or none. Out: of each whether it is new.
    pub async fn store_deliveries(
        &self,
        deliveries: &[Delivery],
    ) -> Result<Vec<bool>, ArchiveError> {
        writing!(self, "store deliveries", transaction => {
            let mut stored = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                let done = sqlx::query(
                    "INSERT INTO deliveries (source, delivery, received_ms, provider, event, revision, verdict, body)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                )
                .bind(&delivery.source)
                .bind(text(&delivery.delivery))
                .bind(ms(delivery.received))
                .bind(&delivery.provider)
                .bind(text(&delivery.event))
                .bind(delivery.revision.as_deref().map(text))
                .bind(text(&delivery.verdict))
                .bind(text(&delivery.body))
                .execute(&mut *transaction)
                .await?;
                stored.push(done.rows_affected() == 1);
            }
            stored
        })
    }

    /// Says what became of a delivery.
    pub async fn judge_delivery(
        &self,
        source: &str,
        delivery: &str,
        verdict: &str,
    ) -> Result<(), ArchiveError> {
        writing!(self, "write down what became of a delivery", transaction => {
            sqlx::query("UPDATE deliveries SET verdict = $3 WHERE source = $1 AND delivery = $2")
                .bind(source)
                .bind(text(delivery))
                .bind(text(verdict))
                .execute(&mut *transaction)
                .await?;
        })
    }

    /// The newest deliveries of a source.
    pub async fn deliveries(
        &self,
        source: &str,
        limit: u32,
    ) -> Result<Vec<Delivery>, ArchiveError> {
        let rows = reading!(self, "read the deliveries", pool => {
            sqlx::query_as::<_, Row>(
                "SELECT * FROM deliveries WHERE source = $1 ORDER BY received_ms DESC, delivery LIMIT $2",
            )
            .bind(source)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
        })?;
        let delivery = |row: Row| Delivery {
            source: row.source,
            delivery: row.delivery,
            received: time(row.received_ms),
            provider: row.provider,
            event: row.event,
            revision: row.revision,
            verdict: row.verdict,
            body: row.body,
        };
        Ok(rows.into_iter().map(delivery).collect())
    }
}
