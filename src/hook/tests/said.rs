//! What a delivery means, and what its sender is told.

use super::{OTHER, claim, door};
use crate::hook::{Meaning, Outcome, meaning};
use crate::spec::crd::WebhookProvider::{self, GitHub, GitLab, Gitea};

const COMMIT: &str = "1ca2617e0d7c4a5b9f3e2d1c0b9a8f7e6d5c4b3a";

fn means(provider: WebhookProvider, headers: &[(&str, &str)], body: &str) -> String {
    let door = door(provider);
    match meaning(&door, &claim(provider, headers), body.as_bytes()) {
        Ok(Meaning::Push { commit }) => format!("push {}", commit.unwrap_or_default()),
        Ok(means) => Outcome::of(&means).sentence(),
        Err(unreadable) => Outcome::Unreadable(unreadable).sentence(),
    }
}

#[test]
fn a_push_asks_for_a_look_whatever_it_names() {
    let push = format!(
        r#"{{"ref":"refs/heads/elsewhere","after":"{COMMIT}","repository":{{"full_name":"Team/Shop"}},"commits":[]}}"#
    );
    let github = [("x-github-event", "push")];
    assert_eq!(means(GitHub, &github, &push), format!("push {COMMIT}"));
    let gitea = [("x-gitea-event", "push")];
    assert_eq!(means(Gitea, &gitea, &push), format!("push {COMMIT}"));
    let create = [("x-gitea-event", "create")];
    assert_eq!(means(Gitea, &create, "{}"), "push ");
    let gitlab = format!(
        r#"{{"object_kind":"push","checkout_sha":"{COMMIT}","project":{{"path_with_namespace":"group/team/shop"}}}}"#
    );
    let event = [("x-gitlab-event", "Push Hook")];
    assert_eq!(means(GitLab, &event, &gitlab), format!("push {COMMIT}"));
    // A commit that is none is not kept, and nothing else comes of it.
    let odd = r#"{"after":"$(reboot)","repository":null}"#;
    assert_eq!(means(GitHub, &github, odd), "push ");
}

#[test]
fn a_program_s_trigger_may_say_whatever_it_likes() {
    let bearer = format!("Bearer {OTHER}");
    let trigger = [("authorization", bearer.as_str())];
    assert_eq!(
        means(WebhookProvider::Generic, &trigger, "\0 no JSON"),
        "push "
    );
    assert_eq!(means(GitHub, &trigger, ""), "push ");
}

#[test]
fn what_tells_of_no_commit_of_this_repository_asks_for_nothing() {
    let other = r#"{"repository":{"full_name":"team/till"}}"#;
    let github = |event| [("x-github-event", event)];
    assert_eq!(
        means(GitHub, &github("push"), other),
        "nothing to do: it is about another repository"
    );
    let longer = r#"{"repository":{"full_name":"team/workshop"}}"#;
    assert_eq!(
        means(GitHub, &github("push"), longer),
        "nothing to do: it is about another repository"
    );
    assert_eq!(
        means(GitHub, &github("issues"), other),
        "nothing to do: it tells of no commits"
    );
    assert_eq!(
        means(GitHub, &[], other),
        "nothing to do: it tells of no commits"
    );
    assert_eq!(means(GitHub, &github("ping"), "{}"), "the webhook works");
}

#[test]
fn a_body_that_is_no_push_is_told_with_its_place() {
    let event = [("x-github-event", "push")];
    insta::assert_snapshot!(means(GitHub, &event, "payload=%7B%22ref%22"), @"the delivery is authentic, and no JSON of a push at line 1, column 1; choose `application/json` as its content type");
    insta::assert_snapshot!(means(GitHub, &event, r#"{"after":[1]}"#), @"the delivery is authentic, and no JSON of a push at line 1, column 9; choose `application/json` as its content type");
    // However deep it is, it costs no stack.
    let deep = "[".repeat(100_000);
    for body in [deep.clone(), format!(r#"{{"x":{deep}"#)] {
        let told = means(GitHub, &event, &body);
        assert!(
            told.contains("no JSON of a push at line 1, column"),
            "{told}"
        );
    }
}
