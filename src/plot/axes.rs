//! One pair of axes and what is drawn between them. Nothing leaves the frame.

use super::axis::{Axis, Tick, number};
use super::canvas::Canvas;
use super::curve::{Curve, Spread};
use super::geometry::{Point, Rectangle};
use super::style::{
    BAND_OPACITY, Colour, DOT_RADIUS, FRAME_WIDTH, GREY, INK, Look, NOTE_SIZE, POINT_RADIUS, SHADE,
    Stroke, TEXT_SIZE, TICK_LENGTH,
};
use super::text::{Anchor, Text, text_width};

/// The axes of one panel, and what is drawn between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Axes {
    /// The area between the axes.
    pub frame: Rectangle,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
}

/// Which numbers and titles of axes are shown; neighbours may share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels {
    /// Numbers below.
    pub x_numbers: bool,
    /// The title below.
    pub x_title: bool,
    /// Numbers at the left.
    pub y_numbers: bool,
    /// The title at the left.
    pub y_title: bool,
}

/// Points closer than this on paper are not told apart.
const FINEST: f64 = 0.25;
/// From the frame to the numbers.
const LABEL_GAP: f64 = TICK_LENGTH + 1.5;
/// From one row of names below an axis to the next.
const NAME_ROW: f64 = 8.5;
/// Room for one number on the horizontal axis.
const LABEL_ROOM: f64 = 22.0;
/// From a panel's frame to the baseline of its horizontal axis' title.
pub const X_TITLE_OFFSET: f64 = 19.0;

impl Axes {
    /// Where a pair of values stands on the page, inside the frame or not.
    pub fn place(&self, x: f64, y: f64) -> Option<Point> {
        let (across, up) = (self.x.position(x)?, self.y.position(y)?);
        Some((
            self.frame.left + across * self.frame.width,
            self.frame.bottom() - up * self.frame.height,
        ))
    }

    /// A line through a curve's points, broken where it is undefined.
    pub fn curve(&self, canvas: &mut Canvas, curve: &Curve, stroke: Stroke) {
        let mut run: Vec<Point> = Vec::new();
        let places = curve.points.iter().map(|&(x, y)| y.and_then(|y| self.place(x, y)));
        for place in places.chain([None]) {
            match place {
                Some(point) => {
                    let near = run.last().is_some_and(|last| distance(*last, point) < FINEST);
                    if !near {
                        run.push(point);
                    }
                }
                None => {
                    for piece in clipped(&std::mem::take(&mut run), &self.frame) {
                        canvas.path(piece, stroke);
                    }
                }
            }
        }
    }

    /// Dots on a curve, at least `spacing` points apart on paper.
    pub fn dots(&self, canvas: &mut Canvas, curve: &Curve, look: Look, spacing: f64) {
        for place in self.spaced(curve, spacing) {
            canvas.marker(look.marker, place, DOT_RADIUS, look.colour);
        }
    }

    /// Larger dots, white inside: what lies upon them shows.
    pub fn rings(&self, canvas: &mut Canvas, curve: &Curve, look: Look, spacing: f64) {
        for place in self.spaced(curve, spacing) {
            canvas.open_marker(look.marker, place, POINT_RADIUS, look.colour);
        }
    }

    /// Points of a curve inside the frame, at least `spacing` points apart on paper.
    fn spaced(&self, curve: &Curve, spacing: f64) -> Vec<Point> {
        let mut places: Vec<Point> = Vec::new();
        for &(x, y) in &curve.points {
            let Some(place) = y.and_then(|y| self.place(x, y)) else { continue };
            let inside = place.0 >= self.frame.left - 0.1
                && place.0 <= self.frame.right() + 0.1
                && place.1 >= self.frame.top - 0.1
                && place.1 <= self.frame.bottom() + 0.1;
            if inside && places.last().is_none_or(|last| distance(*last, place) >= spacing) {
                places.push(place);
            }
        }
        places
    }

