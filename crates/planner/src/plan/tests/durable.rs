//! What outlives its writer: queues that must be drained, and Jobs that nothing undoes.

use super::{faults_of, plan_of, system_of};
use crate::plan::{Choice, check, plan, plan_with};

#[test]
fn s20_what_was_written_is_drained_before_the_reader_drops_it() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 2 | producer: calls consumer durable 7d 1 -> 2"
    ), @r"
    Safe: yes. 3 waves. Longest path producer → consumer/drain → consumer.
    Wave 1   may start at once
      ~ producer
          calls consumer: 1 → 2
    Wave 2   after wave 1 is done
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: after 7d
    Wave 3   after wave 2 is done
      ~ consumer
          serves consumer: 1, 2 → 2
          because producer must stop calling consumer 1 everywhere first, and what it wrote must be gone (after 7d): producer@live calls consumer 1, consumer@target serves 2
    ");
}

#[test]
fn s20_the_document_has_the_drain_as_a_step() {
    let system =
        system_of("consumer: serves 1,2 -> 2 | producer: calls consumer durable 7d 1 -> 2");
    let plan = plan(&system);
    insta::assert_snapshot!(plan.to_json().unwrap());
    let read: crate::plan::Plan = serde_json::from_str(&plan.to_json().unwrap()).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn a_channel_is_durable_whichever_revision_says_so() {
    let mut system =
        system_of("consumer: serves 1,2 -> 2 | producer: calls consumer durable 7d 1 -> 2");
    let producer = system.services.values_mut().nth(1).unwrap();
    let old = producer.live[0].interface.as_mut().unwrap();
    old.calls.values_mut().for_each(|one| one.durable = None);
    let plan = plan(&system);
    assert_eq!(
        plan.waves.concat(),
        ["producer", "consumer/drain", "consumer"]
    );
    assert_eq!(check(&system, &plan), Ok(()));
}

#[test]
fn s20_going_back_drains_the_other_way_round() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 1 | producer: calls consumer durable lag 2 -> 1"
    ), @r"
    Safe: yes. 3 waves. Longest path producer → consumer/drain → consumer.
    Wave 1   may start at once
      ~ producer
          calls consumer: 2 → 1
    Wave 2   after wave 1 is done
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: once the reader has no lag
    Wave 3   after wave 2 is done
      ~ consumer
          serves consumer: 1, 2 → 1
          because producer must stop calling consumer 2 everywhere first, and what it wrote must be gone (once the reader has no lag): producer@live calls consumer 2, consumer@target serves 1
    ");
}

#[test]
fn one_drain_waits_for_all_writers_and_names_all_that_shows_it_is_over() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 2 | a: calls consumer durable 7d 1 -> 2 \
         | b: calls consumer durable lag 1 -> 2 | c: calls consumer 1 -> 2"
    ), @r"
    Safe: yes. 3 waves. Longest path a → consumer/drain → consumer.
    Wave 1   may start at once
      ~ a
          calls consumer: 1 → 2
      ~ b
          calls consumer: 1 → 2
      ~ c
          calls consumer: 1 → 2
    Wave 2   after wave 1 is done
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: after 7d and once the reader has no lag
    Wave 3   after wave 2 is done
      ~ consumer
          serves consumer: 1, 2 → 2
          because a must stop calling consumer 1 everywhere first, and what it wrote must be gone (after 7d): a@live calls consumer 1, consumer@target serves 2
          because b must stop calling consumer 1 everywhere first, and what it wrote must be gone (once the reader has no lag): b@live calls consumer 1, consumer@target serves 2
          because c must stop calling consumer 1 everywhere first: c@live calls consumer 1, consumer@target serves 2
    ");
}

#[test]
fn what_a_writer_that_is_gone_has_left_is_drained_too() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 2 | producer: retained; calls consumer durable 7d 1 + 2 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path consumer/drain → consumer.
    Wave 1   may start at once
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: after 7d
    Wave 2   after wave 1 is done
      ~ consumer
          serves consumer: 1, 2 → 2
    ");
    insta::assert_snapshot!(plan_of(
        "consumer: serves 2; image | producer: retained; calls consumer durable 7d 1 + 2 -> 2"
    ), @r"
    Refused [TG0204]: what runs now is already unsafe
      producer@live0 calls consumer 1, consumer@live serves 2; repair producer or consumer first
    ");
}

