//! Sentences about pairs of revisions; everything that people read about an edge comes from here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::along::Along;
use super::flip::Hindrance;
use crate::graph::{Clash, Derivation, Kind, Link, Node, Pair, Precedence, Revision, satisfies};
use tidegate_spec::{ContractName, Need, Retention, ServiceName, Version};

/// The name of the revision that does not exist.
pub(super) const ABSENT: &str = "absent";

/// `orders`, or `orders/grpc` where the contract has a name of its own.
pub(super) fn label<'a>(callee: &'a ServiceName, contract: &ContractName) -> Cow<'a, str> {
    if callee.as_str() == contract.as_str() {
        callee.as_str().into()
    } else {
        format!("{callee}/{contract}").into()
    }
}

/// `2`, `all of 1, 2`, `any of 1, 2`.
pub(super) fn need_text(need: &Need) -> Cow<'_, str> {
    match need {
        Need::Unknown => "in an undeclared version".into(),
        Need::Version(version) => version.as_str().into(),
        Need::All(versions) => format!("all of {}", listed(versions)).into(),
        Need::Any(versions, _) => format!("any of {}", listed(versions)).into(),
    }
}

/// `1, 2`, or `nothing`.
pub(super) fn listed(versions: &BTreeSet<Version>) -> Cow<'_, str> {
    let mut texts = versions.iter().map(Version::as_str);
    match (texts.next(), texts.next()) {
        (None, _) => "nothing".into(),
        (Some(only), None) => only.into(),
        (Some(first), Some(second)) => {
            let all: Vec<&str> = [first, second].into_iter().chain(texts).collect();
            all.join(", ").into()
        }
    }
}

fn served_by<'a>(pair: &Pair<'a>) -> Option<&'a BTreeSet<Version>> {
    pair.callee?
        .interface
        .as_ref()?
        .serves
        .as_ref()?
        .get(pair.link.contract)
}

/// The versions that are called and not served, for instance `2`.
fn missing<'a>(pair: &Pair<'a>) -> Cow<'a, str> {
    match pair.need() {
        None | Some(Need::Unknown) => label(pair.link.callee, pair.link.contract),
        Some(Need::Version(version)) => version.as_str().into(),
        Some(Need::All(versions)) => {
            let none = BTreeSet::new();
            let served = served_by(pair).unwrap_or(&none);
            let lacking: Vec<&str> = versions
                .iter()
                .filter(|version| !satisfies(version, served))
                .map(Version::as_str)
                .collect();
            lacking.join(" and ").into()
        }
        Some(Need::Any(versions, _)) if versions.len() == 1 => listed(versions),
        Some(Need::Any(versions, _)) => format!("one of {}", listed(versions)).into(),
    }
}

fn at(service: &ServiceName, revision: Option<&Revision>) -> String {
    let revision = revision.map_or(ABSENT, |revision| revision.name.as_str());
    [service.as_str(), "@", revision].concat()
}

/// When a pair would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Before its callee has moved.
    Before,
    /// After that.
    After,
}

impl When {
    /// When the pairs meet that an order keeps apart.
    pub(super) fn without(kind: Kind) -> Self {
        match kind {
            Kind::ServerFirst | Kind::Manual => Self::Before,
            Kind::ClientFirst => Self::After,
        }
    }
}

/// What the two revisions of a pair do, side by side.
pub(super) fn meeting(pair: &Pair<'_>, when: When) -> String {
    let Link {
        caller,
        callee,
        contract,
    } = pair.link;
    let label = label(callee, contract);
    let client = at(caller, pair.caller);
    let server = at(callee, pair.callee);
    let (space, called) = match pair.need() {
        None => ("", "".into()),
        Some(need) => (" ", need_text(need)),
    };
    match pair.clash {
        Clash::Absent => {
            let runs = match when {
                When::Before => "runs",
                When::After => "will run",
            };
            format!("{client} calls {label}{space}{called}, and no {callee} {runs}")
        }
        Clash::NotServed => {
            format!("{client} calls {label}{space}{called}, {server} does not serve it")
        }
        Clash::Versions => {
            let served = served_by(pair).map_or(Cow::Borrowed("nothing"), listed);
            // Not `format!`: a large system has hundreds of thousands of these.
            [
                &client, " calls ", &label, space, &called, ", ", &server, " serves ", &served,
            ]
            .concat()
        }
        Clash::Unsettled(_) => format!(
            "{client} calls {label}{space}{called} and keeps what it agreed on first, \
             {server} serves other versions of them than the pods beside it"
        ),
        Clash::Refuted => {
            format!("{client} was verified against {server}, and that failed ({label})")
        }
        Clash::Undeclared => {
            format!("nobody declared what {client} and {server} speak ({label})")
        }
    }
}

