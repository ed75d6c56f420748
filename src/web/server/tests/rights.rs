//! Person by page and act; and everything that must not get in.

use reqwest::Method;

use super::scene::{Page, client};
use crate::web::backend::{Right, Wish};
use crate::web::server::sessions::form_token;

/// Anna sees and changes `shop`; Ben sees all and approves in `till`; Carl has nothing.
const RIGHTS: &[(&str, Right, &str)] = &[
    ("anna", Right::SeeReleases, "shop"),
    ("anna", Right::SeePlans, "shop"),
    ("anna", Right::SeeGraphs, "shop"),
    ("anna", Right::Change, "shop"),
    ("ben", Right::SeeReleases, "*"),
    ("ben", Right::SeePlans, "*"),
    ("ben", Right::SeeGraphs, "*"),
    ("ben", Right::Approve, "till"),
];

#[tokio::test]
async fn each_person_sees_what_rbac_shows_them_and_nothing_else() {
    let page = Page::start(RIGHTS).await;
    let table = [
        ("/releases/shop/shop-2", [200, 200, 404]),
        ("/releases/till/shop-1", [404, 200, 404]),
        ("/plans/shop/shop", [200, 200, 404]),
        ("/plans/till/shop", [404, 200, 404]),
        ("/graphs/till/shop", [404, 200, 404]),
        ("/graphs/shop/shop?from=declared&to=shop-2", [200, 200, 404]),
        ("/api/v1/releases/till/shop-1", [404, 200, 404]),
        ("/api/v1/releases/till/shop-1/object", [404, 200, 404]),
        ("/api/v1/releases/shop/shop-2/events", [200, 200, 404]),
        ("/api/v1/graphs/till/shop", [404, 200, 404]),
        ("/", [200, 200, 200]),
        ("/approvals", [200, 200, 200]),
        ("/search?q=shop", [200, 200, 200]),
        ("/system", [200, 200, 200]),
        ("/api/v1/overview", [200, 200, 200]),
        ("/nowhere", [404, 404, 404]),
    ];
    for (path, wanted) in table {
        for (who, wanted) in ["anna", "ben", "carl"].into_iter().zip(wanted) {
            let answer = page.as_program(who, Method::GET, path).await;
            assert_eq!(answer.status().as_u16(), wanted, "{who} reads {path}");
        }
    }
    for (who, sees_till) in [("anna", false), ("ben", true), ("carl", false)] {
        for path in [
            "/",
            "/approvals",
            "/search?q=shop",
            "/api/v1/overview",
            "/api/v1/search?q=shop",
        ] {
            let text = page
                .as_program(who, Method::GET, path)
                .await
                .text()
                .await
                .expect("text");
            assert_eq!(text.contains("till"), sees_till, "{who} on {path}");
        }
    }
}

