//! A page as a list of marks, in points from its top left corner. Figures put marks on it; `render` makes files of it.
//!
//! The list can be read back, so that a test can ask whether two texts overlap.

use super::geometry::{Point, Rectangle};
use super::style::{Colour, FRAME_WIDTH, INK, Marker, Stroke, WHITE};
use super::text::Text;

/// One thing on the page. Later marks cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through points; dashes are already cut.
    Path {
        /// Its points.
        points: Vec<Point>,
        /// Colour and width.
        stroke: Stroke,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<Point>,
        /// Colour.
        colour: Colour,
        /// 1 hides what is below.
        opacity: f64,
    },
    /// A filled rectangle with crisp edges.
    Box {
        /// Where.
        rectangle: Rectangle,
        /// Colour.
        colour: Colour,
    },
    /// A filled circle.
    Disc {
        /// Centre.
        centre: Point,
        /// Radius.
        radius: f64,
        /// Colour.
        colour: Colour,
    },
    /// A text.
    Text(Text),
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// Width in points.
    pub width: f64,
    /// Height in points.
    pub height: f64,
    /// What is on it, from bottom to top.
    pub marks: Vec<Mark>,
}

impl Canvas {
    /// An empty page.
    pub fn new(width: f64, height: f64) -> Canvas {
        Canvas { width, height, marks: Vec::new() }
    }

    /// A line through `points`, cut into dashes if its stroke is broken.
    pub fn path(&mut self, points: Vec<Point>, stroke: Stroke) {
        if points.len() < 2 {
            return;
        }
        let lengths = stroke.dash.lengths();
        if lengths.is_empty() {
            self.marks.push(Mark::Path { points, stroke });
        } else {
            for points in dashes(&points, lengths) {
                self.marks.push(Mark::Path { points, stroke });
            }
        }
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    /// A filled polygon.
    pub fn area(&mut self, points: Vec<Point>, colour: Colour, opacity: f64) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, colour, opacity });
        }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, rectangle: Rectangle, colour: Colour) {
        self.marks.push(Mark::Box { rectangle, colour });
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, rectangle: Rectangle) {
        let Rectangle { left, top, .. } = rectangle;
        let (right, bottom) = (rectangle.right(), rectangle.bottom());
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        for edge in corners.windows(2) {
            self.line(edge[0], edge[1], Stroke::solid(INK, FRAME_WIDTH));
        }
    }

    /// A dot of a shape; all shapes of one radius cover about the same area.
    pub fn marker(&mut self, marker: Marker, (x, y): Point, radius: f64, colour: Colour) {
        let corners: &[Point] = match marker {
            Marker::Disc => {
                self.marks.push(Mark::Disc { centre: (x, y), radius, colour });
                return;
            }
            Marker::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Marker::Triangle => &[(0.0, -1.35), (1.17, 0.68), (-1.17, 0.68)],
            Marker::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        };
        let points = corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
        self.area(points, colour, 1.0);
    }

    /// The outline of a marker, white inside.
    pub fn open_marker(&mut self, marker: Marker, at: Point, radius: f64, colour: Colour) {
        self.marker(marker, at, radius, colour);
        self.marker(marker, at, 0.6 * radius, WHITE);
    }

    /// A text.
    pub fn text(&mut self, text: Text) {
        if !text.content.is_empty() {
            self.marks.push(Mark::Text(text));
        }
    }

    /// All texts on the page.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Text(text) => Some(text),
            Mark::Path { .. } | Mark::Area { .. } | Mark::Box { .. } | Mark::Disc { .. } => None,
        })
    }
}

/// Cuts a line into strokes, `lengths` being strokes and gaps in turn.
fn dashes(points: &[Point], lengths: &[f64]) -> Vec<Vec<Point>> {
    let mut strokes = Vec::new();
    let (mut index, mut left) = (0, lengths[0]);
    let mut current = vec![points[0]];
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let distance = (to.0 - from.0).hypot(to.1 - from.1);
            let drawn = index % 2 == 0;
            if distance <= left {
                left -= distance;
                if drawn {
                    current.push(to);
                }
                break;
            }
            let share = left / distance;
            from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            if drawn {
                current.push(from);
                strokes.push(std::mem::take(&mut current));
            } else {
                current = vec![from];
            }
            index = (index + 1) % lengths.len();
            left = lengths[index];
        }
    }
    if current.len() > 1 {
        strokes.push(current);
    }
    strokes
}
