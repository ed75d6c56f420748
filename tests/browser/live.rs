//! The page goes on by itself, says when it cannot, and is right again afterwards.

use crate::support::{Browser, Page, Setting};

/// Set by a test; a page that was loaded again does not have it.
const MARK: &str = "window.stays = true";
const IS_MARKED: &str = "return window.stays === true";

#[tokio::test]
async fn a_page_changes_while_it_is_looked_at_and_keeps_focus_and_half_written_words() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.release()).await;
    browser.run(MARK).await;
    browser.click("#act-pause summary").await;
    let field = browser.find("#act-pause input[name=reason]").await;
    field.send_keys("half a rea").await.unwrap();
    // Its second wave moves from the 23rd to the 41st second.
    for _ in 0..15 {
        page.advance(2).await;
    }
    browser.until("#truth", "wave 2/3").await;
    assert_eq!(browser.run(IS_MARKED).await, true, "not loaded again");
    assert_eq!(
        browser.run("return document.activeElement.name").await,
        "reason"
    );
    assert_eq!(
        browser.run("return document.activeElement.value").await,
        "half a rea"
    );
    page.advance(900).await;
    browser.until("#truth .pill", "done").await;
    assert_eq!(browser.run(IS_MARKED).await, true);
    browser.close().await;
}

#[tokio::test]
async fn a_cut_page_says_how_old_it_is_and_converges_when_the_server_is_back() {
    let page = Page::boutique();
    let browser = Browser::open(Setting::default()).await;
    browser.go(&page.release()).await;
    browser.run(MARK).await;
    browser.until("#truth", "wave 1/3").await;
    page.signal("-STOP");
    browser.until("#stale", "Not live").await;
    browser.keep("release-stale").await;
    page.signal("-CONT");
    page.advance(900).await;
    browser.until("#truth .pill", "done").await;
    browser.find("#stale[hidden]").await;
    assert_eq!(browser.run(IS_MARKED).await, true);
    browser.close().await;
}
