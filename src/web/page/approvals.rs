//! Everything that waits for somebody's word, across namespaces.

use maud::html;

use super::parts::{lasted, release_address};
use super::{Content, Frame, Section, frame::hidden};
use crate::web::view::{Approvals, Awaited};

/// The page. In: what waits, and for each whether the person may approve it.
pub(in crate::web) fn approvals(frame: &Frame, view: &Approvals, may: &[bool]) -> Content {
    let w = frame.words;
    let list = html! {
        h1 { (w.approvals) }
        @if view.awaited.is_empty() {
            div.empty { h2 { (w.nothing_waits) } p { (w.nothing_waits_teach) } }
        } @else {
            ul.cards { @for (one, may) in view.awaited.iter().zip(may) { (card(frame, one, *may)) } }
        }
    };
    Content {
        title: w.approvals.to_owned(),
        class: "approvals",
        sections: vec![Section::new("awaited", &list)],
    }
}

fn card(frame: &Frame, one: &Awaited, may: bool) -> maud::Markup {
    let w = frame.words;
    let address = release_address(&one.namespace, &one.release);
    html! {
        li.awaiting {
            h2 { a href=(address) { (one.namespace) "/" (one.release) } " · " (one.step.name) }
            p.why { (one.step.message) }
            p.soft { (w.wave) " " (one.wave) " · " (w.since) " " (lasted(one.step.since, None, frame.now)) }
            @if may {
                form.approve action={ (address) "/acts" } method="post" {
                    (hidden(frame))
                    input type="hidden" name="step" value=(one.step.name);
                    label { (w.why) input name="reason" maxlength="1024" autocomplete="off"; }
                    button.main name="act" value="approve" type="submit" { (w.approve) " " (one.step.name) }
                }
            } @else { p.soft { (w.may_not_approve) } }
        }
    }
}
