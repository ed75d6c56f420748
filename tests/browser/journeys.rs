//! What people come for: find a release, see why it waits, act.

use crate::support::{Browser, Page, Setting};

const HOSTILE: &str =
    "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";

#[tokio::test]
async fn from_the_first_page_to_the_pod_that_holds_a_service() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.address).await;
    browser.keep("overview").await;
    browser.click(".plans tbody th a").await;
    browser.until("h1", "simulated").await;
    browser.keep("plan").await;
    browser.click(".runs tbody th a").await;
    page.advance(12).await;
    browser.until("#truth", "wave 1/3").await;
    browser.click("a.tile[href*='frontend']").await;
    browser.until("#panel", "Why not yet").await;
    browser.until("#panel", "frontend").await;
    browser.keep("release-drawing").await;
    browser.click(".tabs a[href*='show=list']").await;
    browser.find("#wave-3").await;
    browser.keep("release-list").await;
    browser.click(".tabs a[href*='show=timeline']").await;
    browser.find("svg.time").await;
    browser.keep("release-timeline").await;
    browser.click(".tabs a[href*='show=proof']").await;
    browser.until("#proof", "because").await;
    browser.close().await;
}

#[tokio::test]
async fn a_release_is_paused_with_a_reason_that_stays_text_and_resumed() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.release()).await;
    browser.click("#act-pause summary").await;
    browser
        .find("#act-pause input[name=reason]")
        .await
        .send_keys(HOSTILE)
        .await
        .unwrap();
    browser.keep("release-pause").await;
    browser.click("#act-pause button").await;
    browser.until(".notice", "Asked for").await;
    browser.until("#truth .pill", "paused").await;
    browser.until("#record", "<img src=x").await;
    assert!(!browser.client.title().await.unwrap().contains("broken"));
    page.advance(600).await;
    browser.until("#truth .pill", "paused").await;
    browser.keep("release-paused").await;
    browser.click("#act-resume summary").await;
    browser.click("#act-resume button").await;
    browser.until("#truth .pill", "rolling").await;
    page.advance(600).await;
    browser.until("#truth .pill", "done").await;
    browser.keep("release-done").await;
    browser.close().await;
}

#[tokio::test]
async fn an_abort_takes_a_reason_and_ends_the_release() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.release()).await;
    page.advance(5).await;
    browser.click("#act-abort summary").await;
    browser.until("#act-abort", "nothing goes back").await;
    browser.click("#act-abort button").await;
    // The browser itself asks for the reason.
    browser
        .find("#act-abort input:invalid")
        .await
        .send_keys("wrong build")
        .await
        .unwrap();
    browser.click("#act-abort button").await;
    page.advance(30).await;
    browser.until("#truth .pill", "stopped").await;
    browser.until("#acts", "has ended").await;
    browser.keep("release-aborted").await;
    browser.close().await;
}

#[tokio::test]
async fn a_graph_shows_contracts_and_what_a_release_would_do() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser
        .go(&format!("{}/graphs/simulated/simulated", page.address))
        .await;
    browser.until("#contracts", "Called by").await;
    browser.click("form.choose button").await;
    browser.until("#what-if", "new calls old").await;
    browser.until("#what-if .matrix", "fails").await;
    browser.keep("graph").await;
    browser.close().await;
}

#[tokio::test]
async fn everything_can_be_read_and_done_without_a_script() {
    let page = Page::boutique();
    let browser = Browser::open(Setting {
        has_no_script: true,
        ..Setting::default()
    })
    .await;
    browser.go(&page.address).await;
    browser.click(".plans tbody th a").await;
    browser.click(".runs tbody th a").await;
    browser.click(".crank button[value='30']").await;
    browser.until("#truth", "wave").await;
    browser.click("a.tile[href*='frontend']").await;
    browser.until("#panel", "frontend").await;
    browser.click("#act-pause summary").await;
    browser.click("#act-pause button").await;
    browser.until(".notice", "Asked for").await;
    browser.until("#truth .pill", "paused").await;
    browser.click("#act-resume summary").await;
    browser.click("#act-resume button").await;
    browser.click(".crank button[value='300']").await;
    browser.click(".crank button[value='300']").await;
    browser.until("#truth .pill", "done").await;
    browser.close().await;
}

#[tokio::test]
async fn the_page_changes_its_language_and_its_theme_and_remembers_both() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.release()).await;
    browser.click("footer button[lang='zh-CN']").await;
    browser.until(".bar nav", "总览").await;
    browser.click("footer button[value='dark']").await;
    browser.find("html[data-theme='dark'][lang='zh-CN']").await;
    browser.keep("release-chinese-dark").await;
    browser.go(&page.address).await;
    browser.find("html[data-theme='dark'][lang='zh-CN']").await;
    browser.close().await;
}
