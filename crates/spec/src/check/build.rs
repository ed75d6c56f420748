//! What the schema of a plan's builds cannot say.

use std::collections::BTreeMap;

use super::buildkit::buildkit_problems;
use crate::crd::{ArgoWorkflowEngine, BuildDeclaration, ReleasePlanSpec, Source};
use crate::{Code, Problem, ServiceName};

/// The parameters that a Workflow gets from tidegate itself.
pub const OWN_PARAMETERS: [&str; 8] = [
    "repo",
    "revision",
    "context",
    "dockerfile",
    "image",
    "cache-image",
    "platform",
    "build-args",
];

/// Every problem of a plan's builds.
pub(super) fn check_builds(spec: &ReleasePlanSpec) -> Vec<Problem> {
    let mut checker = Checker::default();
    for (index, build) in spec.builds.iter().enumerate() {
        checker.path = format!("spec.builds[{index}]");
        checker.build(build, spec.source.as_ref());
    }
    if !spec.builds.is_empty() && spec.source.is_none() {
        "spec".clone_into(&mut checker.path);
        checker.report(
            "builds",
            "there is nothing to build from: the plan has no source",
            "add `source.git`, or leave `builds` out and write images that exist",
        );
    }
    checker.problems
}

#[derive(Default)]
struct Checker<'a> {
    path: String,
    problems: Vec<Problem>,
    services: BTreeMap<&'a str, String>,
    images: BTreeMap<&'a str, String>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, field: &str, wrong: impl Into<String>, hint: &str) {
        let path = format!("{}.{field}", self.path);
        let problem = Problem::error(Code::InvalidValue, path, wrong).hint(hint);
        self.problems.push(problem);
    }

    fn build(&mut self, build: &'a BuildDeclaration, source: Option<&Source>) {
        if let Err(error) = ServiceName::parse(&build.service) {
            let wrong = format!("the name `{}` {error}", build.service);
            self.report("service", wrong, "write the name of a service of the graph");
        }
        let first = self.services.insert(&build.service, self.path.clone());
        if let Some(first) = first {
            let wrong = format!("`{}` is built twice; the first is {first}", build.service);
            let problem = Problem::error(
                Code::DuplicateService,
                format!("{}.service", self.path),
                wrong,
            );
            self.problems
                .push(problem.hint("a service has one build; leave one of the two out"));
        }
        let first = self.images.insert(&build.image, self.path.clone());
        if let Some(first) = first {
            let wrong = format!("`{}` is built twice; the first is {first}", build.image);
            let hint = "services that run one image share one build: leave one of the two out";
            self.report("image", wrong, hint);
        }
        self.image("image", &build.image);
        for (field, path) in [
            ("context", &build.context),
            ("dockerfile", &build.dockerfile),
        ] {
            if let Some(path) = path.as_ref().filter(|path| !is_plain_path(path)) {
                let wrong = format!("`{path}` is no plain path");
                let hint = "write it without `.`, `..` or a `/` at either end";
                self.report(field, wrong, hint);
            }
        }
        for (name, value) in &build.arguments {
            if !is_argument_name(name) {
                let wrong = format!("`{name}` is no name of a build argument");
                self.report("arguments", wrong, "write letters, digits and `_`");
            }
            if value.contains(['\n', '\r']) {
                let wrong = format!("the value of `{name}` has more than one line");
                self.report(
                    "arguments",
                    wrong,
                    "put long texts into a file of the context",
                );
            }
        }
        if let Some(platform) = build.platform.as_ref().filter(|it| !is_platform(it)) {
            let wrong = format!("`{platform}` is no platform");
            self.report("platform", wrong, "write it as `linux/amd64`");
        }
        if let Some(cache) = build.cache.as_ref().filter(|it| !is_reference(it)) {
            let wrong = format!("`{cache}` is no reference of an image");
            let hint = "write it as `registry.example/shop/orders-cache`, with a tag if need be";
            self.report("cache", wrong, hint);
        }
        // That there is exactly one, the schema says.
        if let Some(engine) = &build.engine.argo_workflow {
            self.argo_workflow(engine);
        }
        if let Some(engine) = &build.engine.buildkit {
            for (field, wrong, hint) in buildkit_problems(engine, build, source) {
                self.report(&format!("engine.buildkit{field}"), wrong, hint);
            }
        }
    }

    fn image(&mut self, field: &str, image: &str) {
        if image.contains('@') || has_tag(image) {
            let wrong = format!("`{image}` has a tag or a digest");
            let hint = "leave it out: each build gets a tag of its own, and pods get the digest";
            self.report(field, wrong, hint);
        } else if !is_reference(image) {
            let wrong = format!("`{image}` is no name of an image");
            let hint = "write it as `registry.example/shop/orders`, in lower case";
            self.report(field, wrong, hint);
        }
    }

    fn argo_workflow(&mut self, engine: &ArgoWorkflowEngine) {
        for name in engine.parameters.keys() {
            if OWN_PARAMETERS.contains(&name.as_str()) {
                let wrong = format!("`{name}` is given by tidegate itself");
                let hint = "it follows from the build; leave it out here";
                self.report("engine.argoWorkflow.parameters", wrong, hint);
            }
        }
        if let Some(ui) = &engine.ui
            && !(ui.starts_with("https://") || ui.starts_with("http://"))
        {
            let wrong = format!("`{ui}` is no address of a page");
            let hint = "write it as `https://argo.example.org`";
            self.report("engine.argoWorkflow.ui", wrong, hint);
        }
    }
}