    /// One marker, filled or white inside, if it lies inside the frame.
    pub fn point(
        &self,
        canvas: &mut Canvas,
        (x, y): (f64, f64),
        look: Look,
        (radius, open): (f64, bool),
    ) {
        let Some(place) = self.place(x, y) else { return };
        if !Rectangle::between(place.0, place.1, place.0, place.1).within(&self.frame) {
            return;
        }
        if open {
            canvas.open_marker(look.marker, place, radius, look.colour);
        } else {
            canvas.marker(look.marker, place, radius, look.colour);
        }
    }

    /// The area between the extremes of several seeds.
    pub fn band(&self, canvas: &mut Canvas, spread: &Spread, colour: Colour) {
        for run in spread.points.split(|point| point.1.is_none()) {
            let (mut upper, mut lower): (Vec<Point>, Vec<Point>) = (Vec::new(), Vec::new());
            for &(x, range) in run {
                let Some((low, _, high)) = range else { continue };
                // On a logarithmic axis a value that is not positive lies below every frame.
                let top = self.place(x, high);
                let bottom = self.place(x, low).or(top.map(|top| (top.0, self.frame.bottom())));
                let (Some(top), Some(bottom)) = (top, bottom) else { continue };
                let near = upper.last().is_some_and(|last| top.0 - last.0 < FINEST);
                if top.0 >= self.frame.left && top.0 <= self.frame.right() + 0.1 && !near {
                    upper.push((top.0, self.within(top.1)));
                    lower.push((bottom.0, self.within(bottom.1)));
                }
            }
            let thick = upper.iter().zip(&lower).any(|(upper, lower)| lower.1 - upper.1 > 0.3);
            if thick {
                upper.extend(lower.into_iter().rev());
                canvas.area(upper, colour, BAND_OPACITY);
            }
        }
    }

    fn within(&self, y: f64) -> f64 {
        y.clamp(self.frame.top, self.frame.bottom())
    }

