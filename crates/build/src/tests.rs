//! Names, inputs, and what comes next.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::{
    Build, Built, Found, Next, Progress, Recipe, Seen, Stand, begin, is_digest, next, object_name,
    pinned, repository,
};
use tidegate_spec::ServiceName;
use tidegate_spec::crd::BuildDeclaration;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn recipe(yaml: &str, tree: &str) -> Recipe {
    let text = format!(
        "{{service: orders, image: 'registry:5000/orders', engine: {{argoWorkflow: {{templateRef: {{name: t}}}}}}, {yaml}}}"
    );
    let declaration: BuildDeclaration = serde_saphyr::from_str(&text).expect("a build");
    Recipe::new(
        &declaration,
        ("https://example.org/shop", "0123456789abcdef"),
        tree,
    )
}

#[test]
fn the_input_is_the_same_while_tree_dockerfile_and_arguments_are() {
    let of = |yaml: &str, tree: &str| recipe(yaml, tree).input;
    let first = of("context: a, cache: 'registry/cache'", "tree");
    // Another commit, another folder of the same content, another cache.
    assert_eq!(first, of("context: b", "tree"));
    assert_ne!(first, of("context: a", "other tree"));
    assert_ne!(first, of("dockerfile: Other", "tree"));
    assert_ne!(first, of("arguments: {A: b}", "tree"));
    assert_ne!(first, of("platform: linux/arm64", "tree"));
    assert!(is_digest(&first));
}

#[test]
fn who_builds_is_part_of_the_input_and_where_the_daemon_is_is_not() {
    let of = |engine: &str| {
        let text = format!("{{service: orders, image: registry/orders, engine: {{{engine}}}}}");
        let declaration: BuildDeclaration = serde_saphyr::from_str(&text).expect("a build");
        Recipe::new(
            &declaration,
            ("https://example.org/shop.git", "0123"),
            "tree",
        )
        .input
    };
    let buildkit = of("buildkit: {address: 'tcp://a:1'}");
    assert_eq!(
        buildkit,
        of("buildkit: {address: 'tcp://b:2', image: other, namespace: builds, deadline: 2h}")
    );
    let workflow = of("argoWorkflow: {templateRef: {name: t}}");
    assert_ne!(workflow, buildkit);
    assert_ne!(workflow, of("argoWorkflow: {templateRef: {name: u}}"));
}

#[test]
fn a_recipe_says_what_a_builder_needs() {
    let recipe = recipe("arguments: {B: '2', A: '1'}", "tree");
    assert_eq!(recipe.tagged(), "registry:5000/orders:0123456789ab");
    assert_eq!((recipe.context(), recipe.dockerfile()), (".", "Dockerfile"));
    assert_eq!(recipe.argument_lines(), "A=1\nB=2");
}

#[test]
fn images_are_told_apart_from_their_tags_and_digests() {
    for (image, expected) in [
        ("orders", "orders"),
        ("orders:v1", "orders"),
        ("registry:5000/orders", "registry:5000/orders"),
        ("registry:5000/shop/orders:v1", "registry:5000/shop/orders"),
        ("registry/orders:v1@sha256:ab", "registry/orders"),
        ("registry/orders@sha256:ab", "registry/orders"),
    ] {
        assert_eq!(repository(image), expected);
    }
    assert_eq!(
        pinned("registry/orders", "sha256:ab"),
        "registry/orders@sha256:ab"
    );
    for text in [
        "",
        "sha256:",
        "sha256:0",
        "md5:ab",
        "{{x}}",
        &DIGEST.to_uppercase(),
    ] {
        assert!(!is_digest(text), "{text}");
    }
    assert!(!is_digest(&format!("{DIGEST}\n")));
}

#[test]
fn a_name_follows_from_the_release_and_is_short_enough_for_pods() {
    let name = object_name(("shop-12", "uid-1"), "orders", 0);
    assert_eq!(name, object_name(("shop-12", "uid-1"), "orders", 0));
    assert_snapshot!(name, @"shop-12-orders-cbed949007");
    for other in [
        object_name(("shop-12", "uid-2"), "orders", 0),
        object_name(("shop-12", "uid-1"), "orders", 1),
        object_name(("shop-1", "uid-1"), "2-orders", 0),
    ] {
        assert_ne!(name, other);
    }
    let long = object_name((&"r".repeat(60), "uid"), &"s".repeat(60), 0);
    assert_eq!(long.len(), 52);
    assert!(!object_name(("a.b", "uid"), "c", 0).contains('.'));
}

#[test]
fn what_was_built_before_is_skipped_with_the_reason_and_what_is_known_stays() {
    let service = ServiceName::parse("orders").unwrap();
    let recipe = recipe("context: a", "tree");
    let recipes = BTreeMap::from([(service.clone(), recipe.clone())]);
    let of_release = |release: &str, input: &str| Built {
        input: input.to_owned(),
        image: format!("registry/orders@{release}"),
        release: release.to_owned(),
    };
    let before = [
        of_release("shop-1", &recipe.input),
        of_release("shop-2", &recipe.input),
        of_release("shop-3", "sha256:other"),
    ];
    let begun = begin(&recipes, &BTreeMap::new(), &before);
    let build = &begun[&service];
    assert_eq!(build.stand, Stand::Skipped);
    assert_eq!(build.image.as_deref(), Some("registry/orders@shop-2"));
    assert_snapshot!(build.message, @"nothing that goes in has changed since `shop-2`");

    let running = Build {
        stand: Stand::Running,
        ..Build::waiting(&recipe.input)
    };
    let known = BTreeMap::from([(service.clone(), running.clone())]);
    assert_eq!(begin(&recipes, &known, &before)[&service], running);
    let nothing = begin(&recipes, &BTreeMap::new(), &[]);
    assert_eq!(nothing[&service].stand, Stand::Waiting);
}

