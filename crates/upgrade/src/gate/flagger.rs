//! How far a Flagger Canary is; completion.md §4.10.
//!
//! The unit is the Canary, the workload that it targets, and that one's copy, the primary. Flagger looks at the target
//! once in a while, so after an apply its phase is still that of the run before: only the primary's template proves
//! that the new one was promoted.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use super::argo_rollouts::Target;
use super::assessment::Note;
use super::condition::{self, Condition};
use super::failure::Scan;
use super::kin::PRIMARY;
use super::promotion::is_promoted_template;
use super::reason::Reason;
use super::snapshot::{self, Snapshot, count, replicas};
use super::verdict::{Class, Verdict};
use super::workload::Workload;
use super::{Judgement, Look};

/// What Flagger takes between two looks if a Canary does not say it.
const INTERVAL_DEFAULT_S: i64 = 60;
/// It does not look more often than this, whatever a Canary says.
const INTERVAL_MIN: SignedDuration = SignedDuration::from_secs(10);
/// What it is given beyond three of its looks.
const DETECTION_MARGIN_S: i64 = 60;

/// What of a Canary decides.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlaggerCanary {
    pub(super) api_version: String,
    pub(super) metadata: ObjectMeta,
    pub(super) spec: Spec,
    pub(super) status: Status,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) target_ref: Target,
    suspend: bool,
    analysis: Option<Analysis>,
    canary_analysis: Option<Analysis>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Analysis {
    interval: Option<String>,
    max_weight: Option<i32>,
    iterations: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    phase: String,
    canary_weight: Option<i32>,
    iterations: Option<i32>,
    last_applied_spec: String,
    last_promoted_spec: String,
    last_transition_time: Option<Time>,
    pub(super) conditions: Vec<Condition>,
}

/// What a Canary said before an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaselineCanary {
    /// `Succeeded`, `Failed`, …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Flagger's hash of the template that it last saw.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_applied_spec: String,
    /// Flagger's hash of the template that it last promoted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_promoted_spec: String,
}

impl FlaggerCanary {
    /// What is recorded of it before an apply.
    pub(super) fn recorded(&self) -> BaselineCanary {
        BaselineCanary {
            phase: self.status.phase.clone(),
            last_applied_spec: self.status.last_applied_spec.clone(),
            last_promoted_spec: self.status.last_promoted_spec.clone(),
        }
    }

    /// The workload that people apply.
    pub(super) fn target<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Workload> {
        snapshot.other(self.spec.target_ref.key())
    }

    /// Flagger's copy of it, which serves.
    pub(super) fn primary<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Workload> {
        let (group, kind, name) = self.spec.target_ref.key();
        snapshot.other((group, kind, &format!("{name}{PRIMARY}")))
    }

    /// Whether the primary has the target's template. Of a Service there is no copy.
    pub(super) fn is_promoted(&self, snapshot: &Snapshot) -> bool {
        let both = self.target(snapshot).zip(self.primary(snapshot));
        both.is_some_and(|(target, primary)| {
            is_promoted_template(&target.template(), &primary.template())
        })
    }

    /// Whether Flagger has promoted what a Service leads to since the apply: its hashes are all there is, and before its
    /// first look they are those of the run before.
    fn is_promoted_service(&self, look: &Look<'_>) -> bool {
        let status = &self.status;
        let before = look.baseline.canary.as_ref();
        let is_new =
            before.is_some_and(|before| before.last_promoted_spec != status.last_promoted_spec);
        self.spec.target_ref.kind == "Service"
            && is_new
            && !status.last_promoted_spec.is_empty()
            && status.last_promoted_spec == status.last_applied_spec
    }

    /// The template whose pods take the calls in the end.
    pub(super) fn serving_template(&self, snapshot: &Snapshot) -> Option<PodTemplateSpec> {
        self.primary(snapshot)
            .map(|primary| primary.template().into_owned())
    }

    /// How many pods there are to be.
    pub(super) fn wanted(&self, snapshot: &Snapshot) -> u32 {
        self.primary(snapshot)
            .map_or(0, |primary| super::wanted(primary, snapshot))
    }

    fn analysis(&self) -> Analysis {
        let spec = &self.spec;
        spec.analysis
            .clone()
            .or_else(|| spec.canary_analysis.clone())
            .unwrap_or_default()
    }

    fn interval(&self) -> SignedDuration {
        let text = self.analysis().interval.unwrap_or_default();
        text.parse()
            .unwrap_or(SignedDuration::from_secs(INTERVAL_DEFAULT_S))
            .max(INTERVAL_MIN)
    }

    /// Whether nothing that Flagger says of it has changed since the apply.
    fn is_as_before(&self, look: &Look<'_>) -> bool {
        look.baseline.canary.as_ref().is_some_and(|before| {
            before.phase == self.status.phase
                && before.last_applied_spec == self.status.last_applied_spec
        })
    }
}

