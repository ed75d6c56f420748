//! For everybody: without a mouse, with a screen reader, in both themes.

use fantoccini::key::Key;
use serde_json::Value;

use crate::support::{Browser, Page, Setting, axe};

const AXE: &str = "const done = arguments[arguments.length - 1]; \
                   axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations.map((one) => \
                   one.id + ': ' + one.nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join('; '))))";

async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe).await;
    let found = browser.client.execute_async(AXE, Vec::new()).await.unwrap();
    let found = found.as_array().cloned().unwrap_or_default();
    found
        .iter()
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page_in_either_theme() {
    let (page, axe) = (Page::boutique(), axe());
    let release = "/releases/simulated/simulated-1";
    let pages = [
        "/",
        "/plans/simulated/simulated",
        release,
        "/releases/simulated/simulated-1?show=list",
        "/releases/simulated/simulated-1?show=timeline",
        "/releases/simulated/simulated-1?show=proof",
        "/releases/simulated/simulated-1?show=yaml",
        "/graphs/simulated/simulated?from=declared&to=simulated-1",
        "/approvals",
        "/search?q=simulated",
        "/search?q=nothing-like-it",
        "/system",
        "/nowhere",
    ];
    page.advance(25).await;
    let browser = Browser::open(Setting::default()).await;
    let mut wrong = Vec::new();
    for theme in ["light", "dark"] {
        browser.go(&page.address).await;
        browser
            .click(&format!("footer button[value='{theme}']"))
            .await;
        browser.find(&format!("html[data-theme='{theme}']")).await;
        for path in pages {
            browser.go(&format!("{}{path}", page.address)).await;
            let found = violations(&browser, &axe).await;
            wrong.extend(found.iter().map(|one| format!("{theme} {path}: {one}")));
            if theme == "dark" && path == release {
                browser.keep("release-dark").await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    browser.client.close().await.unwrap();
}

#[tokio::test]
async fn a_release_is_found_looked_into_and_paused_without_a_mouse() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.address).await;
    browser.press("/").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "q");
    browser
        .press(&format!("frontend{}", char::from(Key::Enter)))
        .await;
    browser.find(".search .runs").await;
    browser
        .run("document.querySelector('.runs th a').focus()")
        .await;
    browser.press(&char::from(Key::Enter).to_string()).await;
    browser.find("svg.board").await;
    browser.run("document.querySelector('.tile').focus()").await;
    let focused = "return document.activeElement.querySelector('.name').textContent";
    let first = browser.run(focused).await;
    browser.press(&char::from(Key::Right).to_string()).await;
    let right = browser.run(focused).await;
    assert_ne!(first, right, "an arrow leads to the next wave");
    browser.press(&char::from(Key::Enter).to_string()).await;
    browser.until("#panel h2", right.as_str().unwrap()).await;
    browser
        .run("document.querySelector('#act-pause summary').focus()")
        .await;
    browser.press(&char::from(Key::Enter).to_string()).await;
    browser.press(&char::from(Key::Tab).to_string()).await;
    browser
        .press(&format!("lunch{}", char::from(Key::Enter)))
        .await;
    browser.until("#truth .pill", "paused").await;
    browser.close().await;
}
