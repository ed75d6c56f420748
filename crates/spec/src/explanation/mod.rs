//! What each code means at length: for `tidegate explain CODE`, and for whoever links to a code.
//!
//! Data only. A test holds that every code is here once; another one, that the files among the examples really
//! have the problem that they are examples of.

mod discovered;
mod orders;
mod server;
mod written;

use super::Code;

/// What triggers a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// A file that `tidegate lint` says it of.
    File(&'static str),
    /// A case in words.
    Case(&'static str),
}

impl Example {
    /// The file or the words.
    pub fn text(self) -> &'static str {
        match self {
            Self::File(text) | Self::Case(text) => text,
        }
    }
}

/// A code at length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// What it means, and why it matters.
    pub means: &'static str,
    /// What triggers it.
    pub example: Example,
    /// What to do.
    pub remedy: &'static str,
}

/// The explanation of a code. Every code has one.
pub fn explanation(code: Code) -> Option<&'static Explanation> {
    [written::ALL, orders::ALL, server::ALL, discovered::ALL]
        .into_iter()
        .flatten()
        .find(|explanation| explanation.code == code)
}

#[cfg(test)]
mod tests {
    use super::{discovered, explanation, orders, server, written};
    use crate::Code;

    #[test]
    fn every_code_is_explained_once_and_in_full() {
        let all = [written::ALL, orders::ALL, server::ALL, discovered::ALL].concat();
        assert_eq!(all.len(), Code::ALL.len(), "one for each code");
        for code in Code::ALL {
            let found = explanation(*code).unwrap_or_else(|| panic!("{code} is not explained"));
            for text in [found.means, found.example.text(), found.remedy] {
                assert!(text.len() > 20, "{code}: `{text}` says nothing");
                assert_eq!(text, text.trim(), "{code}");
            }
        }
    }
}
