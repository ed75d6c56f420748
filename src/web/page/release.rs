//! One release: the sentence of truth, what can be done, and its waves as a drawing, a list or a timeline.

use maud::{Markup, html};

use super::board::{Column, Tile, board};
use super::overview::short;
use super::parts::{ago, escaped, lasted, pill, plan_address, release_address, sign};
use super::service::panel;
use super::timeline::timeline;
use super::{Content, Frame, Section, frame::hidden};
use crate::web::backend::Explained;
use crate::web::view::{Mark, ReleaseView, ServiceView, WaveView};

/// How the waves are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::web) enum Show {
    /// As a drawing.
    #[default]
    Drawing,
    /// As a list.
    List,
    /// Over time.
    Timeline,
    /// What the plan says.
    Proof,
    /// The object.
    Yaml,
}

impl Show {
    /// Reads the word of an address; anything else is the drawing.
    pub(in crate::web) fn parse(word: &str) -> Self {
        match word {
            "list" => Self::List,
            "timeline" => Self::Timeline,
            "proof" => Self::Proof,
            "yaml" => Self::Yaml,
            _ => Self::Drawing,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Drawing => "drawing",
            Self::List => "list",
            Self::Timeline => "timeline",
            Self::Proof => "proof",
            Self::Yaml => "yaml",
        }
    }
}

/// What the page shows of a release.
pub(in crate::web) struct ReleasePage<'p> {
    /// The release.
    pub view: &'p ReleaseView,
    /// What its plan says.
    pub explained: Option<&'p Explained>,
    /// How the waves are shown.
    pub show: Show,
    /// The step that is looked at.
    pub chosen: Option<&'p str>,
    /// Whether the person may pause, resume and abort.
    pub may_change: bool,
    /// Whether the person may approve.
    pub may_approve: bool,
    /// The object as YAML, where it is shown.
    pub yaml: String,
}

impl ReleasePage<'_> {
    /// The address of this page with another choice.
    fn address(&self, show: Show, step: Option<&str>) -> String {
        let line = &self.view.line;
        let mut query = Vec::new();
        query.extend((show != Show::Drawing).then(|| format!("show={}", show.word())));
        query.extend(step.map(|step| format!("step={}", escaped(step))));
        let bare = release_address(&line.namespace, &line.name);
        if query.is_empty() {
            bare
        } else {
            format!("{bare}?{}", query.join("&"))
        }
    }

    /// The step that is looked at: the chosen one, or the first that needs a look.
    fn looked_at(&self) -> Option<&ServiceView> {
        let steps = || self.view.waves.iter().flat_map(|wave| &wave.services);
        let chosen = steps().find(|step| Some(step.name.as_str()) == self.chosen);
        let first = |mark: Mark| steps().find(|step| step.mark == mark);
        let order = [
            Mark::Failed,
            Mark::Awaiting,
            Mark::Draining,
            Mark::Rolling,
            Mark::Starting,
            Mark::Planned,
        ];
        chosen
            .or_else(|| order.into_iter().find_map(first))
            .or_else(|| steps().next())
    }
}

/// The page.
pub(in crate::web) fn release(frame: &Frame, page: &ReleasePage<'_>) -> Content {
    let line = &page.view.line;
    let mut sections = vec![
        Section::new("truth", &truth(frame, page)),
        Section::new("acts", &acts(frame, page)),
        Section::new("views", &views(frame, page)),
    ];
    match page.show {
        Show::Drawing => sections.push(Section::new("board", &drawing(frame, page))),
        Show::List => {
            let waves = page.view.waves.iter();
            sections.extend(waves.map(|wave| {
                Section::new(&format!("wave-{}", wave.index), &list(frame, page, wave))
            }));
        }
        Show::Timeline => {
            let drawn = timeline(frame, page.view);
            let drawn = drawn.unwrap_or_else(|| html! { p.none { (frame.words.not_started) } });
            sections.push(Section::new("timeline", &drawn));
        }
        Show::Proof => sections.push(Section::new("proof", &proof(frame, page))),
        Show::Yaml => sections.push(Section::new("yaml", &html! { pre.yaml { (page.yaml) } })),
    }
    let panelled = page.looked_at();
    let panelled = panelled.filter(|_| matches!(page.show, Show::Drawing | Show::List));
    if let Some(step) = panelled {
        let explained = page.explained;
        let approvable = page.may_approve && step.is_awaiting;
        sections.push(Section::new(
            "panel",
            &panel(frame, line, step, explained, approvable),
        ));
    }
    sections.push(Section::new("record", &record(frame, page)));
    Content {
        title: format!(
            "{} #{} {}",
            line.plan,
            line.number,
            frame.words.mark(line.mark)
        ),
        class: "release",
        sections,
    }
}

