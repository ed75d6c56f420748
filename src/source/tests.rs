//! Trees made of Git's own objects, read as a source is.

use git2::{Oid, Repository, Signature};
use tempfile::TempDir;

use super::error::SourceError;
use super::fetch::Cache;
use super::limits::{Limits, jittered};
use super::tree::read;

/// A repository without a work tree, and the root of one commit in it.
struct Scene {
    _folder: TempDir,
    repository: Repository,
}

/// What stands at a path.
enum Entry<'a> {
    File(&'a str),
    Link(&'a str),
    Submodule,
    Folder(Vec<(&'a str, Self)>),
}

use Entry::{File, Folder, Link, Submodule};

impl Scene {
    fn new() -> Self {
        libgit2_settings::settle().expect("settings");
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::init_bare(folder.path()).expect("a repository");
        Self {
            _folder: folder,
            repository,
        }
    }

    fn tree(&self, entries: &[(&str, Entry<'_>)]) -> Oid {
        let mut builder = self.repository.treebuilder(None).expect("a tree");
        for (name, entry) in entries {
            let blob = |text: &str| self.repository.blob(text.as_bytes()).expect("a blob");
            let (id, mode) = match entry {
                File(text) => (blob(text), 0o100_644),
                Link(target) => (blob(target), 0o120_000),
                Submodule => (Oid::from_bytes(&[7; 20]).expect("an id"), 0o160_000),
                Folder(entries) => (self.tree(entries), 0o040_000),
            };
            builder.insert(name, id, mode).expect("an entry");
        }
        builder.write().expect("a tree")
    }

    fn commit(&self, entries: &[(&str, Entry<'_>)]) -> Oid {
        let tree = self
            .repository
            .find_tree(self.tree(entries))
            .expect("the tree");
        let author = Signature::now("a", "a@localhost").expect("an author");
        let commit = self
            .repository
            .commit(None, &author, &author, "a commit", &tree, &[]);
        commit.expect("a commit")
    }

    fn read(
        &self,
        entries: &[(&str, Entry<'_>)],
        path: Option<&str>,
        limits: &Limits,
    ) -> Result<Vec<String>, SourceError> {
        let texts = read(&self.repository, self.commit(entries), path, limits)?;
        Ok(texts.into_iter().map(|text| text.file).collect())
    }

    fn refused(&self, entries: &[(&str, Entry<'_>)], path: Option<&str>) -> String {
        let found = self.read(entries, path, &Limits::default());
        found.expect_err("it is refused").to_string()
    }
}

#[test]
fn manifests_below_the_path_are_read_in_the_order_of_their_names() {
    let scene = Scene::new();
    let entries = [
        (
            "deploy",
            Folder(vec![
                ("b.yaml", File("b: 1")),
                (
                    "a",
                    Folder(vec![("z.YML", File("z: 1")), ("README.md", File("#"))]),
                ),
                (".hidden.yaml", File("no")),
            ]),
        ),
        ("other.yaml", File("no")),
        ("link", Link("/etc")),
    ];
    let read = scene.read(&entries, Some("deploy"), &Limits::default());
    assert_eq!(
        read,
        Ok(vec![
            "deploy/a/z.YML".to_owned(),
            "deploy/b.yaml".to_owned()
        ])
    );
    let one = scene.read(&entries, Some("deploy/b.yaml"), &Limits::default());
    assert_eq!(one, Ok(vec!["deploy/b.yaml".to_owned()]));
}

#[test]
fn nothing_leads_out_of_the_tree() {
    let scene = Scene::new();
    let deploy = |name, entry| [("deploy", Folder(vec![(name, entry)]))];
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let refused = [
        scene.refused(&deploy("a.yaml", Link("/etc/passwd")), Some("deploy")),
        scene.refused(&deploy("more", Link("../..")), Some("deploy")),
        scene.refused(&deploy("lib", Submodule), Some("deploy")),
        scene.refused(&deploy("big.yaml", File(pointer)), Some("deploy")),
        scene.refused(&[("deploy", Link("elsewhere"))], Some("deploy")),
        scene.refused(&deploy("a.yaml", File("a: 1")), Some("deploy/prod")),
        scene.refused(&deploy("a.yaml", File("a: 1")), Some("deploy/a.yaml/b")),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r"
    `deploy/a.yaml` is a symbolic link, which is not followed; put the file itself there, or leave the link out of `path`
    `deploy/more` is a symbolic link, which is not followed; put the file itself there, or leave the link out of `path`
    `deploy/lib` is a submodule, which is not fetched; put the files themselves there, or leave it out of `path`
    `deploy/big.yaml` is kept in Git LFS, and only its pointer is in the repository; keep manifests in Git itself
    `deploy` is a symbolic link, which is not followed; put the file itself there, or leave the link out of `path`
    `deploy/prod` is not there in this commit; correct `spec.source.git.path`, or add it to the repository
    `deploy/a.yaml` is no folder; correct `spec.source.git.path`
    ");
}

#[test]
fn every_limit_is_named_where_it_is_met() {
    let scene = Scene::new();
    let entries = [
        ("a.yaml", File("a: 1")),
        ("b.yaml", File("b: 1")),
        (
            "c",
            Folder(vec![("d", Folder(vec![("e.yaml", File("e: 1"))]))]),
        ),
    ];
    let with = |limits: Limits| {
        let found = scene.read(&entries, None, &limits);
        found.expect_err("it is refused").to_string()
    };
    let all = Limits::default();
    let refused = [
        with(Limits { entries: 2, ..all }),
        with(Limits { depth: 1, ..all }),
        with(Limits {
            total_bytes: 6,
            ..all
        }),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r"
    files and folders in the source beyond the limit of 2
    folders that nest below `c/d` beyond the limit of 1
    the files up to `b.yaml` take 8 bytes together, beyond the limit of 6 bytes
    ");
}

#[test]
fn those_who_wait_equally_long_do_not_come_at_one_moment() {
    let interval = std::time::Duration::from_mins(1);
    let bounds = [0.0, 0.5, 1.0].map(|chance| jittered(interval, chance).as_secs());
    assert_eq!(bounds, [54, 60, 66]);
}

#[test]
fn a_folder_is_known_by_its_digest_and_must_hold_its_dockerfile() {
    let scene = Scene::new();
    let docker = || ("Dockerfile", File("FROM scratch"));
    let orders = |code: &'static str| Folder(vec![docker(), ("main.c", File(code))]);
    let services = |code| ("services", Folder(vec![("orders", orders(code))]));
    let first = scene.commit(&[services("1"), ("other", File("1"))]);
    let other = scene.commit(&[services("1"), ("other", File("2"))]);
    let changed = scene.commit(&[services("2"), ("other", File("1"))]);
    let cache = Cache::new(scene.repository.path().to_owned(), Limits::default());
    let of = |commit: Oid, context: Option<&str>, dockerfile: &str| {
        let found = cache.tree_digest(&commit.to_string(), ("spec.builds[0]", context), dockerfile);
        found.map_err(|error| error.to_string())
    };
    let orders = Some("services/orders");
    let digest = of(first, orders, "Dockerfile").expect("a digest");
    assert_eq!(of(other, orders, "Dockerfile"), Ok(digest.clone()));
    assert_ne!(of(changed, orders, "Dockerfile"), Ok(digest));
    assert!(of(first, None, "services/orders/Dockerfile").is_ok());
    let wrong = [
        of(first, Some("services/order"), "Dockerfile"),
        of(first, Some("other"), "Dockerfile"),
        of(first, orders, "Dockerfile.prod"),
        of(first, None, "services"),
    ];
    let wrong: Vec<String> = wrong.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(wrong.join("\n"), @r"
    `services/order` is not there in this commit; correct `spec.builds[0].context`, or add it to the repository
    `other` is no folder in this commit; correct `spec.builds[0].context`, or add it to the repository
    `services/orders/Dockerfile.prod` is not there in this commit; correct `spec.builds[0].dockerfile`, or add it to the repository
    `services` is no file; correct `spec.builds[0].dockerfile`, or add it to the repository
    ");
}