#[tokio::test]
async fn each_person_does_what_rbac_lets_them_do_and_nothing_else() {
    let page = Page::start(RIGHTS).await;
    let (pause, approve) = (r#"{"act":"pause"}"#, r#"{"act":"approve","step":"store"}"#);
    let table = [
        ("shop/shop-2", pause, [202, 403, 404]),
        ("till/shop-1", pause, [404, 403, 404]),
        ("till/shop-1", approve, [404, 202, 404]),
        ("shop/shop-2", approve, [403, 403, 404]),
        ("shop/shop-9", pause, [404, 404, 404]),
    ];
    for (release, act, wanted) in table {
        for (who, wanted) in ["anna", "ben", "carl"].into_iter().zip(wanted) {
            let request = client().post(format!("{}/api/v1/releases/{release}/acts", page.address));
            let request = request.bearer_auth(format!("token-of-{who}")).body(act);
            let answer = request
                .header("content-type", "application/json")
                .send()
                .await;
            let answer = answer.expect("an answer");
            assert_eq!(
                answer.status().as_u16(),
                wanted,
                "{who}: {act} of {release}"
            );
            if wanted == 403 {
                let words = answer.text().await.expect("text");
                assert!(words.contains("takes the verb"), "{words}");
            }
        }
    }
    let asked = page.scene.asked.lock().expect("no panic").clone();
    let told: Vec<String> = asked
        .iter()
        .map(|(release, ask)| format!("{} {} {release}", ask.by, ask.wish.word()))
        .collect();
    assert_eq!(
        told,
        ["anna pause shop-2", "ben approve shop-1"],
        "and nothing of what was refused"
    );
}

#[tokio::test]
async fn nobody_without_a_session_gets_anything_but_the_door() {
    let page = Page::start(RIGHTS).await;
    let answer = page.read("/plans/shop/shop?x=1", "").await;
    assert_eq!(answer.status(), 303);
    let to = answer.headers().get("location").expect("a place").to_str();
    assert_eq!(
        to.expect("text"),
        "/login?back=%2Fplans%2Fshop%2Fshop%3Fx%3D1"
    );
    for path in [
        "/api/v1/overview",
        "/live?page=/",
        "/api/v1/releases/shop/shop-2/events",
    ] {
        assert_eq!(page.read(path, "").await.status(), 401, "{path}");
    }
    let forged = format!("__Host-tidegate={}", "0".repeat(64));
    assert_eq!(page.read("/api/v1/overview", &forged).await.status(), 401);
    for token in ["", "forged", "Basic YTpi"] {
        let request = client().get(format!("{}/api/v1/overview", page.address));
        let answer = request
            .header("authorization", format!("Bearer {token}"))
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 401, "{token:?}");
    }
    for path in [
        "/login",
        "/assets/style.css",
        "/assets/page.js",
        "/api/v1/openapi.json",
    ] {
        assert_eq!(page.read(path, "").await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_browser_signs_in_acts_with_its_form_s_token_and_signs_out() {
    let page = Page::start(RIGHTS).await;
    let cookie = page.sign_in("anna").await;
    assert_eq!(page.read("/", &cookie).await.status(), 200);
    let token = form_token(cookie.split('=').nth(1).expect("a name"));
    let act =
        |token: &str| format!("act=pause&reason=because&token={token}&back=/releases/shop/shop-2");
    let path = "/releases/shop/shop-2/acts";
    let stale = page.send_form(&act("stale"), path, &cookie).await;
    assert_eq!(stale.status(), 403, "a form of another session");
    let done = page.send_form(&act(&token), path, &cookie).await;
    assert_eq!(done.status(), 303);
    assert_eq!(done.headers()["location"], "/releases/shop/shop-2?asked=1");
    let asked = page.scene.asked.lock().expect("no panic").clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1.wish, Wish::Pause);
    assert_eq!(asked[0].1.reason.as_deref(), Some("because"));
    page.send_form("", "/logout", &cookie).await;
    assert_eq!(page.read("/api/v1/overview", &cookie).await.status(), 401);
}

#[tokio::test]
async fn a_form_of_another_origin_does_nothing_though_the_session_is_right() {
    let page = Page::start(RIGHTS).await;
    let cookie = page.sign_in("anna").await;
    let token = form_token(cookie.split('=').nth(1).expect("a name"));
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-nothing", "at all"),
    ] {
        let request = client().post(format!("{}/releases/shop/shop-2/acts", page.address));
        let request = request
            .header(header, value)
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("act=pause&token={token}"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 403, "{header}: {value}");
    }
    assert!(page.scene.asked.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn another_name_for_this_machine_leads_nowhere() {
    let page = Page::start(RIGHTS).await;
    let request = client().get(format!("{}/login", page.address));
    let answer = request.header("host", "rebound.example").send().await;
    assert_eq!(answer.expect("an answer").status(), 421);
}

#[tokio::test]
async fn a_token_of_a_mebibyte_is_refused_and_the_server_goes_on() {
    let page = Page::start(RIGHTS).await;
    let large = "x".repeat(1 << 20);
    let answer = page
        .send_form(&format!("kubernetes={large}"), "/login", "")
        .await;
    assert_eq!(answer.status(), 413);
    let request = client().get(format!("{}/api/v1/overview", page.address));
    let answer = request.bearer_auth(&large).send().await;
    // The connection may be cut before everything is sent.
    assert!(answer.map_or(true, |answer| answer.status().is_client_error()));
    assert_eq!(page.as_program("ben", Method::GET, "/").await.status(), 200);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_says_that_it_is_not_kept() {
    let page = Page::start(RIGHTS).await;
    for path in ["/login", "/api/v1/overview", "/nowhere", "/"] {
        let answer = page.read(path, "").await;
        let headers = answer.headers();
        let policy = headers.get("content-security-policy").expect("a policy");
        let policy = policy.to_str().expect("text");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn an_act_that_does_not_fit_is_refused_in_words() {
    let page = Page::start(RIGHTS).await;
    let table = [
        (r#"{"act":"resume"}"#, 409, "is not paused"),
        (r#"{"act":"abort"}"#, 422, "takes a `reason`"),
        (r#"{"act":"explode"}"#, 422, "there is no act `explode`"),
        (r#"{"act":"pause","force":true}"#, 422, "unknown field"),
        ("{", 400, "EOF"),
    ];
    for (body, status, words) in table {
        let request = client().post(format!("{}/api/v1/releases/shop/shop-2/acts", page.address));
        let request = request.bearer_auth("token-of-anna").body(body);
        let answer = request
            .header("content-type", "application/json")
            .send()
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{body}");
        let text = answer.text().await.expect("text");
        assert!(text.contains(words), "{body}: {text}");
    }
}
