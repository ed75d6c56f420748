//! One plan: its runs, how long they took, and how it is declared.

use maud::{Markup, html};

use super::overview::short;
use super::parts::{ago, bars, graph_address, lasted, pill, release_link, seconds, waves};
use super::{Content, Frame, Section};
use crate::web::view::{PlanView, ReleaseLine};

/// How many runs the trend shows.
const TREND_MAX: usize = 60;

/// The page.
pub(in crate::web) fn plan(frame: &Frame, view: &PlanView) -> Content {
    let w = frame.words;
    let mut sections = vec![
        Section::new("head", &head(frame, view)),
        Section::new("trend", &trend(frame, view)),
        Section::new("history", &history(frame, view)),
    ];
    if view.is_declared {
        let spec = html! {
            h2 { (w.declared) }
            details { summary { "YAML" } pre.yaml { (view.yaml) } }
        };
        sections.push(Section::new("spec", &spec));
    }
    Content {
        title: format!("{}/{}", view.namespace, view.name),
        class: "plan",
        sections,
    }
}

fn head(frame: &Frame, view: &PlanView) -> Markup {
    let w = frame.words;
    html! {
        p.crumbs { a href="/" { (w.overview) } " / " (view.namespace) }
        h1 { (view.name) @if view.is_suspended { " " span.tag { (w.suspended) } } }
        @if !view.is_declared { p.warn { (w.plan_is_gone) } }
        @if let Some(problem) = &view.problem { p.trouble { (problem) } }
        dl.facts {
            div { dt { (w.runs) } dd.num { (view.runs.len()) } }
            div { dt { (w.succeeded) } dd.num { (view.succeeded.0) "/" (view.succeeded.1) } }
            @if let Some(median) = view.median_s { div { dt { (w.median) } dd.num { (seconds(median)) } } }
            @if let Some(account) = &view.service_account { div { dt { (w.account) } dd.code { (account) } } }
            @if !view.graphs.is_empty() {
                div { dt { (w.graph) } dd {
                    @for graph in &view.graphs { a href=(graph_address(&view.namespace, graph)) { (graph) } " " }
                } }
            }
        }
    }
}

fn trend(frame: &Frame, view: &PlanView) -> Markup {
    let newest = view.runs.iter().take(TREND_MAX);
    let mut oldest_first: Vec<ReleaseLine> = newest.cloned().collect();
    oldest_first.reverse();
    html! {
        @if oldest_first.len() > 1 {
            h2 { (frame.words.trend) }
            (bars(frame.words, &oldest_first, 64))
        }
    }
}

fn history(frame: &Frame, view: &PlanView) -> Markup {
    let w = frame.words;
    html! {
        h2 { (w.history) }
        @if view.runs.is_empty() {
            div.empty { p { (w.no_runs) } pre { "tidegate run --plan " (view.name) " -f manifests/" } }
        } @else { (runs(frame, &view.runs)) }
    }
}

/// Runs as a table, the first on top.
pub(super) fn runs(frame: &Frame, runs: &[ReleaseLine]) -> Markup {
    let w = frame.words;
    html! {
        div.wide tabindex="0" role="group" aria-label=(w.history) {
            table.runs {
                thead { tr {
                    th scope="col" { (w.run) }
                    th scope="col" { (w.state) }
                    th scope="col" { (w.when) }
                    th scope="col" { (w.took) }
                    th scope="col" { (w.waves) }
                    th scope="col" { (w.revision) }
                    th scope="col" { (w.trigger) }
                    th scope="col" { (w.reason) }
                } }
                tbody { @for run in runs {
                    tr {
                        th scope="row" { (release_link(run)) }
                        td { (pill(w, run.mark)) }
                        td { (ago(w, run.started.or(run.created), frame.now)) }
                        td { (lasted(run.started, run.ended, frame.now)) }
                        td { (waves(w, run)) }
                        td.code { span title=(run.revision) { (short(&run.revision)) } }
                        td { (run.trigger) }
                        td.say { (run.reason.as_deref().unwrap_or_default()) }
                    }
                } }
            }
        }
    }
}
