//! Times in which a plan starts nothing new.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Approval;

/// A time in which no new wave of a release starts: again and again (`cron` and `lasts`), or once (`from` and `until`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.cron) != has(self.from)").message("a window has either `cron` and `lasts`, or `from` and `until`"))]
#[x_kube(validation = Rule::new("has(self.cron) == has(self.lasts)").message("`cron` says when a window begins and `lasts` how long it is: both or none"))]
#[x_kube(validation = Rule::new("has(self.from) == has(self.until)").message("`from` and `until`: both or none"))]
#[x_kube(validation = Rule::new("!has(self.timeZone) || has(self.cron)").message("`timeZone` is that of `cron`; `from` and `until` have theirs in them"))]
pub struct FreezeWindow {
    /// Why, for whoever waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub reason: Option<String>,
    /// When it begins, as in `schedule`: `0 16 * * Fri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 9, max = 255))]
    pub cron: Option<String>,
    /// The time zone of `cron`, for instance `Europe/Berlin`. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// How long it lasts from each beginning, for instance `62h`; at most 31 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub lasts: Option<String>,
    /// When it begins, once: `2026-12-23T18:00:00+01:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Whether releases wait too that bring back what ran before. Default: they do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_rollbacks: bool,
}

/// That a release starts nothing new for a while, or by whose word it does all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreezeStatus {
    /// When it may go on, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Why it waits, as a sentence; empty where it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Who has said that it goes on in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Approval>,
}
