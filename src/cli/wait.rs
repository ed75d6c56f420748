//! `tidegate wait`: until a release is so far, or until every pod of a service serves a version.

use std::time::{Duration, Instant};

use kube::ResourceExt;

use super::context::{ClusterArgs, find_release};
use super::drive::exit_of;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release::parse_timeout;
use crate::cluster::{ClusterError, Connection, Releases, has_ended, presence};
use crate::controller::{Question, missing};
use crate::spec::crd::Release;
use crate::spec::{ContractName, ServiceName, Version, did_you_mean};

/// Wait for a release, or until every live pod of a service serves a version
///
/// With a release: until it has ended, or until the wave or service that `--for` names is done. With `--service` and
/// `--serves`, as an init container or a step of a pipeline: until every live pod of the service, those that are on their
/// way out included, serves the version and one is ready, in two looks in a row. A stamp on the pods says what they serve;
/// the Role in deploy/waiter.yaml is enough for it.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// A release (`shop-3`, `shop#3`) or a plan (`shop`: its newest release)
    #[arg(
        value_name = "RELEASE",
        required_unless_present = "service",
        conflicts_with = "service"
    )]
    release: Option<String>,
    /// What to wait for in the release: `Ready`, `wave=NUMBER` or `service=NAME`
    #[arg(
        long = "for",
        value_name = "WHAT",
        default_value = "Ready",
        conflicts_with = "service"
    )]
    until: String,
    /// The service that must serve a version
    #[arg(long, value_name = "NAME", requires = "serves")]
    service: Option<String>,
    /// The version, or a range of versions such as `^1.4`, that every pod of `--service` must serve
    #[arg(
        long,
        visible_alias = "min-version",
        value_name = "VERSION",
        requires = "service"
    )]
    serves: Option<String>,
    /// The contract of the version; otherwise the one of the service's name
    #[arg(long, value_name = "CONTRACT", requires = "service")]
    contract: Option<String>,
    /// The time between the two looks that must agree
    #[arg(long, value_parser = parse_timeout, value_name = "TIME", default_value = "2s")]
    settle: Duration,
    /// How long to wait at the most, for instance `10m`
    #[arg(long, value_parser = parse_timeout, value_name = "TIME")]
    timeout: Option<Duration>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// How often the API server is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn wait(output: &Output, args: &WaitArgs) -> Result<(), Failure> {
    let deadline = args.timeout.map(|timeout| Instant::now() + timeout);
    match (&args.release, question(args)?) {
        (Some(release), _) => {
            let wanted = Wanted::parse(&args.until)?;
            let connection = args.cluster.connect().await?;
            for_release(output, &connection, release, &wanted, deadline).await
        }
        (None, Some(question)) => {
            let connection = args.cluster.connect().await?;
            for_service(output, &connection, &question, args.settle, deadline).await
        }
        (None, None) => Err(Failure::new(
            Exit::Usage,
            "nothing to wait for: name a release, or `--service` and `--serves`",
        )),
    }
}

fn question(args: &WaitArgs) -> Result<Option<Question>, Failure> {
    let (Some(service), Some(version)) = (&args.service, &args.serves) else {
        return Ok(None);
    };
    let wrong = |flag: &str, text: &str, error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("{flag}: `{text}` {error}"))
    };
    let service =
        ServiceName::parse(service).map_err(|error| wrong("--service", service, &error))?;
    let contract = match &args.contract {
        None => ContractName::from(&service),
        Some(text) => {
            ContractName::parse(text).map_err(|error| wrong("--contract", text, &error))?
        }
    };
    let version = Version::parse(version).map_err(|error| wrong("--serves", version, &error))?;
    Ok(Some(Question {
        service,
        contract,
        version,
    }))
}

