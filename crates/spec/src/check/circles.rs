//! Services that wait for each other by `after`: none of them could ever start.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Checker;
use crate::crd::ServiceGraphSpec;
use crate::{Code, Problem};

/// For each service by its place in the graph, the services that it waits for, each with the entry that says so.
type Waits = Vec<Vec<(usize, usize)>>;

impl Checker {
    /// Reports one circle, the shortest that closes where the search finds it, of all that have a service in common.
    pub(super) fn circles(&mut self, spec: &ServiceGraphSpec) {
        let waits = waits(spec);
        let mut reported: BTreeSet<usize> = BTreeSet::new();
        for (from, to) in closing(&waits) {
            let circle = shortest(&waits, to, from);
            if circle.is_empty() || circle.iter().any(|(service, _)| reported.contains(service)) {
                continue;
            }
            reported.extend(circle.iter().map(|(service, _)| *service));
            let name = |at: usize| spec.services.get(at).map_or("", |one| one.name.as_str());
            let firsts = circle.iter().skip(1).chain(circle.first());
            let words: Vec<String> = circle
                .iter()
                .zip(firsts)
                .map(|((service, _), (first, _))| {
                    format!("`{}` waits for `{}`", name(*service), name(*first))
                })
                .collect();
            let paths: Vec<String> = circle
                .iter()
                .map(|(service, entry)| format!("spec.services[{service}].after[{entry}]"))
                .collect();
            let wrong = format!(
                "`after` closes a circle, so none of these could ever start: {}",
                words.join(", ")
            );
            let hint = format!("remove one of {}", paths.join(", "));
            let path = paths.into_iter().next().unwrap_or_default();
            self.report(Problem::error(Code::Cycle, path, wrong).hint(hint));
        }
    }
}

fn waits(spec: &ServiceGraphSpec) -> Waits {
    // The last of two of one name, as in the checked graph.
    let places: BTreeMap<&str, usize> = spec
        .services
        .iter()
        .enumerate()
        .map(|(at, service)| (service.name.as_str(), at))
        .collect();
    let waits = spec.services.iter().enumerate().map(|(at, service)| {
        let firsts = service.after.iter().enumerate();
        firsts
            .filter_map(|(entry, first)| Some((*places.get(first.as_str())?, entry)))
            // That a service comes after itself is told elsewhere.
            .filter(|(first, _)| *first != at)
            .collect()
    });
    waits.collect()
}

/// The waits that close a circle, as a search in depth meets them.
fn closing(waits: &Waits) -> Vec<(usize, usize)> {
    let mut closing = Vec::new();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for start in 0..waits.len() {
        if !seen.insert(start) {
            continue;
        }
        // Services on the way, each with how many of its waits were followed.
        let mut way = vec![(start, 0)];
        let mut on_way: BTreeSet<usize> = [start].into();
        while let Some((service, followed)) = way.last_mut() {
            let service = *service;
            let Some((next, _)) = waits.get(service).and_then(|firsts| firsts.get(*followed))
            else {
                on_way.remove(&service);
                way.pop();
                continue;
            };
            *followed += 1;
            if on_way.contains(next) {
                closing.push((service, *next));
            } else if seen.insert(*next) {
                on_way.insert(*next);
                way.push((*next, 0));
            }
        }
    }
    closing
}

/// The shortest circle over a wait of `last` for `start`: each service with the entry by which it waits for the next.
fn shortest(waits: &Waits, start: usize, last: usize) -> Vec<(usize, usize)> {
    let mut came: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(service) = queue.pop_front() {
        if service == last {
            break;
        }
        for (first, entry) in waits.get(service).into_iter().flatten() {
            if *first != start && !came.contains_key(first) {
                came.insert(*first, (service, *entry));
                queue.push_back(*first);
            }
        }
    }
    let mut circle = Vec::new();
    let mut at = last;
    let close = waits.get(last).into_iter().flatten();
    let Some((_, entry)) = close.into_iter().find(|(first, _)| *first == start) else {
        return circle;
    };
    circle.push((last, *entry));
    while let Some((service, entry)) = came.get(&at) {
        circle.push((*service, *entry));
        at = *service;
    }
    circle.reverse();
    circle
}
