//! The codes of orders: refusals, and what a plan warns of.

use super::{Example, Explanation};
use crate::Code;

pub(super) const ALL: &[Explanation] = &[
    Explanation {
        code: Code::Cycle,
        means: "Two or more services each of which would have to be done before the next. While one of them is mixed, \
                old and new pods stand behind one address, so whichever goes first, some call fails.",
        example: Example::Case(
            "`a`, `b` and `c` add version 2 of what they serve and call each other in a ring, all in version 2 from \
             this release on",
        ),
        remedy: "Release it in parts: the service that the message names gets a revision between, which serves the old \
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
                server, and the old client not with the new server. Or one of them does not move and remembers what it \
                agreed on (`negotiate: cached`): then no order helps while the other one is mixed.",
        example: Example::Case(
            "`orders` swaps version 1 for 2, and `web` calls 2 in place of 1, in one release",
        ),
        remedy: "Expand, then the client, then contract: first an `orders` that serves 1 and 2, then `web`, then the \
                 `orders` that serves 2 alone. `tidegate plan … --split --out FOLDER` writes these releases. A client that \
                 remembers must choose for every call, or have its version pinned, before `orders` rolls.",
    },
    Explanation {
        code: Code::CurrentUnsafe,
        means: "What runs now is already unsafe: two live revisions cannot talk, before anything was moved.",
        example: Example::Case(
            "somebody rolled `orders` by hand to a revision that does not serve what `web` calls",
        ),
        remedy: "Repair the pair that is named: bring the old revision of one of the two back, or correct what the \
                 graph declares of it. `--repair`, with `tidegate plan` and `tidegate run`, lets nothing else break.",
    },
    Explanation {
        code: Code::SelfConflict,
        means: "A service calls itself, and its old and its new revision cannot talk. They live together while it rolls. \
                `routing: versioned` does not help: the first new pod and the last old one find no other of their version.",
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
                 with a way out. With a `weight`, the order of the heavier call is the one that is kept.",
    },
    Explanation {
        code: Code::PointOfNoReturn,
        means: "A Job takes away something that nothing brings back, so no way back goes past its step. It is a warning, \
                and the plan lists the step under `pointsOfNoReturn`.",
        example: Example::Case(
            "the Job `schema` drops a column: the new `schema` does not serve version 1 any more",
        ),
        remedy: "Be sure before that step: the release waits there for `tidegate approve`. Declare `reversible: true` if a Job of the release before undoes it.",
    },
    Explanation {
        code: Code::Irreversible,
        means: "The way back to an earlier release would need what a Job took away, and nothing brings that back.",
        example: Example::Case(
            "`tidegate plan --rollback` to an `app` that reads version 1 of a schema of which a Job left only 2",
        ),
        remedy: "Go back only as far as the Job allows and leave that service where it is, or declare a Job that undoes \
                 it with `reversible: true`.",
    },
    Explanation {
        code: Code::Repaired,
        means: "A call fails before anything moves, in a release that is planned as a repair, and may go on failing until \
                both of its ends are done. It is a warning; nothing else breaks.",
        example: Example::Case(
            "`tidegate plan --repair` while the live `cart` calls version 2 of a `store` that serves 1",
        ),
        remedy: "Nothing: it is what `--repair` was asked to accept.",
    },
    Explanation {
        code: Code::EndedCaller,
        means: "A caller from outside counts as ended, so what only it calls may be dropped. It is a warning, since \
                nothing here can see whether it is true.",
        example: Example::Case(
            "`external` has a `mobile-app` with `ended`, and `orders` drops the version that it called",
        ),
        remedy: "Nothing, if what `ended` says is true. Otherwise take `ended` out: its calls then count to the end.",
    },
    Explanation {
        code: Code::StartedTogether,
        means: "Services that are installed for the first time call each other, so none of them can be there before the \
                other: they start in one wave, and their calls may fail until all of them serve. So it is with services \
                that call each other and go away together. It is a warning.",
        example: Example::Case("`user` and `graph` call each other, and neither runs yet"),
        remedy: "Nothing, if they start without each other and try again. One that must not fail meanwhile is released \
                 first without its calls.",
    },
    Explanation {
        code: Code::NoSwitch,
        means: "`--strategy flip` brings all new images at once, which call as the old ones did until their switch is set. A \
                caller whose new calls need a newer server has no such switch.",
        example: Example::Case(
            "`tidegate plan --strategy flip` where `web` moves from version 1 of `orders` to 2 and declares no `switch`",
        ),
        remedy: "Declare `switch: {env: NAME}` of that service, or plan with `--strategy auto`, which flips only where it can.",
    },
    Explanation {
        code: Code::Unfinished,
        means: "`--only` leaves the other services as they are, and one of them runs in more than one revision: it is in the \
                middle of a rollout, and what it will be is not known.",
        example: Example::Case(
            "`tidegate plan --only web` while `orders` runs in its old and its new revision",
        ),
        remedy: "Finish that rollout first, or name the service in `--only` too.",
    },
];
