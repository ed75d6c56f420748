//! A release on the screen: a live tree on a terminal, a line per change elsewhere.

use anstyle::AnsiColor;
use jiff::Timestamp;
use kube::ResourceExt;

use super::approve::is_awaiting;
use super::build_view;
use super::output::{Output, printable};
use crate::spec::crd::{Release, ReleaseStatus, ServiceStatus, WaveStatus};
use crate::spec::duration::describe;
use crate::spec::words::count;
use crate::upgrade::why::FROZEN;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Progress {
    /// A tree on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A tree that is redrawn in place.
    Tty,
    /// One line per change.
    Plain,
    /// Nothing.
    Quiet,
}

/// Shows one release as it goes.
pub(super) struct View<'a> {
    output: &'a Output,
    mode: Mode,
    release: Release,
    /// Lines of the last frame, which the next one replaces.
    drawn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Tree,
    Lines,
    Quiet,
}

impl<'a> View<'a> {
    /// Starts with what is known.
    pub(super) fn new(output: &'a Output, progress: Progress, release: Release) -> Self {
        let mode = match progress {
            Progress::Auto if output.live => Mode::Tree,
            Progress::Auto | Progress::Plain => Mode::Lines,
            Progress::Tty => Mode::Tree,
            Progress::Quiet => Mode::Quiet,
        };
        Self {
            output,
            mode,
            release,
            drawn: 0,
        }
    }

    /// The newest state.
    pub(super) fn release(&self) -> &Release {
        &self.release
    }

    /// The newest state, for keeps.
    pub(super) fn into_release(self) -> Release {
        self.release
    }

    /// Takes a newer state.
    pub(super) fn take(&mut self, newest: Release) {
        if self.mode == Mode::Lines {
            for line in changes(&self.release, &newest) {
                self.output
                    .say(&format!("{}  {line}", clock(Timestamp::now())));
            }
        }
        self.release = newest;
        self.redraw();
    }

    /// Draws the tree anew: times go on though nothing changes.
    pub(super) fn redraw(&mut self) {
        if self.mode != Mode::Tree {
            return;
        }
        let terminal = console::Term::stderr();
        let (height, width) = terminal.size();
        let room = usize::from(height).saturating_sub(2).max(5);
        let lines = fit(&tree(&self.release, Timestamp::now()), room);
        terminal.clear_last_lines(self.drawn).unwrap_or_default();
        for line in &lines {
            let line = printable(line);
            let line = console::truncate_str(&line, usize::from(width).saturating_sub(1), "…");
            self.output.say_painted(&self.coloured(&line));
        }
        self.drawn = lines.len();
    }

    /// Leaves the last frame as plain text.
    pub(super) fn finish(&mut self) {
        self.redraw();
        self.drawn = 0;
    }

    fn coloured(&self, line: &str) -> String {
        let mark = line.trim_start_matches(['│', ' ']).chars().next();
        match mark {
            Some('✔' | '●') => self.output.paint(AnsiColor::Green, line),
            Some('✕') => self.output.paint(AnsiColor::Red, line),
            Some('◑' | '◕' | '⚑') => self.output.paint(AnsiColor::Yellow, line),
            Some(_) | None => line.to_owned(),
        }
    }
}

/// Folds done waves first, so that what matters now stays on the screen.
fn fit(lines: &[Line], room: usize) -> Vec<String> {
    let mut shown: Vec<&Line> = lines.iter().collect();
    while shown.len() > room {
        match shown.iter().position(|line| line.done) {
            Some(done) => {
                shown.remove(done);
            }
            None => {
                shown.truncate(room);
            }
        }
    }
    shown.into_iter().map(|line| line.text.clone()).collect()
}

/// One line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says.
    pub text: String,
    /// Whether it tells of something done, which is folded first.
    pub done: bool,
}

/// The tree of a release, head first.
pub(super) fn tree(release: &Release, now: Timestamp) -> Vec<Line> {
    let status = release.status.clone().unwrap_or_default();
    let since = status.start_time.as_ref().map(|time| time.0);
    let until = status.completion_time.as_ref().map_or(now, |time| time.0);
    let time = since
        .map(|since| format!("  {}", describe(until.duration_since(since))))
        .unwrap_or_default();
    let phase = if status.phase.is_empty() {
        "Pending"
    } else {
        &status.phase
    };
    let head = format!("{}  {phase}  {}{time}", release.name_any(), status.summary);
    let mut lines = vec![Line {
        text: head,
        done: false,
    }];
    let paused = release
        .spec
        .control
        .as_ref()
        .is_some_and(|control| control.pause);
    if let Some(words) = frozen(&status) {
        lines.push(Line {
            text: format!("✻ {words}"),
            done: false,
        });
    }
    lines.extend(build_view::lines(&status, now));
    let mut before_is_done = true;
    for wave in &status.waves {
        let held_by_pause = paused && before_is_done && status.outcome.is_none();
        lines.extend(wave_lines(wave, now, held_by_pause));
        before_is_done = wave.end_time.is_some();
    }
    lines
}

/// Why nothing new starts, if a freeze window holds the release.
pub(super) fn frozen(status: &ReleaseStatus) -> Option<&str> {
    if status.phase != FROZEN {
        return None;
    }
    let mut conditions = status.conditions.iter();
    let reconciling = conditions.find(|condition| condition.type_ == "Reconciling");
    reconciling.map(|condition| condition.message.as_str())
}

