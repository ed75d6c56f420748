//! `tidegate rollback`: what an earlier release brought, brought back in a proved order.

use std::io::{BufRead, IsTerminal};

use kube::ResourceExt;

use super::context::{ClusterArgs, find_release};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release::{Again, Reach, WatchingArgs};
use crate::cluster::{Releases, has_ended, has_succeeded, way_back};
use crate::spec::crd::{Concurrency, Planning, Release, Trigger};

/// Bring back what an earlier release brought: planned from what runs, proved, and shown before anything is written
///
/// What Jobs did stays. It is refused where the older release could not live with that, or where something durable
/// was written that it would not read. A release that is under way is superseded by it.
#[derive(Debug, clap::Args)]
pub(super) struct RollbackArgs {
    /// The plan (`shop`), or the release that is taken back (`shop-3`, `shop#3`)
    #[arg(value_name = "RELEASE")]
    release: String,
    /// The release that is brought back; otherwise the newest before it that succeeded
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
    /// Bring back only these services; the others stay as they are
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    only: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what would happen; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
pub(super) async fn rollback(output: &Output, args: &RollbackArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let releases = Releases::new(connection.client(), connection.namespace());
    let current = find_release(&releases, &args.release).await?;
    let of_plan = releases.list(Some(&current.spec.plan)).await?;
    let target = match &args.to {
        Some(name) => find_release(&releases, name).await?,
        None => way_back(&current, &of_plan).cloned().ok_or_else(|| {
            let words = format!(
                "no release of plan `{}` before `{}` has succeeded, so there is nothing to bring back",
                current.spec.plan,
                current.name_any()
            );
            Failure::new(Exit::Refused, words)
                .hint("`tidegate history` lists what there is; name one with `--to RELEASE`")
        })?,
    };
    check(&current, &target, &of_plan)?;
    if args.to.is_none() && current.spec.rollback_of.is_some() {
        let words = format!("`{}` is itself a way back", current.name_any());
        return Err(Failure::new(Exit::Usage, words)
            .hint("say where to: `--to RELEASE`, of those that `tidegate history` lists"));
    }
    output.say(&format!(
        "`{}` is taken back by what `{}` brought ({})",
        current.name_any(),
        target.name_any(),
        target.spec.revision
    ));
    let reach = Reach {
        output,
        connection: &connection,
        releases: &releases,
    };
    let runs = of_plan.iter().rfind(|release| !has_ended(release));
    if let Some(runs) = runs {
        output.say(&format!(
            "release `{}` has not ended; this one takes its place when what it moves is done or does not get on",
            runs.name_any()
        ));
    }
    let names = args.only.iter().map(|name| name.trim().to_owned());
    let again = Again {
        source: &target,
        planning: Planning {
            only: names.collect(),
            rollback: true,
            ..Planning::default()
        },
        trigger: Trigger::Rollback,
        concurrency: runs.map(|_| Concurrency::Supersede),
        reason: args.reason.clone(),
        rollback_of: Some(current.name_any()),
        retry_of: None,
        shows_diff: true,
    };
    let prepared = reach.prepare_again(&again).await?;
    if args.dry_run {
        return Ok(());
    }
    if !args.yes {
        confirm(output)?;
    }
    let release = reach
        .create_again(&again, &prepared, &args.watching)
        .await?;
    reach.see_to(&args.watching, release, false).await
}

fn check(current: &Release, target: &Release, of_plan: &[Release]) -> Result<(), Failure> {
    let (current_name, target_name) = (current.name_any(), target.name_any());
    let refuse = |words: String| Err(Failure::new(Exit::Refused, words));
    if target.spec.plan != current.spec.plan {
        return refuse(format!(
            "`{target_name}` is a release of plan `{}`, and `{current_name}` one of `{}`",
            target.spec.plan, current.spec.plan
        ));
    }
    if target.spec.number >= current.spec.number {
        return refuse(format!(
            "`{target_name}` is not older than `{current_name}`: there is nothing to bring back"
        ));
    }
    if !has_succeeded(target) {
        let words =
            format!("`{target_name}` has not succeeded, so nobody has seen it run as a whole");
        return Err(Failure::new(Exit::Refused, words)
            .hint("`tidegate history` shows which ones have; to release its files anyway, `tidegate run -f …`"));
    }
    match of_plan.last() {
        Some(newest) if newest.spec.number > current.spec.number => {
            let newest = newest.name_any();
            let words = format!(
                "`{current_name}` is not the newest release of its plan: `{newest}` came after it"
            );
            Err(Failure::new(Exit::Refused, words).hint(format!(
                "`tidegate rollback {newest} --to {target_name}` takes both back"
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// Asks whoever sits there.
fn confirm(output: &Output) -> Result<(), Failure> {
    if !output.live || !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "nobody sits here who could be asked; nothing was written",
        )
        .hint("add `--yes`"));
    }
    output.say("Bring this back? [y/N]");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    let is_yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if is_yes {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Refused,
            "not confirmed; nothing was written",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::spec::crd::{Bundle, Release, ReleaseSpec, ReleaseStatus};

    /// `1 Succeeded a, 2 Failed b`: number, outcome, and a letter for the input.
    fn releases(text: &str) -> Vec<Release> {
        let one = |words: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let spec = ReleaseSpec {
                plan: "shop".to_owned(),
                number: words[0].parse().unwrap(),
                bundle: Bundle {
                    digest: words[2].to_owned(),
                    parts: 1,
                },
                ..ReleaseSpec::default()
            };
            let mut release = Release::new(&format!("shop-{}", words[0]), spec);
            release.status = Some(ReleaseStatus {
                outcome: (words[1] != "running").then(|| words[1].to_owned()),
                ..ReleaseStatus::default()
            });
            release
        };
        text.split(',').map(one).collect()
    }

    #[test]
    fn what_is_no_way_back_is_refused_with_its_reason() {
        let all = releases("1 Succeeded a, 2 Failed b, 3 Succeeded c");
        let refused = |current: usize, target: usize| {
            let checked = check(&all[current], &all[target], &all);
            checked
                .err()
                .map(|failure| failure.message)
                .unwrap_or_default()
        };
        assert_eq!(refused(2, 0), "");
        assert_eq!(
            refused(2, 1),
            "`shop-2` has not succeeded, so nobody has seen it run as a whole"
        );
        assert_eq!(
            refused(0, 2),
            "`shop-3` is not older than `shop-1`: there is nothing to bring back"
        );
        assert_eq!(
            refused(1, 0),
            "`shop-2` is not the newest release of its plan: `shop-3` came after it"
        );
    }
}
