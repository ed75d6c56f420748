//! Whether the fields that a completion rule asks for exist, where the definition of its kind is among the manifests.
//!
//! In: the rules of the graph and the objects. Out: a problem for each field that the schema does not have: the rule
//! would wait for ever.

use kube_cel::cel::common::ast::{Expr, IdedExpr};
use serde_json::Value;

use super::object::Object;
use tidegate_spec::cel_rule::{parts, with_cel_rule};
use tidegate_spec::crd::CompletionRule;
use tidegate_spec::{Code, Problem, did_you_mean};

/// Every field of a rule that its kind does not have. A rule that is no CEL is told elsewhere.
pub fn unknown_fields(rules: &[CompletionRule], objects: &[Object]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let Some(schema) = schema(rule, objects) else {
            continue;
        };
        let texts = [
            ("complete", Some(&rule.complete)),
            ("failed", rule.failed.as_ref()),
            ("paused", rule.paused.as_ref()),
        ];
        for (field, text) in texts {
            let missing = text.and_then(|text| {
                let first = with_cel_rule(text, |rule| {
                    let mut paths = Vec::new();
                    collect(rule.program.expression(), &mut paths);
                    paths.iter().find_map(|path| missing(schema, path))
                });
                first.ok().flatten()
            });
            if let Some((path, near)) = missing {
                let wrong = format!("a {} has no field `object.{path}`", rule.kind);
                let path = format!("spec.completion[{index}].{field}");
                let problem = Problem::error(Code::InvalidValue, path, wrong);
                problems.push(match near {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }
    problems
}

/// The schema of a rule's kind; that of the version it names, if there is that one.
fn schema<'a>(rule: &CompletionRule, objects: &'a [Object]) -> Option<&'a Value> {
    let (group, version) = rule.api_version.split_once('/')?;
    let text = |object: &'a Object, path: &str| object.value.pointer(path).and_then(Value::as_str);
    let definition = objects.iter().find(|object| {
        object.reference.kind == "CustomResourceDefinition"
            && text(object, "/spec/group") == Some(group)
            && text(object, "/spec/names/kind") == Some(rule.kind.as_str())
    })?;
    let versions = definition.value.pointer("/spec/versions")?.as_array()?;
    let named = versions
        .iter()
        .find(|it| it.get("name").and_then(Value::as_str) == Some(version));
    named
        .or_else(|| versions.first())?
        .pointer("/schema/openAPIV3Schema")
}

/// The fields of `object` that an expression asks for, each as its path.
fn collect<'a>(expression: &'a IdedExpr, paths: &mut Vec<Vec<&'a str>>) {
    match (&expression.expr, chain(expression)) {
        (Expr::Select(_), Some(path)) => paths.push(path),
        _ => {
            for part in parts(expression) {
                collect(part, paths);
            }
        }
    }
}

/// `object.a.b` as its fields.
fn chain(expression: &IdedExpr) -> Option<Vec<&str>> {
    match &expression.expr {
        Expr::Ident(name) if name == "object" => Some(Vec::new()),
        Expr::Select(select) => {
            let mut path = chain(&select.operand)?;
            path.push(&select.field);
            Some(path)
        }
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_) => None,
    }
}

/// The path up to its first field that the schema does not have, and the field that was probably meant.
fn missing(schema: &Value, path: &[&str]) -> Option<(String, Option<String>)> {
    let mut node = schema;
    for (depth, field) in path.iter().enumerate() {
        if depth == 0 && matches!(*field, "apiVersion" | "kind" | "metadata") {
            return None;
        }
        // What has no fields of its own written down may have any.
        let fields = node.get("properties")?.as_object()?;
        let Some(next) = fields.get(*field) else {
            let is_open = node.get("x-kubernetes-preserve-unknown-fields")
                == Some(&Value::Bool(true))
                || node.get("additionalProperties").is_some();
            let so_far: Vec<_> = path.iter().take(depth + 1).copied().collect();
            let near = did_you_mean(field, fields.keys().map(String::as_str));
            return (!is_open).then(|| (so_far.join("."), near.map(str::to_owned)));
        };
        node = next;
    }
    None
}
