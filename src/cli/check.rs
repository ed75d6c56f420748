//! `tidegate check`: is everything there that a release needs?

use serde::Serialize;

use super::context::ClusterArgs;
use super::failure::{Exit, Failure};
use super::output::{Format, Output};
use crate::cluster::{
    ACTING_RIGHTS, Installed, OWN_RIGHTS, Releases, Right, installed, missing_rights,
};

/// Look whether a cluster has what a release needs: reachable, custom resources, rights
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// A plan whose account is checked too
    #[arg(value_name = "PLAN")]
    plan: Option<String>,
    /// The form on stdout
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Finding {
    what: String,
    ok: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
}

/// Runs the command.
pub(super) async fn check(output: &Output, args: &CheckArgs) -> Result<(), Failure> {
    let connection = args.cluster.connect().await?;
    let client = connection.client();
    let version = client
        .apiserver_version()
        .await
        .map_err(crate::cluster::ClusterError::from)?;
    let namespace = connection.namespace();
    let mut findings = vec![Finding {
        what: format!(
            "API server {} at {}",
            version.git_version,
            connection.server()
        ),
        ok: true,
        hint: String::new(),
    }];
    findings.push(match installed(&client).await? {
        Installed::Yes => Finding {
            what: "custom resources".to_owned(),
            ok: true,
            hint: String::new(),
        },
        Installed::Missing(names) => Finding {
            what: format!("custom resources: {} missing", names.join(", ")),
            ok: false,
            hint: "`tidegate crds | kubectl apply -f -`; `tidegate run` does it too, if it may"
                .to_owned(),
        },
    });
    let own = missing_rights(&client, namespace, OWN_RIGHTS).await?;
    findings.push(rights(
        format!("own rights in namespace `{namespace}`"),
        &own,
    ));
    let account = match &args.plan {
        None => None,
        Some(plan) => {
            let found = Releases::new(client.clone(), namespace).plan(plan).await?;
            found.and_then(|plan| plan.spec.service_account_name)
        }
    };
    let acting = connection.acting_as(namespace, account.as_deref())?;
    let missing = missing_rights(&acting, namespace, ACTING_RIGHTS).await?;
    let who = account.map_or_else(
        || "you".to_owned(),
        |account| format!("ServiceAccount `{account}`"),
    );
    findings.push(rights(
        format!("rights of {who} on workloads in `{namespace}`"),
        &missing,
    ));
    output.document(args.output, &findings, || {
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    if findings.iter().all(|finding| finding.ok) {
        Ok(())
    } else {
        Err(Failure::told(Exit::Cluster))
    }
}

fn rights(what: String, missing: &[Right]) -> Finding {
    let names: Vec<String> = missing
        .iter()
        .map(|right| {
            let dot = if right.group.is_empty() { "" } else { "." };
            format!("{} {}{dot}{}", right.verb, right.resource, right.group)
        })
        .collect();
    if names.is_empty() {
        return Finding {
            what,
            ok: true,
            hint: String::new(),
        };
    }
    let hint = format!("missing: {}", names.join(", "));
    Finding {
        what,
        ok: false,
        hint,
    }
}

fn line(finding: &Finding) -> String {
    let mark = if finding.ok { "✔" } else { "✕" };
    if finding.hint.is_empty() {
        format!("{mark} {}", finding.what)
    } else {
        format!("{mark} {}\n    {}", finding.what, finding.hint)
    }
}
