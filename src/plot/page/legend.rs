//! What a legend says: gathered from the layers that are drawn, each look once.

use crate::plot::canvas::Canvas;
use crate::plot::geometry::{Point, Rectangle};
use crate::plot::style::{
    BAND_OPACITY, Colour, DOT_RADIUS, Dash, Look, Marker, POINT_RADIUS, SHADE, Stroke, TEXT_SIZE,
    WHITE,
};
use crate::plot::text::{Anchor, Text, text_width};

/// One look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// The shade of the OCS phase.
    Shade,
    /// A bar, or another filled area.
    Swatch(Colour),
    /// A band.
    Band(Colour),
    /// A line.
    Line(Stroke),
    /// An upright line.
    Upright(Stroke),
    /// Dots on a curve.
    Dots(Look),
    /// One marker.
    Marker(Look),
    /// One marker, white inside.
    Open(Look),
    /// Markers of every shape, beside each other.
    Shapes(Colour),
}

/// A caption and what it stands for, one sample upon the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it looks like.
    pub samples: Vec<Sample>,
    /// What it is.
    pub caption: String,
}

const SAMPLE_WIDTH: f64 = 15.0;
const SAMPLE_GAP: f64 = 3.0;
const ENTRY_GAP: f64 = 10.0;
const SHAPES: [Marker; 4] = [Marker::Disc, Marker::Triangle, Marker::Square, Marker::Diamond];
const SHAPE_WIDTH: f64 = 6.0;
/// From one row of entries to the next.
pub const ROW_HEIGHT: f64 = 10.5;

impl Sample {
    fn colour(self) -> Colour {
        match self {
            Sample::Shade => SHADE,
            Sample::Swatch(colour) | Sample::Band(colour) | Sample::Shapes(colour) => colour,
            Sample::Line(stroke) | Sample::Upright(stroke) => stroke.colour,
            Sample::Dots(look) | Sample::Marker(look) | Sample::Open(look) => look.colour,
        }
    }

    /// Later ones lie upon earlier ones.
    fn height(self) -> usize {
        match self {
            Sample::Shade => 0,
            Sample::Swatch(_) => 1,
            Sample::Band(_) => 2,
            Sample::Line(_) | Sample::Upright(_) => 3,
            Sample::Dots(_) => 4,
            Sample::Marker(_) | Sample::Open(_) | Sample::Shapes(_) => 5,
        }
    }

    fn width(self) -> f64 {
        match self {
            Sample::Shade | Sample::Band(_) | Sample::Line(_) | Sample::Dots(_) => SAMPLE_WIDTH,
            Sample::Swatch(_) | Sample::Marker(_) | Sample::Open(_) => 5.0,
            Sample::Upright(_) => 3.0,
            Sample::Shapes(_) => SHAPES.len() as f64 * SHAPE_WIDTH,
        }
    }
}

impl Entry {
    /// An entry.
    pub fn new(sample: Sample, caption: impl Into<String>) -> Entry {
        Entry { samples: vec![sample], caption: caption.into() }
    }

    /// Whether the two say the same of marks of one colour.
    pub fn agrees_with(&self, other: &Entry) -> bool {
        let colour = |entry: &Entry| entry.samples.first().map(|sample| sample.colour());
        self.caption == other.caption && colour(self) == colour(other)
    }

    fn take_in(&mut self, samples: &[Sample]) {
        for sample in samples {
            if !self.samples.contains(sample) {
                self.samples.push(*sample);
            }
        }
        self.samples.sort_by_key(|sample| sample.height());
        // A marker by itself says what a row of them would.
        let is_marked = |look: &Look| {
            self.samples
                .iter()
                .any(|s| matches!(s, Sample::Marker(one) if one.marker == look.marker))
        };
        let redundant = |sample: &Sample| matches!(sample, Sample::Dots(look) if is_marked(look));
        self.samples = self.samples.iter().copied().filter(|sample| !redundant(sample)).collect();
    }

    fn sample_width(&self) -> f64 {
        self.samples.iter().map(|sample| sample.width()).fold(0.0, f64::max)
    }

    fn width(&self) -> f64 {
        self.sample_width() + SAMPLE_GAP + text_width(&self.caption, TEXT_SIZE, false)
    }
}

/// Each caption once, with all that it stands for; captions of one and the same look share an entry.
pub fn gathered(entries: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    let mut gathered: Vec<Entry> = Vec::new();
    for entry in entries {
        match gathered.iter_mut().find(|other| other.agrees_with(&entry)) {
            Some(known) => known.take_in(&entry.samples),
            None => gathered.push(entry),
        }
    }
    let mut apart: Vec<Entry> = Vec::new();
    for entry in gathered {
        match apart.iter_mut().find(|other| other.samples == entry.samples) {
            Some(alike) => alike.caption += &format!(", {}", entry.caption),
            None => apart.push(entry),
        }
    }
    solid_uprights_first(&mut apart);
    apart
}

