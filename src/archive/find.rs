//! Finding releases again: by name, by plan, by time, by words.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::error::ArchiveError;
use super::open::{Archive, Engine};
use super::statement::{count, ms, time};
use super::words::Question;
use crate::spec::crd::Release;

/// How many releases a page has at the most.
const PAGE_MAX: u32 = 1_000;

/// Which releases are wanted; what is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of these namespaces; an empty list finds nothing.
    pub namespaces: Option<Vec<String>>,
    /// Of this plan.
    pub plan: Option<String>,
    /// With this number within its plan.
    pub number: Option<u64>,
    /// That ended so: `Succeeded`, `Failed`, …
    pub outcome: Option<String>,
    /// That have these words: each of them begins a name, a revision, a part of an image, a person or a reason.
    pub words: Option<String>,
    /// Made at this time or later.
    pub after: Option<Timestamp>,
    /// Made before this time.
    pub before: Option<Timestamp>,
    /// Where the page before ended.
    pub from: Option<Cursor>,
    /// How many at the most; 0 is 50.
    pub limit: u32,
}

/// A place between two releases in a list; its text goes into links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    created_ms: i64,
    id: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created_ms, self.id)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not the end of a page");
        let (created_ms, id) = text.rsplit_once('-').ok_or_else(wrong)?;
        Ok(Self {
            created_ms: created_ms.parse().map_err(|_| wrong())?,
            id: id.parse().map_err(|_| wrong())?,
        })
    }
}

/// One release of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The release, for ever: a name can come again after a plan was deleted.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: String,
    /// Its number within the plan.
    pub number: u64,
    /// What was released.
    pub revision: String,
    /// What started it.
    pub trigger: String,
    /// Why, in somebody's words.
    pub reason: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// One line of where it came to.
    pub summary: String,
    /// One sentence of how it ended.
    pub message: String,
    /// How many waves it had.
    pub waves: u64,
    /// How many services it moved.
    pub services: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When its first wave could start.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The releases.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is more.
    pub next: Option<Cursor>,
}

/// One move of a service in a release that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// The release.
    pub release: String,
    /// Its uid.
    pub release_uid: String,
    /// The step.
    pub step: String,
    /// How far it came: `Done`, `Failed`, …
    pub state: String,
    /// What ran before.
    pub from: String,
    /// What ran afterwards.
    pub to: String,
    /// Why its gate stayed shut, as a sentence; of a move that is done, the last one.
    pub message: String,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When its gate opened.
    pub ended: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    uid: String,
    namespace: String,
    name: String,
    plan: String,
    number: i64,
    revision: String,
    cause: String,
    reason: Option<String>,
    outcome: String,
    summary: String,
    message: String,
    wave_count: i64,
    service_count: i64,
    created_ms: i64,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            uid: row.uid,
            namespace: row.namespace,
            name: row.name,
            plan: row.plan,
            number: count(row.number),
            revision: row.revision,
            trigger: row.cause,
            reason: row.reason,
            outcome: row.outcome,
            summary: row.summary,
            message: row.message,
            waves: count(row.wave_count),
            services: count(row.service_count),
            created: time(row.created_ms),
            started: row.started_ms.map(time),
            ended: row.ended_ms.map(time),
        }
    }
}

#[derive(sqlx::FromRow)]
struct MoveRow {
    name: String,
    uid: String,
    step: String,
    state: String,
    from_revision: String,
    to_revision: String,
    message: String,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
}

const LIST: &str = "SELECT id, uid, namespace, name, plan, number, revision, cause, reason, outcome, summary, message,
        wave_count, service_count, created_ms, started_ms, ended_ms FROM releases WHERE 1 = 1";
const MOVES: &str = "SELECT r.name, r.uid, s.step, s.state, s.from_revision, s.to_revision, s.message, s.started_ms,
        s.ended_ms FROM services s JOIN releases r ON r.id = s.release_id
    WHERE r.namespace = $1 AND s.service = $2 ORDER BY r.created_ms DESC, r.id DESC, s.wave LIMIT $3";

