//! The codes of orders: refusals, and what a plan warns of.

use super::{Example, Explanation};
use crate::spec::Code;

pub(super) const ALL: &[Explanation] = &[
    Explanation {
        code: Code::Cycle,
        means: "Three or more services each of which would have to be done before the next. While one of them is mixed, \
                old and new pods stand behind one address, so whichever goes first, some call fails.",
        example: Example::Case(
            "`a`, `b` and `c` add version 2 of what they serve and call each other in a ring, all in version 2 from \
             this release on",
        ),
        remedy: "Release in phases: the service that the message names gets a revision between, which serves the old \
                 and the new. `tidegate plan … --split --out FOLDER` writes the releases, planned and proved.",
    },
    Explanation {
        code: Code::TargetUnsafe,
        means: "Two revisions could not talk even when all is finished: the release itself is wrong, whatever the order.",
        example: Example::Case(
            "`web` calls `orders` in version 2 from now on, and no revision of `orders` serves 2",
        ),
        remedy: "Serve what is called, or call what is served. A caller under `external` is never finished: keep its \
                 version until its calls are seen to have stopped, then take it out of `external`.",
    },
    Explanation {
        code: Code::BothWays,
        means: "Two services would each have to be done before the other: the new client does not work with the old \
                server, and the old client not with the new server.",
        example: Example::Case(
            "`orders` swaps version 1 for 2, and `web` calls 2 in place of 1, in one release",
        ),
        remedy: "Expand, then the client, then contract: first an `orders` that serves 1 and 2, then `web`, then the \
                 `orders` that serves 2 alone. `tidegate plan … --split --out FOLDER` writes these releases.",
    },
    Explanation {
        code: Code::CurrentUnsafe,
        means: "What runs now is already unsafe: two live revisions cannot talk, before anything was moved.",
        example: Example::Case(
            "somebody rolled `orders` by hand to a revision that does not serve what `web` calls",
        ),
        remedy: "Repair the pair that is named: bring the old revision of one of the two back, or correct what the \
                 graph declares of it.",
    },
    Explanation {
        code: Code::SelfConflict,
        means: "A service calls itself, and its old and its new revision cannot talk. They live together while it rolls.",
        example: Example::Case(
            "the pods of `ledger` call each other in version 1, and the new ones in version 2 only",
        ),
        remedy: "Let it serve its old version for one release more, then drop that.",
    },
    Explanation {
        code: Code::UnknownInterface,
        means: "Nobody declared what one end of an edge speaks, and the graph says `assume: strict`.",
        example: Example::Case(
            "`web` calls `orders` without `version`, and the graph has `assume: strict`",
        ),
        remedy: "Declare `serves` and `version` on that edge, or set `assume: serverFirst`; the edge is then told as \
                 assumed, never as proved.",
    },
    Explanation {
        code: Code::AssumedEdge,
        means: "An order rests on an assumption, since a contract is not declared: the server goes first. It is a \
                warning; such edges are counted apart and never called proved.",
        example: Example::Case("`web` calls `orders` without `version`, and both move"),
        remedy: "Declare `serves` and `version` on that edge. `assume: strict` makes it an error.",
    },
    Explanation {
        code: Code::SoftEdgeDropped,
        means: "An optional call will fail for a while, since the order that would prevent it would close a cycle. It \
                is a warning.",
        example: Example::Case(
            "`web` calls `ads` with `optional: true`, and a call that is not optional wants it the other way round",
        ),
        remedy: "Nothing, if the caller really does without. Otherwise remove `optional`: the release is then refused \
                 with a way out.",
    },
];
