//! The codes of what is written in files.

use super::{Example, Explanation};
use crate::Code;

pub(super) const ALL: &[Explanation] = &[
    Explanation {
        code: Code::UnknownField,
        means: "A key that no field has. It is an error and not a warning: a key that is silently ignored is an \
                upgrade in another order than written.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serve: [{versions: [\"1\"]}]}",
        ),
        remedy: "Take the field that `did you mean` names; `tidegate lint --fix` writes it where only one is near. \
                 All fields are in `crds/tidegate.yaml`, and `kubectl explain tgg.spec` lists them.",
    },
    Explanation {
        code: Code::WrongType,
        means: "A value of another type than the field has. YAML reads `1` as a number and `yes` as a truth value, \
                and versions are text: `1.10` as a number would be `1.1`.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: [1.10]}]}",
        ),
        remedy: "Quote text (`\"1.10\"`), which `tidegate lint --fix` does; write lists as lists.",
    },
    Explanation {
        code: Code::MissingField,
        means: "A field that must be there is not.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{contract: orders}]}",
        ),
        remedy: "Add it. Every object has `apiVersion`, `kind` and `metadata.name`; a contract that is served has \
                 `versions`.",
    },
    Explanation {
        code: Code::InvalidValue,
        means: "A value of the right type that the field does not allow.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, drain: Slowly}",
        ),
        remedy: "The message says what is allowed.",
    },
    Explanation {
        code: Code::DuplicateKey,
        means: "A key is written twice in one mapping. Readers of YAML take the first, the last or none of them, so \
                nobody knows what was meant.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - name: orders
    drain: Pods
    drain: None",
        ),
        remedy: "Keep one of the two. Two documents without `---` between them look like this too.",
    },
    Explanation {
        code: Code::Syntax,
        means: "The text is not YAML, so nothing after that place in the document was read.",
        example: Example::File("apiVersion: v1\nkind: [ConfigMap\nmetadata: {name: shop}"),
        remedy: "Mend it at the line and column shown. A template of Helm must be rendered first: `helm template`.",
    },
    Explanation {
        code: Code::AliasBomb,
        means: "YAML aliases that would expand to more than the limit. A few lines can unfold to gigabytes, so that \
                is refused before it is done.",
        example: Example::Case(
            "`a: &a [x, x]`, `b: &b [*a, *a]`, `c: &c [*b, *b]` and so on, some twenty times",
        ),
        remedy: "Write the value out where it is used.",
    },
    Explanation {
        code: Code::TooDeep,
        means: "Values within values beyond the limit of 100. No manifest needs that; a reader that goes on could \
                run out of stack.",
        example: Example::Case("a hundred `[` in a row"),
        remedy: "Flatten it. Mostly a bracket or an indent is wrong.",
    },
    Explanation {
        code: Code::TooLarge,
        means: "A file, a document, a folder or a list beyond its limit: 16 MiB a file, 64 MiB in all, and what the \
                schema says of each list.",
        example: Example::Case(
            "a folder of manifests that holds a database dump with the ending `.json`",
        ),
        remedy: "Split it, or leave out what is no manifest.",
    },
    Explanation {
        code: Code::NotText,
        means: "A file that is not UTF-8 text.",
        example: Example::Case("an archive or a picture whose name ends in `.yaml`"),
        remedy: "Keep binary files out of the folder of manifests; save text as UTF-8.",
    },
    Explanation {
        code: Code::NothingFound,
        means: "There is no object in what was given.",
        example: Example::Case(
            "`tidegate lint notes.yaml`, where all of `notes.yaml` is a comment",
        ),
        remedy: "Give a folder with `.yaml`, `.yml` or `.json` files, or `-` for standard input.",
    },
    Explanation {
        code: Code::DuplicateObject,
        means: "The same object is written twice. The second apply would undo the first.",
        example: Example::File(
            "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: \"1\"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: \"2\"}",
        ),
        remedy: "Remove one of the two.",
    },
    Explanation {
        code: Code::NotAnObject,
        means: "A document that is no Kubernetes object: it lacks `apiVersion` and `kind`.",
        example: Example::File("replicas: 3\nimage: shop/orders"),
        remedy: "Keep other files (values, settings) out of the folder of manifests.",
    },
    Explanation {
        code: Code::GenerateName,
        means: "An object whose name the server would make up. A second apply would not find it again and would make \
                another one.",
        example: Example::File(
            "apiVersion: batch/v1
kind: Job
metadata: {generateName: migrate-}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}",
        ),
        remedy: "Write `name` in place of `generateName`. A new name for each revision makes a Job run once for each.",
    },
    Explanation {
        code: Code::ForeignNamespace,
        means: "An object that is to go into another namespace than the plan's. A plan acts in its own namespace, with \
                the rights of one account in it.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec: {services: []}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: elsewhere}",
        ),
        remedy: "Remove the namespace, run with `-n`, or make a plan of its own in the other namespace.",
    },
    Explanation {
        code: Code::NotSupported,
        means: "A setting that this version of tidegate does not carry out. It is told and not ignored, since what was \
                asked for would not happen.",
        example: Example::File(
            "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [orders.yaml]",
        ),
        remedy: "The hint says what to write meanwhile. Helm charts and Kustomizations are rendered first: \
                 `kustomize build DIR | tidegate run -f -`.",
    },
    Explanation {
        code: Code::UnknownService,
        means: "A service that the graph does not have. As a warning: a workload that no service claims, which is \
                applied before wave 1 and waited for by nobody.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: [\"1\"]}]}
  - {name: web, calls: [{service: ordres, version: \"1\"}]}",
        ),
        remedy: "Correct the name, or declare the service; a workload goes into the `workloads` of its service. A \
                 caller that is not deployed here belongs into `external`.",
    },
    Explanation {
        code: Code::UnknownContract,
        means: "A contract that the service which is called does not serve.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{contract: grpc, versions: [\"1\"]}]}
  - {name: web, calls: [{service: orders, contract: rest, version: \"1\"}]}",
        ),
        remedy: "Correct `contract`, or add it to what the called service serves.",
    },
    Explanation {
        code: Code::DuplicateService,
        means: "A service is declared twice, and the two may say different things.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: [\"1\"]}]}
  - {name: orders, serves: [{versions: [\"2\"]}]}",
        ),
        remedy: "Keep one of the two, or rename one.",
    },
    Explanation {
        code: Code::BareVersions,
        means: "Versions without `all` or `any`. A bare list could mean `may use any of these at any time` or `adapts \
                call by call`, and the two are ordered differently.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: [\"1\", \"2\"]}]}
  - {name: web, calls: [{service: orders, versions: [\"1\", \"2\"]}]}",
        ),
        remedy: "Write `version` (exactly this), `all` (may use any of these at any time) or `any` (adapts call by \
                 call). No tool can know which one is true.",
    },
    Explanation {
        code: Code::NoWorkload,
        means: "A service that nothing runs as, so nothing could be waited for.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec: {services: [{name: orders}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}",
        ),
        remedy: "Add the Deployment of the service's name, or set `workloads` to what it runs as.",
    },
    Explanation {
        code: Code::SharedWorkload,
        means: "A workload that two services claim. It moves once, so the two could never be put in an order.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: a, workloads: [{name: app}]}
  - {name: b, workloads: [{name: app}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app}}, spec: {containers: [{name: a, image: a}]}}",
        ),
        remedy: "Name it in one service only, or make the two one service with two contracts.",
    },
    Explanation {
        code: Code::MoreThanOneGraph,
        means: "More than one ServiceGraph among the files. A release has one: an edge between two graphs would belong \
                to neither.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec: {services: []}
---
apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: pay}
spec: {services: []}",
        ),
        remedy: "Join the two, or release them as two plans that do not call each other.",
    },
    Explanation {
        code: Code::NoGraph,
        means: "There is no ServiceGraph among the files, so nothing says who calls whom.",
        example: Example::File("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}"),
        remedy: "Add a document of `kind: ServiceGraph`, or name its file with another `-f`.",
    },
    Explanation {
        code: Code::WaitsForSomebody,
        means: "A workload whose rollout cannot end by itself, or a Service that no gate can trust. Nothing of it is \
                wrong for Kubernetes; a release only waits until somebody comes.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec: {services: [{name: app}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  paused: true
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app}}, spec: {containers: [{name: a, image: a}]}}",
        ),
        remedy: "Take out what holds it: `paused`, a partition, `OnDelete`, `suspend`, zero replicas. A Service should \
                 lead to the pods of one service.",
    },
    Explanation {
        code: Code::OneEnd,
        means: "A contract that a service `produces` and none `consumes`, or the other way round. Nothing is ordered by \
                it. The other end may be elsewhere; mostly the two names differ.",
        example: Example::File(
            "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: checkout, produces: [{contract: order-event, versions: [\"1\"]}]}
  - {name: fraud, consumes: [{contract: orders-event, versions: [\"1\"]}]}",
        ),
        remedy: "Write the same `contract` at both ends, or declare the other end.",
    },
];
