//! The address of a page, taken apart.

use std::collections::BTreeMap;

use crate::web::page::Show;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Every plan.
    Overview {
        /// The folder that was chosen.
        folder: Option<String>,
    },
    /// One plan.
    Plan {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// One release.
    Release {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// How its waves are shown.
        show: Show,
        /// The step that is looked at.
        step: Option<String>,
    },
    /// One graph.
    Graph {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The two revisions of a what-if.
        between: Option<(String, String)>,
    },
    /// What waits for somebody.
    Approvals,
    /// Releases with a word.
    Search(String),
    /// How tidegate itself is.
    System,
}

impl Place {
    /// Reads path and query; `None`: there is no such page.
    pub(super) fn parse(path: &str, query: &str) -> Option<Self> {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect::<Option<_>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut query: BTreeMap<String, String> = serde_urlencoded(query);
        Some(match parts.as_slice() {
            [] => Self::Overview {
                folder: query.remove("folder"),
            },
            ["plans", namespace, name] => Self::Plan {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            },
            ["releases", namespace, name] => Self::Release {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                show: Show::parse(query.get("show").map_or("", String::as_str)),
                step: query.remove("step"),
            },
            ["graphs", namespace, name] => Self::Graph {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                between: query.remove("from").zip(query.remove("to")),
            },
            ["approvals"] => Self::Approvals,
            ["search"] => Self::Search(query.remove("q").unwrap_or_default()),
            ["system"] => Self::System,
            _ => return None,
        })
    }
}

/// The fields of a query; what is not one is left out.
fn serde_urlencoded(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name)?, decoded(&value.replace('+', " "))?))
    });
    pairs.collect()
}

/// A part of an address with its `%` taken away; `None` where that gives no text.
pub(super) fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_what_is_no_page_is_none() {
        let parse = Place::parse;
        assert_eq!(parse("/", ""), Some(Place::Overview { folder: None }));
        let release = parse("/releases/shop/shop-3", "show=list&step=orders%2Fflip");
        let Some(Place::Release { show, step, .. }) = release else {
            panic!("a release");
        };
        assert_eq!((show, step.as_deref()), (Show::List, Some("orders/flip")));
        assert_eq!(
            parse("/search", "q=a+b%20c"),
            Some(Place::Search("a b c".to_owned()))
        );
        assert_eq!(parse("/releases/shop", ""), None);
        assert_eq!(parse("/plans/%ff/x", ""), None, "no text");
        assert_eq!(parse("/plans/%2/x", ""), None, "a cut sign");
    }
}
