//! Every state that a small system can be in, looked at one by one. Shares nothing with the planner.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_spec::{Need, Negotiate, Requirement, Version};

pub(super) const BEFORE: u8 = 0;
pub(super) const MIXED: u8 = 1;
pub(super) const AFTER: u8 = 2;

/// What a revision needs of another service; sets are bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Version(u8),
    All(u8),
    Any(u8),
    Cached(u8),
}

impl Wish {
    pub(super) fn versions(bits: u8) -> BTreeSet<Version> {
        let some = [1, 2].into_iter().filter(|bit| bits & bit != 0);
        some.map(|bit| Version::parse(&bit.to_string()).unwrap())
            .collect()
    }

    pub(super) fn requirement(self) -> Requirement {
        let need = match self {
            Self::Version(bit) => Need::Version(Version::parse(&bit.to_string()).unwrap()),
            Self::All(bits) => Need::All(Self::versions(bits)),
            Self::Any(bits) => Need::Any(Self::versions(bits), Negotiate::PerCall),
            Self::Cached(bits) => Need::Any(Self::versions(bits), Negotiate::Cached),
        };
        Requirement::plain(need)
    }

    /// Whether calls succeed with all of these live; `None` is a callee that is not there.
    pub(super) fn works(self, live: &[Option<u8>]) -> bool {
        let served: Vec<u8> = live.iter().map(|one| one.unwrap_or(0)).collect();
        match self {
            Self::Version(bits) | Self::All(bits) => served.iter().all(|one| one & bits == bits),
            Self::Any(bits) => served.iter().all(|one| one & bits != 0),
            Self::Cached(bits) => {
                let could_choose = bits & served.iter().fold(0, |all, one| all | one);
                could_choose != 0 && served.iter().all(|one| one & could_choose == could_choose)
            }
        }
    }
}

/// One revision: what it serves, and what it wants of each service by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub serves: u8,
    pub calls: Vec<Option<Wish>>,
}

/// With whom a service comes, or goes.
struct Together {
    is_coming: bool,
    with: BTreeSet<usize>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub live: Vec<Part>,
    pub target: Option<Part>,
}

impl Part {
    /// Whether it keeps what it agreed on with one pod.
    pub(super) fn remembers(&self) -> bool {
        let mut wishes = self.calls.iter().flatten();
        wishes.any(|wish| matches!(wish, Wish::Cached(_)))
    }

    fn calm(&mut self, live: &[Vec<Option<u8>>]) {
        for (wish, served) in self.calls.iter_mut().zip(live) {
            *wish = wish.filter(|wish| wish.works(served));
        }
    }
}

fn served(live: &Live<'_>) -> Vec<Option<u8>> {
    live.iter().map(|one| one.map(|part| part.serves)).collect()
}

type Live<'a> = Vec<Option<&'a Part>>;

impl Draft {
    pub(super) fn is_moving(&self) -> bool {
        match (self.live.as_slice(), &self.target) {
            ([], None) => false,
            ([one], Some(target)) => one != target,
            _ => true,
        }
    }

