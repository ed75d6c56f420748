//! What is drawn can be read: nothing lies on something else, nothing is cut off.

use serde_json::Value;

use crate::support::{Browser, Page, Setting};

const OVERLAPS: &str = "const wrong = []; document.querySelectorAll('svg.board').forEach((board) => { const view = board.getBoundingClientRect(); \
    const boxes = [...board.querySelectorAll('.tile .box')].map((box) => box.getBoundingClientRect()); \
    boxes.forEach((one, at) => { \
      if (one.left < view.left || one.right > view.right || one.top < view.top || one.bottom > view.bottom) wrong.push('box ' + at + ' is outside'); \
      boxes.slice(at + 1).forEach((other, by) => { if (one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom) wrong.push(at + ' and ' + (at + 1 + by)); }); }); }); \
    document.querySelectorAll('.tile').forEach((tile) => { const box = tile.querySelector('.box').getBoundingClientRect(); \
      tile.querySelectorAll('text').forEach((text) => { if (text.getBoundingClientRect().right > box.right + 1) wrong.push('text runs out: ' + text.textContent); }); }); \
    return wrong";
const COLUMNS: &str = "return [...document.querySelectorAll('.band rect')].map((band) => band.getBoundingClientRect().left)";
const WIDE: &str =
    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

#[tokio::test]
async fn boxes_do_not_overlap_texts_stay_inside_and_waves_go_from_left_to_right() {
    let page = Page::boutique();
    page.advance(25).await;
    let browser = Browser::open(Setting::default()).await;
    for path in [
        page.release(),
        format!(
            "{}/graphs/simulated/simulated?from=declared&to=simulated-1",
            page.address
        ),
    ] {
        browser.go(&path).await;
        browser.find("svg.board").await;
        assert_eq!(
            browser.run(OVERLAPS).await,
            Value::Array(Vec::new()),
            "{path}"
        );
    }
    browser.go(&page.release()).await;
    let columns = browser.run(COLUMNS).await;
    let columns: Vec<f64> = columns
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    assert!(columns.len() == 3 && columns.is_sorted(), "{columns:?}");
    browser.close().await;
}

#[tokio::test]
async fn no_page_scrolls_sideways_on_a_phone_or_on_a_desk() {
    let page = Page::boutique();
    page.advance(25).await;
    for width in [500, 1000, 1440] {
        let browser = Browser::open(Setting {
            width,
            ..Setting::default()
        })
        .await;
        for path in [
            "/",
            "/plans/simulated/simulated",
            "/releases/simulated/simulated-1",
            "/releases/simulated/simulated-1?show=list",
            "/releases/simulated/simulated-1?show=timeline",
            "/graphs/simulated/simulated?from=declared&to=simulated-1",
            "/search?q=simulated",
            "/system",
        ] {
            browser.go(&format!("{}{path}", page.address)).await;
            assert_eq!(browser.run(WIDE).await, 0, "{path} at {width}");
        }
        browser.go(&page.release()).await;
        browser.keep(&format!("release-{width}")).await;
        browser.close().await;
    }
}
