//! The codes of what the API server says, found by dry run before the first write.

use super::{Example, Explanation};
use crate::Code;

pub(super) const ALL: &[Explanation] = &[
    Explanation {
        code: Code::KindMissing,
        means: "A kind that the cluster does not know, and whose CustomResourceDefinition is not among the manifests.",
        example: Example::Case("a `ServiceMonitor` in a cluster without the Prometheus operator"),
        remedy: "Install its CustomResourceDefinition first, or add it to the manifests.",
    },
    Explanation {
        code: Code::Forbidden,
        means: "An act that the plan's account may not do. Nothing was written: rights are asked for before the first \
                write.",
        example: Example::Case("the account may patch Deployments and not Services"),
        remedy: "Give the account the right (`deploy/plan-account.yaml` has all that are needed), or run as another \
                 one. `tidegate check PLAN` lists what is missing.",
    },
    Explanation {
        code: Code::Immutable,
        means: "A change that the API server refuses, since the field cannot be changed in place.",
        example: Example::Case(
            "another `spec.selector` of a Deployment, or another image in a Job that has run",
        ),
        remedy: "Give the object a new name, or delete it first.",
    },
    Explanation {
        code: Code::FieldConflict,
        means: "A field that another manager owns. tidegate takes a field by force only from managers that the plan \
                names: any other would take it back.",
        example: Example::Case("`spec.replicas` in the manifest, which an autoscaler sets"),
        remedy: "Remove the field from the manifest, or name that manager under `takeOver` of the plan and stop it.",
    },
    Explanation {
        code: Code::DryRunRefused,
        means: "An object that the API server refuses for another reason, by its schema or by an admission policy.",
        example: Example::Case("an admission policy that wants a label which the manifest lacks"),
        remedy: "The message has the server's own words; search for them.",
    },
    Explanation {
        code: Code::NamespaceMissing,
        means: "A namespace that the cluster does not have. It is told once, not for each object in it.",
        example: Example::Case("`tidegate run -n staging` before anybody made `staging`"),
        remedy: "`kubectl create namespace NAME`, or add a Namespace to the manifests.",
    },
    Explanation {
        code: Code::PodsLeftBehind,
        means: "A workload that an earlier release brought is deleted, and pods of it still run. They speak what they \
                spoke, and no gate would look at them.",
        example: Example::Case(
            "a release was aborted while it removed a Deployment, and the next one came at once",
        ),
        remedy: "Wait until they have ended, or delete them; then run again. A pod on a lost node ends when the node is \
                 back or deleted.",
    },
    Explanation {
        code: Code::Claimed,
        means: "A workload, or another object of a service, that another plan of the namespace has brought (label \
                `tidegate.dev/plan`). Each plan would undo what the other one releases, and what is proved of one says \
                nothing of the other. The plan that came second is told, before it writes anything; its condition \
                `Conflicted` says the same.",
        example: Example::Case(
            "plan `shop` has released Deployment `web`, and the files of plan `crm` have a Deployment `web` too",
        ),
        remedy: "Take the object out of the files of one of the two plans. To give it to the other one without a \
                 restart: `kubectl label deployment web tidegate.dev/plan=crm --overwrite`, then release `shop` without \
                 it. A plan that is not used any more claims nothing once it is deleted: `kubectl delete tgp shop` \
                 leaves the workloads alone. `tidegate lint CRM --beside SHOP` finds this in files.",
    },
];
