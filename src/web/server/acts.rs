//! What people ask of a release: who may, whether it fits, and the record of it.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::front::{Visitor, frame_for, said, visitor};
use super::login::own_address;
use super::problem::Problem;
use crate::web::backend::{Ask, Question, Wish};
use crate::web::view::{mark_of_release, release_view};

/// As long as the field of the release may be.
const REASON_CHARACTERS_MAX: usize = 1024;

/// What somebody asks of a release.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Act {
    /// `approve`, `pause`, `resume` or `abort`.
    #[serde(rename = "act")]
    pub what: String,
    /// The step, for `approve`.
    #[serde(default)]
    pub step: Option<String>,
    /// Why, for the record; an abort must have one.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a form sends.
#[derive(Deserialize)]
pub(super) struct ActForm {
    #[serde(rename = "act")]
    what: String,
    #[serde(default)]
    step: String,
    #[serde(default)]
    reason: String,
    token: String,
    #[serde(default)]
    back: String,
}

/// Takes a form, does it, and leads back to the page.
pub(super) async fn from_form(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<ActForm>,
) -> Response {
    let who = match visitor(&app, &headers).await {
        Ok(who) => who,
        Err(problem) => return problem.into_response(),
    };
    let back = own_address(&form.back).to_owned();
    let frame = frame_for(&app, &headers, &back, &who);
    if who.token.as_ref() != Some(&form.token) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "the form is an old one, so nothing was done: load the page again",
        );
        return said(&frame, &problem);
    }
    let text = |text: String| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let act = Act {
        what: form.what,
        step: text(form.step),
        reason: text(form.reason),
    };
    match perform(&app, &who, &namespace, &name, act).await {
        Ok(()) => Redirect::to(&asked(&back)).into_response(),
        Err(problem) => said(&frame, &problem),
    }
}

/// The page, which says once that it was asked.
fn asked(back: &str) -> String {
    if back.contains("asked=1") {
        back.to_owned()
    } else if back.contains('?') {
        format!("{back}&asked=1")
    } else {
        format!("{back}?asked=1")
    }
}

/// Does what somebody asks, if they may and it fits.
pub(super) async fn perform(
    app: &App,
    who: &Visitor,
    namespace: &str,
    name: &str,
    act: Act,
) -> Result<(), Problem> {
    let sight = app.access.sight(&who.person).await;
    let sight = sight.map_err(|refused| Problem::cluster(&refused))?;
    let release = sight.release(namespace, name);
    let release =
        release.ok_or_else(|| Problem::missing(&format!("release `{name}` in `{namespace}`")))?;
    let wish = wish(&act)?;
    let question = Question {
        right: wish.right(),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
    };
    let may = app.access.may(&who.person, &question).await;
    if !may.map_err(|refused| Problem::cluster(&refused))? {
        let (verb, resource) = question.right.words();
        let words = format!(
            "`{}` may not {} release `{name}`: that takes the verb `{verb}` on `{resource}.tidegate.dev` in `{namespace}`",
            who.person.name,
            wish.word()
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, words));
    }
    fits(release, &wish)?;
    let ask = Ask {
        by: who.person.name.clone(),
        reason: act.reason,
        wish,
    };
    tracing::info!(
        by = ask.by,
        act = ask.wish.word(),
        release = name,
        namespace,
        reason = ask.reason,
        "asked over HTTP"
    );
    let asked = app.backend.ask(release, &ask).await;
    asked.map_err(|refused| Problem::cluster(&refused))
}

fn wish(act: &Act) -> Result<Wish, Problem> {
    let wrong = |words: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words);
    let reason = act.reason.as_deref().unwrap_or_default();
    if reason.chars().count() > REASON_CHARACTERS_MAX {
        return Err(wrong(format!(
            "the reason has more than {REASON_CHARACTERS_MAX} characters"
        )));
    }
    match act.what.as_str() {
        "approve" => match &act.step {
            Some(step) => Ok(Wish::Approve { step: step.clone() }),
            None => Err(wrong("`approve` takes a `step`".to_owned())),
        },
        "pause" => Ok(Wish::Pause),
        "resume" => Ok(Wish::Resume),
        "abort" if reason.is_empty() => Err(wrong("an abort takes a `reason`".to_owned())),
        "abort" => Ok(Wish::Abort),
        other => Err(wrong(format!(
            "there is no act `{other}`: it is approve, pause, resume or abort"
        ))),
    }
}

/// Whether a wish fits where the release stands.
fn fits(release: &crate::spec::crd::Release, wish: &Wish) -> Result<(), Problem> {
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let not_now = |words: String| Err(Problem::new(StatusCode::CONFLICT, words));
    if mark_of_release(release).has_ended() {
        return not_now(format!("release `{name}` has ended already"));
    }
    let is_paused = release
        .spec
        .control
        .as_ref()
        .is_some_and(|control| control.pause);
    match wish {
        Wish::Approve { step } => {
            let view = release_view(release, jiff::Timestamp::UNIX_EPOCH);
            let mut steps = view.waves.iter().flat_map(|wave| &wave.services);
            match steps.find(|known| known.name == *step) {
                None => not_now(format!("release `{name}` has no step `{step}`")),
                Some(known) if !known.is_awaiting && !known.is_final && known.action != "drain" => {
                    not_now(format!(
                        "nobody has to approve `{step}`: what it does can be undone"
                    ))
                }
                Some(_) => Ok(()),
            }
        }
        Wish::Pause if is_paused => not_now(format!("release `{name}` is paused already")),
        Wish::Resume if !is_paused => not_now(format!("release `{name}` is not paused")),
        Wish::Pause | Wish::Resume | Wish::Abort => Ok(()),
    }
}
