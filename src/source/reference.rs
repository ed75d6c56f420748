//! Which of a repository's references is meant.

use semver::{Version, VersionReq};

use super::error::SourceError;
use crate::spec::crd::GitReference;
use crate::spec::did_you_mean;

/// How many names are told where none fits.
const TOLD_MAX: usize = 5;

/// The commit that a plan means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The newest of a branch.
    Branch(String),
    /// That of a tag.
    Tag(String),
    /// That of the highest tag in a range.
    Range(VersionReq),
    /// This one, by its 40 digits.
    Commit(String),
}

impl Wanted {
    /// As a plan has it; `None` if it says nothing, or a range that is none.
    pub fn of(reference: &GitReference) -> Option<Self> {
        let GitReference {
            branch,
            tag,
            semver,
            commit,
        } = reference;
        match (branch, tag, semver, commit) {
            (Some(name), None, None, None) => Some(Self::Branch(name.clone())),
            (None, Some(name), None, None) => Some(Self::Tag(name.clone())),
            (None, None, Some(range), None) => Some(Self::Range(VersionReq::parse(range).ok()?)),
            (None, None, None, Some(commit)) => Some(Self::Commit(commit.clone())),
            _ => None,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Branch(name) => format!("branch `{name}`"),
            Self::Tag(name) => format!("tag `{name}`"),
            Self::Range(range) => format!("tag in the range `{range}`"),
            Self::Commit(commit) => format!("commit `{commit}` in a branch or tag"),
        }
    }

    /// Its full name among those that the server tells, for instance `refs/heads/main`.
    pub(super) fn choose<'a>(
        &self,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<String, SourceError> {
        let (folder, exact) = match self {
            // It has no name, and whoever wants it does not ask for one.
            Self::Commit(_) => return Err(self.missing(std::iter::empty())),
            Self::Branch(name) => ("refs/heads/", Some(name)),
            Self::Tag(name) => ("refs/tags/", Some(name)),
            Self::Range(_) => ("refs/tags/", None),
        };
        // `^{}` is the commit behind a tag that has a message of its own.
        let short = names
            .filter(|name| !name.ends_with("^{}"))
            .filter_map(|name| name.strip_prefix(folder));
        let found = match (self, exact) {
            (Self::Range(range), _) => highest(range, short.clone()),
            (Self::Branch(_) | Self::Tag(_) | Self::Commit(_), Some(exact)) => {
                short.clone().find(|name| name == exact)
            }
            (Self::Branch(_) | Self::Tag(_) | Self::Commit(_), None) => None,
        };
        match found {
            Some(name) => Ok(format!("{folder}{name}")),
            None => Err(self.missing(short)),
        }
    }

    /// That there is no such reference.
    pub(super) fn missing<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> SourceError {
        let near = match self {
            Self::Branch(name) | Self::Tag(name) => did_you_mean(name, names.clone()),
            Self::Range(_) | Self::Commit(_) => None,
        };
        let near = match (near, names.clone().count()) {
            (Some(near), _) => format!("; did you mean `{near}`?"),
            (None, 0) => String::new(),
            (None, count) => {
                let told: Vec<String> = names
                    .take(TOLD_MAX)
                    .map(|name| format!("`{name}`"))
                    .collect();
                let more = if count > TOLD_MAX { " and others" } else { "" };
                format!("; it has {}{more}", told.join(", "))
            }
        };
        SourceError::NoReference {
            wanted: self.words(),
            near,
        }
    }
}

/// The tag with the highest version in a range. Versions that differ in their build only count as equal; then the name
/// decides, so that the same tags always give the same answer.
fn highest<'a>(range: &VersionReq, tags: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    tags.filter_map(|name| {
        let version = Version::parse(name.strip_prefix('v').unwrap_or(name)).ok()?;
        range.matches(&version).then_some((version, name))
    })
    .max_by(|(one, name), (other, other_name)| {
        one.cmp_precedence(other).then_with(|| name.cmp(other_name))
    })
    .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use semver::VersionReq;

    const NAMES: [&str; 8] = [
        "HEAD",
        "refs/heads/main",
        "refs/heads/release",
        "refs/tags/main",
        "refs/tags/v1.4.0",
        "refs/tags/v1.4.0^{}",
        "refs/tags/1.10.0",
        "refs/tags/v2.0.0-rc.1",
    ];

    fn chosen(wanted: &Wanted) -> String {
        match wanted.choose(NAMES.into_iter()) {
            Ok(name) => name,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_branch_is_no_tag_of_the_same_name() {
        assert_eq!(chosen(&Wanted::Branch("main".into())), "refs/heads/main");
        assert_eq!(chosen(&Wanted::Tag("main".into())), "refs/tags/main");
    }

    #[test]
    fn a_range_means_its_highest_version_and_no_preview() {
        let range = |text: &str| Wanted::Range(VersionReq::parse(text).expect("a range"));
        assert_eq!(chosen(&range("^1.2")), "refs/tags/1.10.0");
        assert_eq!(chosen(&range("~1.4")), "refs/tags/v1.4.0");
        insta::assert_snapshot!(chosen(&range(">=2")), @"the repository has no tag in the range `>=2`; it has `main`, `v1.4.0`, `1.10.0`, `v2.0.0-rc.1`");
    }

    #[test]
    fn a_name_that_is_missing_is_told_with_what_was_meant() {
        insta::assert_snapshot!(chosen(&Wanted::Branch("mian".into())), @"the repository has no branch `mian`; did you mean `main`?");
        insta::assert_snapshot!(chosen(&Wanted::Tag("nightly".into())), @"the repository has no tag `nightly`; it has `main`, `v1.4.0`, `1.10.0`, `v2.0.0-rc.1`");
    }
}
