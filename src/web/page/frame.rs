//! What every page has: head, navigation, language, theme, and the person.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::Content;
use crate::web::words::{Language, Words};

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Reads the word of the cookie; anything else is the system's.
    pub(in crate::web) fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The word of the cookie and the style sheet.
    pub(in crate::web) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// For whom a page is made, and from where.
pub(in crate::web) struct Frame {
    /// In which language.
    pub words: &'static Words,
    /// Light or dark.
    pub theme: Theme,
    /// Who looks; `None` before signing in.
    pub person: Option<String>,
    /// The token that every form carries.
    pub token: String,
    /// The page's own address with its query.
    pub address: String,
    /// The time by which durations are told.
    pub now: Timestamp,
    /// How many steps wait for somebody.
    pub awaited: usize,
    /// Whether there is a clock to crank.
    pub is_simulated: bool,
    /// What was just done, to be said once.
    pub notice: Option<String>,
}

const SCRIPT: &str = concat!("/assets/page.js?", env!("CARGO_PKG_VERSION"));
const STYLE: &str = concat!("/assets/style.css?", env!("CARGO_PKG_VERSION"));

/// The whole document.
pub(in crate::web) fn document(frame: &Frame, content: &Content) -> Markup {
    let w = frame.words;
    html! {
        (DOCTYPE)
        html lang=(w.language.tag()) data-theme=(frame.theme.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (content.title) " · tidegate" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(STYLE);
                script src=(SCRIPT) defer {}
            }
            body data-live=[frame.person.as_ref().map(|_| frame.address.as_str())]
                data-now=(frame.now.as_millisecond()) data-frozen[frame.is_simulated] {
                a.skip href="#main" { (w.skip) }
                (banner(frame))
                div #stale role="status" hidden { (w.stale) " " span #stale-age {} }
                @if frame.is_simulated { (crank(frame)) }
                main #main class=(content.class) tabindex="-1" {
                    @if let Some(notice) = &frame.notice {
                        p.notice role="status" { (notice) }
                    }
                    @for section in &content.sections { (section.markup) }
                }
                (foot(frame))
            }
        }
    }
}

fn banner(frame: &Frame) -> Markup {
    let w = frame.words;
    let path = frame.address.split('?').next().unwrap_or_default();
    let link = |address: &str, name: &str| {
        let is_here = address == path;
        html! { a href=(address) aria-current=[is_here.then_some("page")] { (name) } }
    };
    html! {
        header.bar {
            a.brand href="/" {
                svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" {
                    path d="M2 8c3.3-3.2 6.700-3.200 10 0s6.700 3.200 10 0" {}
                    path d="M2 13c3.300-3.200 6.700-3.200 10 0s6.700 3.200 10 0" {}
                    path d="M2 18c3.300-3.200 6.700-3.200 10 0s6.700 3.200 10 0" {}
                }
                "tidegate"
            }
            @if frame.person.is_some() {
                nav aria-label=(w.pages) {
                    (link("/", w.overview))
                    a href="/approvals" aria-current=[(path == "/approvals").then_some("page")] {
                        (w.approvals)
                        @if frame.awaited > 0 { " " span.count { (frame.awaited) } }
                    }
                    (link("/search", w.search))
                    (link("/system", w.system))
                }
                form.find action="/search" method="get" role="search" {
                    label.hidden for="q" { (w.search_for) }
                    input #q name="q" type="search" placeholder=(w.search_for) autocomplete="off" maxlength="200";
                }
                div.who {
                    @if let Some(person) = &frame.person { span.person title=(person) { (person) } }
                    @if !frame.is_simulated {
                        form action="/logout" method="post" {
                            (hidden(frame))
                            button.plain type="submit" { (w.sign_out) }
                        }
                    }
                }
            }
        }
    }
}

/// The fields that every form carries: its token, and where to come back to.
pub(in crate::web) fn hidden(frame: &Frame) -> Markup {
    html! {
        input type="hidden" name="token" value=(frame.token);
        input type="hidden" name="back" value=(frame.address);
    }
}

fn crank(frame: &Frame) -> Markup {
    let w = frame.words;
    let step = |seconds: u32, name: &str| {
        html! { button name="seconds" value=(seconds) type="submit" { (name) } }
    };
    html! {
        form.crank action="/clock/advance" method="post" aria-label=(w.clock) {
            (hidden(frame))
            strong { (w.simulated) }
            span #clock data-live-text { (w.clock) " " time { "+" (crate::spec::duration::describe(frame.now.duration_since(Timestamp::UNIX_EPOCH))) } }
            (step(1, "+1 s"))
            (step(5, "+5 s"))
            (step(30, "+30 s"))
            (step(300, "+5 min"))
        }
    }
}

fn foot(frame: &Frame) -> Markup {
    let w = frame.words;
    let language = |one: Language, name: &str| {
        html! {
            button name="language" value=(one.tag()) type="submit" lang=(one.tag())
                aria-pressed=(if one == w.language { "true" } else { "false" }) { (name) }
        }
    };
    let theme = |one: Theme, name: &str| {
        html! {
            button name="theme" value=(one.word()) type="submit"
                aria-pressed=(if one == frame.theme { "true" } else { "false" }) { (name) }
        }
    };
    html! {
        footer {
            form action="/look" method="post" {
                (hidden(frame))
                fieldset {
                    legend { (w.language_name) }
                    (language(Language::English, "English"))
                    (language(Language::Chinese, "中文"))
                }
                fieldset {
                    legend { (w.theme) }
                    (theme(Theme::Auto, w.theme_auto))
                    (theme(Theme::Light, w.theme_light))
                    (theme(Theme::Dark, w.theme_dark))
                }
            }
            p.keys { (w.keys) ": " kbd { "/" } " " (w.search) " · " kbd { "g" } " " kbd { "o" } " " (w.overview)
                " · " kbd { "g" } " " kbd { "a" } " " (w.approvals) " · " kbd { "g" } " " kbd { "s" } " " (w.system) }
            p.version { "tidegate " (env!("CARGO_PKG_VERSION")) " · " a href="/api/v1/openapi.json" { "API" } }
        }
    }
}
