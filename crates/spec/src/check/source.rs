//! What the schema of a source and of a schedule cannot say.

use jiff::SignedDuration;

use crate::crd::{GitSource, ReleasePlanSpec};
use crate::{Code, GitAddress, Problem, Timetable, duration};

/// The shortest time between two looks at a repository: more often is a burden to whoever serves it.
const INTERVAL_MIN: SignedDuration = SignedDuration::from_secs(5);

/// Every problem of a plan's source and schedule.
pub(super) fn check_source(spec: &ReleasePlanSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |path: &str, wrong: String, hint: String| {
        problems.push(Problem::error(Code::InvalidValue, path, wrong).hint(hint));
    };
    if let Some(source) = &spec.source {
        check_git(&source.git, &mut wrong);
    }
    if let Some(schedule) = &spec.schedule {
        if let Err(error) = Timetable::of(schedule) {
            wrong(
                &format!("spec.schedule.{}", error.field),
                error.wrong,
                error.hint,
            );
        }
        if spec.source.is_none() {
            let words = "there is a schedule and no source that could be released then";
            let hint =
                "add `source`, or leave `schedule` out and start `tidegate run -f` from a CronJob";
            wrong("spec.schedule", words.to_owned(), hint.to_owned());
        }
    }
    problems
}

fn check_git(git: &GitSource, wrong: &mut impl FnMut(&str, String, String)) {
    // The address itself is not repeated: it may hold what nobody should see.
    if let Err((words, hint)) = GitAddress::parse(&git.url) {
        wrong("spec.source.git.url", words, hint);
    }
    if let Some(range) = &git.reference.semver
        && let Err(error) = semver::VersionReq::parse(range)
    {
        let words = format!("`{range}` is no range of versions: {error}");
        wrong(
            "spec.source.git.ref.semver",
            words,
            "write it as `^1.4` or `>=1.4, <2`".to_owned(),
        );
    }
    for (field, name) in [
        ("branch", &git.reference.branch),
        ("tag", &git.reference.tag),
    ] {
        if let Some(name) = name.as_ref().filter(|name| !is_reference_name(name)) {
            let hint = if name.starts_with("refs/") {
                "leave out what stands before the name"
            } else {
                "write the name alone, for instance `main`"
            };
            let words = format!("`{name}` is no name of a {field}");
            wrong(
                &format!("spec.source.git.ref.{field}"),
                words,
                hint.to_owned(),
            );
        }
    }
    if let Some(path) = &git.path
        && path
            .split('/')
            .any(|part| part.is_empty() || part == "." || part == "..")
    {
        let words = format!("`{path}` is no plain path within a repository");
        let hint =
            "write it from the root of the repository, without `.`, `..` or a `/` at either end";
        wrong("spec.source.git.path", words, hint.to_owned());
    }
    if let Some(text) = &git.interval {
        match duration::parse(text) {
            None => wrong(
                "spec.source.git.interval",
                format!("`{text}` is no duration"),
                "write it as `90s`, `10m` or `1h30m`".to_owned(),
            ),
            Some(interval) if interval < INTERVAL_MIN => wrong(
                "spec.source.git.interval",
                format!(
                    "`{text}` is shorter than {}",
                    duration::describe(INTERVAL_MIN)
                ),
                "a longer interval spares the server".to_owned(),
            ),
            Some(_) => {}
        }
    }
}

/// A part of git's rules (`git help check-ref-format`), so that a name can be nothing but a name in a refspec.
fn is_reference_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !(name.is_empty()
        || name.starts_with(['/', '-', '.'])
        || name.starts_with("refs/")
        || name.ends_with(['/', '.'])
        || name.contains("..")
        || name.contains("//")
        || name.contains("@{")
        || name.contains(forbidden))
}

#[cfg(test)]
mod tests {
    use crate::check_plan;
    use crate::crd::ReleasePlanSpec;

    fn problems(yaml: &str) -> String {
        let spec: ReleasePlanSpec = serde_saphyr::from_str(yaml).expect("a plan");
        let problems: Vec<String> = check_plan(&spec).iter().map(ToString::to_string).collect();
        problems.join("\n")
    }

    #[test]
    fn a_plain_source_has_no_problem() {
        let yaml = "{source: {git: {url: 'https://example.org/shop', ref: {branch: feature/x-1}, path: deploy/prod, interval: 30s}}, schedule: {cron: '30 2 * * Mon-Fri', timeZone: Europe/Berlin}}";
        assert_eq!(problems(yaml), "");
    }

    #[test]
    fn every_problem_of_a_source_is_told_at_once() {
        let yaml = "
source:
  git:
    url: http://example.org/shop
    ref: {branch: '+refs/heads/*:refs/x', semver: one}
    path: ../secrets
    interval: 1s
schedule: {cron: '* * * * 1', timeZone: UTC}";
        insta::assert_snapshot!(problems(yaml), @r"
        spec.source.git.url: `http` shows what is released, and the token, to everybody on the way [TG0104]; use `https`, with `ca.crt` in the Secret where the server has an authority of its own
        spec.source.git.ref.semver: `one` is no range of versions: unexpected character 'o' while parsing major version number [TG0104]; write it as `^1.4` or `>=1.4, <2`
        spec.source.git.ref.branch: `+refs/heads/*:refs/x` is no name of a branch [TG0104]; write the name alone, for instance `main`
        spec.source.git.path: `../secrets` is no plain path within a repository [TG0104]; write it from the root of the repository, without `.`, `..` or a `/` at either end
        spec.source.git.interval: `1s` is shorter than 5.0s [TG0104]; a longer interval spares the server
        spec.schedule.cron: `1` gives weekdays as numbers, and crons disagree on which day is 1 [TG0104]; write their names, for instance `Mon-Fri`
        ");
        insta::assert_snapshot!(problems("{schedule: {cron: '0 2 * * *'}}"), @"spec.schedule: there is a schedule and no source that could be released then [TG0104]; add `source`, or leave `schedule` out and start `tidegate run -f` from a CronJob");
    }
}
