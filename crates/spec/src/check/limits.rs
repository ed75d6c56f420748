//! How large a graph may be.
//!
//! A file may hold a whole company (real-graphs.md §7). An object in the cluster may not: the API server bounds what its
//! rules may cost, and etcd the size of an object.

use super::Checker;
use crate::crd::ServiceGraphSpec;
use crate::{Code, Problem};

/// The most services of a graph in a file.
pub const FILE_SERVICES_MAX: usize = 20_000;
/// The most calls of all services of a graph in a file.
pub const FILE_CALLS_MAX: usize = 200_000;
/// The most services of a ServiceGraph in the cluster.
pub const CLUSTER_SERVICES_MAX: usize = 500;
/// The most calls of one service of a ServiceGraph in the cluster.
pub const CLUSTER_CALLS_MAX: usize = 100;

/// Why a graph can be planned from a file and cannot be written into the cluster, which is part of a release.
pub fn too_large_for_cluster(spec: &ServiceGraphSpec) -> Vec<Problem> {
    let hint = "`tidegate plan --from OLD --to NEW` plans it from files; to release it, cut it into graphs that share no call";
    let mut problems = Vec::new();
    let services = spec.services.len();
    if services > CLUSTER_SERVICES_MAX {
        let wrong = format!(
            "has {services} services, and a ServiceGraph in the cluster holds at most {CLUSTER_SERVICES_MAX}"
        );
        problems.push(Problem::error(Code::TooLarge, "spec.services", wrong).hint(hint));
    }
    for (index, service) in spec.services.iter().enumerate() {
        let calls = service.calls.len();
        if calls > CLUSTER_CALLS_MAX {
            let wrong = format!(
                "`{}` has {calls} calls, and a service of a ServiceGraph in the cluster has at most {CLUSTER_CALLS_MAX}",
                service.name
            );
            let path = format!("spec.services[{index}].calls");
            problems.push(Problem::error(Code::TooLarge, path, wrong).hint(hint));
        }
    }
    problems
}

impl Checker {
    /// The schema counts the services of a file and the calls of each; this counts the calls of all.
    pub(super) fn size(&mut self, spec: &ServiceGraphSpec) {
        let calls: usize = spec
            .services
            .iter()
            .map(|service| service.calls.len())
            .sum();
        if calls > FILE_CALLS_MAX {
            let wrong = format!("has {calls} calls, at most {FILE_CALLS_MAX} are allowed");
            self.report(Problem::error(Code::TooLarge, "spec.services", wrong));
        }
    }
}