/// What comes next, in words. In: where it stands, the uid that is kept, and what is seen.
fn decided(stand: Stand, uid: Option<&str>, seen: &Seen) -> String {
    let build = Build {
        stand,
        uid: uid.map(str::to_owned),
        ..Build::waiting("sha256:input")
    };
    match next(&build, Some(seen)) {
        Next::Fail { reason, message } => format!("{reason}: {message}"),
        Next::Keep { uid, .. } => format!("Keep {uid}"),
        Next::Done { digest } => format!("Done {}", &digest[..11]),
        Next::Tell { message } => format!("Tell {message:?}"),
        other @ (Next::Wait | Next::Create | Next::LetGo | Next::Runs) => format!("{other:?}"),
    }
}

fn found(progress: Progress, is_held: bool) -> Found {
    Found {
        uid: "1".to_owned(),
        is_own: true,
        is_held,
        object: "Workflow/shop/x".to_owned(),
        link: None,
        waits: None,
        progress,
    }
}

#[test]
fn what_a_build_waits_for_is_told_when_it_changes_and_taken_back() {
    let told = |known: &str, waits: Option<&str>| {
        let build = Build {
            stand: Stand::Running,
            uid: Some("1".to_owned()),
            message: known.to_owned(),
            ..Build::waiting("sha256:input")
        };
        let found = Found {
            waits: waits.map(str::to_owned),
            ..found(Progress::Going, false)
        };
        next(&build, Some(&Seen::There(found)))
    };
    let tell = |message: &str| Next::Tell {
        message: message.to_owned(),
    };
    assert_eq!(told("", None), Next::Wait);
    assert_eq!(told("", Some("ErrImagePull")), tell("ErrImagePull"));
    assert_eq!(told("ErrImagePull", Some("ErrImagePull")), Next::Wait);
    assert_eq!(told("ErrImagePull", None), tell(""));
}

/// Where builds stand, the uid that is kept, and what is seen.
fn table() -> Vec<(Stand, Option<&'static str>, Seen)> {
    let going = found(Progress::Going, false);
    let done = |digest: Option<&str>| {
        Seen::There(found(Progress::Succeeded(digest.map(str::to_owned)), false))
    };
    let failed = Progress::Failed {
        reason: "Failed".to_owned(),
        message: "exit code 1".to_owned(),
    };
    let foreign = Found {
        is_own: false,
        ..going.clone()
    };
    vec![
        (Stand::Creating, None, Seen::Absent),
        (
            Stand::Creating,
            None,
            Seen::There(found(Progress::Going, true)),
        ),
        (Stand::Creating, None, Seen::There(foreign)),
        (
            Stand::Beginning,
            Some("1"),
            Seen::There(found(Progress::Going, true)),
        ),
        (Stand::Beginning, Some("1"), Seen::There(going.clone())),
        (Stand::Beginning, Some("1"), Seen::Absent),
        (Stand::Running, Some("1"), Seen::There(going.clone())),
        // Somebody holds it back: theirs to let go.
        (
            Stand::Running,
            Some("1"),
            Seen::There(found(Progress::Going, true)),
        ),
        (Stand::Running, Some("2"), Seen::There(going)),
        (Stand::Running, Some("1"), Seen::Absent),
        (Stand::Running, Some("1"), done(Some(DIGEST))),
        (Stand::Running, Some("1"), done(Some("; rm -rf /"))),
        (Stand::Running, Some("1"), done(None)),
        (Stand::Running, Some("1"), Seen::There(found(failed, false))),
        (Stand::Cancelling, Some("1"), Seen::Absent),
        (Stand::Succeeded, Some("1"), Seen::Absent),
    ]
}

#[test]
fn what_comes_next_for_a_build() {
    let table = table();
    let lines = table.iter().map(|(stand, uid, seen)| {
        let shown = match seen {
            Seen::Absent => "absent".to_owned(),
            Seen::There(found) => {
                let held = if found.is_held { " held" } else { "" };
                let own = if found.is_own { "" } else { " foreign" };
                format!("{}{held}{own} {:?}", found.uid, found.progress)
            }
        };
        let uid = uid.unwrap_or("-");
        let told = decided(*stand, Some(uid).filter(|uid| *uid != "-"), seen);
        format!("{} {uid} | {shown} => {told}", stand.word())
    });
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    Creating - | absent => Create
    Creating - | 1 held Going => Keep 1
    Creating - | 1 foreign Going => NameTaken: an object of its name is there that this release did not make
    Beginning 1 | 1 held Going => LetGo
    Beginning 1 | 1 Going => Runs
    Beginning 1 | absent => Gone: it was deleted before its result was seen
    Running 1 | 1 Going => Wait
    Running 1 | 1 held Going => Wait
    Running 2 | 1 Going => Gone: it was replaced before its result was seen
    Running 1 | absent => Gone: it was deleted before its result was seen
    Running 1 | 1 Succeeded(Some("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")) => Done sha256:0123
    Running 1 | 1 Succeeded(Some("; rm -rf /")) => NoDigest: it has ended well and what it gives as digest is none
    Running 1 | 1 Succeeded(None) => NoDigest: it has ended well and gives no digest of an image
    Running 1 | 1 Failed { reason: "Failed", message: "exit code 1" } => Failed: exit code 1
    Cancelling 1 | absent => Wait
    Succeeded 1 | absent => Wait
    "#);
}
