//! `tidegate history`: the releases of a plan, newest first.

use kube::ResourceExt;

use super::archive::{ArchiveArgs, beside};
use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use crate::archive::Filter;
use crate::cluster::Releases;
use crate::spec::crd::Release;
use crate::spec::duration::describe;

/// List releases, newest first
#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// Only this plan's
    #[arg(value_name = "PLAN")]
    plan: Option<String>,
    /// How many at the most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Only those in the archive that have words which begin so: of names, commits, images, people, reasons
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    #[command(flatten)]
    archive: ArchiveArgs,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn history(output: &Output, args: &HistoryArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let archive = args.archive.to_read().await?;
    let mut found = match &args.search {
        Some(_) if archive.is_none() => {
            return Err(Failure::new(Exit::Usage, "only an archive is searched")
                .hint("name it with `--archive`, or set `TIDEGATE_ARCHIVE`"));
        }
        Some(_) => Vec::new(),
        None => releases.list(args.plan.as_deref()).await?,
    };
    if let Some(archive) = archive {
        let filter = Filter {
            namespaces: Some(vec![connection.namespace().to_owned()]),
            plan: args.plan.clone(),
            words: args.search.clone(),
            limit: args.limit,
            ..Filter::default()
        };
        found.extend(beside(&archive, &found, &filter).await?);
    }
    found.sort_by_key(|release| {
        release
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0)
    });
    found.reverse();
    found.truncate(usize::try_from(args.limit).unwrap_or(usize::MAX));
    output.document(args.output, &found, || {
        if found.is_empty() {
            return "no releases yet".to_owned();
        }
        table(&found.iter().map(row).collect::<Vec<_>>())
    })
}

const HEAD: [&str; 7] = [
    "RELEASE", "RESULT", "STARTED", "TOOK", "WAVES", "REVISION", "REASON",
];

fn row(release: &Release) -> [String; 7] {
    let status = release.status.clone().unwrap_or_default();
    let started = status.start_time.as_ref().map(|time| time.0);
    let took = started
        .zip(status.completion_time.as_ref())
        .map(|(from, to)| describe(to.0.duration_since(from)));
    let result = status
        .outcome
        .clone()
        .unwrap_or_else(|| status.phase.clone());
    [
        release.name_any(),
        if result.is_empty() {
            "Pending".to_owned()
        } else {
            result
        },
        started
            .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
            .unwrap_or_default(),
        took.unwrap_or_default(),
        status.waves.len().to_string(),
        release.spec.revision.clone(),
        release.spec.reason.clone().unwrap_or_default(),
    ]
}

/// Columns as wide as their widest cell, as kubectl prints them.
fn table(rows: &[[String; 7]]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(HEAD);
    for row in rows {
        table.add_row(row);
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim().to_owned())
        .collect();
    lines.join("\n")
}
