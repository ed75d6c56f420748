//! What the schema of a build by BuildKit cannot say.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::build::is_reference;
use crate::crd::{BuildDeclaration, BuildKitEngine, Source};
use crate::duration;

/// The shortest time that a build may have: whatever is shorter ends every build.
const DEADLINE_MIN: SignedDuration = SignedDuration::from_secs(10);
/// The longest: a Job counts whole seconds, and nobody waits for longer.
const DEADLINE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// What may stand behind the number of a quantity.
const QUANTITY_SUFFIXES: [&str; 12] = [
    "", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi",
];

/// The field below the engine, what is wrong, and what to write instead.
type Found = (String, String, &'static str);

/// Every problem of the engine itself, and of what it is to build.
pub(super) fn buildkit_problems(
    engine: &BuildKitEngine,
    build: &BuildDeclaration,
    source: Option<&Source>,
) -> Vec<Found> {
    let BuildKitEngine {
        address,
        image,
        namespace: _,
        registry_secret_ref: _,
        git_secret_ref: _,
        tls_secret_ref: _,
        resources,
        deadline,
    } = engine;
    let mut found: Vec<Found> = Vec::new();
    if let Some(words) = source.and_then(|source| not_for_buildkit(&source.git.url)) {
        found.push((String::new(), words.0, words.1));
    }
    if let Some(context) = build.context.as_ref().filter(|it| it.contains('%')) {
        // It would be read as part of an address, where `%41` means `A`.
        let wrong =
            format!("BuildKit reads the `%` of the folder `{context}` as the beginning of a code");
        found.push((String::new(), wrong, "rename the folder"));
    }
    if !is_address(address) {
        let wrong = format!("`{address}` is no address of a daemon that a pod can reach");
        found.push((
            ".address".to_owned(),
            wrong,
            "write it as `tcp://buildkitd.builds:1234`",
        ));
    }
    if let Some(image) = image.as_ref().filter(|it| !is_image(it)) {
        let wrong = format!("`{image}` is no reference of an image");
        let hint = "write it as `moby/buildkit:v0.34.2-rootless`";
        found.push((".image".to_owned(), wrong, hint));
    }
    for (field, all) in resources.iter().flat_map(|resources| {
        [
            ("requests", &resources.requests),
            ("limits", &resources.limits),
        ]
    }) {
        found.extend(quantities(field, all));
    }
    found.extend(deadline.as_ref().and_then(|text| of_deadline(text)));
    found
}

/// Why BuildKit does not fetch from an address, or not from the right server, and what to do.
fn not_for_buildkit(url: &str) -> Option<(String, &'static str)> {
    if url.starts_with("ssh://") {
        let words =
            "the source is reached by ssh, and BuildKit trusts whatever key a server shows there";
        let hint = "use `https`, or `engine.argoWorkflow` with the template `clone-and-build`";
        return Some((words.to_owned(), hint));
    }
    // What follows `?` or `#` means something else to BuildKit; and without `.git` it takes the address for that of a file.
    if url.strip_suffix(".git").is_none() || url.contains(['?', '#']) {
        let words = "the address of the source does not end in `.git`, so BuildKit takes it for that of a file";
        let hint = "write the address with `.git` at its end, as most servers take it, or use \
                    `engine.argoWorkflow` with the template `clone-and-build`";
        return Some((words.to_owned(), hint));
    }
    None
}

/// `tcp://host:port`, and nothing else: a socket or a program would be one of the pod.
fn is_address(address: &str) -> bool {
    let Some((host, port)) = address
        .strip_prefix("tcp://")
        .and_then(|rest| rest.rsplit_once(':'))
    else {
        return false;
    };
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let is_host = match bare {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        }
    };
    is_host && !host.starts_with('-') && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A reference with a tag, a digest, or both.
fn is_image(image: &str) -> bool {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit())
        })
    };
    is_reference(name) && digest.is_none_or(is_digest)
}

fn quantities(field: &str, all: &BTreeMap<String, String>) -> Vec<Found> {
    let wrong = all.iter().filter(|(_, quantity)| !is_quantity(quantity));
    let told = wrong.map(|(name, quantity)| {
        (
            format!(".resources.{field}"),
            format!("`{quantity}` is no quantity of `{name}`"),
            "write it as `100m`, `2` or `64Mi`",
        )
    });
    told.collect()
}

/// A number that is not negative, with a suffix of Kubernetes.
fn is_quantity(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    number.parse::<f64>().is_ok() && QUANTITY_SUFFIXES.contains(&suffix)
}

fn of_deadline(text: &str) -> Option<Found> {
    let (wrong, hint) = match duration::parse(text) {
        None => (
            format!("`{text}` is no duration"),
            "write it as `90s`, `10m` or `1h30m`",
        ),
        Some(deadline) if deadline < DEADLINE_MIN => {
            let words = format!(
                "`{text}` is shorter than {}",
                duration::describe(DEADLINE_MIN)
            );
            (words, "no build would ever end")
        }
        Some(deadline) if deadline > DEADLINE_MAX => {
            let words = format!(
                "`{text}` is longer than {}",
                duration::describe(DEADLINE_MAX)
            );
            (words, "a build that hangs holds its release for as long")
        }
        Some(_) => return None,
    };
    Some((".deadline".to_owned(), wrong, hint))
}

