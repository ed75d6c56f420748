//! What `tidegate discover` finds in other tools' files.

use super::{Example, Explanation};
use crate::Code;

pub(super) const ALL: &[Explanation] = &[
    Explanation {
        code: Code::NotRecognised,
        means: "A file in none of the formats that `discover` reads. The format is recognised from what is in the file, \
                not from its name.",
        example: Example::Case("the HTML page of a Jaeger that asks for a login, saved as JSON"),
        remedy: "Save the answer of the API itself; `tidegate discover --help` lists the formats.",
    },
    Explanation {
        code: Code::NameChanged,
        means: "A name that was seen and that a graph cannot have, so it is written otherwise in the proposal. Two that \
                become one this way would hide an edge.",
        example: Example::Case("a trace's service `Cart_Service`, written `cart-service`"),
        remedy: "Check that the name in the proposal is that of the service's Deployment, and rename it there if not.",
    },
    Explanation {
        code: Code::LeftOut,
        means: "Something that was seen and that a graph cannot say, so the proposal does not have it.",
        example: Example::Case("calls of a client that the metrics call `unknown`"),
        remedy: "Find out what it is. If it calls a service of yours, declare it by hand, under `external` if you do not \
                 deploy it.",
    },
    Explanation {
        code: Code::MatrixDiffers,
        means: "A verification matrix says of two revisions that they do, or do not, work together, and what is declared \
                of them says the opposite. One of the two is wrong.",
        example: Example::Case(
            "`web` 2 failed against `orders` 1, and `orders` declares that it serves what `web` calls",
        ),
        remedy: "Mend `serves` or `calls` of the one that is declared wrongly, or verify the pair again.",
    },
];
