//! Layers: what a panel shows, as data. Each brings the captions of what it draws.

use super::legend::{Entry, Sample};
use crate::plot::axes::{Axes, rounded};
use crate::plot::canvas::Canvas;
use crate::plot::curve::{Curve, Spread};
use crate::plot::geometry::Rectangle;
use crate::plot::heat_map::heat_map;
use crate::plot::style::{Colour, GREY, Look, NOTE_SIZE, POINT_RADIUS, Stroke, THRESHOLD};
use crate::plot::text::{Anchor, Text};

/// One layer of a panel.
pub struct Layer {
    drawing: Drawing,
    /// Its own caption.
    own: Option<Entry>,
    /// What its marks have in common with others.
    common: Vec<Entry>,
    /// How many layers of data lie upon it.
    below: usize,
}

/// Draws between a panel's axes.
type Draw = Box<dyn Fn(&mut Canvas, &Axes)>;

/// A number or words beside a line, outside of the frame.
type Name = Option<String>;

enum Drawing {
    Line(Curve, Stroke),
    Band(Spread, Colour),
    Dots { curve: Curve, look: Look, spacing: f64, open: bool },
    Points { points: Vec<(f64, f64)>, look: Look, radius: f64, open: bool },
    Shade(f64, f64),
    Upright(f64, Stroke, Name),
    Level(f64, Stroke, Name),
    Diagonal(Stroke),
    Bars(Vec<f64>, Colour),
    Borders(Vec<f64>),
    HeatMap(HeatMap),
    Note(String),
    Custom(Draw),
}

/// A table of numbers as colours, `[row][column]`, the first row on top.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// The numbers.
    pub values: Vec<Vec<f64>>,
    /// Lines part groups of so many rows.
    pub groups: Vec<usize>,
    /// The numbers of the palest and the darkest colour; where the range is as wide below 0 as above, 0 is the palest.
    pub between: (f64, f64),
    /// What they are.
    pub title: String,
}

/// Distance between dots on paper, and between rings, which are larger.
const SPACING: f64 = 4.5;
const RING_SPACING: f64 = 6.0;

impl Layer {
    fn new(drawing: Drawing, sample: Sample, caption: impl Into<String>) -> Layer {
        Layer { own: Some(Entry::new(sample, caption)), ..Layer::without_caption(drawing) }
    }

    fn without_caption(drawing: Drawing) -> Layer {
        Layer { drawing, own: None, common: Vec::new(), below: 0 }
    }

