//! Every word of the kubelet and of the API server that §3 of completion.md names: E1 to E6, E12, E14 to E16.

use super::files::rows;
use super::world::line;

/// The new pod, `web-a-1`, with one of its containers in a state.
fn with(at: i64, list: &str, state: &str) -> String {
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:N b b b', patch: {{web-a-1: {{status: {{{list}: [{{name: one, ready: false, restartCount: 0, image: x, imageID: x, state: {state}}}]}}}}}}}}"
    )
}

/// Each row: the word with what goes along, when it is looked at for the second time, and what is said then.
fn check(table: &str, look: impl Fn(i64, &str) -> String) {
    for (word, at, expected) in rows(table) {
        let found = line(&[&look(0, word), &look(at.parse().unwrap(), word)]);
        assert!(found.starts_with(expected), "{word} at {at}: {found}");
    }
}

/// A container of any sort that waits.
fn check_waiting(table: &str) {
    // What comes before the others, and what runs beside them, is an init container too.
    for list in ["containerStatuses", "initContainerStatuses"] {
        check(table, |at, word| {
            let (reason, message) = word.split_once(' ').unwrap_or((word, ""));
            with(
                at,
                list,
                &format!("{{waiting: {{reason: {reason}, message: '{message}'}}}}"),
            )
        });
    }
}

#[test]
fn an_image_that_cannot_be_had() {
    check_waiting(
        "
        InvalidImageName | 0 | Failed(Terminal, BadImage)
        ErrImageNeverPull | 0 | Failed(Terminal, BadImage)
        SignatureValidationFailed | 0 | Failed(Terminal, ImageSignature)
        ErrImagePull not found | 9 | Progressing(Updating 1/3)
        ErrImagePull not found | 10 | Failed(Retryable, ImagePull)
        ImagePullBackOff manifest unknown | 10 | Failed(Retryable, ImagePull)
        ImageInspectError no such file, it does not exist | 10 | Failed(Retryable, ImagePull)
        RegistryUnavailable unauthorized | 10 | Failed(Retryable, ImagePull)
        ErrImagePull requested access is denied | 10 | Failed(Retryable, ImagePull)
        ErrImagePull 503 Service Unavailable | 89 | Progressing(Updating 1/3)
        ErrImagePull 503 Service Unavailable | 90 | Failed(Retryable, ImagePull)
        ImagePullBackOff i/o timeout | 90 | Failed(Retryable, ImagePull)
        ImageInspectError x | 90 | Failed(Retryable, ImagePull)
        RegistryUnavailable x | 90 | Failed(Retryable, ImagePull)
    ",
    );
}

#[test]
fn a_container_that_cannot_be_made_or_started() {
    check_waiting(
        "
        CreateContainerConfigError no such key | 19 | Progressing(Updating 1/3)
        CreateContainerConfigError no such key | 20 | Failed(Retryable, ContainerConfig)
        CreateContainerError x | 29 | Progressing(Updating 1/3)
        CreateContainerError x | 30 | Failed(Retryable, ContainerStart)
        RunContainerError x | 30 | Failed(Retryable, ContainerStart)
        PreCreateHookError x | 30 | Failed(Retryable, ContainerStart)
        PreStartHookError x | 30 | Failed(Retryable, ContainerStart)
        PostStartHookError x | 30 | Failed(Retryable, ContainerStart)
        ContainerCreating | 300 | Progressing(Updating 1/3)
        PodInitializing | 300 | Progressing(Updating 1/3)
    ",
    );
    for list in ["containerStatuses", "initContainerStatuses"] {
        check(
            "
            StartError | 29 | Progressing(Updating 1/3)
            StartError | 30 | Failed(Retryable, ContainerStart)
            ContainerCannotRun | 30 | Failed(Retryable, ContainerStart)
            Completed | 300 | Progressing(Updating 1/3)
        ",
            |at, reason| {
                with(
                    at,
                    list,
                    &format!("{{terminated: {{exitCode: 128, reason: {reason}}}}}"),
                )
            },
        );
    }
}