/// Of upright lines, in their places, the solid ones before the broken: an onset before an end, whichever a first panel has.
fn solid_uprights_first(entries: &mut [Entry]) {
    let upright = |entry: &Entry| match entry.samples[..] {
        [Sample::Upright(stroke)] => Some(stroke),
        _ => None,
    };
    let places: Vec<usize> =
        (0..entries.len()).filter(|&at| upright(&entries[at]).is_some()).collect();
    let mut uprights: Vec<Entry> = places.iter().map(|&at| entries[at].clone()).collect();
    uprights.sort_by_key(|entry| upright(entry).is_some_and(|stroke| stroke.dash != Dash::Solid));
    std::iter::zip(places, uprights).for_each(|(at, entry)| entries[at] = entry);
}

/// Entries in rows: a left end and a row for each.
pub struct Arranged<'a> {
    entries: Vec<(&'a Entry, f64, usize)>,
    /// Number of rows, at least one.
    pub rows: usize,
}

/// Sets entries from `start`, and in further rows from `left`, up to `right`: in as few rows as that takes, all of them about
/// equally long, or in one.
pub fn arranged(entries: &[Entry], start: f64, (left, right): (f64, f64)) -> Arranged<'_> {
    let rows = up_to(entries, start, (left, right)).rows;
    if rows > 1 && up_to(entries, left, (left, right)).rows == 1 {
        // Together in the second, below what the first begins with.
        let mut together = up_to(entries, left, (left, right));
        together.entries.iter_mut().for_each(|entry| entry.2 = 1);
        return Arranged { rows: 2, ..together };
    }
    let (mut shortest, mut enough) = (left, right);
    while enough - shortest > 0.5 {
        let middle = (shortest + enough) / 2.0;
        if up_to(entries, start, (left, middle)).rows > rows {
            shortest = middle;
        } else {
            enough = middle;
        }
    }
    up_to(entries, start, (left, enough))
}

/// Each row as long as may be.
fn up_to(entries: &[Entry], start: f64, (left, right): (f64, f64)) -> Arranged<'_> {
    let (mut x, mut row) = (start, 0);
    let mut arranged = Vec::new();
    for entry in entries {
        let is_first = if row == 0 { x <= left } else { x == left };
        if !is_first && x + entry.width() > right {
            (x, row) = (left, row + 1);
        }
        arranged.push((entry, x, row));
        x += entry.width() + ENTRY_GAP;
    }
    Arranged { entries: arranged, rows: row + 1 }
}

impl Arranged<'_> {
    /// Draws them, `middle` being that of the first row.
    pub fn draw(&self, canvas: &mut Canvas, middle: f64) {
        for (entry, x, row) in &self.entries {
            let at = (*x, middle + *row as f64 * ROW_HEIGHT);
            let width = entry.sample_width();
            for sample in &entry.samples {
                draw_sample(canvas, *sample, at, width);
            }
            let from = (at.0 + width + SAMPLE_GAP, at.1);
            canvas.text(Text::centred(&*entry.caption, from, Anchor::Start, TEXT_SIZE));
        }
    }
}

fn draw_sample(canvas: &mut Canvas, sample: Sample, (left, middle): Point, width: f64) {
    let right = left + width;
    let centre = (left + right) / 2.0;
    let area = |half: f64| Rectangle::between(left, middle - half, right, middle + half);
    match sample {
        Sample::Shade => {
            canvas.fill(area(3.0), SHADE);
            canvas.frame(area(3.0));
        }
        Sample::Swatch(colour) => canvas.fill(area(2.5), colour),
        Sample::Band(colour) => canvas.fill(area(3.0), colour.towards(WHITE, 1.0 - BAND_OPACITY)),
        Sample::Line(stroke) => canvas.line((left, middle), (right, middle), stroke),
        Sample::Upright(stroke) => {
            canvas.line((centre, middle - 4.0), (centre, middle + 4.0), stroke);
        }
        Sample::Dots(look) => {
            for share in [0.2, 0.5, 0.8] {
                let at = (left + share * width, middle);
                canvas.marker(look.marker, at, DOT_RADIUS, look.colour);
            }
        }
        Sample::Marker(look) => {
            canvas.marker(look.marker, (centre, middle), POINT_RADIUS, look.colour);
        }
        Sample::Open(look) => {
            canvas.open_marker(look.marker, (centre, middle), POINT_RADIUS, look.colour);
        }
        Sample::Shapes(colour) => {
            for (index, marker) in SHAPES.into_iter().enumerate() {
                let x = left + (index as f64 + 0.5) * SHAPE_WIDTH;
                canvas.marker(marker, (x, middle), POINT_RADIUS, colour);
            }
        }
    }
}