    /// Shades the panel between two values of the horizontal axis, as far as they are inside.
    pub fn shade(&self, canvas: &mut Canvas, from: f64, to: f64) {
        let (Some(from), Some(to)) = (self.x.position(from), self.x.position(to)) else { return };
        let (from, to) = (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0));
        if to > from {
            let left = self.frame.left + from * self.frame.width;
            let width = (to - from) * self.frame.width;
            canvas.fill(Rectangle { left, width, ..self.frame }, SHADE);
        }
    }

    /// A line across the panel.
    pub fn horizontal(&self, canvas: &mut Canvas, y: f64, stroke: Stroke) {
        if let Some(up) = self.y.position(y).filter(|up| (0.0..=1.0).contains(up)) {
            let height = self.frame.bottom() - up * self.frame.height;
            canvas.line((self.frame.left, height), (self.frame.right(), height), stroke);
        }
    }

    /// A line from bottom to top.
    pub fn vertical(&self, canvas: &mut Canvas, x: f64, stroke: Stroke) {
        if let Some(across) = self.x.position(x).filter(|across| (0.0..=1.0).contains(across)) {
            let left = self.frame.left + across * self.frame.width;
            canvas.line((left, self.frame.top), (left, self.frame.bottom()), stroke);
        }
    }

    /// A note in the middle, for a panel without data.
    pub fn note(&self, canvas: &mut Canvas, note: &str) {
        let text = Text::centred(note, self.frame.centre(), Anchor::Middle, TEXT_SIZE);
        canvas.text(text.coloured(GREY));
    }

    /// The frame, its ticks, and the numbers and titles that are shown. Call it last: it covers the ends of lines.
    pub fn labelled(&self, canvas: &mut Canvas, labels: Labels) {
        self.x_axis(canvas, labels.x_numbers, labels.x_title);
        self.y_axis(canvas, labels.y_numbers, labels.y_title);
        canvas.frame(self.frame);
    }

    /// Ticks of the horizontal axis, and where they stand.
    fn x_ticks(&self) -> Vec<(f64, Tick)> {
        let most = (self.frame.width / LABEL_ROOM) as usize;
        let place = |tick: Tick| {
            let across = self.x.position(tick.value)?;
            Some((self.frame.left + across * self.frame.width, tick))
        };
        self.x.ticks(most).into_iter().filter_map(place).collect()
    }

    fn y_ticks(&self) -> Vec<(f64, Tick)> {
        let most = (self.frame.height / 18.0) as usize;
        let place = |tick: Tick| {
            let up = self.y.position(tick.value)?;
            Some((self.frame.bottom() - up * self.frame.height, tick))
        };
        self.y.ticks(most).into_iter().filter_map(place).collect()
    }

    /// Rows of text that the horizontal axis' numbers or names take: names that would touch stand in two.
    fn x_rows(&self) -> usize {
        let ends =
            self.x_ticks().into_iter().filter(|_| !self.x.names.is_empty()).map(|(x, tick)| {
                let half = text_width(&tick.label.unwrap_or_default(), TEXT_SIZE, false) / 2.0;
                (x - half, x + half)
            });
        let ends: Vec<(f64, f64)> = ends.collect();
        if ends.windows(2).any(|pair| pair[0].1 + 3.0 > pair[1].0) { 2 } else { 1 }
    }

    /// Room below the frame for numbers and a title.
    pub fn room_below(&self, numbers: bool, title: bool) -> f64 {
        let further = (self.x_rows() - 1) as f64 * NAME_ROW;
        match (numbers, title && !self.x.title.is_empty()) {
            (false, _) => TICK_LENGTH,
            (true, false) => LABEL_GAP + TEXT_SIZE + further,
            (true, true) => X_TITLE_OFFSET + 0.25 * TEXT_SIZE + further,
        }
    }

    /// Room at the left of the frame, likewise.
    pub fn room_left(&self, numbers: bool, title: bool) -> f64 {
        if !numbers {
            return TICK_LENGTH;
        }
        let title = if title && !self.y.title.is_empty() { 4.0 + TEXT_SIZE } else { 0.0 };
        LABEL_GAP + self.widest_label() + title
    }

    fn widest_label(&self) -> f64 {
        let labels = self.y_ticks().into_iter().filter_map(|(_, tick)| tick.label);
        labels.map(|label| text_width(&label, TEXT_SIZE, false)).fold(0.0, f64::max)
    }

    fn x_axis(&self, canvas: &mut Canvas, numbers: bool, title: bool) {
        let bottom = self.frame.bottom();
        let baseline = bottom + LABEL_GAP + 0.75 * TEXT_SIZE;
        let rows = self.x_rows();
        let thin = || Stroke::solid(INK, FRAME_WIDTH);
        for across in self.x.parts().into_iter().filter_map(|part| self.x.position(part)) {
            let x = self.frame.left + across * self.frame.width;
            canvas.line((x, bottom), (x, bottom + TICK_LENGTH / 2.0), thin());
        }
        for (index, (x, tick)) in self.x_ticks().into_iter().enumerate() {
            if self.x.names.is_empty() {
                let length = tick.label.as_ref().map_or(TICK_LENGTH / 2.0, |_| TICK_LENGTH);
                canvas.line((x, bottom), (x, bottom + length), thin());
            }
            if let (true, Some(label)) = (numbers, tick.label) {
                let at = (x, baseline + (index % rows) as f64 * NAME_ROW);
                canvas.text(Text::new(label, at, Anchor::Middle, TEXT_SIZE));
            }
        }
        if title {
            let down = X_TITLE_OFFSET + (rows - 1) as f64 * NAME_ROW;
            let at = (self.frame.centre().0, bottom + down);
            canvas.text(Text::new(&*self.x.title, at, Anchor::Middle, TEXT_SIZE));
        }
    }

    fn y_axis(&self, canvas: &mut Canvas, numbers: bool, title: bool) {
        let left = self.frame.left;
        for up in self.y.parts().into_iter().filter_map(|part| self.y.position(part)) {
            let y = self.frame.bottom() - up * self.frame.height;
            let stroke = Stroke::solid(INK, FRAME_WIDTH);
            canvas.line((left - TICK_LENGTH / 2.0, y), (left, y), stroke);
        }
        for (y, tick) in self.y_ticks() {
            if self.y.names.is_empty() {
                let length = tick.label.as_ref().map_or(TICK_LENGTH / 2.0, |_| TICK_LENGTH);
                canvas.line((left - length, y), (left, y), Stroke::solid(INK, FRAME_WIDTH));
            }
            if let (true, Some(label)) = (numbers, tick.label) {
                canvas.text(Text::centred(label, (left - LABEL_GAP, y), Anchor::End, TEXT_SIZE));
            }
        }
        if title {
            let widest = if numbers { self.widest_label() } else { 0.0 };
            let at = (left - LABEL_GAP - widest - 4.0, self.frame.centre().1);
            canvas.text(Text::new(&*self.y.title, at, Anchor::Middle, TEXT_SIZE).upward());
        }
    }

    /// Words at the right of the frame, at heights; of two that would touch, the first.
    pub fn words_at_heights(&self, canvas: &mut Canvas, names: &[(f64, &str)]) {
        let mut taken: Vec<f64> = Vec::new();
        for (value, name) in names {
            let Some(up) = self.y.position(*value).filter(|up| (0.0..=1.0).contains(up)) else {
                continue;
            };
            let y = self.frame.bottom() - up * self.frame.height;
            if taken.iter().all(|other| (other - y).abs() > NOTE_SIZE) {
                let at = (self.frame.right() + 2.5, y);
                canvas.text(Text::centred(*name, at, Anchor::Start, NOTE_SIZE).coloured(GREY));
                taken.push(y);
            }
        }
    }

    /// Words above the frame, at places across; of two that would touch, the first.
    pub fn words_at_places(&self, canvas: &mut Canvas, names: &[(f64, &str)]) {
        let mut taken: Vec<Rectangle> = Vec::new();
        for (value, name) in names {
            let Some(across) = self.x.position(*value).filter(|x| (0.0..=1.0).contains(x)) else {
                continue;
            };
            let at = (self.frame.left + across * self.frame.width, self.frame.top - 3.0);
            let text = Text::new(*name, at, Anchor::Middle, NOTE_SIZE);
            let bounds = text.bounds();
            if taken.iter().all(|other| !bounds.overlaps(other, -2.0)) {
                canvas.text(text);
                taken.push(bounds);
            }
        }
    }
}

/// At most three decimals: `0.5`, `0.316`.
pub fn rounded(value: f64) -> String {
    let text = number(value, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn distance(from: Point, to: Point) -> f64 {
    (to.0 - from.0).hypot(to.1 - from.1)
}

/// The pieces of a line that lie inside a frame.
fn clipped(points: &[Point], frame: &Rectangle) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    for pair in points.windows(2) {
        let Some((from, to)) = clipped_stretch(pair[0], pair[1], frame) else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            Some(_) | None => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The part of one straight stretch inside a frame (Liang and Barsky).
fn clipped_stretch(from: Point, to: Point, frame: &Rectangle) -> Option<(Point, Point)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let sides = [
        (-dx, from.0 - frame.left),
        (dx, frame.right() - from.0),
        (-dy, from.1 - frame.top),
        (dy, frame.bottom() - from.1),
    ];
    for (towards, room) in sides {
        if towards == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if towards < 0.0 {
            enter = enter.max(room / towards);
        } else {
            leave = leave.min(room / towards);
        }
    }
    if enter >= leave {
        return None;
    }
    let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
    let start = if enter == 0.0 { from } else { at(enter) };
    Some((start, if leave == 1.0 { to } else { at(leave) }))
}
