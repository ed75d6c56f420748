//! Jobs as they are made and as they are read.

use insta::assert_snapshot;
use k8s_openapi::api::core::v1::Pod;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::super::buildkit::job;
use super::super::job_status::{found, waits_for};
use crate::build::Recipe;
use crate::spec::ObjectRef;
use crate::spec::crd::BuildDeclaration;

fn made(build: &str, engine: &str) -> Value {
    let text = format!(
        "{{service: orders, image: registry/orders, {build} engine: {{buildkit: {{address: 'tcp://buildkitd:1234', {engine}}}}}}}"
    );
    let declaration: BuildDeclaration = serde_saphyr::from_str(&text).expect("a build");
    let commit = ("https://example.org/shop.git", "0123456789abcdef0123");
    let recipe = Recipe::new(&declaration, commit, "tree");
    let engine = declaration.engine.buildkit.unwrap();
    let metadata = json!({"name": "shop-1-orders", "labels": {"tidegate.dev/build": "orders"}});
    job(&recipe, &engine, &metadata)
}

fn container(job: &Value) -> &Value {
    &job["spec"]["template"]["spec"]["containers"][0]
}

fn words(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("words")
}

/// Each field of an object on a line of its own.
fn fields(object: &Value) -> String {
    let fields = object.as_object().expect("an object").iter();
    let lines: Vec<String> = fields
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    lines.join("\n")
}