#[cfg(test)]
mod tests {
    use crate::check_plan;
    use crate::crd::ReleasePlanSpec;

    fn problems(url: &str, build: &str, engine: &str) -> String {
        let yaml = format!(
            "source: {{git: {{url: '{url}', ref: {{branch: main}}}}}}
builds:
- {{service: orders, image: 'localhost:5000/shop/orders', {build} engine: {{buildkit: {{{engine}}}}}}}"
        );
        let spec: ReleasePlanSpec = serde_saphyr::from_str(&yaml).expect("a plan");
        let problems: Vec<String> = check_plan(&spec).iter().map(ToString::to_string).collect();
        problems.join("\n")
    }

    const GOOD: &str = "https://example.org/team/shop.git";

    #[test]
    fn a_build_by_a_daemon_in_reach_has_no_problem() {
        let digest = format!("moby/buildkit:v1@sha256:{}", "0".repeat(64));
        for engine in [
            "address: 'tcp://buildkitd.builds:1234'",
            "address: 'tcp://10.0.0.7:1234', image: 'registry:5000/tools/buildctl'",
            "address: 'tcp://[fd00::7]:1234', deadline: 90m, namespace: builds, tlsSecretRef: {name: tls}",
            &format!("address: 'tcp://b:1', image: '{digest}'"),
            "address: 'tcp://b:1', resources: {requests: {cpu: '0.5', memory: 1Gi}, limits: {memory: 128M}}",
        ] {
            assert_eq!(
                problems(GOOD, "context: services/orders,", engine),
                "",
                "{engine}"
            );
        }
    }

    #[test]
    fn every_problem_of_a_build_by_buildkit_is_told_at_once() {
        let engine = "address: 'unix:///run/buildkit.sock', image: 'a b', deadline: 2s,
            resources: {requests: {cpu: '-1', memory: 64MB}, limits: {memory: much}}";
        insta::assert_snapshot!(problems("https://example.org/team/shop", "context: 'a%41',", engine), @r"
        spec.builds[0].engine.buildkit: the address of the source does not end in `.git`, so BuildKit takes it for that of a file [TG0104]; write the address with `.git` at its end, as most servers take it, or use `engine.argoWorkflow` with the template `clone-and-build`
        spec.builds[0].engine.buildkit: BuildKit reads the `%` of the folder `a%41` as the beginning of a code [TG0104]; rename the folder
        spec.builds[0].engine.buildkit.address: `unix:///run/buildkit.sock` is no address of a daemon that a pod can reach [TG0104]; write it as `tcp://buildkitd.builds:1234`
        spec.builds[0].engine.buildkit.image: `a b` is no reference of an image [TG0104]; write it as `moby/buildkit:v0.34.2-rootless`
        spec.builds[0].engine.buildkit.resources.requests: `-1` is no quantity of `cpu` [TG0104]; write it as `100m`, `2` or `64Mi`
        spec.builds[0].engine.buildkit.resources.requests: `64MB` is no quantity of `memory` [TG0104]; write it as `100m`, `2` or `64Mi`
        spec.builds[0].engine.buildkit.resources.limits: `much` is no quantity of `memory` [TG0104]; write it as `100m`, `2` or `64Mi`
        spec.builds[0].engine.buildkit.deadline: `2s` is shorter than 10s [TG0104]; no build would ever end
        ");
        insta::assert_snapshot!(problems("ssh://git@example.org/shop.git", "", "address: 'tcp://b:1', deadline: 25h"), @r"
        spec.builds[0].engine.buildkit: the source is reached by ssh, and BuildKit trusts whatever key a server shows there [TG0104]; use `https`, or `engine.argoWorkflow` with the template `clone-and-build`
        spec.builds[0].engine.buildkit.deadline: `25h` is longer than 24h00m [TG0104]; a build that hangs holds its release for as long
        ");
    }

    #[test]
    fn only_what_a_pod_can_reach_is_an_address() {
        for address in [
            "tcp://buildkitd",
            "tcp://:1234",
            "tcp://b:0",
            "tcp://b:70000",
            "tcp://user@b:1",
            "tcp://b:1/x",
            "tcp://-b:1",
            "tcp://[b]:1",
            "http://b:1",
            "docker-container://b",
            "kube-pod://b",
            "b:1",
            "tcp://b b:1",
            "tcp://b:1 --debug",
        ] {
            let told = problems(GOOD, "", &format!("address: '{address}'"));
            assert!(
                told.contains("is no address of a daemon"),
                "{address}: {told}"
            );
        }
    }

    #[test]
    fn an_address_that_means_something_else_to_buildkit_is_refused() {
        for url in [
            "https://example.org/shop.git?ref=x.git",
            "https://example.org/shop#x.git",
            "https://example.org/shop",
        ] {
            let told = problems(url, "", "address: 'tcp://b:1'");
            assert!(told.contains("does not end in `.git`"), "{url}: {told}");
        }
    }
}
