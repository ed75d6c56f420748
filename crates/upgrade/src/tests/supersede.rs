//! A newer release takes the place of one: nothing more starts, and it ends at a gate.

use super::scene::play;

#[test]
fn what_moves_gets_to_its_gate_and_nothing_more_starts() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) newer(shop-3) store=mid
        20s newer(shop-3) store=new
        22s newer(shop-3) store=new +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Superseded: `shop-3` takes its place; nothing more is started; !Waits store Updating
    20s !Waits store Done
    22s store Done; !ServiceDone store 22s; !WaveDone 1 22s; !Ended Superseded: `shop-3` has taken its place; not done: web
    ");
}

#[test]
fn what_does_not_get_on_is_not_waited_for() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=mid
        29s newer(shop-3) store=mid ?
        31s newer(shop-3) store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    29s !Superseded: `shop-3` takes its place; nothing more is started; ? wake 31s
    31s !Ended Superseded: `shop-3` has taken its place; not done: store, web
    ");
}

#[test]
fn a_write_that_was_decided_is_made_and_one_that_never_comes_about_is_given_up() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s newer(shop-3) lost(store) +store store=old
        2s newer(shop-3) lost(store) +store store=old
        31s newer(shop-3) lost(store) +store store=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s !Superseded: `shop-3` takes its place; nothing more is started; !WriteRepeated: store: Deployment/shop/store: no answer; trying again
    2s
    31s !Ended Superseded: `shop-3` has taken its place; not done: store
    ");
}

#[test]
fn a_drain_is_waited_out_for_the_newer_one_could_not_know_of_it() {
    insta::assert_snapshot!(play("producer | consumer/drain after producer until 60s | consumer after consumer/drain", "
        0s +producer producer=old
        1s ok(producer) producer=new
        3s producer=new
        4s producer=new
        10s newer(shop-3)
        63s newer(shop-3) producer=new
        64s newer(shop-3) producer=new
    "), @r"
    0s producer Starting; apply producer (Service@7, Deployment@7 own stamp); !ServiceStarted producer; !WaveStarted 1 producer
    1s producer Moving; !Waits producer Done
    3s consumer/drain Draining; producer Done; !ServiceDone producer 3s; !ServiceStarted consumer/drain; !WaveStarted 2 consumer/drain; !Waits consumer/drain WaitsOut; !WaveDone 1 3s
    4s
    10s !Superseded: `shop-3` takes its place; nothing more is started
    63s consumer/drain Done; !ServiceDone consumer/drain 1m; !WaveDone 2 1m; !Ended Superseded: `shop-3` has taken its place; not done: consumer
    64s
    ");
}

#[test]
fn before_the_first_write_and_after_the_last_gate() {
    insta::assert_snapshot!(play("store | shared", "0s newer(shop-3) +shared"), @"0s !Superseded: `shop-3` takes its place; nothing more is started; !Ended Superseded: `shop-3` has taken its place");
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s ok(store) store=new
        3s newer(shop-3) store=new
        4s newer(shop-3) ok(publish)
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; publish; !Superseded: `shop-3` takes its place; nothing more is started; !ServiceDone store 3s; !WaveDone 1 3s
    4s !Ended Succeeded: every service is done
    ");
}

#[test]
fn it_goes_on_where_the_newer_one_is_gone() {
    insta::assert_snapshot!(play("store | web", "
        0s newer(shop-3) crash +store store=old
    "), @"0s !Superseded: `shop-3` takes its place; nothing more is started; !Ended Superseded: `shop-3` has taken its place");
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) newer(shop-3) store=mid
        2s store=new
        4s store=new +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Superseded: `shop-3` takes its place; nothing more is started; !Waits store Updating
    2s !Superseded: nobody takes its place any more; it goes on; !Waits store Done
    4s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone store 4s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 4s
    ");
}
