//! Who is signed in to the page.

use jiff::Timestamp;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{ms, time};

/// A session of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// A digest of what the browser holds: whoever reads the archive cannot sign in with it.
    pub digest: String,
    /// What is known of the person, as the page writes it.
    pub document: String,
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl Archive {
    /// Stores a session, or what has changed of it.
    pub async fn store_session(&self, session: &Session) -> Result<(), ArchiveError> {
        writing!(self, "store a session", transaction => {
            sqlx::query(
                "INSERT INTO sessions (digest, document, expires_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (digest) DO UPDATE SET document = excluded.document, expires_ms = excluded.expires_ms",
            )
            .bind(&session.digest)
            .bind(&session.document)
            .bind(ms(session.expires))
            .execute(&mut *transaction)
            .await?;
        })
    }

    /// A session that has not ended at this time.
    pub async fn session(
        &self,
        digest: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, ArchiveError> {
        let row = reading!(self, "read a session", pool => {
            sqlx::query_as::<_, (String, String, i64)>(
                "SELECT digest, document, expires_ms FROM sessions WHERE digest = $1 AND expires_ms > $2",
            )
            .bind(digest)
            .bind(ms(now))
            .fetch_optional(pool)
            .await
        })?;
        Ok(row.map(|(digest, document, expires)| Session {
            digest,
            document,
            expires: time(expires),
        }))
    }

    /// Ends a session.
    pub async fn end_session(&self, digest: &str) -> Result<(), ArchiveError> {
        writing!(self, "end a session", transaction => {
            sqlx::query("DELETE FROM sessions WHERE digest = $1").bind(digest).execute(&mut *transaction).await?;
        })
    }
}
