//! Before somebody is known, and where something may not be seen.

use maud::html;

use super::{Content, Frame, Section};

/// The page to sign in. In: where to go then, and what went wrong the last time.
pub(in crate::web) fn login(frame: &Frame, back: &str, problem: Option<&str>) -> Content {
    let w = frame.words;
    let form = html! {
        h1 { (w.sign_in) }
        @if let Some(problem) = problem { p.trouble role="alert" { (problem) } }
        form.login action="/login" method="post" {
            input type="hidden" name="back" value=(back);
            label for="kubernetes" { (w.kubernetes_token) }
            textarea #kubernetes name="kubernetes" rows="4" required spellcheck="false" autocomplete="off" {}
            button.main type="submit" { (w.sign_in) }
        }
        p.soft { (w.token_teach) }
        pre { "kubectl create token NAME --duration 8h" }
    };
    Content {
        title: w.sign_in.to_owned(),
        class: "login",
        sections: vec![Section::new("login", &form)],
    }
}

/// The page for what is not there, may not be seen, or was not done. In: the sentence.
pub(in crate::web) fn refused(frame: &Frame, title: &str, sentence: &str) -> Content {
    let said = html! {
        h1 { (title) }
        p.sentence { (sentence) }
        p { a href="/" { (frame.words.to_overview) } }
    };
    Content {
        title: title.to_owned(),
        class: "refused",
        sections: vec![Section::new("refused", &said)],
    }
}
