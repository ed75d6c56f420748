//! The live stream: whole sections, only what has changed, and the end when a right is taken away.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Response;
use serde_json::json;

use super::scene::Page;
use crate::web::backend::Right;
use crate::web::view::Sight;
use crate::web::view::tests::{draining, release};

const RIGHTS: &[(&str, Right, &str)] = &[("anna", Right::SeeReleases, "shop")];

/// Reads events until one of a kind comes.
async fn next(
    stream: &mut (impl StreamExt<Item = reqwest::Result<Vec<u8>>> + Unpin),
    kind: &str,
) -> String {
    let mut text = String::new();
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(50), stream.next()).await;
        let chunk = chunk.unwrap_or_else(|_| panic!("no `{kind}` came: {text}"));
        let Some(Ok(chunk)) = chunk else {
            panic!("the stream has ended before `{kind}`: {text}")
        };
        text.push_str(&String::from_utf8_lossy(&chunk));
        while let Some((event, rest)) = text.split_once("\n\n") {
            let (event, rest) = (event.to_owned(), rest.to_owned());
            text = rest;
            if event.starts_with(&format!("event: {kind}\n")) {
                return event;
            }
        }
    }
}

fn bytes(answer: Response) -> impl StreamExt<Item = reqwest::Result<Vec<u8>>> + Unpin {
    Box::pin(
        answer
            .bytes_stream()
            .map(|chunk| chunk.map(|bytes| bytes.to_vec())),
    )
}

#[tokio::test]
async fn a_stream_begins_with_the_whole_page_and_goes_on_with_what_has_changed() {
    let page = Page::start(RIGHTS).await;
    let cookie = page.sign_in("anna").await;
    let path = "/live?page=%2Freleases%2Fshop%2Fshop-2%3Fshow%3Dlist";
    let mut stream = bytes(page.read(path, &cookie).await);
    let whole = next(&mut stream, "whole").await;
    assert!(
        whole.contains("id=\"wave-1\"") && whole.contains("id=\"wave-2\""),
        "{whole}"
    );

    let mut status = draining();
    status["waves"][0]["services"][0]["message"] =
        json!("2 old pods are alive\r\nand no new event");
    let sight = Sight::new(
        vec![release("shop", 2, &status)],
        Vec::new(),
        Vec::new(),
        true,
    );
    *page.scene.sight.lock().expect("no panic") = Arc::new(sight);
    page.scene.changes.send_modify(|number| *number += 1);
    let news = next(&mut stream, "sections").await;
    assert!(news.contains("2 old pods are alive"), "{news}");
    assert!(
        news.contains("id=\"wave-1\"") && !news.contains("id=\"wave-2\""),
        "{news}"
    );
}

#[tokio::test]
async fn a_right_that_is_taken_away_ends_the_stream_within_a_minute() {
    let page = Page::start(RIGHTS).await;
    let cookie = page.sign_in("anna").await;
    let mut stream = bytes(page.read("/live?page=/releases/shop/shop-2", &cookie).await);
    next(&mut stream, "whole").await;
    page.scene.rights.lock().expect("no panic").clear();
    next(&mut stream, "over").await;
    assert!(stream.next().await.is_none(), "nothing comes after the end");
}