/// What of a release is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Ready,
    /// From 1.
    Wave(usize),
    Service(String),
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, Failure> {
        let wave = text.strip_prefix("wave=").map(str::parse::<usize>);
        match (text, wave, text.strip_prefix("service=")) {
            ("Ready", _, _) => Ok(Self::Ready),
            (_, Some(Ok(wave)), _) if wave > 0 => Ok(Self::Wave(wave)),
            (_, _, Some(service)) if !service.is_empty() => Ok(Self::Service(service.to_owned())),
            _ => Err(Failure::new(
                Exit::Usage,
                format!("--for: `{text}` is not `Ready`, `wave=NUMBER` or `service=NAME`"),
            )),
        }
    }

    /// Whether the release is so far. Errors: it has no such wave or service.
    fn is_there(&self, release: &Release) -> Result<bool, Failure> {
        let status = release.status.clone().unwrap_or_default();
        // Before it is planned nobody knows its waves.
        if status.waves.is_empty() && !has_ended(release) {
            return Ok(false);
        }
        let usage = |message: String| Failure::new(Exit::Usage, message);
        match self {
            Self::Ready => Ok(status.outcome.as_deref() == Some("Succeeded")),
            Self::Wave(number) => match status.waves.get(number - 1) {
                Some(wave) => Ok(wave.services.iter().all(|service| service.state == "Done")),
                None => Err(usage(format!(
                    "release `{}` has {} waves, no wave {number}",
                    release.name_any(),
                    status.waves.len()
                ))),
            },
            Self::Service(name) => {
                let services = || status.waves.iter().flat_map(|wave| &wave.services);
                if let Some(service) = services().find(|service| service.name == *name) {
                    return Ok(service.state == "Done");
                }
                let failure = usage(format!(
                    "release `{}` does not move a service `{name}`",
                    release.name_any()
                ));
                let known = services().map(|service| service.name.as_str());
                Err(match did_you_mean(name, known) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure,
                })
            }
        }
    }
}

/// Waits a little, or says that the time is over.
async fn pause(deadline: Option<Instant>, pause: Duration, what: &str) -> Result<(), Failure> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left.is_some_and(|left| left.is_zero()) {
        return Err(Failure::new(
            Exit::Timeout,
            format!("the time is over; {what}"),
        ));
    }
    tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
    Ok(())
}

async fn for_release(
    output: &Output,
    connection: &Connection,
    name: &str,
    wanted: &Wanted,
    deadline: Option<Instant>,
) -> Result<(), Failure> {
    let releases = Releases::new(connection.client(), connection.namespace());
    let mut release = find_release(&releases, name).await?;
    let name = release.name_any();
    let mut told = String::new();
    loop {
        if wanted.is_there(&release)? {
            output.say(&format!("release `{name}`: {}", summary(&release)));
            return Ok(());
        }
        if has_ended(&release) {
            return exit_of(&release);
        }
        let summary = summary(&release);
        if summary != told {
            output.say(&format!("release `{name}`: {summary}"));
            told = summary;
        }
        pause(deadline, ASK_EVERY, &format!("release `{name}`: {told}")).await?;
        match releases.get(&name).await {
            Ok(newest) => release = newest,
            Err(ClusterError::Unreachable(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn summary(release: &Release) -> String {
    let status = release.status.clone().unwrap_or_default();
    match (status.outcome, status.summary.is_empty()) {
        (Some(outcome), _) => outcome,
        (None, true) => "not planned yet".to_owned(),
        (None, false) => status.summary,
    }
}

async fn for_service(
    output: &Output,
    connection: &Connection,
    question: &Question,
    settle: Duration,
    deadline: Option<Instant>,
) -> Result<(), Failure> {
    let mut told = Vec::new();
    let mut is_first_yes = true;
    loop {
        let lacks = match presence(connection, &question.service).await {
            Ok(found) => missing(question, &found.looks, found.declared.as_ref()),
            // A pod that starts while the API server does must not fail for that.
            Err(error @ ClusterError::Unreachable(_)) => vec![error.to_string()],
            Err(error @ ClusterError::Forbidden { .. }) => {
                return Err(
                    Failure::from(error).hint("deploy/waiter.yaml has the Role that is needed")
                );
            }
            Err(error) => return Err(error.into()),
        };
        let is_yes = lacks.is_empty();
        if is_yes && !is_first_yes {
            output.say(&format!(
                "every pod of {} serves {} {}",
                question.service, question.contract, question.version
            ));
            return Ok(());
        }
        is_first_yes = !is_yes;
        if lacks != told {
            for line in &lacks {
                output.say(line);
            }
            told.clone_from(&lacks);
        }
        let next = if is_yes { settle } else { ASK_EVERY };
        pause(deadline, next, &lacks.join("; ")).await?;
    }
}
