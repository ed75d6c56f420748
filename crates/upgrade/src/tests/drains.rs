//! What was written is waited out: from when its writers are done, over restarts, and anew if one of them is back.

use super::scene::{Scene, play};

const TIMED: &str =
    "producer | consumer/drain after producer until 60s | consumer after producer,consumer/drain";

#[test]
fn a_drain_begins_when_the_writer_is_done_and_lasts_its_time() {
    insta::assert_snapshot!(play(TIMED, "
        0s +producer producer=old
        1s ok(producer) producer=drain
        2s producer=new
        4.5s producer=new ?
        5s producer~new ?
        64s producer~new
        65s producer~new ?
        65.1s producer=new
        65.2s producer=new +consumer consumer=old
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer OldPods
    2s !Waits producer Done
    4.5s consumer/drain Draining; producer Done; !ServiceDone producer 4s 500ms; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain WaitsOut; !WaveDone 1 4s 500ms; ? live producer@4.5s, look consumer/drain@4.5s, wake 4.5s
    5s ? live producer@65s, wake 65s
    64s
    65s ? live producer@66s, wake 66s
    65.1s consumer/drain Done; !ServiceDone consumer/drain 1m 100ms; !WaveDone 2 1m 600ms
    65.2s consumer Starting; apply consumer (Service@7, Deployment@7 own stamp); !ServiceStarted consumer; !WaveStarted 3 consumer
    ");
}

#[test]
fn a_crash_neither_shortens_nor_prolongs_it() {
    insta::assert_snapshot!(play(TIMED, "
        0s +producer producer=old
        1s ok(producer) producer=new
        4.5s producer=new
        30s crash producer~new ?
        64s crash producer=new
        65s crash producer=new
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    4.5s consumer/drain Draining; producer Done; !ServiceDone producer 4s 500ms; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain WaitsOut; !WaveDone 1 4s 500ms
    30s ? live producer@65s, wake 65s
    64s
    65s consumer/drain Done; !ServiceDone consumer/drain 1m; !WaveDone 2 1m 500ms
    ");
}

#[test]
fn an_old_writer_that_is_back_begins_it_anew_and_a_cache_alone_does_not() {
    insta::assert_snapshot!(play(TIMED, "
        0s +producer producer=old
        1s ok(producer) producer=new
        4s producer=new
        20s producer~undone ?
        21s producer=undone
        22s producer=undone
        30s producer=new
        40s producer=new
        90s producer=new
        101s producer=new
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    4s consumer/drain Draining; producer Done; !ServiceDone producer 4s; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain WaitsOut; !WaveDone 1 4s
    20s ? live producer@20s, wake 20s
    21s consumer/drain Waiting; !Regressed producer: consumer/drain begins anew: old pods of producer write again: Deployment producer: the pod template was changed after our apply
    22s !Regressed producer: consumer/drain is held: producer was done and is not any more: Deployment producer: the pod template was changed after our apply
    30s consumer/drain Draining; !ServiceStarted consumer/drain; !Waits consumer/drain WaitsOut
    40s
    90s consumer/drain Done; !ServiceDone consumer/drain 1m; !WaveDone 2 1m 26s
    101s
    ");
}

#[test]
fn where_no_time_tells_a_person_does() {
    insta::assert_snapshot!(play("producer | consumer/drain after producer until lag | consumer after consumer/drain", "
        0s +producer producer=old
        1s ok(producer) producer=new
        4s producer=new
        5s producer~new
        99s approve(consumer/drain) producer~new
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    4s consumer/drain Draining; producer Done; !ServiceDone producer 4s; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain AwaitingApproval; !WaveDone 1 4s
    5s
    99s consumer/drain Done; !Approved: consumer/drain was approved by ann; !ServiceDone consumer/drain 1m 35s; !WaveDone 2 1m 35s
    ");
}

#[test]
fn a_word_ends_a_time_early() {
    insta::assert_snapshot!(play(TIMED, "
        0s +producer producer=old
        1s ok(producer) producer=new
        4s producer=new
        9s approve(consumer/drain) producer~new
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    4s consumer/drain Draining; producer Done; !ServiceDone producer 4s; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain WaitsOut; !WaveDone 1 4s
    9s consumer/drain Done; !Approved: consumer/drain was approved by ann; !ServiceDone consumer/drain 5s; !WaveDone 2 5s
    ");
}

#[test]
fn a_drain_takes_no_place_from_those_that_move() {
    insta::assert_snapshot!(play(&format!("{TIMED} | web after producer | parallel 1"), "
        0s +producer producer=old
        1s ok(producer) producer=new
        4s producer=new +web web=old
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    4s consumer/drain Draining; producer Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone producer 4s; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain,web; !Waits consumer/drain WaitsOut; !ServiceStarted web; !WaveDone 1 4s
    ");
}

#[test]
fn why_says_since_when_and_until_when() {
    let mut scene = Scene::of(TIMED);
    for line in [
        "0s +producer producer=old",
        "1s ok(producer) producer=new",
        "4s producer=new",
    ] {
        scene.turn(line);
    }
    insta::assert_snapshot!(scene.why("consumer/drain"), @"WaitsOut: waits until nothing is left of what producer wrote before 2026-11-24T12:00:04Z: until 2026-11-24T12:01:04Z (1m00s); if it is known to be gone earlier, `tidegate approve … consumer/drain`");
    insta::assert_snapshot!(scene.why("consumer"), @"WaitsForOthers: waits for consumer/drain (waits until nothing is left of what producer wrote before 2026-11-24T12:00:04Z: until 2026-11-24T12:01:04Z (1m00s); if it is known to be gone earlier, `tidegate approve … consumer/drain`)");
    let status = super::saved::saved(&scene);
    insta::assert_snapshot!(format!("{} {}", status.phase, status.conditions[1].reason), @"Draining Moving");
}