    /// A line through a curve's points.
    pub fn line(curve: Curve, stroke: Stroke, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Line(curve, stroke), Sample::Line(stroke), caption)
    }

    /// The area between the extremes of several curves.
    pub fn band(spread: Spread, colour: Colour, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Band(spread, colour), Sample::Band(colour), caption)
    }

    /// Dots on a curve, evenly spaced on paper.
    pub fn dots(curve: Curve, look: Look, caption: impl Into<String>) -> Layer {
        let drawing = Drawing::Dots { curve, look, spacing: SPACING, open: false };
        Layer::new(drawing, Sample::Dots(look), caption)
    }

    /// Larger dots, white inside: what lies upon them shows.
    pub fn rings(curve: Curve, look: Look, caption: impl Into<String>) -> Layer {
        let drawing = Drawing::Dots { curve, look, spacing: RING_SPACING, open: true };
        Layer::new(drawing, Sample::Open(look), caption)
    }

    /// Dots on a curve so many times farther apart.
    pub fn sparser(mut self, times: f64) -> Layer {
        if let Drawing::Dots { spacing, .. } = &mut self.drawing {
            *spacing *= times;
        }
        self
    }

    /// A marker at each point.
    pub fn points(
        points: impl IntoIterator<Item = (f64, f64)>,
        look: Look,
        caption: impl Into<String>,
    ) -> Layer {
        let points = points.into_iter().collect();
        let drawing = Drawing::Points { points, look, radius: POINT_RADIUS, open: false };
        Layer::new(drawing, Sample::Marker(look), caption)
    }

    /// The same, white inside.
    pub fn open_points(
        points: impl IntoIterator<Item = (f64, f64)>,
        look: Look,
        caption: impl Into<String>,
    ) -> Layer {
        let points = points.into_iter().collect();
        let drawing = Drawing::Points { points, look, radius: POINT_RADIUS, open: true };
        Layer::new(drawing, Sample::Open(look), caption)
    }

    /// Markers so many times larger.
    pub fn larger(mut self, times: f64) -> Layer {
        if let Drawing::Points { radius, .. } = &mut self.drawing {
            *radius *= times;
        }
        self
    }

    /// Shades the panel between two values of its horizontal axis.
    pub fn shade(from: f64, to: f64, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Shade(from, to), Sample::Shade, caption)
    }

    /// A line from bottom to top.
    pub fn upright(x: f64, stroke: Stroke, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Upright(x, stroke, None), Sample::Upright(stroke), caption)
    }

    /// A line from left to right.
    pub fn level(y: f64, stroke: Stroke, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Level(y, stroke, None), Sample::Line(stroke), caption)
    }

    /// With words at the end of a level, to the right of the frame, or of an upright, above it.
    pub fn named(mut self, words: impl Into<String>) -> Layer {
        if let Drawing::Level(.., name) | Drawing::Upright(.., name) = &mut self.drawing {
            *name = Some(words.into());
        }
        self
    }

    /// With its number there.
    pub fn numbered(self) -> Layer {
        match self.drawing {
            Drawing::Level(value, ..) | Drawing::Upright(value, ..) => self.named(rounded(value)),
            _ => self,
        }
    }

    /// Where both axes have one value.
    pub fn diagonal(stroke: Stroke, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Diagonal(stroke), Sample::Line(stroke), caption)
    }

    /// A bar from 0 to each height, in the middle of parts 0 to 1, 1 to 2 ... of the horizontal axis.
    pub fn bars(heights: Vec<f64>, colour: Colour, caption: impl Into<String>) -> Layer {
        Layer::new(Drawing::Bars(heights, colour), Sample::Swatch(colour), caption)
    }

    /// Upright lines between groups of so many parts of the horizontal axis, which names them.
    pub fn borders(groups: &[usize]) -> Layer {
        let ends = groups.iter().scan(0, |end, count| {
            *end += count;
            Some(*end as f64)
        });
        let places = ends.take(groups.len().saturating_sub(1)).collect();
        Layer::without_caption(Drawing::Borders(places))
    }

    /// A table as colours. Its bar of colours stands for a caption.
    pub fn heat_map(map: HeatMap) -> Layer {
        Layer::without_caption(Drawing::HeatMap(map))
    }

    /// Words at the foot of the panel.
    pub fn note(words: impl Into<String>) -> Layer {
        Layer::without_caption(Drawing::Note(words.into()))
    }

    /// What no other layer draws, with its captions. It says nothing of ranges: set the measures' ends.
    pub fn custom(entries: Vec<Entry>, draw: impl Fn(&mut Canvas, &Axes) + 'static) -> Layer {
        Layer { common: entries, ..Layer::without_caption(Drawing::Custom(Box::new(draw))) }
    }

    /// With a caption that it shares with others of another look, in place of its own.
    pub fn explained_by(mut self, entry: Entry) -> Layer {
        (self.own, self.common) = (None, vec![entry]);
        self
    }

    /// Without a caption: a key of another kind explains it.
    pub fn uncaptioned(mut self) -> Layer {
        (self.own, self.common) = (None, Vec::new());
        self
    }

    /// With a caption more, of what its marks have in common with others.
    pub fn also(mut self, entry: Entry) -> Layer {
        self.common.push(entry);
        self
    }

    /// Below so many other layers of data at least.
    pub fn below(mut self, others: usize) -> Layer {
        self.below = self.below.max(others);
        self
    }

    /// Its own caption.
    pub fn own_entry(&self) -> Option<&Entry> {
        self.own.as_ref()
    }

    /// Captions of what its marks have in common with others.
    pub fn common_entries(&self) -> &[Entry] {
        &self.common
    }

    /// The order of drawing: lines to compare with, data from below, words.
    pub(super) fn order(&self) -> (u8, std::cmp::Reverse<usize>) {
        let group = match self.drawing {
            Drawing::Note(_) => 2,
            _ if self.is_found() => 1,
            _ => 0,
        };
        (group, std::cmp::Reverse(self.below))
    }

    /// Whether it needs a caption: words, colours with a bar of their own and borders of what an axis names do not.
    pub fn needs_caption(&self) -> bool {
        !matches!(self.drawing, Drawing::Note(_) | Drawing::HeatMap(_) | Drawing::Borders(_))
    }

    /// Whether it is of something that was found, not a line to compare with.
    pub fn is_found(&self) -> bool {
        match self.drawing {
            Drawing::Line(..)
            | Drawing::Band(..)
            | Drawing::Dots { .. }
            | Drawing::Points { .. }
            | Drawing::Bars(..)
            | Drawing::HeatMap(_)
            | Drawing::Custom(_) => true,
            Drawing::Shade(..)
            | Drawing::Upright(..)
            | Drawing::Level(..)
            | Drawing::Diagonal(_)
            | Drawing::Borders(_)
            | Drawing::Note(_) => false,
        }
    }

    /// Whether anything was found.
    pub fn has_data(&self) -> bool {
        let is_some = |curve: &Curve| curve.points.iter().any(|point| point.1.is_some());
        match &self.drawing {
            Drawing::Line(curve, _) | Drawing::Dots { curve, .. } => is_some(curve),
            Drawing::Band(spread, _) => spread.points.iter().any(|point| point.1.is_some()),
            Drawing::Points { points, .. } => !points.is_empty(),
            Drawing::Bars(heights, _) => !heights.is_empty(),
            Drawing::HeatMap(map) => !map.values.is_empty(),
            Drawing::Custom(_) => true,
            Drawing::Shade(..)
            | Drawing::Upright(..)
            | Drawing::Level(..)
            | Drawing::Diagonal(_)
            | Drawing::Borders(_)
            | Drawing::Note(_) => false,
        }
    }

    /// Where it has something: across, and what is there, if anything is.
    pub(super) fn places(&self) -> Vec<(f64, Vec<f64>)> {
        match &self.drawing {
            Drawing::Line(curve, _) | Drawing::Dots { curve, .. } => {
                curve.points.iter().map(|(x, y)| (*x, y.iter().copied().collect())).collect()
            }
            Drawing::Band(spread, _) => {
                let ends = |range: &Option<(f64, f64, f64)>| {
                    range.map_or_else(Vec::new, |(low, _, high)| vec![low, high])
                };
                spread.points.iter().map(|(x, range)| (*x, ends(range))).collect()
            }
            Drawing::Points { points, .. } => points.iter().map(|(x, y)| (*x, vec![*y])).collect(),
            Drawing::Bars(heights, _) => {
                let bar = |(index, height): (usize, &f64)| (index as f64 + 0.5, vec![0.0, *height]);
                heights.iter().enumerate().map(bar).collect()
            }
            Drawing::Shade(..)
            | Drawing::Upright(..)
            | Drawing::Level(..)
            | Drawing::Diagonal(_)
            | Drawing::Borders(_)
            | Drawing::HeatMap(_)
            | Drawing::Note(_)
            | Drawing::Custom(_) => Vec::new(),
        }
    }

    /// The height of a level.
    pub(super) fn height(&self) -> Option<f64> {
        if let Drawing::Level(y, ..) = self.drawing { Some(y) } else { None }
    }

    /// Onsets and ends.
    pub(super) fn marks(&self) -> Vec<f64> {
        match self.drawing {
            Drawing::Shade(from, to) => vec![from, to],
            Drawing::Upright(x, ..) => vec![x],
            _ => Vec::new(),
        }
    }

    /// The named height of a level.
    pub(super) fn named_height(&self) -> Option<(f64, &str)> {
        match &self.drawing {
            Drawing::Level(y, _, Some(name)) => Some((*y, name)),
            _ => None,
        }
    }

    /// The named place of an upright.
    pub(super) fn named_place(&self) -> Option<(f64, &str)> {
        match &self.drawing {
            Drawing::Upright(x, _, Some(name)) => Some((*x, name)),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub(super) fn table(&self) -> Option<&HeatMap> {
        if let Drawing::HeatMap(map) = &self.drawing { Some(map) } else { None }
    }

    /// Draws it between axes.
    pub(super) fn draw(&self, canvas: &mut Canvas, axes: &Axes) {
        match &self.drawing {
            Drawing::Line(curve, stroke) => axes.curve(canvas, curve, *stroke),
            Drawing::Band(spread, colour) => axes.band(canvas, spread, *colour),
            Drawing::Dots { curve, look, spacing, open: false } => {
                axes.dots(canvas, curve, *look, *spacing);
            }
            Drawing::Dots { curve, look, spacing, open: true } => {
                axes.rings(canvas, curve, *look, *spacing);
            }
            Drawing::Points { points, look, radius, open } => {
                for &(x, y) in points {
                    axes.point(canvas, (x, y), *look, (*radius, *open));
                }
            }
            Drawing::Shade(from, to) => axes.shade(canvas, *from, *to),
            Drawing::Upright(x, stroke, _) => axes.vertical(canvas, *x, *stroke),
            Drawing::Level(y, stroke, _) => axes.horizontal(canvas, *y, *stroke),
            Drawing::Diagonal(stroke) => {
                let low = axes.x.low.max(axes.y.low);
                let high = axes.x.high.min(axes.y.high);
                let points = [low, high].map(|value| (value, Some(value)));
                axes.curve(canvas, &Curve { points: points.to_vec() }, *stroke);
            }
            Drawing::Borders(places) => {
                places.iter().for_each(|place| axes.vertical(canvas, *place, THRESHOLD));
            }
            Drawing::Bars(heights, colour) => draw_bars(canvas, axes, heights, *colour),
            Drawing::HeatMap(map) => {
                heat_map(canvas, axes.frame, (&map.values, &map.groups), map.between);
            }
            Drawing::Note(words) => {
                let at = (axes.frame.centre().0, axes.frame.bottom() - 8.0);
                canvas.text(Text::centred(words, at, Anchor::Middle, NOTE_SIZE).coloured(GREY));
            }
            Drawing::Custom(draw) => draw(canvas, axes),
        }
    }
}

fn draw_bars(canvas: &mut Canvas, axes: &Axes, heights: &[f64], colour: Colour) {
    /// Of a part's width, at each side.
    const ROOM: f64 = 0.15;
    for (index, height) in heights.iter().enumerate() {
        let left = index as f64;
        let corners =
            (axes.place(left + ROOM, *height), axes.place(left + 1.0 - ROOM, axes.y.low.max(0.0)));
        if let (Some((left, top)), Some((right, bottom))) = corners {
            canvas.fill(Rectangle::between(left, top, right, bottom), colour);
        }
    }
}
