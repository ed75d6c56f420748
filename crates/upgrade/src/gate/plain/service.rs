//! Services; completion.md §4.12. An empty address of a load balancer is none.

use serde::Deserialize;

use super::Plain;
use crate::gate::Judgement;
use crate::gate::assessment::Note;
use crate::gate::reason::Reason;
use crate::gate::verdict::Verdict;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    #[serde(rename = "type")]
    type_: String,
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    internal_traffic_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    load_balancer: LoadBalancer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Vec<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    ip: String,
    hostname: String,
}

impl Status {
    /// Whether a load balancer has an address.
    fn has_address(&self) -> bool {
        let addresses = &self.load_balancer.ingress;
        addresses
            .iter()
            .any(|address| !address.ip.is_empty() || !address.hostname.is_empty())
    }
}

pub(super) fn judge(object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    let verdict = match spec.type_.as_str() {
        "LoadBalancer" if !status.has_address() => {
            Verdict::progressing(Reason::LoadBalancerPending, 0, 1)
        }
        "" | "ClusterIP" | "NodePort" | "LoadBalancer" if spec.cluster_ip.is_empty() => {
            Verdict::progressing(Reason::AddressPending, 0, 1)
        }
        "" | "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName" => Verdict::Complete,
        _ => return None,
    };
    // A client then sees only the endpoints of its own node: one new endpoint somewhere may not be enough.
    let is_local = spec.internal_traffic_policy == "Local";
    Some(Judgement {
        verdict,
        notes: is_local.then_some(Note::LocalTraffic).into_iter().collect(),
    })
}
