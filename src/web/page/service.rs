//! One step of a release: from what to what, why here, why not yet, and what would unblock it.

use maud::{Markup, html};

use super::parts::{lasted, pill, release_address};
use super::release::versions;
use super::{Frame, frame::hidden};
use crate::web::backend::Explained;
use crate::web::view::{Mark, ReleaseLine, ServiceView};

/// The panel.
pub(super) fn panel(
    frame: &Frame,
    release: &ReleaseLine,
    step: &ServiceView,
    explained: Option<&Explained>,
    may_approve: bool,
) -> Markup {
    let w = frame.words;
    html! {
        h2 { (step.name) " " (pill(w, step.mark)) }
        dl.facts {
            div { dt { (w.versions) } dd.code { (versions(step)) } }
            div { dt { (w.pods_name) } dd { (w.pods(step.new_ready, step.new_wanted, step.old_alive)) } }
            div { dt { (w.took) } dd { (lasted(step.started, step.ended, frame.now)) } }
        }
        @if step.mark != Mark::Done {
            h3 { (if step.mark == Mark::Failed { w.why_failed } else { w.why_not_yet }) }
            p.why { (step.message) }
            @if let Some(since) = step.since {
                p.soft { (w.since) " " (lasted(Some(since), None, frame.now)) }
            }
            @if let Some(what) = &step.unblocked_by { p { (w.goes_on_when) " " strong { (what) } } }
        }
        @if step.is_awaiting { (approval(frame, release, step, may_approve)) }
        h3 { (w.why_here) }
        (why_here(frame, step, explained))
        @if step.is_final { p.warn { "⚑ " (w.is_final) } }
        @if !step.before.is_empty() { p.soft { (w.waiting_for_it) ": " (step.before.join(", ")) } }
    }
}

fn why_here(frame: &Frame, step: &ServiceView, explained: Option<&Explained>) -> Markup {
    let w = frame.words;
    let lines = explained.and_then(|known| known.why_here.get(&step.service));
    let changes = explained.and_then(|known| known.changes.get(&step.name));
    html! {
        @match lines {
            Some(lines) => ul.because { @for line in lines { li { (line) } } },
            None if step.after.is_empty() => p { (w.nothing_before) },
            None => p { (w.comes_after) " " (step.after.join(", ")) },
        }
        @if let Some(changes) = changes.filter(|changes| !changes.is_empty()) {
            h3 { (w.changes) }
            ul.changes { @for line in changes { li { (line) } } }
        }
    }
}

fn approval(frame: &Frame, release: &ReleaseLine, step: &ServiceView, may_approve: bool) -> Markup {
    let w = frame.words;
    if !may_approve {
        return html! { p.soft { (w.may_not_approve) } };
    }
    let address = format!(
        "{}/acts",
        release_address(&release.namespace, &release.name)
    );
    html! {
        form.approve action=(address) method="post" {
            (hidden(frame))
            input type="hidden" name="step" value=(step.name);
            label { (w.why) input name="reason" maxlength="1024" autocomplete="off"; }
            button.main name="act" value="approve" type="submit" { (w.approve) " " (step.name) }
        }
    }
}
