//! Where words go: data to stdout, everything else to stderr; colour or not, decided once.

use std::borrow::Cow;
use std::fmt::Write as _;
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
        self.data_painted(&printable(text))
    }

    /// Writes data that has colour: what is foreign in it went through `printable` or [`Output::paint`].
    pub fn data_painted(&self, text: &str) -> Result<(), Failure> {
        write_to(&mut std::io::stdout().lock(), text)
    }

    /// Says something to whoever sits there.
    pub fn say(&self, text: &str) {
        self.say_painted(&printable(text));
    }

    /// Says something that has colour, as [`Output::data_painted`] writes it.
    pub fn say_painted(&self, text: &str) {
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
            self.say_painted(&format!(
                "{} {}",
                self.paint(AnsiColor::Red, "error:"),
                printable(&failure.message)
            ));
        }
        for hint in &failure.hints {
            let hint = printable(hint);
            self.say_painted(&format!("{} {hint}", self.paint(AnsiColor::Cyan, "hint:")));
        }
    }
}

/// A text in which nothing moves the cursor, changes colours or turns the direction of writing: names in files and the
/// words of a cluster are foreign. Such a character becomes `\u001b`, which in JSON is the same character.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| match c {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // Writing into a String cannot fail.
            write!(printable, "\\u{:04x}", u32::from(c)).unwrap_or_default();
        } else {
            printable.push(c);
        }
    }
    Cow::Owned(printable)
}

fn paint(colours: bool, colour: AnsiColor, text: &str) -> String {
    let text = printable(text);
    if !colours {
        return text.into_owned();
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

#[cfg(test)]
mod tests {
    use super::{AnsiColor, paint, printable};

    #[test]
    fn what_would_steer_a_terminal_is_written_out() {
        let foreign = "a\u{1b}[31mred\u{9b}2J\r\u{7f}\u{202e}txt\tb\nä";
        let shown = "a\\u001b[31mred\\u009b2J\\u000d\\u007f\\u202etxt\tb\nä";
        assert_eq!(printable(foreign), shown);
        assert_eq!(paint(false, AnsiColor::Red, foreign), shown);
        assert!(paint(true, AnsiColor::Red, foreign).contains(shown));
        let json = serde_json::to_string("\u{1b}\u{9b}\u{202e}").expect("text");
        let back: String = serde_json::from_str(&printable(&json)).expect("still JSON");
        assert_eq!(back, "\u{1b}\u{9b}\u{202e}");
    }
}
