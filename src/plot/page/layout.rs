//! Where everything on a page stands: which panels share axes and who shows their numbers, and the frames in their columns.

use std::collections::HashMap;

use super::layer::Layer;
use super::panel::Panel;
use super::rows::Row;
use crate::plot::axes::{Axes, Labels};
use crate::plot::axis::Axis;
use crate::plot::geometry::Rectangle;
use crate::plot::heat_map::BAR_ROOM;
use crate::plot::style::NOTE_SIZE;
use crate::plot::text::text_width;

/// Left and right of everything.
pub const MARGIN: f64 = 12.0;
/// The left margin where rows have names at their sides.
const SIDE: f64 = 12.0;
/// Between frames at least: the numbers at the ends of neighbouring axes must not touch.
const GAP: f64 = 16.0;
/// Between what belongs to one panel and what belongs to the next.
const APART: f64 = 6.0;
/// Height of a usual row's frames.
pub const USUAL_HEIGHT: f64 = 76.0;

/// What a panel looks like in its place.
pub struct Cell {
    pub x: Axis,
    pub y: Axis,
    pub labels: Labels,
    /// Whether its title is not that of the panel above.
    pub is_titled: bool,
    /// Whether numbers stand at its reference lines.
    pub names_heights: bool,
    /// Whether the bar of colours stands at its right.
    pub has_bar: bool,
}

impl Cell {
    /// Its axes in a frame.
    pub fn axes(&self, frame: Rectangle) -> Axes {
        Axes { frame, x: self.x.clone(), y: self.y.clone() }
    }

    /// Room at the left and right of its frame.
    fn room(&self, panel: &Panel, height: f64) -> (f64, f64) {
        let axes = self.axes(Rectangle { left: 0.0, top: 0.0, width: 100.0, height });
        let left = axes.room_left(self.labels.y_numbers, self.labels.y_title);
        let names = panel.shown().filter_map(Layer::named_height);
        let widest = names.map(|(_, name)| text_width(name, NOTE_SIZE, false)).fold(0.0, f64::max);
        let names = if self.names_heights && widest > 0.0 { widest + 2.5 } else { 0.0 };
        (left, if self.has_bar { BAR_ROOM } else { names })
    }
}

/// All cells, row by row.
pub fn cells(rows: &[Row]) -> Vec<Vec<Cell>> {
    let panels: Vec<&Panel> = rows.iter().flat_map(Row::panels).collect();
    let mut axes = axes_of(&panels).into_iter();
    let mut cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let of_panel = |(_, (x, y)): (&Panel, (Axis, Axis))| Cell {
                x,
                y,
                labels: Labels::default(),
                is_titled: true,
                names_heights: true,
                has_bar: false,
            };
            row.panels().zip(axes.by_ref()).map(of_panel).collect()
        })
        .collect();
    for row in 0..rows.len() {
        for column in 0..cells[row].len() {
            let is_above = row + 1 < rows.len()
                && rows[row].grid() == rows[row + 1].grid()
                && rows[row + 1].panels().nth(column).is_some_and(|below| !below.is_blank);
            let below = is_above.then(|| &cells[row + 1][column]);
            let left = column.checked_sub(1).map(|left| &cells[row][left]);
            let mut labels = labels(&cells[row][column], left, below);
            // What has a letter of its own can be read without the rows below.
            labels.x_numbers |= is_above && rows[row + 1].has_letter();
            cells[row][column].labels = labels;
        }
        said_once(rows, &mut cells, row);
    }
    cells
}

/// What is said by a neighbour is not said again.
fn labels(cell: &Cell, left: Option<&Cell>, below: Option<&Cell>) -> Labels {
    let x_numbers = below.is_none_or(|below| below.x != cell.x);
    let y_numbers = left.is_none_or(|left| left.y != cell.y);
    Labels {
        x_numbers,
        x_title: x_numbers && below.is_none_or(|below| below.x.title != cell.x.title),
        y_numbers,
        y_title: y_numbers && left.is_none_or(|left| left.y.title != cell.y.title),
    }
}

/// Titles of columns once; numbers of reference lines, and bars of colours, at the last panel that has them.
fn said_once(rows: &[Row], cells: &mut [Vec<Cell>], row: usize) {
    let panels: Vec<&Panel> = rows[row].panels().collect();
    let above: Vec<&Panel> = match row.checked_sub(1) {
        Some(above) if rows[above].grid() == rows[row].grid() => rows[above].panels().collect(),
        Some(_) | None => Vec::new(),
    };
    let heights = |panel: &Panel| -> Vec<String> {
        let names = panel.shown().filter_map(Layer::named_height);
        names.map(|(height, name)| format!("{height} {name}")).collect()
    };
    let bar = |panel: &Panel| {
        let table = panel.shown().find_map(Layer::table);
        table.map(|map| (map.between, map.title.clone()))
    };
    for (column, panel) in panels.iter().enumerate() {
        let cell = &mut cells[row][column];
        cell.is_titled = above.get(column).is_none_or(|above| above.title != panel.title);
        // Where panels at the right of it show nothing, they stand at its own right all the same.
        let next = panels[column + 1..].iter().find(|panel| panel.shown().next().is_some());
        cell.names_heights = next.is_none_or(|next| heights(next) != heights(panel));
        cell.has_bar = bar(panel).is_some() && next.is_none_or(|next| bar(next) != bar(panel));
    }
}

