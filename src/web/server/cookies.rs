//! The cookies: who is there, which language, light or dark.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::web::page::Theme;
use crate::web::words::Language;

/// The session. The prefix makes browsers keep it to this host, to `/`, and to what is as good as TLS (RFC 6265bis 4.1.3).
pub(super) const SESSION: &str = "__Host-tidegate";
const LANGUAGE: &str = "tidegate-language";
const THEME: &str = "tidegate-theme";
/// A year.
const LOOK_S: u32 = 31_536_000;

/// A cookie's value.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The language that was chosen, or the one that the browser prefers.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let chosen = cookie(headers, LANGUAGE).and_then(Language::parse);
    chosen.unwrap_or_else(|| {
        let wanted = headers.get(header::ACCEPT_LANGUAGE);
        Language::preferred(wanted.and_then(|value| value.to_str().ok()).unwrap_or(""))
    })
}

/// The theme that was chosen.
pub(super) fn theme(headers: &HeaderMap) -> Theme {
    Theme::parse(cookie(headers, THEME).unwrap_or_default())
}

/// Sets the session, or takes it away when there is no time left.
pub(super) fn set_session(value: &str, seconds: i64) -> Option<HeaderValue> {
    let text =
        format!("{SESSION}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).ok()
}

/// Remembers a language.
pub(super) fn set_language(language: Language) -> Option<HeaderValue> {
    look(LANGUAGE, language.tag())
}

/// Remembers a theme.
pub(super) fn set_theme(theme: Theme) -> Option<HeaderValue> {
    look(THEME, theme.word())
}

fn look(name: &str, value: &str) -> Option<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Max-Age={LOOK_S}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).ok()
}
