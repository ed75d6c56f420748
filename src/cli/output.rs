//! Where words go: data to stdout, everything else to stderr; colour or not, decided once.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::failure::{Exit, Failure};

/// The form of data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or `TERM=dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where words go.
#[derive(Debug, Clone)]
pub struct Output {
    stdout_colour: bool,
    stderr_colour: bool,
    /// Whether stderr is a terminal that can be redrawn.
    pub live: bool,
}

impl Output {
    /// Decides once for the whole command.
    pub fn new(colour: Colour) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let decide = |terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !dumb && !no_colour,
        };
        let stderr = std::io::stderr().is_terminal();
        Self {
            stdout_colour: decide(std::io::stdout().is_terminal()),
            stderr_colour: decide(stderr),
            live: stderr && !dumb,
        }
    }

    /// Whether what goes to stderr may have colour.
    pub fn colours(&self) -> bool {
        self.stderr_colour
    }

    /// Writes data. A reader who has gone away is no error of ours.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        write_to(&mut std::io::stdout().lock(), text)
    }

    /// Says something to whoever sits there.
    pub fn say(&self, text: &str) {
        // Nobody is left to be told that nobody listens.
        write_to(&mut std::io::stderr().lock(), text).unwrap_or_default();
    }

    /// Writes a document in the form that was asked for; `text` is what people get.
    pub fn document<T: Serialize>(
        &self,
        format: Format,
        document: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let bug = |error: String| Failure::new(Exit::Bug, error);
        match format {
            Format::Text => self.data(text().trim_end()),
            Format::Json => {
                self.data(&serde_json::to_string_pretty(document).map_err(|e| bug(e.to_string()))?)
            }
            Format::Yaml => self.data(
                serde_saphyr::to_string(document)
                    .map_err(|e| bug(e.to_string()))?
                    .trim_end(),
            ),
        }
    }

    /// Paints a text on stderr; the text alone says all.
    pub fn paint(&self, colour: AnsiColor, text: &str) -> String {
        paint(self.stderr_colour, colour, text)
    }

    /// Paints a text on stdout.
    pub fn paint_data(&self, colour: AnsiColor, text: &str) -> String {
        paint(self.stdout_colour, colour, text)
    }

    /// Says why a command failed.
    pub fn failure(&self, failure: &Failure) {
        if !failure.message.is_empty() {
            self.say(&format!(
                "{} {}",
                self.paint(AnsiColor::Red, "error:"),
                failure.message
            ));
        }
        for hint in &failure.hints {
            self.say(&format!("{} {hint}", self.paint(AnsiColor::Cyan, "hint:")));
        }
    }
}

fn paint(colours: bool, colour: AnsiColor, text: &str) -> String {
    if !colours {
        return text.to_owned();
    }
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{text}{style:#}")
}

fn write_to(sink: &mut impl Write, text: &str) -> Result<(), Failure> {
    match writeln!(sink, "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Err(Failure::told(Exit::Ok))
        }
        Err(error) => Err(Failure::new(Exit::Usage, format!("cannot write: {error}"))),
    }
}
