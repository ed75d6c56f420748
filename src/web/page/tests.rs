//! Views in, HTML out: what must be there, and that nothing hostile gets through.

use serde_json::{Value, json};

use super::*;
use crate::web::view;
use crate::web::view::tests::{
    awaiting, draining, now, plan as plan_object, release as release_object,
};
use crate::web::words::Language;

fn frame(language: Language) -> Frame {
    Frame {
        words: language.words(),
        theme: Theme::Auto,
        person: Some("anna".to_owned()),
        token: "form-token".to_owned(),
        address: "/releases/shop/shop-2".to_owned(),
        now: now(),
        awaited: 1,
        is_simulated: false,
        notice: None,
    }
}

fn release_html(status: &Value, show: Show, language: Language) -> String {
    let view = view::release_view(&release_object("shop", 2, status), now());
    let page = ReleasePage {
        view: &view,
        explained: None,
        show,
        chosen: None,
        may_change: true,
        may_approve: true,
        yaml: String::new(),
    };
    let frame = frame(language);
    document(&frame, &release(&frame, &page)).into_string()
}

#[test]
fn the_release_page_says_the_truth_and_why_not_yet_with_the_pod_s_name() {
    let html = release_html(&draining(), Show::Drawing, Language::English);
    let has = |text: &str| assert!(html.contains(text), "`{text}` is not in {html}");
    has("wave 1/2, 0/2 services; store: 1 old pod is alive: Pod/shop/store-old");
    has("Why not yet");
    has("Goes on when <strong>1 old pod has ended</strong>");
    has("store:1 → store:2");
    has("3/3 new, 1 old");
    has("act-pause");
}

#[test]
fn every_show_of_a_release_has_every_service_by_name() {
    for show in [Show::Drawing, Show::List, Show::Timeline] {
        let html = release_html(&draining(), show, Language::English);
        for service in ["store", "cart"] {
            assert!(html.contains(service), "{show:?} lacks {service}");
        }
    }
}

#[test]
fn a_step_that_waits_for_a_word_has_a_form_with_the_token() {
    let html = release_html(&awaiting(), Show::List, Language::English);
    assert!(html.contains("value=\"approve\""));
    assert!(html.contains("name=\"token\" value=\"form-token\""));
}

#[test]
fn the_page_speaks_chinese_and_says_so() {
    let html = release_html(&draining(), Show::List, Language::Chinese);
    assert!(html.contains("<html lang=\"zh-CN\""));
    assert!(html.contains("为什么还没完成"));
    assert!(
        html.contains("Pod/shop/store-old"),
        "sentences of the core stay as they are"
    );
}

/// Texts that would do something if they were not text.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\u{202e}gnp.exe\u{0}",
];

#[test]
fn hostile_texts_stay_text_wherever_they_come_from() {
    for hostile in HOSTILE {
        let mut status = draining();
        status["conditions"][0]["message"] = json!(hostile);
        let step = &mut status["waves"][0]["services"][0];
        for field in ["name", "from", "to", "message"] {
            step[field] = json!(hostile);
        }
        status["waves"][1]["services"][0]["after"] = json!([hostile]);
        for show in [Show::Drawing, Show::List, Show::Timeline, Show::Proof] {
            let html = release_html(&status, show, Language::English);
            for tag in ["<script>", "<img", "<svg onload", "href=\"javascript:"] {
                assert!(!html.contains(tag), "{hostile:?} in {show:?}: {tag}");
            }
        }
        let sight = view::Sight::new(
            vec![release_object("shop", 1, &status)],
            vec![plan_object(
                "shop",
                "shop",
                &json!({"tidegate.dev/folder": hostile}),
            )],
            Vec::new(),
            true,
        );
        let frame = frame(Language::English);
        let content = overview(&frame, &view::overview(&sight, now()), None);
        let html = document(&frame, &content).into_string();
        assert!(
            !html.contains("<script>") && !html.contains("<img"),
            "{hostile:?}"
        );
    }
}

#[test]
fn no_page_has_a_style_or_a_script_of_its_own_that_the_policy_would_refuse() {
    for show in [
        Show::Drawing,
        Show::List,
        Show::Timeline,
        Show::Proof,
        Show::Yaml,
    ] {
        let html = release_html(&draining(), show, Language::English);
        assert!(!html.contains(" style=\""), "{show:?}");
        assert!(!html.contains("<style"), "{show:?}");
        assert_eq!(html.matches("<script").count(), 1, "{show:?}");
    }
}

#[test]
fn no_element_has_an_attribute_twice() {
    for show in [Show::Drawing, Show::List, Show::Timeline] {
        let html = release_html(&awaiting(), show, Language::English);
        for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
            assert!(tag.matches(" class=\"").count() < 2, "{show:?}: {tag}");
        }
    }
}

#[test]
fn no_two_elements_of_a_page_have_one_id() {
    let html = release_html(&awaiting(), Show::Drawing, Language::English);
    let mut ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn the_first_page_teaches_where_there_is_nothing() {
    let frame = frame(Language::English);
    let content = overview(
        &frame,
        &view::overview(&view::Sight::default(), now()),
        None,
    );
    let html = document(&frame, &content).into_string();
    assert!(html.contains("tidegate run -f"));
}

#[test]
fn the_first_page_stays_light_with_300_plans_of_ten_runs_each() {
    let named = |namespace: &str, plan: &str, number: u64| {
        let mut release = release_object(namespace, number, &view::tests::succeeded());
        std::sync::Arc::make_mut(&mut release).spec.plan = plan.to_owned();
        release
    };
    let (mut releases, mut plans) = (Vec::new(), Vec::new());
    for at in 0..300 {
        let (namespace, name) = (format!("team-{}", at % 6), format!("system-{at}"));
        plans.push(plan_object(&namespace, &name, &json!({})));
        releases.extend((1..=10).map(|number| named(&namespace, &name, number)));
    }
    let sight = view::Sight::new(releases, plans, Vec::new(), true);
    let frame = frame(Language::English);
    let content = overview(&frame, &view::overview(&sight, now()), None);
    let html = document(&frame, &content).into_string();
    assert!(html.len() < 150_000, "{} bytes", html.len());
    assert!(
        html.contains("?folder=team-5"),
        "the other folders are named"
    );
}
