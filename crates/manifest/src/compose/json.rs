//! What JSON writes and YAML does not know.

use std::borrow::Cow;

/// JSON writes a character beyond 16 bits as two escapes, which YAML does not know. Only in JSON: elsewhere they
/// may stand in a text that is not escaped.
pub(super) fn pair_escapes(text: &str) -> Cow<'_, str> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    if !is_json || !(text.contains("\\ud") || text.contains("\\uD")) {
        return Cow::Borrowed(text);
    }
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut paired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        paired.push_str(before);
        let pair = unit(escape).zip(escape.get(6..).and_then(unit));
        let character = pair.and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok());
        let taken = match character {
            Some(character) if character.len_utf16() == 2 => {
                paired.push(character);
                12
            }
            // The escaped character too: `\\\\ud83d` is a backslash and text.
            _ => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (escape, after) = escape.split_at(taken);
        if taken != 12 {
            paired.push_str(escape);
        }
        rest = after;
    }
    paired.push_str(rest);
    Cow::Owned(paired)
}
