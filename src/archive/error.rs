//! What can go wrong with the archive, in words that say what to do.

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the archive could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// What was given is not the address of an archive. The address itself is not repeated: it may hold a password.
    #[error(
        "the address of the archive cannot be used: {message}; it is `sqlite:FILE` or `postgres://USER@HOST/DATABASE`"
    )]
    Address {
        /// What is wrong with it.
        message: String,
    },
    /// There is none, and it was opened to be read.
    #[error("there is no archive at `{place}`; a controller that runs with `--archive` makes it")]
    Missing {
        /// Where.
        place: String,
    },
    /// It was written by another version.
    #[error(
        "the archive at `{place}` has tables of version {found}, this tidegate knows {known}: {remedy}"
    )]
    OtherVersion {
        /// Where.
        place: String,
        /// What was found.
        found: i64,
        /// What is known.
        known: i64,
        /// What to do.
        remedy: &'static str,
    },
    /// What is there is not a database, or a broken one.
    #[error(
        "the archive at `{place}` is damaged; move the file aside and an empty archive is made"
    )]
    Damaged {
        /// Where.
        place: String,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// It does not answer now: nobody is there, the disk is full, somebody else holds it.
    #[error("the archive at `{place}` is not available: cannot {doing}")]
    Unavailable {
        /// Where.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// The engine refuses a statement.
    #[error("the archive at `{place}` cannot {doing}")]
    Refused {
        /// Where.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// A release that cannot be kept.
    #[error("release `{release}` cannot be archived: {message}")]
    NotKept {
        /// Which.
        release: String,
        /// Why.
        message: String,
    },
}

/// SQLite's codes for a file that is no database or a broken one.
const SQLITE_DAMAGED: [i32; 2] = [11, 26];
/// SQLite's codes for what passes: busy, locked, out of memory, read-only, I/O, full, cannot open.
const SQLITE_PASSING: [i32; 7] = [5, 6, 7, 8, 10, 13, 14];
/// PostgreSQL's classes of what passes: connection, authorization, rollback by the server, resources, operator, system.
const POSTGRES_PASSING: [&str; 6] = ["08", "28", "40", "53", "57", "58"];

/// What an error of the engine means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Try again later.
    Passing,
    /// The file is broken.
    Damaged,
    /// It will not get better by itself.
    Final,
}

/// Sorts the engine's errors.
pub(super) fn sort(error: &sqlx::Error) -> Sort {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    if let sqlx::Error::Migrate(error) = error {
        return if let Execute(error) | ExecuteMigration(error, _) = &**error {
            sort(error)
        } else {
            Sort::Final
        };
    }
    if let sqlx::Error::Database(error) = error {
        return sort_code(&error.code().unwrap_or_default());
    }
    let passes = matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    );
    if passes { Sort::Passing } else { Sort::Final }
}

/// SQLite says numbers, the low byte is the sort; PostgreSQL says five characters, the first two are the class.
fn sort_code(code: &str) -> Sort {
    if code.len() == 5 && !code.starts_with(' ') {
        let class = code.get(..2).unwrap_or_default();
        return if POSTGRES_PASSING.contains(&class) {
            Sort::Passing
        } else {
            Sort::Final
        };
    }
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(code) if SQLITE_DAMAGED.contains(&code) => Sort::Damaged,
        Ok(code) if SQLITE_PASSING.contains(&code) => Sort::Passing,
        Ok(_) | Err(_) => Sort::Final,
    }
}

impl ArchiveError {
    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Address { .. }
            | Self::Missing { .. }
            | Self::OtherVersion { .. }
            | Self::Damaged { .. }
            | Self::Refused { .. }
            | Self::NotKept { .. } => false,
        }
    }
}
