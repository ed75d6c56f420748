//! Opening an archive: where it is, how safely it writes, whether its tables are ours.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use super::error::{ArchiveError, Sort, sort};

/// How long to wait for a connection: whoever asks has something better to do than to wait for an archive.
const CONNECTION_WITHIN: Duration = Duration::from_secs(5);
/// How long SQLite waits for another process that writes.
const BUSY_WITHIN: Duration = Duration::from_secs(5);
/// How many may read at once.
const READERS_MAX: u32 = 4;
/// How many connections to PostgreSQL, of each process.
const CONNECTIONS_MAX: u32 = 8;

static SQLITE: Migrator = sqlx::migrate!("src/archive/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/archive/migrations/postgres");

/// What releases leave behind. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(super) engine: Engine,
    place: String,
}

/// Which database it is.
#[derive(Debug, Clone)]
pub(super) enum Engine {
    /// A file of this machine. One connection writes, so that writers of this process wait for each other and not for a lock.
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    /// A server.
    Postgres(PgPool),
}

/// How much is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Releases.
    pub releases: u64,
    /// Bytes of the whole database.
    pub bytes: u64,
}

enum Address {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

impl Address {
    /// Takes `sqlite:FILE` and `postgres://…` apart.
    fn parse(url: &str) -> Result<Self, ArchiveError> {
        let wrong = |message: String| ArchiveError::Address { message };
        if let Some(file) = url.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            return if file.is_empty() || file.contains(['?', '#']) || file == ":memory:" {
                Err(wrong(
                    "`sqlite:` is followed by the path of a file and nothing else".to_owned(),
                ))
            } else {
                Ok(Self::File(PathBuf::from(file)))
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options =
                PgConnectOptions::from_str(url).map_err(|error| wrong(error.to_string()))?;
            return Ok(Self::Server(Box::new(
                options
                    .application_name("tidegate")
                    // What is acknowledged is on the disk, whatever the server's default.
                    .options([("synchronous_commit", "on"), ("statement_timeout", "30s")]),
            )));
        }
        Err(wrong("it begins with neither".to_owned()))
    }

    /// Where it is, for people: never a user or a password.
    fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(options) => {
                let host = options.get_socket().map_or_else(
                    || options.get_host().to_owned(),
                    |path| path.display().to_string(),
                );
                let database = options.get_database().unwrap_or_default();
                format!("postgres://{host}:{}/{database}", options.get_port())
            }
        }
    }
}

fn file_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk before it is acknowledged, also in WAL mode.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WITHIN)
}

fn open_file(path: &Path, creates: bool) -> Engine {
    let options = file_options(path).create_if_missing(creates);
    let pool = |most| {
        SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(CONNECTION_WITHIN)
    };
    Engine::Sqlite {
        writer: pool(1).connect_lazy_with(options.clone()),
        reader: pool(READERS_MAX).connect_lazy_with(options.create_if_missing(false)),
    }
}

fn open_server(options: PgConnectOptions) -> Engine {
    Engine::Postgres(
        PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECTION_WITHIN)
            .connect_lazy_with(options),
    )
}

impl Archive {
    /// Opens an archive to write to it, makes it if there is none, and brings its tables up to date.
    ///
    /// In: `sqlite:FILE` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub async fn open(url: &str) -> Result<Self, ArchiveError> {
        let archive = Self::at(url)?;
        archive.prepare().await?;
        Ok(archive)
    }

    /// A way to an archive that is to be written; nothing is asked of it yet, so that a process can start while the archive
    /// is down. Errors: only those of the address.
    pub fn at(url: &str) -> Result<Self, ArchiveError> {
        Self::opened(url, true)
    }

    /// Makes the archive if there is none, and brings its tables up to date. Harmless when done again.
    pub async fn prepare(&self) -> Result<(), ArchiveError> {
        let migrated = match &self.engine {
            Engine::Sqlite { writer, .. } => SQLITE.run(writer).await,
            Engine::Postgres(pool) => POSTGRES.run(pool).await,
        };
        match migrated {
            Ok(()) => Ok(()),
            Err(sqlx::migrate::MigrateError::VersionMissing(found)) => {
                Err(self.other_version(found))
            }
            Err(error) => Err(self.failed("open its tables", error.into())),
        }
    }

    /// Opens an archive that is there and changes nothing of it.
    pub async fn open_to_read(url: &str) -> Result<Self, ArchiveError> {
        let archive = Self::opened(url, false)?;
        if let Engine::Sqlite { .. } = &archive.engine
            && !Path::new(&archive.place).exists()
        {
            return Err(ArchiveError::Missing {
                place: archive.place,
            });
        }
        let found = reading!(archive, "read its version", pool => {
            sqlx::query_scalar::<_, i64>("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(pool)
                .await
        });
        match found {
            Ok(found) if found == known_version() => Ok(archive),
            Ok(found) => Err(archive.other_version(found)),
            Err(ArchiveError::Refused { .. }) => Err(ArchiveError::Missing {
                place: archive.place,
            }),
            Err(error) => Err(error),
        }
    }

    fn opened(url: &str, creates: bool) -> Result<Self, ArchiveError> {
        let address = Address::parse(url)?;
        let place = address.place();
        let engine = match address {
            Address::File(path) => open_file(&path, creates),
            Address::Server(options) => open_server(*options),
        };
        Ok(Self { engine, place })
    }

    /// Where it is, for people: never a user or a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether it is a file of this machine, so that one process at a time should write to it.
    pub fn is_file(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// Whether it takes writes now.
    pub async fn health(&self) -> Result<(), ArchiveError> {
        writing!(self, "write", transaction => {
            sqlx::query("DELETE FROM sessions WHERE digest = ''").execute(&mut *transaction).await?;
        })
    }

    /// How much is in it.
    pub async fn size(&self) -> Result<Size, ArchiveError> {
        let releases = reading!(self, "count the releases", pool => {
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM releases").fetch_one(pool).await
        })?;
        let bytes = match &self.engine {
            Engine::Sqlite { reader, .. } => {
                let text =
                    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
                sqlx::query_scalar::<_, i64>(text).fetch_one(reader).await
            }
            Engine::Postgres(pool) => {
                let text = "SELECT pg_database_size(current_database())";
                sqlx::query_scalar::<_, i64>(text).fetch_one(pool).await
            }
        };
        Ok(Size {
            releases: super::statement::count(releases),
            bytes: super::statement::count(
                bytes.map_err(|error| self.failed("tell its size", error))?,
            ),
        })
    }

    /// Ends all connections, once what is being written is written.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }

    fn other_version(&self, found: i64) -> ArchiveError {
        let known = known_version();
        ArchiveError::OtherVersion {
            place: self.place.clone(),
            found,
            known,
            remedy: if found > known {
                "use the tidegate that wrote it, or a newer one"
            } else {
                "a controller of this version brings it up to date"
            },
        }
    }

    /// An error of the engine in our words.
    pub(super) fn failed(&self, doing: &'static str, error: sqlx::Error) -> ArchiveError {
        let place = self.place.clone();
        match sort(&error) {
            Sort::Passing => ArchiveError::Unavailable {
                place,
                doing,
                source: error.into(),
            },
            Sort::Damaged => ArchiveError::Damaged {
                place,
                source: error.into(),
            },
            Sort::Final => ArchiveError::Refused {
                place,
                doing,
                source: error.into(),
            },
        }
    }
}

/// The newest version of the tables that this program knows; both engines have the same.
fn known_version() -> i64 {
    SQLITE
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}
