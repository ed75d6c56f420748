//! Completion rules against the definition of their kind.

use super::super::unknown_fields;
use super::manifests_of;
use tidegate_spec::crd::CompletionRule;

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            properties:
              state: {type: string}
              parts: {type: array, items: {type: object}}
              labels: {type: object, additionalProperties: {type: string}}
";

fn told(rule: &str) -> String {
    let rules = [CompletionRule {
        api_version: "example.com/v1".to_owned(),
        kind: "Widget".to_owned(),
        complete: rule.to_owned(),
        failed: None,
        paused: None,
    }];
    let problems = unknown_fields(&rules, &manifests_of(WIDGETS).objects);
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_field_that_a_kind_does_not_have_is_told() {
    insta::assert_snapshot!(told("object.status.stat == 'made'"), @"spec.completion[0].complete: a Widget has no field `object.status.stat` [TG0104]; did you mean `state`?");
    insta::assert_snapshot!(told("has(object.stauts) && object.status.state == 'made'"), @"spec.completion[0].complete: a Widget has no field `object.stauts` [TG0104]; did you mean `status`?");
    insta::assert_snapshot!(told("object.status.parts.exists(part, object.status.redy)"), @"spec.completion[0].complete: a Widget has no field `object.status.redy` [TG0104]");
    for good in [
        "object.status.state == 'made' && object.metadata.name != ''",
        "has(object.status) && object.spec.anything.at.all",
        "object.status.labels.done == 'yes'",
        "object.status.parts.all(part, part.ready)",
        "this is no CEL",
    ] {
        assert_eq!(told(good), "", "{good}");
    }
}