/// Why an order is kept: what must be true first, and the pair that would break without it.
pub(super) fn because(
    precedence: &Precedence<'_>,
    first: &ServiceName,
    then: &ServiceName,
) -> String {
    let Some(pair) = precedence.pairs.first() else {
        return format!("{then} declares `after: [{first}]`");
    };
    let label = label(pair.link.callee, pair.link.contract);
    let contract = if label == pair.link.callee.as_str() {
        String::new()
    } else {
        format!(" {}", pair.link.contract)
    };
    let claim = match (precedence.kind, pair.clash) {
        (Kind::ServerFirst | Kind::Manual, Clash::Absent) => format!("{first} must be there first"),
        (Kind::ServerFirst | Kind::Manual, Clash::NotServed) => {
            format!("{first} must serve {label} everywhere first")
        }
        (Kind::ServerFirst | Kind::Manual, Clash::Versions) => {
            let (first, missing) = (first.as_str(), missing(pair));
            [
                first,
                " must answer",
                &contract,
                " ",
                &missing,
                " everywhere first",
            ]
            .concat()
        }
        (Kind::ServerFirst | Kind::Manual, Clash::Unsettled(_)) => {
            format!("{first} must be of one revision first")
        }
        (Kind::ServerFirst | Kind::Manual | Kind::ClientFirst, Clash::Refuted) => {
            format!("{first} must be replaced everywhere first")
        }
        (Kind::ServerFirst | Kind::Manual, Clash::Undeclared) => {
            format!("{first} is assumed to go first")
        }
        (Kind::ClientFirst, Clash::Absent | Clash::NotServed) => {
            format!("{first} must stop calling {label} everywhere first")
        }
        (Kind::ClientFirst, Clash::Versions) => {
            format!(
                "{first} must stop calling {label} {} everywhere first",
                missing(pair)
            )
        }
        (Kind::ClientFirst, Clash::Unsettled(_) | Clash::Undeclared) => {
            format!("{first} must not call {then} while that is mixed")
        }
    };
    // What may be lost is not waited for.
    let kept = precedence.pairs.iter().filter(|pair| !pair.is_optional());
    let waits = kept.filter_map(Pair::retention);
    let waits: BTreeSet<String> = waits.map(waited_out).collect();
    let drain = match (precedence.kind, waits.is_empty()) {
        (Kind::ClientFirst, false) => {
            let waits = waits.into_iter().collect::<Vec<_>>().join(" and ");
            format!(", and what it wrote must be gone ({waits})")
        }
        (Kind::ClientFirst | Kind::ServerFirst | Kind::Manual, _) => String::new(),
    };
    let meeting = meeting(pair, When::without(precedence.kind));
    [&claim, drain.as_str(), ": ", &meeting].concat()
}

/// What shows that nothing of an old writer is left.
pub(super) fn waited_out(retention: &Retention) -> String {
    match retention {
        Retention::Time(text) => format!("after {text}"),
        Retention::Lag => "once the reader has no lag".to_owned(),
        Retention::Manual => "once somebody says so".to_owned(),
    }
}

/// Why two services of one exclusive group do not move together.
pub(super) fn apart(first: &ServiceName, then: &ServiceName, group: &str) -> String {
    format!("{first} and {then} never move at the same time: both are `exclusive: {group}`")
}

