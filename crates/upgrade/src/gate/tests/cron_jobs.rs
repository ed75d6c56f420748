//! `CronJob`s: row 64 of completion.md §8 and §5.7.

use super::files::{all_told, check_table};

pub(super) const UPDATED: &str = "
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop, uid: u-cron, generation: 2}
spec:
  schedule: '0 3 * * *'
  jobTemplate: {spec: {template: {metadata: {labels: {app: nightly}}, spec: {restartPolicy: Never, containers: [{name: run, image: 'nightly:2'}]}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: nightly-1, namespace: shop, uid: u-1, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, uid: u-cron, controller: true}]}
spec: {template: {metadata: {labels: {app: nightly, controller-uid: u-1, job-name: nightly-1, batch.kubernetes.io/job-name: nightly-1}}, spec: {restartPolicy: Never, containers: [{name: run, image: 'nightly:1'}]}}}
status: {active: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: nightly-1-x, namespace: shop, uid: p-1, labels: {app: nightly, job-name: nightly-1}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: nightly-1, uid: u-1, controller: true}]}
spec: {nodeName: n1, containers: [{name: run, image: 'nightly:1'}]}
status: {phase: Running}
";

#[test]
fn a_cron_job_drains_when_no_job_of_its_old_template_runs() {
    check_table(
        UPDATED,
        "
        64 |  | Complete / Draining(1) / NotNeeded
        64 between two pods | {Pod/nightly-1-x: null} | Complete / Draining(1)
        suspended | {CronJob/nightly: {spec: {suspend: true}}} | Complete / Draining(1) / NotNeeded +Suspended
        its old Job has ended | {Job/nightly-1: {status: {conditions: [{type: Complete, status: 'True'}]}}, Pod/nightly-1-x: {status: {phase: Succeeded}}} | Complete / Drained
        its old Job has ended, a pod has not | {Job/nightly-1: {status: {conditions: [{type: Failed, status: 'True'}]}}} | Complete / Draining(1)
        its old Job has not ended, whatever else is true of it | {Job/nightly-1: {status: {conditions: [{type: Suspended, status: 'True'}, {type: Complete, status: 'False'}]}}, Pod/nightly-1-x: null} | Complete / Draining(1)
        a Job of the new template | {Job/nightly-1: {spec: {template: {spec: {containers: [{name: run, image: 'nightly:2'}]}}}}} | Complete / Drained
        a Job of another CronJob | {Job/nightly-1: {metadata: {ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: other, uid: u-other, controller: true}]}}} | Complete / Drained
        ");
    assert_eq!(
        all_told(UPDATED, "").len(),
        1,
        "its Jobs are judged with it"
    );
}
