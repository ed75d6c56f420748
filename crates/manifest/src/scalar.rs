//! What an unquoted word means: `yes`, `0644`, `~`, `1e3`.
//!
//! In: a scalar's text, style and tag. Out: its value, as `kubectl` reads it (YAML 1.1 by the rules of
//! sigs.k8s.io/yaml), so that tidegate applies what `kubectl apply` would.

use serde_json::Number;

use super::node::NodeKind;

/// Why a scalar has no value in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScalarFault {
    /// `.inf` or `.nan`.
    NotFinite,
    /// A tag that only another tool understands.
    UnknownTag(String),
    /// `!!int x`.
    NotOfTag {
        /// What the tag asks for.
        tag: &'static str,
    },
}

/// The prefix of the tags that YAML itself defines.
const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// The value of a scalar. `plain` is false for quoted and block text.
pub(super) fn resolve(
    text: String,
    plain: bool,
    tag: Option<&str>,
) -> Result<NodeKind, ScalarFault> {
    let Some(tag) = tag else {
        return if plain {
            resolve_plain(text)
        } else {
            Ok(NodeKind::Text(text))
        };
    };
    match tag.strip_prefix(YAML_TAGS) {
        Some("str" | "binary" | "timestamp") => Ok(NodeKind::Text(text)),
        Some("null") => of_tag("!!null", text, |kind| matches!(kind, NodeKind::Null)),
        Some("bool") => of_tag("!!bool", text, |kind| matches!(kind, NodeKind::Bool { .. })),
        Some("int") => of_tag(
            "!!int",
            text,
            |kind| matches!(kind, NodeKind::Number { value, .. } if !value.is_f64()),
        ),
        Some("float") => of_tag("!!float", text, |kind| {
            matches!(kind, NodeKind::Number { .. })
        }),
        Some(other) => Err(ScalarFault::UnknownTag(format!("!!{other}"))),
        None if tag == "!" => Ok(NodeKind::Text(text)),
        None => Err(ScalarFault::UnknownTag(tag.to_owned())),
    }
}

fn of_tag(
    tag: &'static str,
    text: String,
    fits: impl Fn(&NodeKind) -> bool,
) -> Result<NodeKind, ScalarFault> {
    let kind = resolve_plain(text)?;
    if fits(&kind) {
        Ok(kind)
    } else {
        Err(ScalarFault::NotOfTag { tag })
    }
}

fn resolve_plain(text: String) -> Result<NodeKind, ScalarFault> {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(NodeKind::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(NodeKind::Bool {
                value: true,
                written: text,
            });
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(NodeKind::Bool {
                value: false,
                written: text,
            });
        }
        _ => {}
    }
    if is_not_finite(&text) {
        return Err(ScalarFault::NotFinite);
    }
    Ok(match number(&text) {
        Some(value) => NodeKind::Number {
            value,
            written: text,
        },
        None => NodeKind::Text(text),
    })
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn number(text: &str) -> Option<Number> {
    if text.starts_with('.') {
        return float(text);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
        return None;
    }
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| float(&plain))
}

/// `-12`, `0x1F`, `0o17`, `0b11`, `0644`. A date such as `2024-01-31` is none, so it stays text.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = radix_of(digits);
    // `from_str_radix` would take a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0_i64.checked_sub_unsigned(size).map(Number::from)
    } else {
        Some(size.into())
    }
}

fn radix_of(digits: &str) -> (u32, &str) {
    for (prefix, radix) in [
        ("0x", 16),
        ("0X", 16),
        ("0o", 8),
        ("0O", 8),
        ("0b", 2),
        ("0B", 2),
    ] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return (radix, rest);
        }
    }
    match digits.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

/// `1.5`, `.5`, `1e3`, and what is no octal number after all: `089`.
fn float(text: &str) -> Option<Number> {
    let known = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    if !text.chars().all(known) {
        return None;
    }
    // What is too large, such as `1e400`, has no number in JSON and stays text.
    let value: f64 = text.parse().ok()?;
    whole(value).or_else(|| Number::from_f64(value))
}

/// A float without a fraction is an integer in JSON: `1.0` is sent as `1`.
fn whole(value: f64) -> Option<Number> {
    /// Up to here every whole float has an exact integer (2 to the 53rd).
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() > EXACT_MAX {
        return None;
    }
    format!("{value:.0}").parse::<i64>().ok().map(Number::from)
}

/// The text that a number gets as a key: `1.5`, `1e+21`.
pub(super) fn number_key(value: &Number) -> String {
    let Some(float) = value.as_f64().filter(|_| value.is_f64()) else {
        return value.to_string();
    };
    // Go prints keys in single precision, with an exponent from 1e21 on (here: whole floats are integers).
    let scientific = format!("{float:e}");
    match scientific
        .split_once('e')
        .map(|(digits, power)| (digits, power.parse::<i32>()))
    {
        Some((digits, Ok(power))) if !(-4..21).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.unsigned_abs())
        }
        _ => float.to_string(),
    }
}
