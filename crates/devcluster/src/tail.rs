//! The end of a log file, for error messages.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

const LINES: usize = 12;
const BYTES: u64 = 8_192;
/// Some programs log whole objects on one line.
const LINE_CHARS: usize = 400;

/// The last lines, or why there are none; an error message must not fail itself.
pub(crate) fn tail(path: &Path) -> String {
    match read_end(path) {
        Ok(text) if text.trim().is_empty() => "(empty)".to_owned(),
        Ok(text) => last_lines(&text),
        Err(error) => format!("({error})"),
    }
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .rev()
        .take(LINES)
        .map(|line| line.chars().take(LINE_CHARS).collect())
        .collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_quoted() {
        let text = (1..=20).fold(String::new(), |text, line| format!("{text}line {line}\n"));
        let end = last_lines(&text);
        assert!(end.starts_with("line 9\n"), "{end}");
        assert!(end.ends_with("line 20"), "{end}");
    }

    #[test]
    fn a_missing_log_is_said_in_brackets() {
        assert!(tail(Path::new("/does/not/exist")).starts_with("(No such file"));
    }
}
