//! Where boxes and arrows stand: waves are columns; an arrow that passes a column gets a lane in it, so that it runs
//! through no box.
//!
//! In: the sizes of the boxes of each column, and arrows between them. Out: places in pixels.

use std::collections::BTreeMap;

use super::Picture;

pub(super) const ROW_GAP: f64 = 14.0;
pub(super) const COLUMN_GAP: f64 = 72.0;
/// The height of a lane.
const LANE: f64 = 12.0;
/// How often the rows are sorted anew: more changes next to nothing.
const SWEEPS: usize = 6;

/// The width and height of a box.
pub(super) type Size = (f64, f64);

/// A box with its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Everything with its place; the first box of the first column begins at 0, 0.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The boxes by id.
    pub boxes: BTreeMap<String, Placed>,
    /// The points of each arrow, from left to right; none for one whose ends are not there.
    pub routes: Vec<Vec<(f64, f64)>>,
    /// Where each column begins, and its width.
    pub columns: Vec<(f64, f64)>,
    pub width: f64,
    pub height: f64,
}

/// What stands in a row of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Box(String),
    /// An arrow on its way, by its number.
    Lane(usize),
}

/// What stands to the left and to the right of a slot, at the other ends of its arrows.
type Neighbours<'s> = BTreeMap<(usize, &'s Slot), (Vec<&'s Slot>, Vec<&'s Slot>)>;

/// Lays columns of boxes out.
pub(super) fn columns(picture: &Picture, size: impl Fn(&str) -> Size) -> Layout {
    let mut column_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut slots: Vec<Vec<Slot>> = Vec::new();
    for (at, group) in picture.groups.iter().enumerate() {
        column_of.extend(group.boxes.iter().map(|card| (card.id.as_str(), at)));
        slots.push(
            group
                .boxes
                .iter()
                .map(|card| Slot::Box(card.id.clone()))
                .collect(),
        );
    }
    let mut chains: Vec<Vec<(usize, Slot)>> = Vec::new();
    for (number, arrow) in picture.arrows.iter().enumerate() {
        let ends = column_of
            .get(arrow.from.as_str())
            .zip(column_of.get(arrow.to.as_str()));
        let Some((from, to)) = ends else {
            chains.push(Vec::new());
            continue;
        };
        let mut chain = vec![(*from, Slot::Box(arrow.from.clone()))];
        for (between, column) in slots.iter_mut().enumerate().take(*to).skip(from + 1) {
            column.push(Slot::Lane(number));
            chain.push((between, Slot::Lane(number)));
        }
        chain.push((*to, Slot::Box(arrow.to.clone())));
        chains.push(chain);
    }
    sort(&mut slots, &chains);
    place(&slots, &chains, size)
}

/// Sorts the rows of each column by where their neighbours stand, to and fro.
fn sort(slots: &mut [Vec<Slot>], chains: &[Vec<(usize, Slot)>]) {
    let mut neighbours: Neighbours<'_> = BTreeMap::new();
    for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
        let [(left_at, left), (right_at, right)] = pair else {
            continue;
        };
        neighbours
            .entry((*left_at, left))
            .or_default()
            .1
            .push(right);
        neighbours
            .entry((*right_at, right))
            .or_default()
            .0
            .push(left);
    }
    let last = slots.len();
    for sweep in 0..SWEEPS {
        let to_the_right = sweep % 2 == 0;
        let order: Vec<usize> = if to_the_right {
            (1..last).collect()
        } else {
            (0..last.saturating_sub(1)).rev().collect()
        };
        for at in order {
            let beside = if to_the_right { at - 1 } else { at + 1 };
            let rows: BTreeMap<&Slot, f64> = match slots.get(beside) {
                Some(column) => column.iter().zip(middles(column.len())).collect(),
                None => continue,
            };
            let Some(column) = slots.get(at) else {
                continue;
            };
            let mut weighed: Vec<(f64, Slot)> = column
                .iter()
                .zip(middles(column.len()))
                .map(|(slot, own)| {
                    let (left, right) = neighbours.get(&(at, slot)).cloned().unwrap_or_default();
                    let found = if to_the_right { left } else { right };
                    let rows: Vec<f64> = found
                        .iter()
                        .filter_map(|slot| rows.get(slot).copied())
                        .collect();
                    let sum: f64 = rows.iter().sum();
                    let mean = if rows.is_empty() {
                        own
                    } else {
                        sum / count(rows.len())
                    };
                    (mean, slot.clone())
                })
                .collect();
            weighed.sort_by(|one, other| one.0.total_cmp(&other.0));
            if let Some(column) = slots.get_mut(at) {
                *column = weighed.into_iter().map(|(_, slot)| slot).collect();
            }
        }
    }
}

/// The rows of a column, from 0 to 1, so that columns of different heights compare.
fn middles(rows: usize) -> impl Iterator<Item = f64> {
    (0..rows).map(move |row| (count(row) + 0.5) / count(rows))
}

