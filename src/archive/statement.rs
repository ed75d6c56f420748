//! One text of a statement on two engines: the macros write the same body once for each kind of pool, so that the compiler
//! checks both, and everything that changes rows is one transaction.

use jiff::Timestamp;

/// Reads: `reading!(archive, "read the releases", pool => …)`. The body is a `Result` of sqlx's.
macro_rules! reading {
    ($archive:expr, $doing:expr, $pool:ident => $body:expr) => {{
        let result: Result<_, sqlx::Error> = match &$archive.engine {
            $crate::archive::open::Engine::Sqlite { reader: $pool, .. } => $body,
            $crate::archive::open::Engine::Postgres($pool) => $body,
        };
        result.map_err(|error| $archive.failed($doing, error))
    }};
}

/// Writes, whole or not at all: `writing!(archive, "keep the release", transaction => …)`. The body may use `?`.
macro_rules! writing {
    ($archive:expr, $doing:expr, $transaction:ident => $body:expr) => {{
        let result: Result<_, sqlx::Error> = match &$archive.engine {
            $crate::archive::open::Engine::Sqlite { writer, .. } => {
                async {
                    // A transaction that reads first cannot begin to write once another process has written.
                    let mut $transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                    let done = $body;
                    $transaction.commit().await?;
                    Ok(done)
                }
                .await
            }
            $crate::archive::open::Engine::Postgres(pool) => {
                async {
                    let mut $transaction = pool.begin().await?;
                    let done = $body;
                    $transaction.commit().await?;
                    Ok(done)
                }
                .await
            }
        };
        result.map_err(|error| $archive.failed($doing, error))
    }};
}

/// A time as the tables have it: milliseconds since 1970.
pub(super) fn ms(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// A time that the tables have. One that no clock shows is 1970: it is shown, and nothing rests on it.
pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A text that both engines take: PostgreSQL knows no NUL.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A number as the tables have it.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count that the tables have.
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
