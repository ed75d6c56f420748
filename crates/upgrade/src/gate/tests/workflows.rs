//! Argo Workflows and Tekton: rows 65 to 67 of completion.md §8, and W1 to W9.

use super::files::{check_over, check_recorded, check_table};

pub(super) const WORKFLOW: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build, namespace: shop, uid: u-1, generation: 1, creationTimestamp: '2026-11-24T11:58:30Z'}
spec: {entrypoint: main}
status: {phase: Running, progress: 2/5}
";

#[test]
fn a_workflow_is_what_its_phase_says() {
    check_table(WORKFLOW, "
        W1 | {Workflow/build: {status: {phase: Succeeded}}} | Complete / Drained / NotNeeded
        W2 | {Workflow/build: {status: {phase: Failed, message: x}}} | Failed(Terminal, WorkflowFailed)
        W3 | {Workflow/build: {status: {phase: Error, message: x}}} | Failed(Retryable, WorkflowError)
        65 W4 | {Workflow/build: {status: {nodes: {a: {type: Suspend, phase: Running, displayName: approve}}}}} | Paused(Suspend 2/5)
        W4 by its spec | {Workflow/build: {spec: {suspend: true}}} | Paused(Suspend 2/5)
        W4 for a while | {Workflow/build: {spec: {templates: [{name: wait, suspend: {duration: '60'}}]}, status: {nodes: {a: {type: Suspend, phase: Running, displayName: wait-a-bit, templateName: wait}}}}} | Progressing(TimedPause 2/5)
        66 W5 | {Workflow/build: {status: {phase: null, progress: null}}} | Failed(Retryable, ControllerAbsent)
        W6 young | {Workflow/build: {metadata: {creationTimestamp: '2026-11-24T11:59:30Z'}, status: null}} | Progressing(Pending 0/1)
        W6 | {Workflow/build: {status: {phase: Pending}}} | Progressing(Pending 2/5)
        W7 | {Workflow/build: {spec: {shutdown: Stop}}} | Progressing(ShuttingDown 2/5)
        W9 | {} | Progressing(Running 2/5)
        a phase that we do not know | {Workflow/build: {status: {phase: Dreaming}}} | Progressing(UnknownStatus 2/5)
        a field of another type | {Workflow/build: {status: {phase: {}}}} | Progressing(UnknownStatus 0/1)
    ");
    check_recorded(
        WORKFLOW,
        &[(
            "W8",
            "{Workflow/build: null}",
            "[{object: {apiVersion: argoproj.io/v1alpha1, kind: Workflow, namespace: shop, name: build}, applied: {uid: u-1, generation: 1, templateDigest: x, changed: true}}]",
            "Failed(Retryable, OutcomeUnknown)",
        )],
    );
}

const RUN: &str = "
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: build, namespace: shop, uid: u-1, generation: 1, creationTimestamp: '2026-11-24T11:58:30Z'}
spec: {}
";

#[test]
fn a_pipeline_run_is_what_its_one_condition_says() {
    let says = |status: &str, reason: &str| {
        format!(
            "{{PipelineRun/build: {{status: {{conditions: [{{type: Succeeded, status: '{status}', reason: {reason}}}]}}}}}}"
        )
    };
    let rows = [
        ("67", says("True", "Completed"), "Complete"),
        ("succeeded", says("True", "Succeeded"), "Complete"),
        (
            "failed",
            says("False", "Failed"),
            "Failed(Terminal, RunFailed)",
        ),
        (
            "timed out",
            says("False", "PipelineRunTimeout"),
            "Failed(Retryable, RunFailed)",
        ),
        (
            "pending",
            says("Unknown", "PipelineRunPending"),
            "Paused(Pending 0/1)",
        ),
        (
            "runs",
            says("Unknown", "Running"),
            "Progressing(Running 0/1)",
        ),
        (
            "anything else",
            says("Unknown", "Dreaming"),
            "Progressing(Running 0/1)",
        ),
        (
            "nobody takes it",
            String::new(),
            "Failed(Retryable, ControllerAbsent)",
        ),
        (
            "young",
            "{PipelineRun/build: {metadata: {creationTimestamp: '2026-11-24T11:59:30Z'}}}"
                .to_owned(),
            "Progressing(Pending 0/1)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(RUN, &rows);
}