fn wave_lines(wave: &WaveStatus, now: Timestamp, held_by_pause: bool) -> Vec<Line> {
    let started = wave.start_time.as_ref().map(|time| time.0);
    let ended = wave.end_time.as_ref().map(|time| time.0);
    let failed = wave
        .services
        .iter()
        .any(|service| service.state == "Failed");
    let (mark, words) = match (started, ended) {
        (Some(started), Some(ended)) => (
            "✔",
            format!("done in {}", describe(ended.duration_since(started))),
        ),
        (Some(started), None) if failed => (
            "✕",
            format!("failed after {}", describe(now.duration_since(started))),
        ),
        (Some(started), None) => ("◑", describe(now.duration_since(started))),
        (None, _) if held_by_pause => ("○", "waits for `tidegate resume`".to_owned()),
        (None, _) if wave.index == 1 => ("○", "not started".to_owned()),
        (None, _) => ("○", format!("waits for wave {}", wave.index - 1)),
    };
    let mut lines = vec![Line {
        text: format!("{mark} Wave {}  {words}", wave.index),
        done: false,
    }];
    let width = wave
        .services
        .iter()
        .map(|service| service.name.chars().count())
        .max()
        .unwrap_or(0);
    lines.extend(wave.services.iter().map(|service| Line {
        text: service_line(service, width, now),
        done: service.state == "Done",
    }));
    lines
}

/// The sign of a service's state; shape and word always, colour only in addition.
pub(super) fn mark(service: &ServiceStatus) -> &'static str {
    match service.state.as_str() {
        "Done" => "●",
        "Failed" => "✕",
        _ if is_awaiting(service) => "⚑",
        "Waiting" => "○",
        "Starting" => "◔",
        _ if service.old_alive > 0 && service.new_ready >= service.new_wanted => "◕",
        _ => "◑",
    }
}

fn service_line(service: &ServiceStatus, width: usize, now: Timestamp) -> String {
    let versions = match (service.from.as_str(), service.to.as_str()) {
        ("", "") => String::new(),
        ("", to) => format!("  {to}"),
        (from, to) if from == to => format!("  {to}"),
        (from, "") => format!("  {from} → gone"),
        (from, to) => format!("  {from} → {to}"),
    };
    let time = match (service.start_time.as_ref(), service.end_time.as_ref()) {
        (Some(from), Some(to)) => format!("  {}", describe(to.0.duration_since(from.0))),
        (Some(from), None) => format!("  {}", describe(now.duration_since(from.0))),
        (None, _) => String::new(),
    };
    let numbers = match service.state.as_str() {
        "Waiting" | "Starting" => String::new(),
        _ if service.action == "drain" => String::new(),
        _ => format!(
            "  {}/{} new  {} old",
            service.new_ready, service.new_wanted, service.old_alive
        ),
    };
    let words = match service.state.as_str() {
        "Waiting" if is_awaiting(service) => format!("  {}", service.message),
        "Done" | "Waiting" => String::new(),
        _ if service.message.is_empty() => String::new(),
        _ => format!("  {}", service.message),
    };
    format!(
        "│ {} {:width$}{versions}{numbers}{time}{words}",
        mark(service),
        service.name
    )
}

/// What changed between two states, as lines for a log.
pub(super) fn changes(before: &Release, after: &Release) -> Vec<String> {
    let old = before.status.clone().unwrap_or_default();
    let new = after.status.clone().unwrap_or_default();
    let mut lines = Vec::new();
    if old.waves.is_empty() && !new.waves.is_empty() {
        let services: usize = new.waves.iter().map(|wave| wave.services.len()).sum();
        lines.push(format!(
            "{}: {} to move in {}",
            after.name_any(),
            count(services, "service"),
            count(new.waves.len(), "wave")
        ));
    }
    lines.extend(build_view::changes(&old, &new));
    for (index, wave) in new.waves.iter().enumerate() {
        let known = old.waves.get(index);
        let was_started = known.is_some_and(|known| known.start_time.is_some());
        if wave.start_time.is_some() && !was_started {
            let names: Vec<&str> = wave
                .services
                .iter()
                .map(|service| service.name.as_str())
                .collect();
            lines.push(format!("wave {} starts: {}", wave.index, names.join(", ")));
        }
        for service in &wave.services {
            let before =
                known.and_then(|known| known.services.iter().find(|s| s.name == service.name));
            lines.extend(service_change(before, service));
        }
        let was_ended = known.is_some_and(|known| known.end_time.is_some());
        if let (Some(from), Some(to), false) = (&wave.start_time, &wave.end_time, was_ended) {
            lines.push(format!(
                "wave {} is done after {}",
                wave.index,
                describe(to.0.duration_since(from.0))
            ));
        }
    }
    if old.phase != new.phase && new.phase == "Paused" {
        lines.push(format!("{} is paused", after.name_any()));
    }
    if let Some(words) = frozen(&new).filter(|_| old.phase != new.phase) {
        lines.push(format!("{}: {words}", after.name_any()));
    }
    if let (None, Some(outcome)) = (&old.outcome, &new.outcome) {
        lines.push(format!("{}: {outcome}, {}", after.name_any(), new.summary));
    }
    lines
}

fn service_change(before: Option<&ServiceStatus>, after: &ServiceStatus) -> Option<String> {
    let key = |service: &ServiceStatus| {
        (
            service.state.clone(),
            service.reason.clone(),
            service.old_alive,
        )
    };
    let says_nothing = after.state == "Waiting" && !is_awaiting(after);
    if before.map(key) == Some(key(after)) || says_nothing {
        return None;
    }
    let took = match (&after.start_time, &after.end_time) {
        (Some(from), Some(to)) => format!(" after {}", describe(to.0.duration_since(from.0))),
        _ => String::new(),
    };
    Some(match after.state.as_str() {
        "Done" => format!("  {}: done{took}", after.name),
        "Starting" => format!("  {}: starts", after.name),
        _ => format!("  {}: {}", after.name, after.message),
    })
}

fn clock(now: Timestamp) -> String {
    now.strftime("%H:%M:%S").to_string()
}