    fn in_state(&self, state: u8) -> Live<'_> {
        let before: Live<'_> = if self.live.is_empty() {
            vec![None]
        } else {
            self.live.iter().map(Some).collect()
        };
        match state {
            BEFORE => before,
            MIXED => before.into_iter().chain([self.target.as_ref()]).collect(),
            _ => vec![self.target.as_ref()],
        }
    }

    pub(super) fn is_safe(drafts: &[Self], state: &[u8]) -> bool {
        let live: Vec<Live<'_>> = drafts
            .iter()
            .zip(state)
            .map(|(draft, at)| draft.in_state(*at))
            .collect();
        are_safe(&live, &Self::together(drafts))
    }

    /// Whether any services come or go together: what a rule of its own is about has tests of its own.
    pub(super) fn are_together(drafts: &[Self]) -> bool {
        let together = Self::together(drafts);
        together.iter().any(|one| !one.with.is_empty())
    }

    /// Of each draft those that it comes or goes together with: they call each other, also through others, and
    /// nothing of them runs before, or afterwards. They start at once, and then calls may fail.
    fn together(drafts: &[Self]) -> Vec<Together> {
        let passing = |draft: &Self| match (draft.live.as_slice(), &draft.target) {
            ([], Some(part)) => Some((true, vec![part.clone()])),
            ([_, ..], None) => Some((false, draft.live.clone())),
            _ => None,
        };
        let reached = |from: usize| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
            while let Some((comes, parts)) = open.pop().and_then(|at| passing(&drafts[at])) {
                for (callee, wish) in parts.iter().flat_map(|part| part.calls.iter().enumerate()) {
                    let is_like = passing(&drafts[callee]).is_some_and(|(other, _)| other == comes);
                    if wish.is_some() && is_like && seen.insert(callee) {
                        open.push(callee);
                    }
                }
            }
            seen
        };
        let all: Vec<BTreeSet<usize>> = (0..drafts.len()).map(reached).collect();
        let mutual = |at: usize| {
            let both = all[at]
                .iter()
                .copied()
                .filter(|other| all[*other].contains(&at));
            Together {
                is_coming: drafts[at].live.is_empty(),
                with: both.filter(|other| *other != at).collect(),
            }
        };
        (0..drafts.len()).map(mutual).collect()
    }

    /// Takes out what the live revisions call in vain.
    pub(super) fn calm_now(drafts: &mut [Self]) {
        let live: Vec<Vec<Option<u8>>> = drafts
            .iter()
            .map(|one| served(&one.in_state(BEFORE)))
            .collect();
        drafts
            .iter_mut()
            .flat_map(|one| &mut one.live)
            .for_each(|part| part.calm(&live));
    }

    /// Takes out what the targets call in vain, but for services that stay.
    pub(super) fn calm_at_end(drafts: &mut [Self]) {
        let live: Vec<Vec<Option<u8>>> = drafts
            .iter()
            .map(|one| served(&one.in_state(AFTER)))
            .collect();
        let moving = drafts.iter_mut().filter(|one| one.is_moving());
        moving
            .flat_map(|one| &mut one.target)
            .for_each(|part| part.calm(&live));
    }

    /// Whether any walk through safe states leads from all before to all after.
    pub(super) fn can_finish(drafts: &[Self]) -> bool {
        let goal: Vec<u8> = drafts
            .iter()
            .map(|draft| if draft.is_moving() { AFTER } else { BEFORE })
            .collect();
        let together = Self::together(drafts);
        let start = vec![BEFORE; drafts.len()];
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            if !Self::is_safe(drafts, &state) || !seen.insert(state.clone()) {
                continue;
            }
            if state == goal {
                return true;
            }
            for (at, draft) in drafts.iter().enumerate() {
                if draft.is_moving() && state[at] != AFTER {
                    let mut next = state.clone();
                    next[at] += 1;
                    if state[at] == BEFORE {
                        for other in &together[at].with {
                            next[*other] = MIXED;
                        }
                    }
                    open.push(next);
                }
            }
        }
        false
    }

    /// Whether the same is possible where every service that moves does so in three steps: one that serves the old and the
    /// new and calls the old, then one that calls the new, then the target.
    pub(super) fn can_finish_in_steps(drafts: &[Self]) -> bool {
        const END: u8 = 6;
        let between: Vec<Option<(Part, Part)>> = drafts.iter().map(Self::between).collect();
        let stairs: Vec<Vec<Live<'_>>> = drafts
            .iter()
            .zip(&between)
            .map(|(draft, between)| match between {
                None => vec![draft.in_state(BEFORE)],
                Some((expanded, flipped)) => vec![
                    draft.in_state(BEFORE),
                    vec![Some(expanded)],
                    vec![Some(flipped)],
                    draft.in_state(AFTER),
                ],
            })
            .collect();
        let live = |state: &[u8]| -> Vec<Live<'_>> {
            let each = stairs.iter().zip(state).map(|(stairs, at)| {
                let (low, high) = (usize::from(at / 2), usize::from(at.div_ceil(2)));
                let upper = stairs[high].iter().filter(|_| high > low);
                stairs[low].iter().chain(upper).copied().collect()
            });
            each.collect()
        };
        let together = Self::together(drafts);
        let mut seen = BTreeSet::new();
        let mut open = vec![vec![0_u8; drafts.len()]];
        while let Some(state) = open.pop() {
            if !are_safe(&live(&state), &together) || !seen.insert(state.clone()) {
                continue;
            }
            let further: Vec<usize> = (0..drafts.len())
                .filter(|at| between[*at].is_some() && state[*at] < END)
                .collect();
            if further.is_empty() {
                return true;
            }
            for at in further {
                let mut next = state.clone();
                next[at] += 1;
                open.push(next);
            }
        }
        false
    }

    /// What a service that moves is between its old and its new revision.
    fn between(&self) -> Option<(Part, Part)> {
        let calls = |part: Option<&Part>| part.map(|part| part.calls.clone()).unwrap_or_default();
        let all = self.live.iter().chain(&self.target);
        let serves = all.fold(0, |all, part| all | part.serves);
        let part = |calls| Part { serves, calls };
        self.is_moving().then(|| {
            (
                part(calls(self.live.last())),
                part(calls(self.target.as_ref())),
            )
        })
    }

    /// Whether every moment of a proposal is safe. The steps with a revision between bring that one,
    /// the others bring the target.
    pub(super) fn is_way_out_safe(
        drafts: &[Self],
        waves: &[Vec<String>],
        between: &BTreeMap<String, Part>,
    ) -> bool {
        let mut live: Vec<Live<'_>> = drafts.iter().map(|draft| draft.in_state(BEFORE)).collect();
        let together = Self::together(drafts);
        for wave in waves {
            let brought: Vec<(usize, Option<&Part>)> = wave
                .iter()
                .map(|id| {
                    (
                        service(id),
                        between
                            .get(id)
                            .or_else(|| drafts[service(id)].target.as_ref()),
                    )
                })
                .collect();
            for (at, part) in &brought {
                live[*at].push(*part);
            }
            if !are_safe(&live, &together) {
                return false;
            }
            for (at, part) in brought {
                live[at] = vec![part];
            }
        }
        drafts
            .iter()
            .zip(&live)
            .all(|(draft, live)| !draft.is_moving() || *live == draft.in_state(AFTER))
    }
}

fn service(id: &str) -> usize {
    id.split('/').next().unwrap()[1..].parse().unwrap()
}

fn are_safe(live: &[Live<'_>], together: &[Together]) -> bool {
    live.iter().enumerate().all(|(caller, revisions)| {
        revisions.iter().flatten().all(|revision| {
            let wishes = revision.calls.iter().enumerate();
            wishes
                .filter_map(|(callee, wish)| Some((callee, (*wish)?)))
                .all(|(callee, wish)| {
                    // A pod that calls its own service is there itself. Of two that come together the callee has
                    // begun; of two that go together, the caller.
                    let has_begun = if together[caller].is_coming {
                        live[callee].iter().any(Option::is_some)
                    } else {
                        revisions.contains(&None)
                    };
                    let is_excused = together[caller].with.contains(&callee) && has_begun;
                    let served: Vec<Option<u8>> = served(&live[callee])
                        .into_iter()
                        .filter(|one| (callee != caller && !is_excused) || one.is_some())
                        .collect();
                    wish.works(&served)
                })
        })
    })
}