/// What narrows the list, for either engine; the words come in the engine's own language.
fn narrow<'a, DB>(
    query: &mut QueryBuilder<DB>,
    filter: &Filter,
    words: Option<(&'static str, String)>,
) where
    DB: Database,
    String: Encode<'a, DB> + Type<DB>,
    i64: Encode<'a, DB> + Type<DB>,
{
    if let Some(namespaces) = &filter.namespaces {
        query.push(" AND namespace IN (");
        let mut list = query.separated(", ");
        for namespace in namespaces {
            list.push_bind(namespace.clone());
        }
        if namespaces.is_empty() {
            list.push("NULL");
        }
        query.push(")");
    }
    for (column, value) in [("plan", &filter.plan), ("outcome", &filter.outcome)] {
        if let Some(value) = value {
            query
                .push(" AND ")
                .push(column)
                .push(" = ")
                .push_bind(value.clone());
        }
    }
    if let Some(number) = filter.number {
        query
            .push(" AND number = ")
            .push_bind(super::statement::number(number));
    }
    if let Some(after) = filter.after {
        query.push(" AND created_ms >= ").push_bind(ms(after));
    }
    if let Some(before) = filter.before {
        query.push(" AND created_ms < ").push_bind(ms(before));
    }
    if let Some(Cursor { created_ms, id }) = filter.from {
        query
            .push(" AND (created_ms, id) < (")
            .push_bind(created_ms);
        query.push(", ").push_bind(id).push(")");
    }
    if let Some((condition, words)) = words {
        let (before, after) = condition.split_once('$').unwrap_or((condition, ""));
        query.push(before).push_bind(words).push(after);
    }
}

impl Archive {
    /// The archived releases that a filter wants, newest first.
    pub async fn releases(&self, filter: &Filter) -> Result<Page, ArchiveError> {
        let limit = if filter.limit == 0 {
            50
        } else {
            filter.limit.min(PAGE_MAX)
        };
        let question = filter.words.as_deref().map(Question::new);
        if question.as_ref().is_some_and(Question::is_empty) {
            return Ok(Page {
                entries: Vec::new(),
                next: None,
            });
        }
        let words = question.map(|question| match self.engine {
            Engine::Sqlite { .. } => (
                " AND id IN (SELECT rowid FROM release_words WHERE release_words MATCH $)",
                question.for_sqlite(),
            ),
            Engine::Postgres(_) => (" AND words @@ CAST($ AS tsquery)", question.for_postgres()),
        });
        let mut rows = reading!(self, "list the releases", pool => {
            let mut query = QueryBuilder::new(LIST);
            narrow(&mut query, filter, words);
            query.push(" ORDER BY created_ms DESC, id DESC LIMIT ").push_bind(i64::from(limit) + 1);
            query.build_query_as::<Row>().fetch_all(pool).await
        })?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| Cursor {
            created_ms: row.created_ms,
            id: row.id,
        });
        Ok(Page {
            next: last.filter(|_| has_more),
            entries: rows.into_iter().map(Entry::from).collect(),
        })
    }

    /// A release by its name, whole as the cluster had it; where a name came again, the newest.
    pub async fn release(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Release>, ArchiveError> {
        let document = reading!(self, "read a release", pool => {
            sqlx::query_scalar::<_, String>(
                "SELECT document FROM releases WHERE namespace = $1 AND name = $2
                 ORDER BY created_ms DESC, id DESC LIMIT 1",
            )
            .bind(namespace)
            .bind(name)
            .fetch_optional(pool)
            .await
        })?;
        document.map(|document| self.parsed(&document)).transpose()
    }

    /// A release by its uid, whole as the cluster had it.
    pub async fn release_by_uid(&self, uid: &str) -> Result<Option<Release>, ArchiveError> {
        let document = reading!(self, "read a release", pool => {
            sqlx::query_scalar::<_, String>("SELECT document FROM releases WHERE uid = $1")
                .bind(uid)
                .fetch_optional(pool)
                .await
        })?;
        document.map(|document| self.parsed(&document)).transpose()
    }

    /// How a service moved in the releases of a namespace, newest first.
    pub async fn moves(
        &self,
        namespace: &str,
        service: &str,
        limit: u32,
    ) -> Result<Vec<Move>, ArchiveError> {
        let rows = reading!(self, "read the moves of a service", pool => {
            sqlx::query_as::<_, MoveRow>(MOVES)
                .bind(namespace)
                .bind(service)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        let moved = |row: MoveRow| Move {
            release: row.name,
            release_uid: row.uid,
            step: row.step,
            state: row.state,
            from: row.from_revision,
            to: row.to_revision,
            message: row.message,
            started: row.started_ms.map(time),
            ended: row.ended_ms.map(time),
        };
        Ok(rows.into_iter().map(moved).collect())
    }

    fn parsed(&self, document: &str) -> Result<Release, ArchiveError> {
        serde_json::from_str(document)
            .map_err(|error| self.failed("read a release", sqlx::Error::Decode(error.into())))
    }
}
