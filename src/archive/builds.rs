//! What was built for a release, from which input, to which image.

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use super::error::ArchiveError;
use super::open::Archive;
use super::statement::{ms, text, time};
use crate::spec::crd::{BuildStatus, Release};

/// The build of one service for one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// The release.
    pub release_uid: String,
    /// The service.
    pub service: String,
    /// The release's namespace.
    pub namespace: String,
    /// The release's plan.
    pub plan: String,
    /// The digest of all that goes in: the same input gives an image that can stand for another build of it.
    pub input: String,
    /// What builds: `argoWorkflow`; empty where nothing had to.
    pub engine: String,
    /// `Running`, `Succeeded`, `Failed`, `Skipped` or `Cancelled`.
    pub state: String,
    /// The image, pinned by its digest, once there is one.
    pub image: Option<String>,
    /// Where its log can be seen elsewhere.
    pub link: Option<String>,
    /// Why it failed or was skipped; empty otherwise.
    pub message: String,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Build {
    /// The builds of a release, as its status has them.
    pub fn of(release: &Release) -> Vec<Self> {
        let builds = release.status.iter().flat_map(|status| &status.builds);
        let of_one = |build: &BuildStatus| Self {
            release_uid: release.uid().unwrap_or_default(),
            service: build.service.clone(),
            namespace: release.namespace().unwrap_or_default(),
            plan: release.spec.plan.clone(),
            input: build.input.clone(),
            engine: engine(build).to_owned(),
            state: build.state.clone(),
            image: build.image.clone(),
            link: build.link.clone(),
            message: build.message.clone(),
            started: build.start_time.as_ref().map(|time| time.0),
            ended: build.end_time.as_ref().map(|time| time.0),
        };
        builds.map(of_one).collect()
    }
}

/// What builds, by the kind of its object; empty where nothing had to.
fn engine(build: &BuildStatus) -> &'static str {
    let object = build.object.as_deref().unwrap_or_default();
    match object.split('/').next() {
        Some("Job") => "buildkit",
        Some("Workflow") => "argoWorkflow",
        Some(_) | None => "",
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    release_uid: String,
    service: String,
    namespace: String,
    plan: String,
    input: String,
    engine: String,
    state: String,
    image: Option<String>,
    link: Option<String>,
    message: String,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
}

impl From<Row> for Build {
    fn from(row: Row) -> Self {
        Self {
            release_uid: row.release_uid,
            service: row.service,
            namespace: row.namespace,
            plan: row.plan,
            input: row.input,
            engine: row.engine,
            state: row.state,
            image: row.image,
            link: row.link,
            message: row.message,
            started: row.started_ms.map(time),
            ended: row.ended_ms.map(time),
        }
    }
}

const STORE: &str = "INSERT INTO builds (release_uid, service, namespace, plan, input, engine, state, image, link,
        message, started_ms, ended_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (release_uid, service) DO UPDATE SET input = excluded.input, engine = excluded.engine,
        state = excluded.state, image = excluded.image, link = excluded.link, message = excluded.message,
        started_ms = excluded.started_ms, ended_ms = excluded.ended_ms";

impl Archive {
    /// Stores where a build stands; one row for each service of a release.
    pub async fn store_build(&self, build: &Build) -> Result<(), ArchiveError> {
        writing!(self, "store a build", transaction => {
            sqlx::query(STORE)
                .bind(&build.release_uid)
                .bind(&build.service)
                .bind(&build.namespace)
                .bind(&build.plan)
                .bind(&build.input)
                .bind(&build.engine)
                .bind(&build.state)
                .bind(build.image.as_deref())
                .bind(build.link.as_deref())
                .bind(text(&build.message))
                .bind(build.started.map(ms))
                .bind(build.ended.map(ms))
                .execute(&mut *transaction)
                .await?;
        })
    }

    /// The builds of a release, by service.
    pub async fn builds(&self, release_uid: &str) -> Result<Vec<Build>, ArchiveError> {
        let rows = reading!(self, "read the builds", pool => {
            sqlx::query_as::<_, Row>("SELECT * FROM builds WHERE release_uid = $1 ORDER BY service")
                .bind(release_uid)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(Build::from).collect())
    }

    /// The newest build of a plan's service that made an image from this input, so that it need not be made again.
    pub async fn built(
        &self,
        (namespace, plan): (&str, &str),
        service: &str,
        input: &str,
    ) -> Result<Option<Build>, ArchiveError> {
        let row = reading!(self, "look for an earlier build", pool => {
            sqlx::query_as::<_, Row>(
                "SELECT * FROM builds WHERE namespace = $1 AND plan = $2 AND service = $3 AND input = $4
                 AND state = 'Succeeded' AND image IS NOT NULL ORDER BY ended_ms DESC LIMIT 1",
            )
            .bind(namespace)
            .bind(plan)
            .bind(service)
            .bind(input)
            .fetch_optional(pool)
            .await
        })?;
        Ok(row.map(Build::from))
    }
}