#[test]
fn a_split_drains_before_it_contracts() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1 -> 2 | producer: calls consumer durable manual 1 -> 2"
    ), @r"
    Refused [TG0203]: no safe order exists between consumer, producer
      each would have to be done before the next: consumer → producer → consumer
      if producer goes before consumer: producer@target calls consumer 2, consumer@live serves 1
      if consumer goes before producer: producer@live calls consumer 1, consumer@target serves 2
    Way out: split in two releases, with a revision between for consumer
      consumer/expand serves consumer 1, 2, calls nothing
      Wave 1: consumer/expand
      Wave 2: producer
      Wave 3: consumer/drain
      Wave 4: consumer/contract
    Splitting producer does not help: its one change comes both too early and too late
    ");
}

#[test]
fn a_plan_without_its_drain_does_not_stand_the_check() {
    let system =
        system_of("consumer: serves 1,2 -> 2 | producer: calls consumer durable 7d 1 -> 2");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves.remove(1);
        plan.steps.remove(1);
        plan.steps[1].after = vec!["producer".to_owned()];
    }), @r"
    wave 2: producer@live may call consumer@target (consumer) and fail
    nothing waits until what producer left for consumer is gone before consumer cannot read it
    ");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves.swap(0, 1);
        plan.steps[1].after.clear();
        plan.steps[2].after.push("producer".to_owned());
    }), @r"
    wave 3: producer@live may call consumer@target (consumer) and fail
    nothing waits until what producer left for consumer is gone before consumer cannot read it
    ");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.steps[2].after = vec!["producer".to_owned()];
    }), @"nothing waits until what producer left for consumer is gone before consumer cannot read it");
}