/// Rows C1 to C12.
pub(super) fn judge(look: &Look<'_>, canary: &FlaggerCanary, scan: &Scan) -> Judgement {
    let status = &canary.status;
    let phase = status.phase.as_str();
    if canary.spec.suspend {
        return Verdict::paused(Reason::Suspended, 0, 1).into();
    }
    if let Some(gone) = gone(look, canary, phase) {
        return gone.into();
    }
    let promoted = condition::find(&status.conditions, "Promoted");
    let is_stale = promoted.is_some_and(|promoted| promoted.is_in_baseline(look));
    let has_failed = phase == "Failed";
    if has_failed && !is_stale {
        return analysis_failed(canary, promoted).into();
    }
    let is_promoted = canary.is_promoted(look.snapshot) || canary.is_promoted_service(look);
    match phase {
        "Succeeded" | "Failed" | "Initialized" if !is_promoted => not_detected(look, canary).into(),
        "Succeeded" | "Failed" | "Initialized" => finished(look, canary),
        "" | "Initializing" => Verdict::progressing(Reason::Initializing, 0, 1).into(),
        "Waiting" | "WaitingPromotion" => Verdict::paused(Reason::Approval, 0, 1).into(),
        "Progressing" => scan
            .failure
            .clone()
            .unwrap_or_else(|| analysing(canary))
            .into(),
        "Promoting" | "Finalising" => Verdict::progressing(Reason::Promoting, 0, 1).into(),
        other => Verdict::progressing(Reason::UnknownStatus, 0, 1)
            .with(format!("its phase is `{other}`"))
            .into(),
    }
}

/// Row C2.
fn gone(look: &Look<'_>, canary: &FlaggerCanary, phase: &str) -> Option<Verdict> {
    let target = &canary.spec.target_ref;
    let is_served = target.kind != "Service";
    let found = canary.target(look.snapshot).map(Workload::metadata);
    if target.name.is_empty() {
        let detail = "it names no target";
        return Some(Verdict::failed(
            Reason::TargetMissing,
            Class::Terminal,
            detail,
        ));
    }
    if is_served && found.is_none_or(|found| found.deletion_timestamp.is_some()) {
        let how = if found.is_some() {
            "being deleted"
        } else {
            "not there"
        };
        let detail = format!("{} {}, its target, is {how}", target.kind, target.name);
        return Some(Verdict::failed(
            Reason::TargetMissing,
            Class::Terminal,
            detail,
        ));
    }
    matches!(phase, "Terminating" | "Terminated").then(|| {
        Verdict::failed(
            Reason::CanaryDeleting,
            Class::Terminal,
            "Flagger is taking it down",
        )
    })
}

/// Row C3.
fn analysis_failed(canary: &FlaggerCanary, promoted: Option<&Condition>) -> Verdict {
    let words = promoted.map(Condition::words).unwrap_or_default();
    // A newer Flagger sends the calls to the canary when the primary breaks while it is promoted.
    if count(canary.status.canary_weight) > 0 {
        let detail = format!("the primary broke while it was promoted: {words}");
        Verdict::failed(Reason::PromotionFailed, Class::Terminal, detail)
    } else {
        let detail = format!("its analysis failed, and the old pods serve: {words}");
        Verdict::failed(Reason::AnalysisFailed, Class::Terminal, detail)
    }
}

/// Rows C4 and C9.
fn not_detected(look: &Look<'_>, canary: &FlaggerCanary) -> Verdict {
    let bound = canary
        .interval()
        .saturating_mul(3)
        .saturating_add(SignedDuration::from_secs(DETECTION_MARGIN_S));
    let lasts = look.lasts(Reason::AwaitDetection, None);
    if lasts < bound {
        let target = &canary.spec.target_ref;
        let lacks = target.kind != "Service" && canary.primary(look.snapshot).is_none();
        let words = format!("{} {}{PRIMARY} is not there", target.kind, target.name);
        return Verdict::progressing(Reason::AwaitDetection, 0, 1).with(if lacks {
            words
        } else {
            String::new()
        });
    }
    let seen = if canary.is_as_before(look) {
        "has not seen the new template"
    } else {
        "has not promoted the new template"
    };
    let detail = format!(
        "Flagger {seen} for {lasts:#}: is it running, and does the Canary name this workload?"
    );
    Verdict::failed(Reason::NotDetected, Class::Retryable, detail)
}

/// Row C7.
fn analysing(canary: &FlaggerCanary) -> Verdict {
    let analysis = canary.analysis();
    match (analysis.max_weight, analysis.iterations) {
        (Some(weight), _) => Verdict::progressing(
            Reason::Analysis,
            count(canary.status.canary_weight),
            count(Some(weight)),
        ),
        // After the last one it counts one more.
        (None, Some(iterations)) => Verdict::progressing(
            Reason::Analysis,
            count(canary.status.iterations).min(count(Some(iterations))),
            count(Some(iterations)),
        ),
        (None, None) => {
            Verdict::progressing(Reason::Analysis, count(canary.status.canary_weight), 100)
        }
    }
}

/// Rows C10 to C12.
fn finished(look: &Look<'_>, canary: &FlaggerCanary) -> Judgement {
    if let Some(primary) = canary.primary(look.snapshot) {
        let verdict = look.verdict_of(primary);
        if verdict != Verdict::Complete {
            let name = snapshot::name(primary.metadata());
            return verdict.about(&format!("its primary {name}")).into();
        }
    }
    let is_scaled = match canary.target(look.snapshot) {
        Some(Workload::Deployment(target)) => replicas(target.spec.replicas) == 0,
        // A DaemonSet is kept off its nodes instead.
        Some(_) | None => true,
    };
    if is_scaled {
        return Verdict::Complete.into();
    }
    let bound = canary.interval().saturating_mul(2);
    let since = canary.status.last_transition_time.as_ref();
    if look.lasts(Reason::CanaryScaleDown, since.map(|time| time.0)) < bound {
        return Verdict::progressing(Reason::CanaryScaleDown, 0, 1).into();
    }
    Judgement {
        verdict: Verdict::Complete,
        notes: vec![Note::CanaryNotScaled],
    }
}
