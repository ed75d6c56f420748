//! One change that somebody else has made, and its words.

use jiff::Timestamp;

use crate::spec::ObjectRef;

/// How many changes a message names; the rest is counted.
const NAMED_MAX: usize = 5;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The object.
    pub object: ObjectRef,
    /// What of it.
    pub what: What,
    /// Who, as the API server knows field managers.
    pub by: Option<String>,
    /// When, as far as the object says.
    pub at: Option<Timestamp>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A field has another value: `spec.template.spec.containers[name="main"].image`.
    Field(String),
    /// The object is not there.
    Gone,
    /// It does not carry the label of the plan any more.
    Label,
}

impl Change {
    /// From what the API server says of a conflict: the field and a message that names the manager.
    pub fn of_conflict(object: &ObjectRef, field: &str, message: &str) -> Self {
        let by = message.strip_prefix("conflict with \"");
        let by = by.and_then(|rest| Some(rest.split_once('"')?.0));
        Self {
            object: object.clone(),
            what: What::Field(field.trim_start_matches('.').to_owned()),
            by: by.map(ToOwned::to_owned),
            at: None,
        }
    }

    /// A sentence without an end.
    pub fn words(&self) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {by}"));
        let at = self
            .at
            .map(|at| format!(" at {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
        let (by, at) = (by.unwrap_or_default(), at.unwrap_or_default());
        let object = &self.object;
        match &self.what {
            What::Field(field) => format!("{object}: {field} was changed{by}{at}"),
            What::Gone => format!("{object} was deleted{by}{at}"),
            What::Label => {
                format!("{object} does not carry the label of the plan any more{by}{at}")
            }
        }
    }
}

/// All changes in a sentence.
pub fn told(changes: &[Change]) -> String {
    let mut named: Vec<String> = changes.iter().take(NAMED_MAX).map(Change::words).collect();
    if let Some(more) = changes
        .len()
        .checked_sub(NAMED_MAX)
        .filter(|more| *more > 0)
    {
        named.push(format!("and {more} more"));
    }
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Change, What, told};
    use crate::spec::ObjectRef;

    fn object(name: &str) -> ObjectRef {
        ObjectRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_conflict_says_which_field_and_who() {
        let change = Change::of_conflict(
            &object("web"),
            ".spec.template.spec.containers[name=\"main\"].image",
            "conflict with \"kubectl-set\" using apps/v1",
        );
        let at = "2026-11-30T12:00:00Z".parse().ok();
        insta::assert_snapshot!(Change { at, ..change }.words(), @r#"Deployment/shop/web: spec.template.spec.containers[name="main"].image was changed by kubectl-set at 2026-11-30T12:00:00Z"#);
        let scaled = Change::of_conflict(
            &object("web"),
            ".spec.replicas",
            "conflict with \"kubectl\" with subresource \"scale\" using apps/v1",
        );
        insta::assert_snapshot!(scaled.words(), @"Deployment/shop/web: spec.replicas was changed by kubectl");
    }

    #[test]
    fn many_changes_are_counted() {
        let one = |what| Change {
            object: object("web"),
            what,
            by: None,
            at: None,
        };
        assert_eq!(told(&[]), "");
        insta::assert_snapshot!(told(&[one(What::Gone), one(What::Label)]), @"Deployment/shop/web was deleted; Deployment/shop/web does not carry the label of the plan any more");
        let many = vec![one(What::Gone); 7];
        assert!(told(&many).ends_with("; and 2 more"));
    }
}