#[test]
fn s21_the_way_back_from_an_added_column_leaves_the_job_alone() {
    insta::assert_snapshot!(plan_of("back | schema: job; serves 1,2 -> 1 | app: calls schema 2 -> 1"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ app
          calls schema: 2 → 1
    ");
}

#[test]
fn a_job_that_has_an_undoing_is_run_on_the_way_back() {
    insta::assert_snapshot!(plan_of(
        "back | schema: job; reversible; serves 1,2 -> 1 | app: calls schema 2 -> 1"
    ), @r"
    Safe: yes. 2 waves. Longest path app → schema.
    Wave 1   may start at once
      ~ app
          calls schema: 2 → 1
    Wave 2   after wave 1 is done
      ~ schema   job
          serves schema: 1, 2 → 1
          because app must stop calling schema 2 everywhere first: app@live calls schema 2, schema@target serves 1
    ");
}

#[test]
fn s22_a_way_back_past_a_dropped_column_is_refused() {
    insta::assert_snapshot!(plan_of("back | schema: job; serves 2 -> 1,2 | app: calls schema 2 -> 1"), @r"
    Refused [TG0210]: a step could not be undone
      app@target calls schema 1, schema@live serves 2; what the Job of schema took away does not come back: leave app where it is, or declare a Job that undoes it with `reversible: true`
    ");
}

#[test]
fn s22_the_point_of_no_return_is_in_the_document() {
    let plan = plan(&system_of(
        "schema: job; serves 1,2 -> 2 | app: calls schema 1 -> 2",
    ));
    assert_eq!(plan.points_of_no_return, ["schema"]);
    let declared = plan_of("schema: job; irreversible; serves 1 -> 1,2 | app: calls schema 1 -> 2");
    insta::assert_snapshot!(declared.lines().last().unwrap(), @"warning: point of no return before schema: its Job is declared `reversible: false`, and no way back brings that again [TG0209]");
    let undone = plan_of("schema: job; reversible; serves 1,2 -> 2 | app: calls schema 1 -> 2");
    assert!(!undone.contains("point of no return"), "{undone}");
}

#[test]
fn s23_a_column_renamed_in_one_release_is_refused_and_expanded() {
    insta::assert_snapshot!(plan_of("schema: job; serves 1 -> 2 | app: calls schema 1 -> 2"), @r"
    Refused [TG0203]: no safe order exists between app, schema
      each would have to be done before the next: app → schema → app
      if app goes before schema: app@target calls schema 2, schema@live serves 1
      if schema goes before app: app@live calls schema 1, schema@target serves 2
    Way out: split in two releases, with a revision between for schema
      schema/expand serves schema 1, 2, calls nothing
      Wave 1: schema/expand
      Wave 2: app
      Wave 3: schema/contract
    Splitting app does not help: its one change comes both too early and too late
    ");
}

#[test]
fn what_may_be_lost_is_not_waited_out() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 2 | producer: calls consumer optional durable 7d 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path producer → consumer.
    Wave 1   may start at once
      ~ producer
          calls consumer: 1 → 2
    Wave 2   after wave 1 is done
      ~ consumer
          serves consumer: 1, 2 → 2
          because producer must stop calling consumer 1 everywhere first: producer@live calls consumer 1, consumer@target serves 2
    warning: what producer wrote for consumer is not waited out (7d), since its calls are optional: the new consumer cannot read it [TG0208]
    ");
}

#[test]
fn a_plan_that_does_not_wait_out_what_somebody_left_who_is_gone_does_not_stand_the_check() {
    let system = system_of(
        "consumer: serves 1,2 -> 2 | producer: retained; calls consumer durable 7d 1 + 2 -> 2",
    );
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves.remove(0);
        plan.steps.remove(0);
        plan.steps[0].after.clear();
    }), @r"
    wave 1: producer@live0 may call consumer@target (consumer) and fail
    nothing waits until what producer left for consumer is gone before consumer cannot read it
    ");
}

#[test]
fn a_writer_with_a_switch_writes_what_is_old_until_its_flip() {
    let system = system_of(
        "b: serves 1 -> 1,2 | consumer: serves 1,2 -> 2 \
         | producer: calls b 1 -> 2; calls consumer durable 7d 1 -> 2; switch PROTO",
    );
    let plan = plan_with(&system, Choice::Flip);
    assert_eq!(
        plan.waves,
        [
            vec!["b", "producer/expand"],
            vec!["producer/flip"],
            vec!["consumer/drain"],
            vec!["consumer"]
        ]
    );
    insta::assert_snapshot!(faults_of(&system, plan, |plan| {
        plan.waves.swap(1, 2);
        let drain = plan.steps.iter_mut().find(|step| step.id == "consumer/drain");
        drain.unwrap().after = vec!["producer/expand".to_owned()];
    }), @r"
    wave 4: producer@target may call consumer@target (consumer) and fail
    nothing keeps producer and consumer from moving together when services advance one by one
    nothing waits until what producer left for consumer is gone before consumer cannot read it
    ");
}

#[test]
fn a_reader_may_learn_what_is_new_at_any_time_before_the_flip_of_its_writer() {
    let system = system_of(
        "consumer: serves 1 -> 1,2 | producer: calls consumer durable 7d 1 -> 2; switch PROTO",
    );
    let plan = plan_with(&system, Choice::Flip);
    assert_eq!(
        plan.waves,
        [vec!["consumer", "producer/expand"], vec!["producer/flip"]]
    );
    insta::assert_snapshot!(faults_of(&system, plan, |plan| {
        plan.waves[0].retain(|id| id != "consumer");
        plan.waves.insert(1, vec!["consumer".to_owned()]);
    }), @"no fault");
}

#[test]
fn a_reader_that_moves_while_it_is_still_drained_is_found() {
    let system =
        system_of("consumer: serves 1,2 -> 2 | producer: calls consumer durable 7d 1 -> 2");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        let last = plan.waves.pop().unwrap();
        plan.waves[1].extend(last);
    }), @r"
    `consumer` is not in a later wave than `consumer/drain`
    wave 2: producer@live may call consumer@target (consumer) and fail
    ");
}

#[test]
fn what_a_caller_from_outside_has_written_outlives_its_end() {
    let text = "s: serves 1,2 -> 2 | mob: external; ended no call since May; calls s durable 7d 1";
    insta::assert_snapshot!(plan_of(text), @r"
    Safe: yes. 2 waves. Longest path s/drain → s.
    Wave 1   may start at once
      ~ s/drain   drain
          what was written for s in versions that it will not read must be gone: after 7d
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1, 2 → 2
    warning: mob counts as ended: no call since May [TG0212]
    ");
    let system = system_of(text);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves.remove(0);
        plan.steps.remove(0);
        plan.steps[0].after.clear();
    }), @r"
    wave 1: mob@live may call s@target (s) and fail
    nothing waits until what mob left for s is gone before s cannot read it
    ");
    // What nobody could read any more was waited out when that was so for the first time.
    let later = system_of(&text.replace("1,2 -> 2", "2 -> 2,3"));
    assert_eq!(plan(&later).waves, [["s"]]);
    assert_eq!(check(&later, &plan(&later)), Ok(()));
}
