//! Where boxes and arrows stand, for whoever draws them in another way than [`super::svg`].

use std::collections::BTreeMap;

use super::layout::columns;
use super::{Arrow, Card, Group, Picture};

/// The place of a box, in pixels from the top left corner of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// How wide.
    pub width: f64,
    /// How high.
    pub height: f64,
}

/// Everything with its place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Places {
    /// The boxes by id.
    pub boxes: BTreeMap<String, Spot>,
    /// The points of each arrow in the order in which they were given; none where an end is not drawn.
    pub routes: Vec<Vec<(f64, f64)>>,
    /// Where each column begins, and its width.
    pub columns: Vec<(f64, f64)>,
    /// How wide all of it is.
    pub width: f64,
    /// How high all of it is.
    pub height: f64,
}

/// Lays columns of boxes out: rows are sorted so that few arrows cross, and no arrow runs through a box.
///
/// In: the ids in each column, the arrows from an earlier column to a later one, and the size that every box has.
pub fn place(
    ids: &[Vec<String>],
    arrows: &[(String, String)],
    (width, height): (f64, f64),
) -> Places {
    let card = |id: &String| Card {
        id: id.clone(),
        action: "",
        changes: Vec::new(),
        because: Vec::new(),
    };
    let picture = Picture {
        title: String::new(),
        groups: ids
            .iter()
            .map(|column| Group {
                name: String::new(),
                boxes: column.iter().map(card).collect(),
            })
            .collect(),
        arrows: arrows
            .iter()
            .map(|(from, to)| Arrow {
                from: from.clone(),
                to: to.clone(),
                assumed: false,
                label: String::new(),
            })
            .collect(),
        notes: Vec::new(),
        refused: false,
    };
    let layout = columns(&picture, |_| (width, height));
    let spot = |(id, placed): (&String, &super::layout::Placed)| {
        let spot = Spot {
            x: placed.x,
            y: placed.y,
            width: placed.width,
            height: placed.height,
        };
        (id.clone(), spot)
    };
    Places {
        boxes: layout.boxes.iter().map(spot).collect(),
        routes: layout.routes,
        columns: layout.columns,
        width: layout.width,
        height: layout.height,
    }
}
