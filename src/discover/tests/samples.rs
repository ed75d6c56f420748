//! Small samples of every format, written by hand after its documentation; `tests/fuzz` begins with them too.

pub(super) const JAEGER: &str = include_str!("../../../tests/data/discover/jaeger.json");
pub(super) const ZIPKIN: &str = include_str!("../../../tests/data/discover/zipkin.json");
pub(super) const SERVICE_GRAPH: &str =
    include_str!("../../../tests/data/discover/service-graph.json");
pub(super) const ISTIO: &str = include_str!("../../../tests/data/discover/istio.json");
pub(super) const BACKSTAGE: &str = include_str!("../../../tests/data/discover/backstage.yaml");
pub(super) const MANIFESTS: &str = include_str!("../../../tests/data/discover/manifests.yaml");
pub(super) const PACT: &str = include_str!("../../../tests/data/discover/pact-matrix.json");
