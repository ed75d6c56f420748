//! Logs of builds, kept when their pods are gone.

use jiff::Timestamp;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{count, ms, number, text};

/// How much is kept of one log: beyond, a reader is lost anyway, and an endless log must not fill the archive.
pub const LOG_BYTES_MAX: u64 = 16 << 20;

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// The number of its first line, from 0.
    pub first_line: u64,
    /// Its lines, without line ends.
    pub lines: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct Extent {
    line_count: i64,
    byte_count: i64,
}

const EXTENT: &str = "SELECT coalesce(max(first_line + line_count), 0) AS line_count,
        coalesce(CAST(sum(length(lines)) AS BIGINT), 0) AS byte_count FROM logs WHERE log = $1";
const APPEND: &str =
    "INSERT INTO logs (log, first_line, line_count, lines, at_ms) VALUES ($1, $2, $3, $4, $5)";
const READ: &str = "SELECT first_line, lines FROM logs
    WHERE log = $1 AND first_line + line_count > $2 ORDER BY first_line LIMIT $3";

impl Archive {
    /// Adds lines to a log. The first of them has a number, so that lines which are there already, for instance since the
    /// log is read again after a crash, are not added twice. Out: how many lines the log has now.
    pub async fn append_log(
        &self,
        log: &str,
        piece: &LogPiece,
        at: Timestamp,
    ) -> Result<u64, ArchiveError> {
        writing!(self, "keep a log", transaction => {
            let extent: Extent = sqlx::query_as(EXTENT).bind(log).fetch_one(&mut *transaction).await?;
            let length = count(extent.line_count);
            let known = usize::try_from(length.saturating_sub(piece.first_line)).unwrap_or(usize::MAX);
            let new = piece.lines.get(known..).unwrap_or_default();
            if new.is_empty() || count(extent.byte_count) >= LOG_BYTES_MAX {
                length
            } else {
                let first = length.max(piece.first_line);
                let added = u64::try_from(new.len()).unwrap_or(u64::MAX);
                sqlx::query(APPEND)
                    .bind(log)
                    .bind(number(first))
                    .bind(number(added))
                    .bind(text(&new.join("\n")))
                    .bind(ms(at))
                    .execute(&mut *transaction)
                    .await?;
                first + added
            }
        })
    }

    /// Lines of a log from a number on, in order, in at most `pieces` pieces; ask again from the end of the last for more.
    pub async fn read_log(
        &self,
        log: &str,
        from_line: u64,
        pieces: u32,
    ) -> Result<Vec<LogPiece>, ArchiveError> {
        let rows = reading!(self, "read a log", pool => {
            sqlx::query_as::<_, (i64, String)>(READ)
                .bind(log)
                .bind(number(from_line))
                .bind(i64::from(pieces))
                .fetch_all(pool)
                .await
        })?;
        let piece = |(first, lines): (i64, String)| {
            let first = count(first);
            let skipped = usize::try_from(from_line.saturating_sub(first)).unwrap_or(usize::MAX);
            LogPiece {
                first_line: first.max(from_line),
                lines: lines.split('\n').skip(skipped).map(str::to_owned).collect(),
            }
        };
        Ok(rows.into_iter().map(piece).collect())
    }
}
