use super::{asked, news, receiver, shown};
use crate::notify::{News, RequestError, secret_of};
use crate::spec::crd::Occasion;

const SLACK: &str = "slack: {secretRef: {name: chat}}";
const GITHUB: &str =
    "commitStatus: {provider: github, repository: acme/shop, secretRef: {name: git}}";

#[test]
fn slack_gets_one_line_at_the_address_that_the_secret_has() {
    let request = asked(
        SLACK,
        &news(Occasion::Started),
        Some("https://hooks.example/T1\n"),
    )
    .ok()
    .unwrap();
    insta::assert_snapshot!(shown(&request), @r#"
    POST https://hooks.example/T1
    content-type: application/json

    {"text":"shop/shop-7 (0123456789abcdef0123456789abcdef01234567) started: 3 services to move in 2 waves"}
    "#);
}

#[test]
fn a_name_calls_nobody_in_a_chat() {
    let hostile = News {
        message: "<!channel> a & b".to_owned(),
        ..news(Occasion::Failed)
    };
    let request = asked(SLACK, &hostile, Some("https://hooks.example/T1"))
        .ok()
        .unwrap();
    assert!(
        request.body.contains("failed: &lt;!channel&gt; a &amp; b"),
        "{}",
        request.body
    );
}

#[test]
fn a_cloud_event_has_the_same_id_for_the_same_news() {
    let waits = News {
        step: "orders/flip".to_owned(),
        ..news(Occasion::NeedsApproval)
    };
    let yaml = "cloudEvents: {url: https://events.example/in, secretRef: {name: events}}";
    let request = asked(yaml, &waits, Some("abc")).ok().unwrap();
    insta::assert_snapshot!(shown(&request), @r#"
    POST https://events.example/in
    authorization: Bearer abc
    content-type: application/cloudevents+json

    {"specversion":"1.0","id":"8c1f/NeedsApproval/orders/flip","source":"/tidegate.dev/namespaces/shop/releaseplans/shop","type":"dev.tidegate.release.NeedsApproval","subject":"shop-7","datacontenttype":"application/json","data":{"namespace":"shop","plan":"shop","release":"shop-7","uid":"8c1f","revision":"0123456789abcdef0123456789abcdef01234567","step":"orders/flip","message":"3 services to move in 2 waves"}}
    "#);
    let open = asked(
        "cloudEvents: {url: https://events.example/in}",
        &waits,
        None,
    )
    .ok()
    .unwrap();
    assert_eq!(open.authorization, None);
}

#[test]
fn a_commit_gets_a_status_in_the_words_of_its_host() {
    let request = asked(GITHUB, &news(Occasion::Succeeded), Some("abc"))
        .ok()
        .unwrap();
    insta::assert_snapshot!(shown(&request), @r#"
    POST https://api.github.com/repos/acme/shop/statuses/0123456789abcdef0123456789abcdef01234567
    authorization: Bearer abc
    content-type: application/json

    {"state":"success","context":"tidegate/shop","description":"shop/shop-7 (0123456789abcdef0123456789abcdef01234567) succeeded: 3 services to move in 2 waves"}
    "#);
    let gitlab = "commitStatus: {provider: gitlab, repository: acme/shop, apiUrl: 'https://git.example/api/v4/', secretRef: {name: git}}";
    let request = asked(gitlab, &news(Occasion::Aborted), Some("abc"))
        .ok()
        .unwrap();
    insta::assert_snapshot!(shown(&request), @r#"
    POST https://git.example/api/v4/projects/acme%2Fshop/statuses/0123456789abcdef0123456789abcdef01234567
    private-token: abc
    content-type: application/json

    {"state":"canceled","name":"tidegate/shop","description":"shop/shop-7 (0123456789abcdef0123456789abcdef01234567) was aborted: 3 services to move in 2 waves"}
    "#);
}

#[test]
fn what_is_no_commit_has_no_status() {
    let digest = News {
        revision: "sha256:0123456789ab".to_owned(),
        ..news(Occasion::Started)
    };
    let refused = asked(GITHUB, &digest, Some("abc")).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "revision `sha256:0123456789ab` is no commit, so it has no commit status"
    );
}

#[test]
fn a_secret_without_its_key_is_named() {
    for secret in [None, Some(""), Some("\n")] {
        let refused = asked(SLACK, &news(Occasion::Started), secret).err();
        assert_eq!(
            refused,
            Some(RequestError::NoKey {
                name: "chat".to_owned(),
                key: "url"
            })
        );
    }
    let open = receiver("cloudEvents: {url: https://events.example/in}");
    assert_eq!(secret_of(&open), None);
}