/// A small number as a float.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn place(
    slots: &[Vec<Slot>],
    chains: &[Vec<(usize, Slot)>],
    size: impl Fn(&str) -> Size,
) -> Layout {
    let size_of = |slot: &Slot| match slot {
        Slot::Box(id) => size(id),
        Slot::Lane(_) => (0.0, LANE),
    };
    let height_of = |column: &[Slot]| {
        let boxes: f64 = column.iter().map(|slot| size_of(slot).1).sum();
        boxes + ROW_GAP * count(column.len().saturating_sub(1))
    };
    let mut layout = Layout {
        height: slots
            .iter()
            .map(|column| height_of(column))
            .fold(0.0, f64::max),
        ..Layout::default()
    };
    let mut positions: BTreeMap<(usize, &Slot), Placed> = BTreeMap::new();
    let mut x = 0.0;
    for (at, column) in slots.iter().enumerate() {
        let width = column
            .iter()
            .map(|slot| size_of(slot).0)
            .fold(0.0, f64::max);
        let mut y = (layout.height - height_of(column)) / 2.0;
        for slot in column {
            let height = size_of(slot).1;
            let placed = Placed {
                x,
                y,
                width,
                height,
            };
            positions.insert((at, slot), placed);
            if let Slot::Box(id) = slot {
                layout.boxes.insert(id.clone(), placed);
            }
            y += height + ROW_GAP;
        }
        layout.columns.push((x, width));
        x += width + COLUMN_GAP;
    }
    layout.width = (x - COLUMN_GAP).max(0.0);
    layout.routes = chains
        .iter()
        .map(|chain| route(chain, &positions))
        .collect();
    layout
}

/// From the right side of the first box through the lanes to the left side of the last.
fn route(chain: &[(usize, Slot)], positions: &BTreeMap<(usize, &Slot), Placed>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let last = chain.len().saturating_sub(1);
    for (at, (column, slot)) in chain.iter().enumerate() {
        let Some(placed) = positions.get(&(*column, slot)) else {
            continue;
        };
        let middle = placed.y + placed.height / 2.0;
        if at > 0 {
            points.push((placed.x, middle));
        }
        if at < last {
            points.push((placed.x + placed.width, middle));
        }
    }
    points
}

/// Lays boxes out in a ring, with straight arrows between their edges.
pub(super) fn ring(picture: &Picture, size: impl Fn(&str) -> Size) -> Layout {
    let ids: Vec<&str> = picture.cards().map(|card| card.id.as_str()).collect();
    let sizes: Vec<Size> = ids.iter().map(|id| size(id)).collect();
    let widest = sizes.iter().map(|size| size.0).fold(0.0, f64::max);
    let tallest = sizes.iter().map(|size| size.1).fold(0.0, f64::max);
    let around = count(ids.len()) * (tallest + ROW_GAP * 3.0);
    let radius = (around / std::f64::consts::PI / 2.0).max(tallest * 1.8);
    // Wider than high: boxes are.
    let (across, down) = (
        if ids.len() == 1 { 0.0 } else { radius + widest },
        if ids.len() == 1 { 0.0 } else { radius },
    );
    let mut layout = Layout {
        width: 2.0 * across + widest,
        height: 2.0 * down + tallest,
        ..Layout::default()
    };
    for (at, (id, (width, height))) in ids.iter().zip(&sizes).enumerate() {
        // The first stands at the left, the others follow clockwise.
        let angle = std::f64::consts::PI * (1.0 + 2.0 * count(at) / count(ids.len().max(1)));
        let (x, y) = (
            layout.width / 2.0 + across * angle.cos(),
            layout.height / 2.0 + down * angle.sin(),
        );
        let placed = Placed {
            x: x - width / 2.0,
            y: y - height / 2.0,
            width: *width,
            height: *height,
        };
        layout.boxes.insert((*id).to_owned(), placed);
    }
    trim(&mut layout);
    layout.routes = picture
        .arrows
        .iter()
        .map(|arrow| {
            let ends = layout
                .boxes
                .get(&arrow.from)
                .zip(layout.boxes.get(&arrow.to));
            ends.map(|(from, to)| straight(from, to))
                .unwrap_or_default()
        })
        .collect();
    layout
}

/// Cuts off the room at the edges where no box stands.
fn trim(layout: &mut Layout) {
    let boxes = || layout.boxes.values();
    let left = boxes().map(|placed| placed.x).fold(f64::MAX, f64::min);
    let top = boxes().map(|placed| placed.y).fold(f64::MAX, f64::min);
    let right = boxes()
        .map(|placed| placed.x + placed.width)
        .fold(0.0, f64::max);
    let bottom = boxes()
        .map(|placed| placed.y + placed.height)
        .fold(0.0, f64::max);
    for placed in layout.boxes.values_mut() {
        placed.x -= left;
        placed.y -= top;
    }
    layout.width = (right - left).max(0.0);
    layout.height = (bottom - top).max(0.0);
}

/// From the edge of one box to the edge of another, a little to the right of the line between their middles, so
/// that arrows to and fro stand beside each other.
fn straight(from: &Placed, to: &Placed) -> Vec<(f64, f64)> {
    let middle = |placed: &Placed| {
        (
            placed.x + placed.width / 2.0,
            placed.y + placed.height / 2.0,
        )
    };
    let ((from_x, from_y), (to_x, to_y)) = (middle(from), middle(to));
    let (dx, dy) = (to_x - from_x, to_y - from_y);
    let length = dx.hypot(dy);
    if length < 1.0 {
        return Vec::new();
    }
    let aside = (-dy / length * 7.0, dx / length * 7.0);
    let edge = |placed: &Placed| {
        let across = if dx.abs() < f64::EPSILON {
            f64::MAX
        } else {
            placed.width / 2.0 / dx.abs()
        };
        let down = if dy.abs() < f64::EPSILON {
            f64::MAX
        } else {
            placed.height / 2.0 / dy.abs()
        };
        across.min(down)
    };
    let (leave, arrive) = (edge(from), 1.0 - edge(to));
    vec![
        (from_x + dx * leave + aside.0, from_y + dy * leave + aside.1),
        (
            from_x + dx * arrive + aside.0,
            from_y + dy * arrive + aside.1,
        ),
    ]
}