/// The axes of every panel, shared between measures of one key.
fn axes_of(panels: &[&Panel]) -> Vec<(Axis, Axis)> {
    let marks = |panel: &Panel| -> Vec<f64> { panel.shown().flat_map(Layer::marks).collect() };
    let across = |panel: &Panel| -> Vec<f64> {
        panel.shown().flat_map(Layer::places).map(|place| place.0).collect()
    };
    // What stands where the horizontal axis does not reach is not shown.
    let upwards = |panel: &Panel, x: Option<&Axis>| -> Vec<f64> {
        let is_shown = |place: f64| x.is_none_or(|x| (x.low..=x.high).contains(&place));
        let places = panel.shown().flat_map(Layer::places);
        let values = places.filter(|(place, _)| is_shown(*place)).flat_map(|place| place.1);
        values.chain(panel.shown().filter_map(Layer::height)).collect()
    };
    let mut shared: HashMap<String, [Vec<f64>; 2]> = HashMap::new();
    for panel in panels {
        if let Some(key) = panel.x.key() {
            let [values, known] = shared.entry(key.to_owned()).or_default();
            values.extend(across(panel));
            known.extend(marks(panel));
            // Squares: both of their axes have one key.
            if panel.y.key() == Some(key) {
                values.extend(upwards(panel, None));
            }
        }
    }
    let xs: Vec<Axis> = panels
        .iter()
        .map(|panel| match panel.x.key() {
            Some(key) => {
                let [values, marks] = &shared[key];
                panel.x.axis(values.iter().copied(), marks.iter().copied())
            }
            None => panel.x.axis(across(panel).into_iter(), marks(panel).into_iter()),
        })
        .collect();
    let mut heights: HashMap<String, Vec<f64>> = HashMap::new();
    for (panel, x) in panels.iter().zip(&xs) {
        if let Some(key) = panel.y.key() {
            heights.entry(key.to_owned()).or_default().extend(upwards(panel, Some(x)));
        }
    }
    let ys = panels.iter().zip(&xs).map(|(panel, x)| {
        let own = upwards(panel, Some(x));
        let values = match panel.y.key() {
            Some(key) if panel.x.key() == Some(key) => &shared[key][0],
            Some(key) => &heights[key],
            None => &own,
        };
        panel.y.axis(values.iter().copied(), std::iter::empty())
    });
    let ys: Vec<Axis> = ys.collect();
    xs.into_iter().zip(ys).collect()
}

/// One panel's column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub left: f64,
    pub width: f64,
    /// Where what belongs to it begins.
    pub begin: f64,
}

impl Column {
    /// Where its frame ends.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }
}

/// Columns of a page so wide, row by row: rows of one grid stand in the same ones, and all rows begin and end alike.
pub fn columns(rows: &[Row], cells: &[Vec<Cell>], width: f64) -> Vec<Vec<Column>> {
    let rooms = |row: usize| -> Vec<(f64, f64)> {
        let height = if rows[row].is_square { 1.4 } else { rows[row].height } * USUAL_HEIGHT;
        let panels = cells[row].iter().zip(rows[row].panels());
        panels.map(|(cell, panel)| cell.room(panel, height)).collect()
    };
    let all: Vec<Vec<(f64, f64)>> = (0..rows.len()).map(rooms).collect();
    let of_grid = |row: usize| -> Vec<(f64, f64)> {
        let alike = (0..rows.len()).filter(|&other| rows[other].grid() == rows[row].grid());
        let widest = |(a, b): (f64, f64), (c, d): &(f64, f64)| (a.max(*c), b.max(*d));
        alike.fold(vec![(0.0, 0.0); all[row].len()], |rooms, other| {
            rooms.into_iter().zip(&all[other]).map(|(one, other)| widest(one, other)).collect()
        })
    };
    let first = all.iter().filter_map(|row| row.first()).map(|room| room.0).fold(0.0, f64::max);
    let last = all.iter().filter_map(|row| row.last()).map(|room| room.1).fold(0.0, f64::max);
    let side = if rows.iter().any(|row| row.side.is_some()) { SIDE } else { 0.0 };
    let (begin, end) = (MARGIN + side + first, width - MARGIN - last);
    (0..rows.len())
        .map(|row| {
            let rooms = of_grid(row);
            let gaps: Vec<f64> =
                rooms.windows(2).map(|pair| (pair[0].1 + pair[1].0 + APART).max(GAP)).collect();
            let weights = rows[row].grid();
            let unit = (end - begin - gaps.iter().sum::<f64>()) / weights.iter().sum::<f64>();
            let mut left = begin;
            let mut columns = Vec::new();
            for (index, weight) in weights.iter().enumerate() {
                let width = unit * weight;
                let begin = if index == 0 { MARGIN } else { left - rooms[index].0 };
                columns.push(Column { left, width, begin });
                left += width + gaps.get(index).copied().unwrap_or_default();
            }
            columns
        })
        .collect()
}