fn is_plain_path(path: &str) -> bool {
    !path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
        && !path.contains(char::is_control)
}

fn is_argument_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_platform(platform: &str) -> bool {
    let parts: Vec<&str> = platform.split('/').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// Whether the last part of an image's name has a tag: a `:` before that is a port.
fn has_tag(image: &str) -> bool {
    image
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':') && image.contains('/'))
}

/// Whether a text is made of what names of images are made of: no white space, nothing that a shell or a template reads.
pub(super) fn is_reference(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    let name = text.split_once('/').map_or(text, |(_, name)| name);
    text.chars().all(allowed)
        && text.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
        })
        && !name
            .split(':')
            .next()
            .is_some_and(|name| name.contains(|c: char| c.is_ascii_uppercase()))
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

    const SOURCE: &str = "source: {git: {url: 'https://example.org/shop', ref: {branch: main}}}";

    #[test]
    fn a_plain_build_has_no_problem() {
        let yaml = format!(
            "{SOURCE}
builds:
- {{service: orders, context: services/orders, image: 'localhost:5000/shop/orders', arguments: {{GO_VERSION: '1.26'}},
   cache: 'localhost:5000/shop/orders:cache', platform: linux/arm64/v8, engine: {{argoWorkflow: {{templateRef: {{name: build-image}}, ui: 'https://argo.example.org'}}}}}}"
        );
        assert_eq!(problems(&yaml), "");
    }

    #[test]
    fn every_problem_of_builds_is_told_at_once() {
        let yaml = "
builds:
- service: orders
  context: ../orders
  dockerfile: /Dockerfile
  image: registry.example/orders:v1
  arguments: {'A B': x}
  platform: amd64
  cache: 'a b'
  engine: {argoWorkflow: {templateRef: {name: t}, parameters: {image: x}, ui: argo}}
- {service: orders, image: 'Registry/Orders', engine: {argoWorkflow: {templateRef: {name: t}}}}";
        insta::assert_snapshot!(problems(yaml), @r"
        spec.builds[0].image: `registry.example/orders:v1` has a tag or a digest [TG0104]; leave it out: each build gets a tag of its own, and pods get the digest
        spec.builds[0].context: `../orders` is no plain path [TG0104]; write it without `.`, `..` or a `/` at either end
        spec.builds[0].dockerfile: `/Dockerfile` is no plain path [TG0104]; write it without `.`, `..` or a `/` at either end
        spec.builds[0].arguments: `A B` is no name of a build argument [TG0104]; write letters, digits and `_`
        spec.builds[0].platform: `amd64` is no platform [TG0104]; write it as `linux/amd64`
        spec.builds[0].cache: `a b` is no reference of an image [TG0104]; write it as `registry.example/shop/orders-cache`, with a tag if need be
        spec.builds[0].engine.argoWorkflow.parameters: `image` is given by tidegate itself [TG0104]; it follows from the build; leave it out here
        spec.builds[0].engine.argoWorkflow.ui: `argo` is no address of a page [TG0104]; write it as `https://argo.example.org`
        spec.builds[1].service: `orders` is built twice; the first is spec.builds[0] [TG0122]; a service has one build; leave one of the two out
        spec.builds[1].image: `Registry/Orders` is no name of an image [TG0104]; write it as `registry.example/shop/orders`, in lower case
        spec.builds: there is nothing to build from: the plan has no source [TG0104]; add `source.git`, or leave `builds` out and write images that exist
        ");
    }
}