fn truth(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    let line = &page.view.line;
    let sentence = if line.message.is_empty() {
        w.not_planned
    } else {
        &line.message
    };
    html! {
        p.crumbs {
            a href="/" { (w.overview) } " / "
            a href=(plan_address(&line.namespace, &line.plan)) { (line.namespace) "/" (line.plan) }
        }
        h1 { (line.plan) " #" (line.number) " " (pill(w, line.mark)) }
        p.sentence #sentence { (sentence) }
        dl.facts {
            div { dt { (w.waves) } dd { span.num { (line.waves_done) "/" (line.waves) } } }
            div { dt { (w.took) } dd { (lasted(line.started, line.ended, frame.now)) } }
            div { dt { (w.revision) } dd.code title=(line.revision) { (short(&line.revision)) } }
            div { dt { (w.trigger) } dd { (line.trigger) } }
            @if let Some(reason) = &line.reason { div { dt { (w.reason) } dd { (reason) } } }
            div { dt { (w.when) } dd { (ago(w, line.started.or(line.created), frame.now)) } }
        }
        @if line.waves > 0 {
            ol.strip aria-label=(w.waves) {
                @for wave in &page.view.waves {
                    li class=(wave.mark.class()) { span.hidden { (w.wave) " " (wave.index) ": " (w.mark(wave.mark)) } }
                }
            }
        }
    }
}

fn acts(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    let line = &page.view.line;
    if line.mark.has_ended() {
        return html! { p.soft { (w.has_ended) } };
    }
    if !page.may_change {
        return html! { p.soft { (w.may_not_change) } };
    }
    let is_paused = line.mark == Mark::Paused;
    html! {
        h2.hidden { (w.actions) }
        div.acts {
            @if is_paused {
                (act(frame, page, "resume", w.resume, w.resume_effect))
            } @else {
                (act(frame, page, "pause", w.pause, w.pause_effect))
            }
            (act(frame, page, "abort", w.abort, w.abort_effect))
        }
    }
}

/// A form behind its name: opened first, so that nothing happens by one stray click.
fn act(frame: &Frame, page: &ReleasePage<'_>, word: &str, name: &str, effect: &str) -> Markup {
    let w = frame.words;
    let line = &page.view.line;
    let address = format!("{}/acts", release_address(&line.namespace, &line.name));
    let is_dangerous = word == "abort";
    html! {
        details.act id={ "act-" (word) } {
            summary { (name) }
            form action=(address) method="post" {
                (hidden(frame))
                p { (effect) }
                label { (w.why) input name="reason" maxlength="1024" required[is_dangerous] autocomplete="off"; }
                button.danger[is_dangerous] name="act" value=(word) type="submit" { (name) }
            }
        }
    }
}

fn views(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    let link = |show: Show, name: &str| {
        let is_here = show == page.show;
        html! { a href=(page.address(show, page.chosen)) aria-current=[is_here.then_some("page")] { (name) } }
    };
    html! {
        nav.tabs aria-label=(w.views) {
            (link(Show::Drawing, w.drawing))
            (link(Show::List, w.list))
            (link(Show::Timeline, w.timeline))
            (link(Show::Proof, w.proof))
            (link(Show::Yaml, "YAML"))
        }
    }
}

