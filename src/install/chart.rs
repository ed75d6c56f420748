//! The Helm chart: the same files, with templates in their places.

use super::fill::{
    APPROVALS, CONTROLLER, DRIVE_ALL, PLAN_ACCOUNT, Place, RIGHTS, SEE_ALL, SEE_ONE, filled,
};

const CHART: &str = include_str!("helm/Chart.yaml");
const VALUES: &str = include_str!("helm/values.yaml");
const SCHEMA: &str = include_str!("helm/values.schema.json");
const NOTES: &str = include_str!("helm/NOTES.txt");

/// The files of the chart by their paths in it.
///
/// In: the custom resource definitions as YAML.
pub fn chart(definitions: &str) -> Vec<(&'static str, String)> {
    let system = (Place::System, "{{ $.Release.Namespace }}");
    let of_system = |file: &str| filled(file, &[system]);
    let when =
        |reach: &str, body: &str| format!("{{{{- if {reach} }}}}\n---\n{body}{{{{- end }}}}\n");
    let each = |file: &str| {
        let body = filled(file, &[system, (Place::Namespace, "{{ . }}")]);
        format!("{{{{- range .Values.namespaces }}}}\n---\n{body}{{{{- end }}}}\n")
    };
    let watch = r#"{{ if eq .Values.reach "namespace" }}, --watch-namespace={{ first .Values.namespaces }}{{ end }}"#;
    let arguments = format!("{}{watch}", Place::Arguments.words());
    let places = [
        system,
        (Place::Arguments, arguments.as_str()),
        (
            Place::Image,
            r#"image: "{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}""#,
        ),
        (Place::Replicas, "replicas: {{ .Values.replicas }}"),
    ];
    let (one, all, every) = (
        r#"eq .Values.reach "namespace""#,
        r#"ne .Values.reach "namespace""#,
        r#"eq .Values.reach "cluster""#,
    );
    let reach = [
        when(all, &of_system(SEE_ALL)),
        when(every, &of_system(DRIVE_ALL)),
        when(one, &each(SEE_ONE)),
    ];
    vec![
        (
            "Chart.yaml",
            CHART.replace("VERSION", env!("CARGO_PKG_VERSION")),
        ),
        ("values.yaml", VALUES.to_owned()),
        ("values.schema.json", SCHEMA.to_owned()),
        ("crds/tidegate.yaml", definitions.to_owned()),
        ("templates/NOTES.txt", NOTES.to_owned()),
        ("templates/rbac.yaml", of_system(RIGHTS)),
        ("templates/reach.yaml", reach.concat()),
        ("templates/approvals-policy.yaml", APPROVALS.to_owned()),
        ("templates/controller.yaml", filled(CONTROLLER, &places)),
        ("templates/plan-accounts.yaml", each(PLAN_ACCOUNT)),
    ]
}
