//! Rule 4: a ConfigMap, Secret, claim or account belongs to the one service whose pods need it.
//!
//! What several need belongs to none, even against its label: whichever service goes first must find it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Assigning, only};
use crate::object::Object;
use crate::reference::{each, references};
use tidegate_spec::ServiceName;

/// By object: the owners of what refers to it; `None` stands for what belongs to no service.
type Users<'a> = BTreeMap<usize, BTreeSet<Option<&'a ServiceName>>>;

const RBAC: &str = "rbac.authorization.k8s.io";

impl<'a> Assigning<'a> {
    pub(super) fn by_reference(&mut self) {
        // Accounts first, since they refer to Secrets in turn.
        for accounts in [true, false] {
            let mut users = Users::new();
            for (number, object) in self.objects.iter().enumerate() {
                for (kind, name) in references(object) {
                    let target = self.index.get(&("", kind, name.as_str()));
                    if let Some(target) = target.filter(|_| (kind == "ServiceAccount") == accounts)
                    {
                        users.entry(*target).or_default().insert(self.owner(number));
                    }
                }
            }
            self.settle(&users);
        }
        self.bindings();
        self.roles();
    }

    fn settle(&mut self, users: &Users<'a>) {
        for (target, users) in users {
            let own = self.owner(*target);
            // A headless Service is found by its selector, and others may well call it.
            if own.is_some() && self.is_kind(*target, "Service") {
                continue;
            }
            let user = only(users).flatten();
            let owner = if own.is_none() || own == user {
                user
            } else {
                None
            };
            self.set_owner(*target, owner);
        }
    }

    fn is_kind(&self, number: usize, kind: &str) -> bool {
        self.objects
            .get(number)
            .is_some_and(|object| object.reference.kind == kind)
    }

    /// A binding belongs to the service whose accounts alone it binds.
    fn bindings(&mut self) {
        for (number, object) in self.unowned() {
            if is_binding(object) {
                let subjects: BTreeSet<_> = each(&object.value, "subjects")
                    .map(|it| self.subject(it))
                    .collect();
                self.set_owner(number, only(&subjects).flatten());
            }
        }
    }

    fn subject(&self, subject: &Value) -> Option<&'a ServiceName> {
        let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("kind") != "ServiceAccount" {
            return None;
        }
        let number = self.index.get(&("", "ServiceAccount", text("name")))?;
        let here = text("namespace").is_empty() || text("namespace") == self.namespace;
        self.owner(*number).filter(|_| here)
    }

    /// A role belongs to the service whose bindings alone name it.
    fn roles(&mut self) {
        let mut users = Users::new();
        for (number, object) in self.objects.iter().enumerate() {
            let text = |key: &str| object.value.get("roleRef")?.get(key)?.as_str();
            let role = text("kind")
                .zip(text("name"))
                .filter(|_| is_binding(object));
            if let Some(role) = role.and_then(|(kind, name)| self.index.get(&(RBAC, kind, name))) {
                users.entry(*role).or_default().insert(self.owner(number));
            }
        }
        self.settle(&users);
    }
}

fn is_binding(object: &Object) -> bool {
    object.reference.group() == RBAC
        && matches!(
            object.reference.kind.as_str(),
            "RoleBinding" | "ClusterRoleBinding"
        )
}