fn drawing(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    if page.view.waves.is_empty() {
        return html! { p.none { (w.no_waves) } };
    }
    let looked_at = page.looked_at().map(|step| step.name.as_str());
    let column = |wave: &WaveView| Column {
        name: format!("{} {} · {}", w.wave, wave.index, w.mark(wave.mark)),
        class: wave.mark.class(),
        tiles: wave
            .services
            .iter()
            .map(|step| tile(frame, page, step, looked_at == Some(&step.name)))
            .collect(),
    };
    let columns: Vec<Column> = page.view.waves.iter().map(column).collect();
    let steps = page.view.waves.iter().flat_map(|wave| &wave.services);
    let arrows: Vec<(String, String)> = steps
        .flat_map(|step| {
            step.after
                .iter()
                .map(|first| (first.clone(), step.name.clone()))
        })
        .collect();
    let list = page.address(Show::List, page.chosen);
    html! {
        div.wide tabindex="0" role="group" aria-label=(w.drawing) {
            (board(&format!("{}: {}", w.drawing, page.view.line.summary), &columns, &arrows))
        }
        p.soft { a href=(list) { (w.same_as_list) } }
    }
}

fn tile(frame: &Frame, page: &ReleasePage<'_>, step: &ServiceView, is_chosen: bool) -> Tile {
    let w = frame.words;
    let word = w.mark(step.mark);
    let counts = match step.mark {
        Mark::Rolling | Mark::Draining | Mark::Failed | Mark::Paused | Mark::Frozen => {
            w.pods(step.new_ready, step.new_wanted, step.old_alive)
        }
        Mark::Planned
        | Mark::Starting
        | Mark::Awaiting
        | Mark::Done
        | Mark::Stopped
        | Mark::Refused => word.to_owned(),
    };
    Tile {
        id: step.name.clone(),
        address: page.address(page.show, Some(&step.name)),
        mark: Some((step.mark, word)),
        lines: vec![versions(step), counts],
        title: format!("{}: {word}. {}", step.name, step.message),
        is_chosen,
    }
}

/// From what to what.
pub(super) fn versions(step: &ServiceView) -> String {
    match (step.from.as_str(), step.to.as_str()) {
        ("", "") => step.action.clone(),
        ("", to) => to.to_owned(),
        (from, "") if step.action == "delete" => format!("{from} → ∅"),
        (from, "") => from.to_owned(),
        (from, to) if from == to => to.to_owned(),
        (from, to) => format!("{from} → {to}"),
    }
}

fn list(frame: &Frame, page: &ReleasePage<'_>, wave: &WaveView) -> Markup {
    let w = frame.words;
    html! {
        h2 { (w.wave) " " (wave.index) " " (pill(w, wave.mark)) " "
            span.soft { (lasted(wave.started, wave.ended, frame.now)) } }
        ul.steps {
            @for step in &wave.services {
                li class=(step.mark.class()) {
                    (sign(w, step.mark))
                    a.name href=(page.address(page.show, Some(&step.name))) { (step.name) }
                    span.code { (versions(step)) }
                    span.num { @if step.started.is_some() { (w.pods(step.new_ready, step.new_wanted, step.old_alive)) } }
                    (lasted(step.started, step.ended, frame.now))
                    @if step.mark != Mark::Done { span.say { (step.message) } }
                }
            }
        }
    }
}

fn proof(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    html! {
        h2 { (w.proof) }
        @match page.explained {
            Some(explained) => {
                p { (explained.headline) }
                pre.plan tabindex="0" { (explained.lines.join("\n")) }
            }
            None => p.none { (w.no_proof) },
        }
        @if let Some(digest) = &page.view.plan_digest { p.soft { (w.plan_digest) " " code { (digest) } } }
    }
}

fn record(frame: &Frame, page: &ReleasePage<'_>) -> Markup {
    let w = frame.words;
    let view = page.view;
    html! {
        h2 { (w.who_asked) }
        @if view.acts.is_empty() { p.none { (w.nobody_asked) } } @else {
            ul.record {
                @for act in &view.acts {
                    li {
                        strong { (w.act(&act.what)) }
                        @if let Some(step) = &act.step { " " code { (step) } }
                        @if let Some(by) = &act.by { " " (w.by) " " (by) }
                        @if let Some(reason) = &act.reason { ": " q { (reason) } }
                        @if act.at.is_some() { " " (ago(w, act.at, frame.now)) }
                    }
                }
            }
        }
        @if !view.held_out.is_empty() { p.soft { (w.held_out) ": " (view.held_out.join(", ")) } }
        @if !view.leftover.is_empty() { p.soft { (w.leftover) ": " (view.leftover.join(", ")) } }
    }
}
