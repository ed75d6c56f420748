//! Several moves of one service: each waits for the one before, and others trust the newest.

use super::scene::play;

const SWITCHED: &str = "orders/expand | orders/flip after orders/expand | web after orders/expand";

#[test]
fn an_image_comes_before_its_switch_and_each_has_its_own_gate() {
    insta::assert_snapshot!(play("orders/expand | orders/flip after orders/expand", "
        0s +orders/expand orders/expand=old
        1s ok(orders/expand) orders/expand=mid
        2s orders/expand=new
        4s orders/expand=new +orders/flip orders/flip=old
        5s ok(orders/flip) orders/flip=drain
        6s orders/flip=new
        8s orders/flip=new
    "), @r"
    0s orders/expand Starting; apply orders/expand (Service@7, Deployment@7 own stamp); !ServiceStarted orders/expand; !WaveStarted 1 orders/expand
    1s orders/expand Moving; !Waits orders/expand Updating
    2s !Waits orders/expand Done
    4s orders/expand Done; orders/flip Starting; apply orders/flip (Service@7, Deployment@7 own stamp); !ServiceDone orders/expand 4s; !ServiceStarted orders/flip; !WaveStarted 2 orders/flip; !WaveDone 1 4s
    5s orders/flip Moving; !Waits orders/flip OldPods
    6s !Waits orders/flip Done
    8s orders/flip Done; publish; !ServiceDone orders/flip 4s; !WaveDone 2 4s
    ");
}

#[test]
fn who_waits_for_the_image_waits_for_the_switch_too_once_that_has_begun() {
    insta::assert_snapshot!(play(SWITCHED, "
        0s +orders/expand orders/expand=old
        1s ok(orders/expand) orders/expand=new
        4s orders/expand=new +orders/flip orders/flip=old
        5s ok(orders/flip) orders/flip=mid orders/expand=undone +web web=old
        6s orders/flip=new +web web=old
        8s orders/flip=new +web web=old
        9s orders/flip=new +web web=old
    "), @r"
    0s orders/expand Starting; apply orders/expand (Service@7, Deployment@7 own stamp); !ServiceStarted orders/expand; !WaveStarted 1 orders/expand
    1s orders/expand Moving; !Waits orders/expand Done
    4s orders/expand Done; orders/flip Starting; apply orders/flip (Service@7, Deployment@7 own stamp); !ServiceDone orders/expand 4s; !ServiceStarted orders/flip; !WaveStarted 2 orders/flip,web; !WaveDone 1 4s
    5s orders/flip Moving; !Waits orders/flip Updating
    6s !Waits orders/flip Done
    8s orders/flip Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone orders/flip 4s; !ServiceStarted web
    9s
    ");
}

#[test]
fn switches_that_may_flip_together_do() {
    insta::assert_snapshot!(play("a/expand | b/expand | a/flip after a/expand,b/expand | b/flip after a/expand,b/expand", "
        0s +a/expand a/expand=old +b/expand b/expand=old
        1s ok(a/expand) ok(b/expand) a/expand=new b/expand=new
        4s a/expand=new b/expand=new +a/flip a/flip=old +b/flip b/flip=old
    "), @r"
    0s a/expand Starting; b/expand Starting; apply a/expand (Service@7, Deployment@7 own stamp); apply b/expand (Service@7, Deployment@7 own stamp); !ServiceStarted a/expand; !WaveStarted 1 a/expand,b/expand; !ServiceStarted b/expand
    1s a/expand Moving; b/expand Moving; !Waits a/expand Done; !Waits b/expand Done
    4s a/expand Done; a/flip Starting; b/expand Done; b/flip Starting; apply a/flip (Service@7, Deployment@7 own stamp); apply b/flip (Service@7, Deployment@7 own stamp); !ServiceDone a/expand 4s; !ServiceDone b/expand 4s; !ServiceStarted a/flip; !WaveStarted 2 a/flip,b/flip; !ServiceStarted b/flip; !WaveDone 1 4s
    ");
}

#[test]
fn a_switch_whose_answer_was_lost_is_written_again() {
    insta::assert_snapshot!(play("orders/expand | orders/flip after orders/expand", "
        0s +orders/expand orders/expand=old
        1s ok(orders/expand) orders/expand=new
        4s orders/expand=new +orders/flip orders/flip=old
        5s crash
        6s +orders/flip:9 orders/flip=mid orders/expand=undone
    "), @r"
    0s orders/expand Starting; apply orders/expand (Service@7, Deployment@7 own stamp); !ServiceStarted orders/expand; !WaveStarted 1 orders/expand
    1s orders/expand Moving; !Waits orders/expand Done
    4s orders/expand Done; orders/flip Starting; apply orders/flip (Service@7, Deployment@7 own stamp); !ServiceDone orders/expand 4s; !ServiceStarted orders/flip; !WaveStarted 2 orders/flip; !WaveDone 1 4s
    5s
    6s apply orders/flip (Service@9, Deployment@9 own stamp)
    ");
}
