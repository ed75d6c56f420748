//! Kinds that are done when they are stored; completion.md §4.16. The list is closed: what is not in it has to say
//! itself that it is done.

/// Whether objects of a kind do nothing by themselves.
pub(super) fn is_inert(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(
            kind,
            "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "LimitRange"
                | "ResourceQuota"
                | "PodTemplate"
        ),
        "rbac.authorization.k8s.io" => {
            matches!(
                kind,
                "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding"
            )
        }
        "networking.k8s.io" => matches!(kind, "NetworkPolicy" | "IngressClass"),
        "scheduling.k8s.io" => kind == "PriorityClass",
        "storage.k8s.io" => matches!(kind, "StorageClass" | "CSIDriver"),
        "admissionregistration.k8s.io" => matches!(
            kind,
            "ValidatingWebhookConfiguration"
                | "MutatingWebhookConfiguration"
                | "ValidatingAdmissionPolicyBinding"
                | "MutatingAdmissionPolicy"
                | "MutatingAdmissionPolicyBinding"
        ),
        "node.k8s.io" => kind == "RuntimeClass",
        "argoproj.io" => matches!(
            kind,
            "WorkflowTemplate"
                | "ClusterWorkflowTemplate"
                | "AnalysisTemplate"
                | "ClusterAnalysisTemplate"
        ),
        "flagger.app" => matches!(kind, "MetricTemplate" | "AlertProvider"),
        "tekton.dev" => matches!(kind, "Task" | "Pipeline"),
        "gateway.networking.k8s.io" => kind == "ReferenceGrant",
        _ => false,
    }
}
