//! Says on stderr what goes on: spinners on a terminal, a line now and then elsewhere.
//!
//! In: what begins, what ends. Out: text for people; nothing reads it back.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How often a long step says that it is still at work, where nothing can be redrawn.
const STILL_AT_WORK_EVERY: Duration = Duration::from_secs(30);
const REDRAW_EVERY: Duration = Duration::from_millis(120);

/// Where progress is told; cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Silent,
    Lines,
    Spinners(MultiProgress),
}

impl Progress {
    /// Spinners when stderr is a terminal, else plain lines.
    pub fn to_stderr() -> Self {
        let kind = if console::user_attended_stderr() {
            Kind::Spinners(MultiProgress::new())
        } else {
            Kind::Lines
        };
        Self { kind }
    }

    /// Plain lines, also on a terminal.
    pub fn lines() -> Self {
        Self { kind: Kind::Lines }
    }

    /// Tells nothing.
    pub fn silent() -> Self {
        Self { kind: Kind::Silent }
    }

    /// Tells one line.
    pub fn say(&self, text: &str) {
        match &self.kind {
            Kind::Silent => {}
            Kind::Lines => write_line(text),
            Kind::Spinners(spinners) => spinners.suspend(|| write_line(text)),
        }
    }

    /// Tells that something begins; it is over when [`Step::done`] is called or the step is dropped.
    pub fn begin(&self, text: &str) -> Step {
        let signs = match &self.kind {
            Kind::Silent => Signs::None,
            Kind::Lines => {
                write_line(text);
                Signs::Lines {
                    _stop: still_at_work(text.to_owned()),
                }
            }
            Kind::Spinners(spinners) => Signs::Spinner(spinners.add(spinner(text))),
        };
        Step {
            progress: self.clone(),
            began: Instant::now(),
            signs,
        }
    }
}

/// Something that goes on.
#[derive(Debug)]
pub struct Step {
    progress: Progress,
    began: Instant,
    signs: Signs,
}

#[derive(Debug)]
enum Signs {
    None,
    /// Dropping the sender ends the thread that repeats the line.
    Lines {
        _stop: Sender<()>,
    },
    Spinner(ProgressBar),
}

impl Step {
    /// Tells how it ended, and how long it took.
    pub fn done(mut self, text: &str) {
        self.clear();
        self.progress.say(&with_elapsed(text, self.began.elapsed()));
    }

    fn clear(&mut self) {
        if let Signs::Spinner(spinner) = &self.signs {
            spinner.finish_and_clear();
        }
        self.signs = Signs::None;
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.clear();
    }
}

fn spinner(text: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(text.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(REDRAW_EVERY);
    spinner
}

fn still_at_work(text: String) -> Sender<()> {
    let (stop, stopped) = channel();
    let began = Instant::now();
    thread::spawn(move || {
        while stopped.recv_timeout(STILL_AT_WORK_EVERY) == Err(RecvTimeoutError::Timeout) {
            write_line(&with_elapsed(&format!("still {text}"), began.elapsed()));
        }
    });
    stop
}

fn with_elapsed(text: &str, elapsed: Duration) -> String {
    let elapsed_s = elapsed.as_secs();
    if elapsed_s < 60 {
        format!("{text} [{:.1} s]", elapsed.as_secs_f64())
    } else {
        format!("{text} [{} min {} s]", elapsed_s / 60, elapsed_s % 60)
    }
}

/// A closed stderr is no reason to fail.
fn write_line(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_steps_are_told_in_seconds_and_long_ones_in_minutes() {
        assert_eq!(
            with_elapsed("ready", Duration::from_millis(5_730)),
            "ready [5.7 s]"
        );
        assert_eq!(
            with_elapsed("built", Duration::from_secs(605)),
            "built [10 min 5 s]"
        );
    }

    #[test]
    fn a_step_can_end_without_a_word() {
        drop(Progress::silent().begin("nothing"));
        Progress::silent().begin("nothing").done("nothing");
    }
}