/// What is lost with a Job that nothing undoes.
pub(super) fn no_return(node: &Node<'_>) -> String {
    let name = node.name;
    let served = |live: &[Option<&Revision>]| -> BTreeSet<(ContractName, Version)> {
        let known = live
            .iter()
            .flatten()
            .filter_map(|one| one.interface.as_ref()?.serves.as_ref());
        let all = known.flatten().flat_map(|(contract, versions)| {
            versions
                .iter()
                .map(|version| (contract.clone(), version.clone()))
        });
        all.collect()
    };
    let new = served(&node.at_end);
    let lost = served(&node.before)
        .into_iter()
        .filter(|one| !new.contains(one));
    let lost: Vec<String> = lost
        .map(|(contract, version)| format!("{} {version}", label(name, &contract)))
        .collect();
    let what = if lost.is_empty() {
        "its Job is declared `reversible: false`".to_owned()
    } else {
        format!("its Job takes away {}", lost.join(" and "))
    };
    format!("point of no return before {name}: {what}, and no way back brings that again")
}

/// When a pair is looked at that no order can keep apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hopeless {
    /// It clashes already.
    Now,
    /// It clashes when all is done.
    AtEnd,
    /// It clashes when all is done, and the caller is not ours to change.
    AtEndOutside,
    /// It clashes at the end of a way back, since what the callee's Job did stays.
    Kept,
}

/// A pair that is unsafe whatever the order, with what to do about it.
pub(super) fn hopeless(pair: &Pair<'_>, when: Hopeless) -> String {
    let Link {
        caller,
        callee,
        contract,
    } = pair.link;
    let label = label(callee, contract);
    let missing = missing(pair);
    let met = match when {
        Hopeless::Now => meeting(pair, When::Before),
        Hopeless::AtEnd | Hopeless::AtEndOutside | Hopeless::Kept => meeting(pair, When::After),
    };
    let lacking = match pair.clash {
        Clash::Absent => {
            return format!("{met}; keep {callee}, or take the call out of {caller}");
        }
        Clash::NotServed => label,
        Clash::Versions => missing,
        Clash::Unsettled(_) => {
            return format!("{met}; {}", let_it_choose(caller, callee));
        }
        Clash::Refuted => {
            let remedy =
                format!("release another {caller} or {callee}, or have them verified again");
            return format!("{met}; {remedy}");
        }
        Clash::Undeclared => return undeclared(pair.link),
    };
    let remedy = match when {
        Hopeless::Now => format!("repair {caller} or {callee} first"),
        Hopeless::AtEnd => format!(
            "no release of {callee} serves {lacking} in this plan: let it, or release a {caller} that \
             does not need it"
        ),
        Hopeless::AtEndOutside => format!(
            "{caller} is deployed elsewhere and never finished: keep {lacking} in {callee} until its \
             calls are seen to have stopped, then write what shows it as `ended` of {caller}"
        ),
        Hopeless::Kept => format!(
            "what the Job of {callee} took away does not come back: leave {caller} where it is, or \
             declare a Job that undoes it with `reversible: true`"
        ),
    };
    format!("{met}; {remedy}")
}

/// What a caller that remembers can do where its callee is mixed.
fn let_it_choose(caller: &ServiceName, callee: &ServiceName) -> String {
    format!("let {caller} choose for every call, or pin its version while {callee} rolls")
}

/// A caller that remembers and stands still, and the revision of its callee that comes beside those it knows.
pub(super) fn unsettled(pair: &Pair<'_>) -> String {
    let Link { caller, callee, .. } = pair.link;
    format!(
        "{}; {caller} does not move, so no order of the two helps: {}",
        meeting(pair, When::After),
        let_it_choose(caller, callee)
    )
}

/// What somebody wrote by hand behind services that stand still.
pub(super) fn holds_nobody(service: &ServiceName, still: &[&str]) -> String {
    let verb = if still.len() == 1 { "does" } else { "do" };
    let names = still.join(", ");
    format!(
        "`after: [{names}]` of {service} holds it back behind nobody: {names} {verb} not move in this release"
    )
}