#[test]
fn pods_that_the_api_server_refuses() {
    check("
        pods web-a-x is forbidden: violates PodSecurity restricted:latest | 1 | Failed(Retryable, CreateRejected)
        admission webhook x denied the request | 1 | Failed(Retryable, CreateRejected)
        error looking up service account shop/web: serviceaccount web not found | 1 | Failed(Retryable, CreateRejected)
        Pod web-a-x is invalid: spec.containers | 1 | Failed(Retryable, CreateRejected)
        exceeded quota: small | 29 | Progressing
        exceeded quota: small | 30 | Failed(Retryable, Quota)
        etcdserver: request timed out | 29 | Progressing
        etcdserver: request timed out | 30 | Failed(Retryable, CreateRejected)
    ", |at, message| format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 0}}}}, pods: b b b, sets: {{a: {{status: {{replicas: 0, availableReplicas: 0, conditions: [{{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: '{message}'}}]}}}}}}}}"
    ));
}

/// E14: kinds without a condition are told from the events about them, two at least and newer than the apply.
#[test]
fn pods_that_others_than_a_replica_set_cannot_create() {
    let kinds = [
        (
            "uid-web",
            "statefulSet: {status: {updatedReplicas: 0, replicas: 2}}",
            "b b",
        ),
        (
            "uid-web",
            "daemonSet: {status: {updatedNumberScheduled: 1}}",
            "a b",
        ),
        ("uid-job-a", "job: {status: {active: 0}}", ""),
    ];
    for (uid, kind, pods) in kinds {
        let told = |version: u32, count: u32, message: &str| {
            line(&[&format!(
                "{{{kind}, pods: '{pods}', events: [{{metadata: {{name: e, resourceVersion: '{version}'}}, involvedObject: {{uid: {uid}}}, type: Warning, reason: FailedCreate, count: {count}, message: {message}}}]}}"
            )])
        };
        let quota = told(300, 2, "exceeded quota");
        assert!(
            quota.starts_with("Failed(Retryable, Quota)"),
            "{kind}: {quota}"
        );
        let refused = told(300, 2, "admission webhook x denied");
        assert!(
            refused.starts_with("Failed(Retryable, CreateRejected)"),
            "{kind}: {refused}"
        );
        for early in [
            told(300, 1, "exceeded quota"),
            told(150, 2, "exceeded quota"),
        ] {
            assert!(early.starts_with("Progressing"), "{kind}: {early}");
        }
    }
}

#[test]
fn pods_that_nodes_turn_away_for_any_reason() {
    for reason in [
        "Evicted",
        "NodeAffinity",
        "UnexpectedAdmissionError",
        "OutOfcpu",
        "OutOfpods",
        "Preempting",
    ] {
        let patch = |number: u8| format!("web-a-{number}: {{status: {{reason: {reason}}}}}");
        let found = line(&[&format!(
            "{{deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:F a:F a:F a b b', patch: {{{}, {}, {}}}}}",
            patch(1),
            patch(2),
            patch(3)
        )]);
        assert!(
            found.starts_with("Failed(Retryable, PodsRejected)"),
            "{reason}: {found}"
        );
    }
}

#[test]
fn what_only_events_tell_of_a_pod() {
    check(
        "
        FailedMount | 119 | Progressing(Updating 1/3)
        FailedMount | 120 | Failed(Retryable, Volume)
        FailedAttachVolume | 120 | Failed(Retryable, Volume)
        FailedCreatePodSandBox | 120 | Failed(Retryable, Sandbox)
        BackOff | 300 | Progressing(Updating 1/3)
    ",
        |at, reason| {
            format!(
                "{{at: {at}, deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:P b b b', events: [{{metadata: {{name: e}}, involvedObject: {{uid: uid-a-1}}, reason: {reason}, message: x}}]}}"
            )
        },
    );
}
