//! How the page looks to one browser, and the crank of a simulated clock.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::App;
use super::cookies::{set_language, set_theme};
use super::front::visitor;
use super::login::{own_address, with_cookie};
use super::problem::Problem;
use crate::web::page::Theme;
use crate::web::words::Language;

/// No turn of the crank is longer: a day.
const TURN_S_MAX: u32 = 86_400;

/// What the form at the foot sends.
#[derive(Deserialize)]
pub(super) struct Look {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    back: String,
}

/// Remembers language and theme.
pub(super) async fn look(Form(form): Form<Look>) -> Response {
    let mut response = Redirect::to(own_address(&form.back)).into_response();
    if let Some(language) = Language::parse(&form.language) {
        response = with_cookie(response, set_language(language));
    }
    if !form.theme.is_empty() {
        response = with_cookie(response, set_theme(Theme::parse(&form.theme)));
    }
    response
}

/// What the crank sends.
#[derive(Deserialize)]
pub(super) struct Turn {
    seconds: u32,
    token: String,
    #[serde(default)]
    back: String,
}

/// Lets simulated time pass.
pub(super) async fn advance(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<Turn>,
) -> Result<Response, Problem> {
    let who = visitor(&app, &headers).await?;
    if who.token.as_ref() != Some(&form.token) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "the form is an old one: load the page again",
        ));
    }
    if let Some(crank) = &app.crank {
        crank(form.seconds.min(TURN_S_MAX));
    }
    Ok(Redirect::to(own_address(&form.back)).into_response())
}
