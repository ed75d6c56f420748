//! The first page: what needs somebody, and every plan in its folder.

use maud::{Markup, html};

use super::parts::{ago, bars, escaped, pill, plan_address, release_address, sign, waves};
use super::{Content, Frame, Section};
use crate::web::view::{Folder, Need, Overview, PlanLine};

/// More plans than these are shown folder by folder, so that the page stays light.
const WHOLE_MAX: usize = 60;
/// So many plans of one folder are shown; the search finds the others.
const ROWS_MAX: usize = 100;

/// The page. In: the folder that was chosen, if one was.
pub(in crate::web) fn overview(frame: &Frame, view: &Overview, chosen: Option<&str>) -> Content {
    let w = frame.words;
    let mut sections = vec![
        Section::new("head", &html! { h1 { (w.overview) } }),
        Section::new("needs", &needs(frame, view)),
    ];
    if view.folders.is_empty() {
        sections.push(Section::new("empty", &empty(frame)));
    } else {
        let all: usize = view.folders.iter().map(|folder| folder.plans.len()).sum();
        let is_chosen = |folder: &&Folder| Some(folder.path.as_str()) == chosen;
        let one = view.folders.iter().find(is_chosen);
        let one = one.or_else(|| view.folders.first().filter(|_| all > WHOLE_MAX));
        let shown = one.map_or(view.folders.as_slice(), std::slice::from_ref);
        sections.push(Section::new("tree", &tree(frame, &view.folders, one)));
        sections.push(Section::new("folders", &folders(frame, shown)));
    }
    Content {
        title: w.overview.to_owned(),
        class: "overview",
        sections,
    }
}

fn needs(frame: &Frame, view: &Overview) -> Markup {
    let w = frame.words;
    if view.needs.is_empty() {
        return html! { p.calm { span.sign.done aria-hidden="true" { "●" } " " (w.nothing_needs_you) } };
    }
    html! {
        h2 { (w.needs_you) " " span.count { (view.needs.len()) } }
        ul.needs {
            @for need in &view.needs { (one_need(frame, need)) }
        }
    }
}

fn one_need(frame: &Frame, need: &Need) -> Markup {
    let w = frame.words;
    let (address, name) = match &need.release {
        Some(release) => (release_address(&need.namespace, release), release),
        None => (plan_address(&need.namespace, &need.plan), &need.plan),
    };
    html! {
        li class=(need.mark.class()) {
            (pill(w, need.mark))
            a href=(address) { (need.namespace) "/" (name) }
            span.say { (need.message) }
            (ago(w, need.since, frame.now))
        }
    }
}

fn tree(frame: &Frame, folders: &[Folder], shown: Option<&Folder>) -> Markup {
    let is_shown = |folder: &Folder| shown.is_some_and(|shown| shown.path == folder.path);
    html! {
        nav.tree aria-label=(frame.words.folders) {
            h2 { (frame.words.folders) }
            ul {
                @for folder in folders {
                    li class={ "deep" (folder.path.matches('/').count().min(3)) } {
                        a href={ "/?folder=" (escaped(&folder.path)) }
                            aria-current=[is_shown(folder).then_some("true")] { (folder.path) }
                        " " span.count { (folder.plans.len()) }
                    }
                }
            }
        }
    }
}

fn folders(frame: &Frame, folders: &[Folder]) -> Markup {
    html! {
        @for (at, folder) in folders.iter().enumerate() {
            section.folder id={ "folder-" (at) } aria-labelledby={ "folder-name-" (at) } {
                h2 id={ "folder-name-" (at) } { (folder.path) }
                (table(frame, folder))
            }
        }
    }
}

fn table(frame: &Frame, folder: &Folder) -> Markup {
    let w = frame.words;
    html! {
        div.wide tabindex="0" role="group" aria-label=(folder.path) {
            table.plans {
                thead { tr {
                    th scope="col" { (w.plan) }
                    th scope="col" { (w.state) }
                    th scope="col" { (w.last_runs) }
                    th scope="col" { (w.waves) }
                    th scope="col" { (w.revision) }
                    th scope="col" { (w.when) }
                } }
                tbody { @for plan in folder.plans.iter().take(ROWS_MAX) { (row(frame, plan)) } }
            }
        }
        @if folder.plans.len() > ROWS_MAX {
            p.soft { "+" (folder.plans.len() - ROWS_MAX) " · " a href="/search" { (w.search) } }
        }
    }
}

fn row(frame: &Frame, plan: &PlanLine) -> Markup {
    let w = frame.words;
    let newest = plan.newest();
    html! {
        tr {
            th scope="row" {
                a href=(plan_address(&plan.namespace, &plan.name)) { (plan.name) }
                " " span.soft { (plan.namespace) }
                @if plan.is_suspended { " " span.tag { (w.suspended) } }
                @if let Some(problem) = &plan.problem { p.trouble { (problem) } }
            }
            td { @match newest {
                Some(run) => {
                    (sign(w, run.mark)) " "
                    a href=(release_address(&run.namespace, &run.name)) { "#" (run.number) " " (w.mark(run.mark)) }
                }
                None => span.none { (w.never_ran) },
            } }
            td { @if !plan.runs.is_empty() { (bars(w, &plan.runs, 22)) } }
            td { @if let Some(run) = newest { (waves(w, run)) } }
            td.code { @if let Some(run) = newest { span title=(run.revision) { (short(&run.revision)) } } }
            td { @if let Some(run) = newest { (ago(w, run.ended.or(run.started).or(run.created), frame.now)) } }
        }
    }
}

/// The beginning of a revision: enough to recognise it.
pub(super) fn short(revision: &str) -> String {
    const SHOWN: usize = 14;
    let bare = revision.strip_prefix("sha256:").unwrap_or(revision);
    if bare.chars().count() <= SHOWN {
        return bare.to_owned();
    }
    let kept: String = bare.chars().take(SHOWN - 1).collect();
    format!("{kept}…")
}

fn empty(frame: &Frame) -> Markup {
    let w = frame.words;
    html! {
        div.empty {
            h2 { (w.no_plans) }
            p { (w.no_plans_teach) }
            pre { "tidegate run -f manifests/" }
            p { (w.no_plans_folder) }
            pre { "kubectl annotate releaseplan shop tidegate.dev/folder=team/shop" }
        }
    }
}
