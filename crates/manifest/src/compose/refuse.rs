//! The words for what a piece of a file may not be.

use yaml_rust2::parser::Tag;
use yaml_rust2::scanner::{Marker, ScanError};

use super::Composer;
use super::budget::{DEPTH_MAX, Fault, VALUES_MAX};
use crate::node::{Node, Spot, key_path, shorten};
use crate::scalar::ScalarFault;
use tidegate_spec::{Code, Problem};

const TEMPLATE_HINT: &str = "this looks like a template; render it first, for instance `helm template … | tidegate run -f -`";

impl Composer<'_> {
    pub(super) fn check_tag(&mut self, tag: Option<&Tag>, marker: Marker) {
        let Some(tag) = tag else { return };
        let tag = format!("{}{}", tag.handle, tag.suffix);
        if matches!(
            tag.as_str(),
            "!" | "tag:yaml.org,2002:map" | "tag:yaml.org,2002:seq"
        ) {
            return;
        }
        let spot = self.spot(marker, 1);
        let shown = tag.replace("tag:yaml.org,2002:", "!!");
        self.refuse_scalar("", &ScalarFault::UnknownTag(shown), spot);
    }

    /// A list or mapping as a key: mostly a template that nobody rendered, which is two mappings to YAML.
    pub(super) fn refuse_key(&mut self, node: &Node) {
        let wrong = format!("{} stands where a key should", node.describe());
        let said = self.problems.last().is_some_and(|last| {
            last.wrong == wrong
                && last
                    .place
                    .as_ref()
                    .is_some_and(|it| it.line == node.place.line)
        });
        if said {
            return;
        }
        let hint = if self.is_template() {
            TEMPLATE_HINT
        } else {
            "a key is a text: quote it"
        };
        let problem = Problem::error(Code::InvalidValue, self.path(), wrong).hint(hint);
        self.report(problem, node.place);
    }

    pub(super) fn refuse_duplicate(&mut self, key: &str, first: Spot, second: Spot) {
        let where_first = if first.line == second.line {
            format!("at column {} of the same line", first.column)
        } else {
            format!("on line {}", first.line)
        };
        let shown = shorten(key);
        let wrong = format!("`{shown}` is written twice in one mapping, first {where_first}");
        let problem = Problem::error(Code::DuplicateKey, key_path(&self.path(), key), wrong);
        self.report(problem.hint("keep one of the two"), second);
    }

    fn is_template(&mut self) -> bool {
        *self
            .template
            .get_or_insert_with(|| self.piece.text.contains("{{"))
    }

    pub(super) fn refuse_scalar(&mut self, text: &str, fault: &ScalarFault, spot: Spot) {
        let (wrong, hint) = match fault {
            ScalarFault::NotFinite => (
                format!("`{text}` is no number that JSON has"),
                format!("write \"{text}\" if text is meant"),
            ),
            ScalarFault::UnknownTag(tag) => (
                format!("the tag `{}` means nothing to Kubernetes", shorten(tag)),
                "render the file with the tool that knows the tag, or remove the tag".to_owned(),
            ),
            ScalarFault::NotOfTag { tag } => (
                format!("`{text}` is no `{tag}`"),
                "remove the tag, or change the value".to_owned(),
            ),
        };
        self.report(
            Problem::error(Code::InvalidValue, self.path(), wrong).hint(hint),
            spot,
        );
    }

    pub(super) fn refuse(&mut self, fault: &Fault, spot: Spot) {
        let (code, wrong, hint) = match fault {
            Fault::TooMany => (
                Code::TooLarge,
                format!("the file holds more than {VALUES_MAX} values"),
                "split it into several files",
            ),
            Fault::TooDeep => (
                Code::TooDeep,
                format!("nested more than {DEPTH_MAX} levels deep"),
                "no Kubernetes object is nested that deep; look for a bracket too many",
            ),
            Fault::Bomb { most } => (
                Code::AliasBomb,
                format!("the aliases (`*name`) expand to more than {most} values"),
                "write the values out, or repeat less of them",
            ),
            Fault::Recursion => (
                Code::AliasBomb,
                "the alias stands inside what it repeats, which never ends".to_owned(),
                "write the value out",
            ),
        };
        // Not the path: in a bomb it is as long as the nesting.
        self.report(Problem::error(code, "", wrong).hint(hint), spot);
    }

    pub(super) fn refuse_syntax(&mut self, error: &ScanError) {
        let spot = self.spot(*error.marker(), 1);
        if error.info() == "recursion limit exceeded" {
            self.refuse(&Fault::TooDeep, spot);
            return;
        }
        let hint = self.syntax_hint(error.info());
        let wrong = format!("not YAML: {}", error.info());
        self.report(Problem::error(Code::Syntax, "", wrong).hint(hint), spot);
    }

    fn syntax_hint(&mut self, info: &str) -> &'static str {
        if self.is_template() {
            TEMPLATE_HINT
        } else if info.contains("tab") || self.piece.text.contains("\n\t") {
            "indent with spaces: YAML forbids tabs there"
        } else if info.contains("':' must be followed") {
            "write a space after `:`, not a tab"
        } else if info.contains("unknown anchor") {
            "quote a value that begins with `*`; an anchor must stand before its alias, in the same document"
        } else if info.contains("mapping values are not allowed") {
            "quote a value that has `: ` in it, or check the indentation"
        } else if info.contains("unexpected character") {
            "quote a value that begins with `@`, `%` or a backtick"
        } else {
            "check indentation, quotes and brackets on this line and the one above"
        }
    }
}