#[test]
fn a_job_is_made_suspended_and_asks_for_exactly_the_commit_and_the_folder() {
    let job = made("context: services/orders,", "");
    assert_eq!(job["spec"]["suspend"], json!(true));
    assert_snapshot!(words(&container(&job)["args"]).join("\n"), @r"
    buildctl
    --addr
    tcp://buildkitd:1234
    build
    --frontend
    dockerfile.v0
    --progress
    plain
    --opt
    context=https://example.org/shop.git#0123456789abcdef0123:services/orders
    --opt
    filename=Dockerfile
    --output
    type=image,name=registry/orders:0123456789ab,push=true
    --metadata-file
    /tmp/metadata.json
    ");
    let whole = made("", "");
    assert!(
        words(&container(&whole)["args"])
            .contains(&"context=https://example.org/shop.git#0123456789abcdef0123".to_owned())
    );
}

#[test]
fn what_is_declared_is_asked_for() {
    let build = "dockerfile: Other, arguments: {GO: '1', A: 'x, y=z'}, platform: linux/arm64, cache: 'registry/orders:cache',";
    let job = made(build, "deadline: 90s, tlsSecretRef: {name: tls}");
    assert_snapshot!(words(&container(&job)["args"]).join("\n"), @r"
    buildctl
    --addr
    tcp://buildkitd:1234
    --tlsdir
    /tls
    build
    --frontend
    dockerfile.v0
    --progress
    plain
    --opt
    context=https://example.org/shop.git#0123456789abcdef0123
    --opt
    filename=Other
    --opt
    build-arg:A=x, y=z
    --opt
    build-arg:GO=1
    --opt
    platform=linux/arm64
    --import-cache
    type=registry,ref=registry/orders:cache
    --export-cache
    type=registry,ref=registry/orders:cache,mode=max
    --output
    type=image,name=registry/orders:0123456789ab,push=true
    --metadata-file
    /tmp/metadata.json
    ");
    assert_eq!(job["spec"]["activeDeadlineSeconds"], json!(90));
    assert_eq!(made("", "")["spec"]["activeDeadlineSeconds"], json!(3600));
}

#[test]
fn a_pod_is_nobody_special_and_reads_the_secrets_that_are_named() {
    let engine = "image: 'tools/buildctl:1', registrySecretRef: {name: registry}, gitSecretRef: {name: git}, tlsSecretRef: {name: tls},
        resources: {limits: {memory: 1Gi}}";
    let mut job = made("", engine);
    let spec = &mut job["spec"]["template"]["spec"];
    let mut container = spec["containers"][0].take();
    container["args"] = json!("…");
    container["command"] = json!("…");
    assert_snapshot!(fields(spec), @r#"
    restartPolicy "Never"
    automountServiceAccountToken false
    enableServiceLinks false
    securityContext {"runAsNonRoot":true,"runAsUser":1000,"runAsGroup":1000,"fsGroup":1000,"seccompProfile":{"type":"RuntimeDefault"}}
    containers [null]
    volumes [{"name":"scratch","emptyDir":{"sizeLimit":"16Mi"}},{"name":"registry","secret":{"secretName":"registry","items":[{"key":".dockerconfigjson","path":"config.json"}]}},{"name":"tls","secret":{"secretName":"tls","items":[{"key":"ca.crt","path":"ca.crt"},{"key":"tls.crt","path":"tls.crt"},{"key":"tls.key","path":"tls.key"}]}}]
    "#);
    assert_snapshot!(fields(&container), @r#"
    name "build"
    image "tools/buildctl:1"
    command "…"
    args "…"
    env [{"name":"HOME","value":"/tmp"},{"name":"DOCKER_CONFIG","value":"/registry"},{"name":"GIT_USERNAME","valueFrom":{"secretKeyRef":{"name":"git","key":"username","optional":true}}},{"name":"GIT_PASSWORD","valueFrom":{"secretKeyRef":{"name":"git","key":"password","optional":false}}}]
    resources {"requests":{},"limits":{"memory":"1Gi"}}
    securityContext {"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}
    terminationMessagePolicy "FallbackToLogsOnError"
    volumeMounts [{"name":"scratch","mountPath":"/tmp"},{"name":"registry","mountPath":"/registry","readOnly":true},{"name":"tls","mountPath":"/tls","readOnly":true}]
    "#);
}

#[test]
fn where_no_secret_is_named_none_is_read() {
    let plain = made("", "");
    let spec = &plain["spec"]["template"]["spec"];
    let scratch = json!([{"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}}]);
    assert_eq!(spec["volumes"], scratch);
    let home = json!([{"name": "HOME", "value": "/tmp"}]);
    assert_eq!(container(&plain)["env"], home);
}

#[test]
fn nothing_that_is_declared_is_read_by_a_shell_or_put_in_for_a_variable() {
    let evil = "$(GIT_PASSWORD) $(touch /tmp/x) `id` $HOME; '\" && $$";
    let job = made(&format!("arguments: {{A: {}}},", json!(evil)), "");
    // The script is the same whatever is built.
    assert_eq!(
        container(&job)["command"],
        container(&made("", ""))["command"]
    );
    let words = words(&container(&job)["args"]);
    let told = words
        .iter()
        .find(|word| word.starts_with("build-arg:A="))
        .unwrap();
    assert!(!told.replace("$$", "").contains('$'), "{told}");
    assert_eq!(told.replace("$$", "$"), format!("build-arg:A={evil}"));
}

fn seen(conditions: &Value, pods: &[Value]) -> String {
    let job: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "shop", "uid": "1"},
        "spec": {},
        "status": {"conditions": conditions},
    }))
    .expect("an object");
    let pods: Vec<Pod> = pods
        .iter()
        .map(|pod| serde_json::from_value(pod.clone()).expect("a pod"))
        .collect();
    let reference = ObjectRef {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        namespace: "shop".to_owned(),
        name: "j".to_owned(),
    };
    let found = found(&job, &pods, &reference, true);
    format!("{:?}", found.progress)
}

fn pod(at: &str, exit_code: i32, message: &str) -> Value {
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    let end = json!({"exitCode": exit_code, "reason": reason, "message": message});
    let status = |name: &str, state: Value| json!({"name": name, "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    json!({
        "metadata": {"name": format!("j-{at}"), "creationTimestamp": format!("2026-01-01T00:00:0{at}Z")},
        "status": {"containerStatuses": [
            status("injected", json!({"terminated": {"exitCode": 3, "message": "not ours"}})),
            status("build", json!({"terminated": end})),
        ]},
    })
}

fn condition(kind: &str, status: &str) -> Value {
    json!([
        {"type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached", "message": ""},
        {"type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"},
    ])
}

#[test]
fn a_job_goes_on_until_a_condition_says_that_it_has_ended() {
    let digest = "sha256:ab\n";
    assert_snapshot!(seen(&json!([]), &[pod("1", 0, digest)]), @"Going");
    assert_snapshot!(seen(&condition("Complete", "False"), &[pod("1", 0, digest)]), @"Going");
    assert_snapshot!(seen(&condition("FailureTarget", "True"), &[]), @"Going");
    assert_snapshot!(seen(&condition("Complete", "True"), &[pod("1", 0, digest)]), @r#"Succeeded(Some("sha256:ab"))"#);
    assert_snapshot!(seen(&condition("Complete", "True"), &[pod("1", 0, "")]), @"Succeeded(None)");
    // One that was driven away before does not count.
    assert_snapshot!(seen(&condition("Complete", "True"), &[pod("1", 137, "gone"), pod("2", 0, digest)]), @r#"Succeeded(Some("sha256:ab"))"#);
    assert_snapshot!(seen(&condition("Complete", "True"), &[]), @r#"Failed { reason: "ResultLost", message: "it has ended well, but its pod, which had the digest, was deleted before that was seen" }"#);
}

#[test]
fn a_failure_is_told_in_the_words_of_the_container() {
    let log = "#5 ERROR: process did not complete\n------\nerror: the first\n--------\nerror: failed to solve: process \"/bin/sh -c false\" did not complete successfully: exit code: 1\n";
    let failed = |pods: &[Value]| seen(&condition("Failed", "True"), pods);
    assert_snapshot!(failed(&[pod("1", 1, log)]), @r#"Failed { reason: "Error", message: "exit code 1: failed to solve: process \"/bin/sh -c false\" did not complete successfully: exit code: 1" }"#);
    let git =
        "error: failed to solve: failed to fetch\ngit stderr:\nfatal: could not read Username\n";
    assert_snapshot!(failed(&[pod("1", 1, git)]), @r#"Failed { reason: "Error", message: "exit code 1: failed to solve: failed to fetch git stderr: fatal: could not read Username" }"#);
    assert_snapshot!(failed(&[pod("1", 127, "sh: buildctl: not found\n")]), @r#"Failed { reason: "Error", message: "exit code 127: sh: buildctl: not found" }"#);
    assert_snapshot!(failed(&[pod("1", 137, "")]), @r#"Failed { reason: "Error", message: "exit code 137" }"#);
    assert_snapshot!(failed(&[pod("2", 1, "the last"), pod("1", 1, "the first")]), @r#"Failed { reason: "Error", message: "exit code 1: the last" }"#);
    let evicted = json!({"metadata": {"name": "p"}, "status": {"reason": "UnexpectedAdmissionError", "message": "no room"}});
    assert_snapshot!(failed(&[evicted]), @r#"Failed { reason: "UnexpectedAdmissionError", message: "no room" }"#);
    assert_snapshot!(failed(&[]), @r#"Failed { reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" }"#);
}

#[test]
fn what_a_pod_waits_for_is_told_in_the_words_of_kubelet_or_scheduler() {
    let told = |status: Value| {
        let pod: Pod =
            serde_json::from_value(json!({"metadata": {}, "status": status})).expect("a pod");
        waits_for(&pod, "build").unwrap_or_default()
    };
    let waiting = |reason: &str, message: &str| {
        let state = json!({"waiting": {"reason": reason, "message": message}});
        let of = |name: &str, state: Value| json!({"name": name, "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        let injected = of(
            "injected",
            json!({"waiting": {"reason": "CrashLoopBackOff"}}),
        );
        told(json!({"containerStatuses": [injected, of("build", state)]}))
    };
    assert_snapshot!(waiting("CreateContainerConfigError", "secret \"git\"\nnot found"), @r#"CreateContainerConfigError: secret "git" not found"#);
    assert_snapshot!(waiting("ContainerCreating", ""), @"");
    let condition = |status: &str| json!({"conditions": [{"type": "PodScheduled", "status": status, "reason": "Unschedulable", "message": "0/3 nodes are available"}]});
    assert_snapshot!(told(condition("False")), @"Unschedulable: 0/3 nodes are available");
    assert_snapshot!(told(condition("True")), @"");
    assert_snapshot!(told(json!({})), @"");
}
