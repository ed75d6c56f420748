//! Bytes to text, or why they are none.

use super::node::Spot;
use super::read::Text;
use tidegate_spec::{Code, Problem};

/// The text of a file, without the byte order mark that some editors put before it.
pub(super) fn decode(text: &Text) -> Result<&str, Box<Problem>> {
    let refuse = |wrong: &str, hint: &str, spot: Spot| {
        let problem = Problem::error(Code::NotText, "", wrong).hint(hint);
        Box::new(problem.at(spot.in_file(&text.file)))
    };
    let utf8 = "save the file as UTF-8";
    let bytes = text.bytes.as_slice();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refuse("the file is UTF-16, not UTF-8", utf8, Spot::START));
    }
    let content = match str::from_utf8(bytes) {
        Ok(content) => content,
        Err(_) if bytes.contains(&0) => {
            let hint = "keep it out of the folder of manifests";
            return Err(refuse("a binary file, no text", hint, Spot::START));
        }
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let spot = end_of(str::from_utf8(valid).unwrap_or_default());
            return Err(refuse("a byte here is not UTF-8", utf8, spot));
        }
    };
    if let Some((before, _)) = content.split_once('\0') {
        let hint = "this looks like a binary file; keep it out of the folder of manifests";
        return Err(refuse(
            "a NUL byte, which no text has",
            hint,
            end_of(before),
        ));
    }
    Ok(content.strip_prefix('\u{feff}').unwrap_or(content))
}

/// The place just after a text.
fn end_of(text: &str) -> Spot {
    let (before, last) = text
        .rsplit_once('\n')
        .map_or(("", text), |(before, last)| (before, last));
    let line = if last.len() == text.len() {
        1
    } else {
        before.split('\n').count() + 1
    };
    Spot {
        line,
        column: last.chars().count() + 1,
        length: 1,
    }
}
