//! Who is let in.

use super::{OTHER, SECRET, door, door_with, judged};
use crate::spec::crd::WebhookProvider::{Generic, GitHub, GitLab, Gitea};

const BODY: &str = r#"{"ref":"refs/heads/main"}"#;
/// HMAC-SHA256 of `BODY` with `SECRET`, by `openssl dgst -sha256 -hmac`.
const SIGNED: &str = "5715eeea6c3a336d03de9b3b592479dbc3d1a82717f482b431bbc4d47b10e641";
/// SHA-256 of `BODY`.
const DIGEST: &str = "090ba1b9ca860d37bb4ca7492549a8a347caac3490f763399e6498622c9b47f9";

#[test]
fn a_signature_of_github_is_taken_in_its_one_form() {
    let door = door(GitHub);
    let right = format!("sha256={SIGNED}");
    let refused = |header: &str, value: &str| judged(Some(&door), &[(header, value)], BODY);
    assert_eq!(
        refused("x-hub-signature-256", &right),
        format!("sha256:{DIGEST}")
    );
    let upper = format!("sha256={}", SIGNED.to_uppercase());
    let short = right[..right.len() - 2].to_owned();
    let long = format!("{right}00");
    let wrong = format!("sha256={}", "0".repeat(64));
    let no_hex = format!("sha256={}", "z".repeat(64));
    for (header, value) in [
        ("x-hub-signature-256", ""),
        ("x-hub-signature-256", SIGNED),
        ("x-hub-signature-256", &format!("SHA256={SIGNED}")),
        ("x-hub-signature-256", &upper),
        ("x-hub-signature-256", &short),
        ("x-hub-signature-256", &long),
        ("x-hub-signature-256", &wrong),
        ("x-hub-signature-256", &no_hex),
        // SHA-1 is not taken, nor what others send.
        ("x-hub-signature", &right),
        ("x-gitea-signature", SIGNED),
        ("x-gitlab-token", SECRET),
        ("authorization", &format!("Basic {OTHER}")),
        ("authorization", "Bearer nothing"),
        ("authorization", &format!("Bearer {SECRET}")),
    ] {
        assert_eq!(refused(header, value), "refused", "{header}: {value}");
    }
    // One byte of the body more, or none.
    let header = [("x-hub-signature-256", right.as_str())];
    assert_eq!(judged(Some(&door), &header, &format!("{BODY} ")), "refused");
    assert_eq!(judged(Some(&door), &header, ""), "refused");
    assert_eq!(judged(Some(&door), &[], BODY), "refused");
}

#[test]
fn gitea_signs_without_a_prefix_and_gitlab_shows_the_secret() {
    let gitea = door(Gitea);
    let signed = [("x-gitea-signature", SIGNED)];
    assert_eq!(
        judged(Some(&gitea), &signed, BODY),
        format!("sha256:{DIGEST}")
    );
    let prefixed = format!("sha256={SIGNED}");
    let prefixed = [("x-gitea-signature", prefixed.as_str())];
    assert_eq!(judged(Some(&gitea), &prefixed, BODY), "refused");

    let gitlab = door(GitLab);
    let shown = [("x-gitlab-token", SECRET), ("idempotency-key", "one")];
    assert_eq!(judged(Some(&gitlab), &shown, BODY), "one");
    let nameless = [("x-gitlab-token", SECRET)];
    assert_eq!(
        judged(Some(&gitlab), &nameless, BODY),
        format!("sha256:{DIGEST}")
    );
    for wrong in ["", OTHER, &SECRET[1..], &format!("{SECRET}0")] {
        let shown = [("x-gitlab-token", wrong)];
        assert_eq!(judged(Some(&gitlab), &shown, BODY), "refused", "{wrong}");
    }
}

#[test]
fn a_program_shows_the_token_at_every_door_and_each_time_is_another_one() {
    let bearer = format!("Bearer {OTHER}");
    for provider in [GitHub, GitLab, Gitea, Generic] {
        let door = door(provider);
        let shown = [("authorization", bearer.as_str())];
        assert_eq!(judged(Some(&door), &shown, ""), "fresh");
        let named = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", "build 7"),
        ];
        assert_eq!(judged(Some(&door), &named, ""), "build 7");
    }
    let without = door_with(GitHub, &[("secret", SECRET)]).expect("a door");
    let shown = [("authorization", bearer.as_str())];
    assert_eq!(judged(Some(&without), &shown, ""), "refused");
    let empty = [("authorization", "Bearer ")];
    assert_eq!(judged(Some(&without), &empty, ""), "refused");
}

#[test]
fn both_secrets_count_while_one_takes_the_place_of_the_other() {
    let both = [("secret", OTHER), ("secret-previous", SECRET)];
    let door = door_with(Gitea, &both).expect("a door");
    let signed = [("x-gitea-signature", SIGNED)];
    assert_eq!(
        judged(Some(&door), &signed, BODY),
        format!("sha256:{DIGEST}")
    );
    let after = door_with(Gitea, &[("secret", OTHER)]).expect("a door");
    assert_eq!(judged(Some(&after), &signed, BODY), "refused");
}

#[test]
fn a_plan_without_a_door_refuses_everything() {
    for headers in [
        &[("x-hub-signature-256", "sha256=")][..],
        &[("authorization", "Bearer ")],
        &[],
    ] {
        assert_eq!(judged(None, headers, BODY), "refused");
    }
    let signed = format!("sha256={SIGNED}");
    assert_eq!(
        judged(None, &[("x-hub-signature-256", &signed)], BODY),
        "refused"
    );
}

#[test]
fn a_secret_that_cannot_be_used_is_told() {
    let told = |provider, keys: &[(&str, &str)]| {
        let door = door_with(provider, keys);
        door.err().unwrap_or_default()
    };
    insta::assert_snapshot!(told(GitHub, &[("token", OTHER)]), @"secret `hook` has no key `secret`; add it, with what the provider's webhook has");
    insta::assert_snapshot!(told(Generic, &[("secret", SECRET)]), @"secret `hook` has no key `token`; add it, with what the provider's webhook has");
    insta::assert_snapshot!(told(GitLab, &[("secret", "hunter2")]), @"key `secret` of secret `hook` is shorter than 16 bytes; `openssl rand -hex 32` makes a good one");
    // A line break at the end is of `echo`, not of the secret.
    let door = door_with(Gitea, &[("secret", &format!("{SECRET}\n"))]).expect("a door");
    let signed = [("x-gitea-signature", SIGNED)];
    assert_eq!(
        judged(Some(&door), &signed, BODY),
        format!("sha256:{DIGEST}")
    );
}
