//! Why something is not further: one sentence for each way to stand.

use super::scene::Scene;
use crate::why;

/// What is said of a service after a script, and of the release.
fn words(system: &str, script: &[&str], service: &str) -> String {
    let mut scene = Scene::of(system);
    for line in script {
        scene.turn(line);
    }
    let (reason, message) = why::release(&scene.agenda, &scene.state);
    let summary = why::summary(&scene.agenda, &scene.state);
    format!("{}\n{reason}: {message}\n{summary}", scene.why(service))
}

const TWO: &str = "store | web after store";
const STARTED: &str = "0s +store store=old";

#[test]
fn waiting() {
    insta::assert_snapshot!(words(TWO, &[], "web"), @r"
    WaitsForOthers: waits for store
    Applying: applying what belongs to no service
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s ok(store) store=drain"], "web"), @r"
    WaitsForOthers: waits for store (Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z))
    Moving: wave 1/2, 0/2 services; store: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &["0s pause"], "store"), @r"
    Paused: the release is paused
    Paused: paused: wave 1/2, 0/2 services
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words("cart | store | parallel 1", &["0s +cart cart=old"], "store"), @r"
    MayStart: everything before it is done; it starts as soon as there is room
    Moving: wave 1/1, 0/2 services; cart: its manifests are being applied
    wave 1/1, 0/2 services
    ");
}

#[test]
fn waiting_for_many_names_three() {
    let system = "a | b | c | d | e | web after a,b,c,d,e";
    insta::assert_snapshot!(words(system, &["0s +a +b a=old b=old", "1s ok(a) ok(b) a=drain b=mid"], "web"), @r"
    WaitsForOthers: waits for a (Deployment a: 1 old pod still alive: a-0-2 (Terminating, gone by 13:00:00Z)); b (Deployment b: 1 of 2 pods updated); c; 2 more
    Moving: wave 1/2, 0/6 services; a: Deployment a: 1 old pod still alive: a-0-2 (Terminating, gone by 13:00:00Z); b: Deployment b: 1 of 2 pods updated
    wave 1/2, 0/6 services
    ");
}

#[test]
fn waiting_with_advance_service_names_only_its_own() {
    let system = "store | mail | web after store | advance service";
    insta::assert_snapshot!(words(system, &["0s"], "web"), @r"
    WaitsForOthers: waits for store
    Moving: wave 1/2, 0/3 services
    wave 1/2, 0/3 services
    ");
}

#[test]
fn held_by_one_that_fell_back() {
    let script = [
        STARTED,
        "1s ok(store) store=new",
        "3s store=new",
        "4s store=undone +web web=old",
    ];
    insta::assert_snapshot!(words(TWO, &script, "web"), @r"
    Regressed: web is held: store was done and is not any more: Deployment store: the pod template was changed after our apply
    Moving: wave 2/2, 1/2 services; web: web is held: store was done and is not any more: Deployment store: the pod template was changed after our apply
    wave 2/2, 1/2 services
    ");
}

#[test]
fn starting() {
    insta::assert_snapshot!(words(TWO, &[STARTED], "store"), @r"
    Applying: its manifests are being applied
    Moving: wave 1/2, 0/2 services; store: its manifests are being applied
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s lost(store)"], "store"), @r"
    WriteRepeated: Deployment/shop/store: no answer; trying again
    Moving: wave 1/2, 0/2 services; store: Deployment/shop/store: no answer; trying again
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s moved(store)"], "store"), @r"
    WriteRepeated: Deployment/shop/store was changed by somebody else in between; looking again
    Moving: wave 1/2, 0/2 services; store: Deployment/shop/store was changed by somebody else in between; looking again
    wave 1/2, 0/2 services
    ");
}

#[test]
fn moving() {
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s ok(store) store=unseen"], "store"), @r"
    NotObserved: Deployment store: applied, and its controller has not seen it yet
    Moving: wave 1/2, 0/2 services; store: Deployment store: applied, and its controller has not seen it yet
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s ok(store) store=mid"], "store"), @r"
    Updating: Deployment store: 1 of 2 pods updated
    Moving: wave 1/2, 0/2 services; store: Deployment store: 1 of 2 pods updated
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s ok(store) store=drain"], "store"), @r"
    OldPods: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    Moving: wave 1/2, 0/2 services; store: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    wave 1/2, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s pause ok(store) store=mid"], "store"), @r"
    Updating: Deployment store: 1 of 2 pods updated
    Paused: paused: wave 1/2, 0/2 services
    wave 1/2, 0/2 services
    ");
}

#[test]
fn done_failed_and_ended() {
    let done = [STARTED, "1s ok(store) store=new", "3s store=new"];
    insta::assert_snapshot!(words(TWO, &done, "store"), @r"
    Done: done: no old pod is left
    Moving: wave 2/2, 1/2 services
    wave 2/2, 1/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s ok(store) store=undone"], "store"), @r"
    Superseded: Deployment store: the pod template was changed after our apply
    Superseded: store: Deployment store: the pod template was changed after our apply
    0/2 waves, 0/2 services
    ");
    insta::assert_snapshot!(words(TWO, &[STARTED, "1s abort"], "store"), @r"
    Applying: its manifests are being applied
    Aborted: enough
    0/2 waves, 0/2 services
    ");
    let all = [
        STARTED,
        "1s ok(store) store=new",
        "3s store=new",
        "4s ok(publish)",
    ];
    insta::assert_snapshot!(words("store", &all[..3], "store"), @r"
    Done: done: no old pod is left
    Publishing: writing the graph into the cluster
    1/1 waves, 1/1 services
    ");
    insta::assert_snapshot!(words("store", &all, "store"), @r"
    Done: done: no old pod is left
    Succeeded: 1 service is done
    1/1 waves, 1/1 services
    ");
    insta::assert_snapshot!(words("", &["0s", "1s ok(publish)"], "store"), @r"
    : 
    Succeeded: nothing had to move
    nothing to change
    ");
}

#[test]
fn removing_and_clearing() {
    let script = [
        "0s +old old=old",
        "1s ok(old) old=ending",
        "2s old=gone",
        "4s old=gone",
    ];
    insta::assert_snapshot!(words("old delete", &script[..1], "old"), @r"
    Applying: its workloads are being deleted
    Moving: wave 1/1, 0/1 services; old: its workloads are being deleted
    wave 1/1, 0/1 services
    ");
    insta::assert_snapshot!(words("old delete", &script[..2], "old"), @r"
    OldPods: Deployment old: 1 old pod still alive: old-0-2 (Terminating, gone by 13:00:00Z)
    Moving: wave 1/1, 0/1 services; old: Deployment old: 1 old pod still alive: old-0-2 (Terminating, gone by 13:00:00Z)
    wave 1/1, 0/1 services
    ");
    insta::assert_snapshot!(words("old delete", &script, "old"), @r"
    Clearing: its pods are gone; the rest is being deleted
    Moving: wave 1/1, 0/1 services; old: its pods are gone; the rest is being deleted
    wave 1/1, 0/1 services
    ");
}