/// What a part of a release cannot do without.
pub(super) fn move_along(along: &Along) -> String {
    let names = |services: &BTreeSet<ServiceName>, between: &str| {
        let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
        names.join(between)
    };
    format!(
        "{} must move along: `--only {}` is the smallest part of this release that can end safe",
        names(&along.lacking, ", "),
        names(&along.all, ",")
    )
}

/// Why a caller cannot flip that should.
pub(super) fn no_flip(caller: &ServiceName, why: Hindrance) -> String {
    let remedy = enabled(why);
    format!("{caller} would have to wait for what it calls: {remedy}, or let it move in order")
}

/// The same where it cannot move in order either.
pub(super) fn no_flip_nor_order(caller: &ServiceName, why: Hindrance) -> String {
    let remedy = enabled(why);
    format!(
        "{caller} would have to wait for what it calls, and no order is safe: {remedy}, or split the release"
    )
}

/// What lets a caller flip.
fn enabled(why: Hindrance) -> &'static str {
    match why {
        Hindrance::NoSwitch => "declare its `switch: {env: NAME}`",
        Hindrance::NoRoll => {
            "its switch is of no use, as it does not roll: take what it calls out of this release"
        }
        Hindrance::Mixed => {
            "it runs in several revisions, and its switch can keep only one of them: finish it first"
        }
        Hindrance::Undeclared => {
            "its switch keeps what nobody declared: declare what its live revision calls"
        }
    }
}

/// That nothing was found to split, with what callers that remember could do.
pub(super) fn no_split(derived: &Derivation<'_>) -> String {
    let pairs = derived.precedences.iter().flat_map(|one| &one.pairs);
    let unsettled = pairs.filter(|pair| matches!(pair.clash, Clash::Unsettled(_)));
    let pins: BTreeSet<String> = unsettled.filter_map(|pair| pin(pair, derived)).collect();
    let remedy = if pins.is_empty() {
        "pin the versions that clients use while servers roll".to_owned()
    } else {
        pins.into_iter().collect::<Vec<_>>().join(", ")
    };
    format!(
        "no split of these services was found that is safe at every moment; {remedy}, or take a change out of this release"
    )
}

/// What a caller that remembers could be pinned to while its callee rolls: what all revisions of that serve.
fn pin(pair: &Pair<'_>, derived: &Derivation<'_>) -> Option<String> {
    let Link {
        caller,
        callee,
        contract,
    } = pair.link;
    let wanted = match pair.need()? {
        Need::Any(wanted, _) => wanted,
        Need::Unknown | Need::Version(_) | Need::All(_) => return None,
    };
    let node = derived.nodes.iter().find(|node| node.name == callee)?;
    let live = node.before.iter().chain(&node.at_end).copied();
    let menus = live.map(|revision| revision?.interface.as_ref()?.serves.as_ref()?.get(contract));
    let menus: Vec<_> = menus.collect::<Option<_>>()?;
    let kept = wanted
        .iter()
        .filter(|version| menus.iter().all(|menu| satisfies(version, menu)));
    let kept: Vec<&str> = kept.map(Version::as_str).collect();
    let label = label(callee, contract);
    (!kept.is_empty()).then(|| {
        format!(
            "let {caller} choose for every call, or pin it to {label} {} while {callee} rolls",
            kept.join(" or ")
        )
    })
}

/// What holds services that come, or go, and call each other.
pub(super) fn all_wait(names: &str) -> String {
    format!(
        "{names} call each other and move together, so what one of them waits for, all wait for"
    )
}

/// What stands beside a part of a release.
pub(super) fn finish_first(mixed: &ServiceName) -> String {
    format!(
        "{mixed} runs in more than one revision: finish it first, or let it be part of this release"
    )
}

/// What is asked for where nothing may be assumed.
pub(super) fn undeclared(link: Link<'_>) -> String {
    let Link {
        caller,
        callee,
        contract,
    } = link;
    let label = label(callee, contract);
    format!(
        "nobody declared in which versions {caller} calls {label}, or what {callee} serves: declare it, \
         or set `assume: serverFirst`"
    )
}
