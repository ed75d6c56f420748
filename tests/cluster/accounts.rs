//! Accounts with few rights: what a test gives, and how the program gets to be one of them.

use std::path::PathBuf;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::PostParams;
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Space;

/// What the account of a plan needs: it reads what gates look at, and writes Services and these workloads.
pub(crate) fn rights_of_a_plan(workload_verbs: &[&str]) -> Value {
    let (reads, writes) = (["get", "list", "watch"], ["create", "patch"]);
    json!([
        {"apiGroups": ["", "apps", "batch", "discovery.k8s.io"], "resources": ["*"], "verbs": reads},
        {"apiGroups": [""], "resources": ["services"], "verbs": writes},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": workload_verbs},
    ])
}

/// What the controller itself needs: its own objects, and to act as the accounts of plans.
pub(crate) fn rights_of_the_controller() -> Value {
    json!([
        {"apiGroups": ["tidegate.dev"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
         "verbs": ["get", "create", "patch", "update"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]},
    ])
}

impl Space {
    /// Makes an account that may do this in the namespace, and nothing else.
    pub(crate) async fn account(&self, name: &str, rules: &Value) {
        let metadata = json!({"name": name});
        self.create::<ServiceAccount>(json!({"metadata": metadata}))
            .await;
        self.create::<Role>(json!({"metadata": metadata, "rules": rules}))
            .await;
        self.create::<RoleBinding>(json!({
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.namespace}],
        }))
        .await;
    }

    /// The name of an account in requests.
    pub(crate) fn user(&self, account: &str) -> String {
        format!("system:serviceaccount:{}:{account}", self.namespace)
    }

    /// A kubeconfig that makes the program that account, in a folder that the caller keeps.
    pub(crate) async fn kubeconfig_of(&self, account: &str) -> (TempDir, PathBuf) {
        let request: TokenRequest =
            serde_json::from_value(json!({"spec": {"audiences": []}})).unwrap();
        let token = self
            .api::<ServiceAccount>()
            .create_token_request(account, &PostParams::default(), &request)
            .await
            .unwrap();
        let admin = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let cluster = serde_json::to_value(&admin.clusters).unwrap();
        let context = admin.current_context.unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": cluster,
            "users": [{"name": account, "user": {"token": token.status.unwrap().token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": account}}],
            "current-context": context,
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        (folder, path)
    }
}
