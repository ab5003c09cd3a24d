//! Captions that say what a look means, set outside of the data.

use super::canvas::{Canvas, Point, Rectangle};
use super::style::{
    BAND_OPACITY, Colour, LETTER_SIZE, Look, NOTE_SIZE, POINT_RADIUS, SHADE, Stroke, TEXT_SIZE,
    TITLE_SIZE, WHITE,
};
use super::text::{Anchor, Text, text_width};

/// What stands before a caption.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// A line.
    Line(Stroke),
    /// Dots.
    Dots(Look),
    /// One large marker.
    Marker(Look),
    /// One large marker, white inside.
    Open(Look),
    /// A line in a band.
    LineAndBand(Stroke),
    /// The shade of the OCS phase.
    Shade,
    /// An upright line.
    Upright(Stroke),
}

impl Sample {
    fn width(self) -> f64 {
        match self {
            Sample::Line(_) | Sample::Dots(_) | Sample::LineAndBand(_) | Sample::Shade => {
                SAMPLE_WIDTH
            }
            Sample::Marker(_) | Sample::Open(_) => 5.0,
            Sample::Upright(_) => 3.0,
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it looks like.
    pub sample: Sample,
    /// What it is.
    pub caption: String,
}

impl Entry {
    /// An entry.
    pub fn new(sample: Sample, caption: impl Into<String>) -> Entry {
        Entry { sample, caption: caption.into() }
    }
}

const SAMPLE_WIDTH: f64 = 15.0;
const SAMPLE_GAP: f64 = 3.0;
const ENTRY_GAP: f64 = 10.0;
/// From one row of entries to the next.
pub const ROW_HEIGHT: f64 = 10.5;

/// Sets entries in rows from `at` (left, middle of the first row), starting a new row before `right`. Returns the middle
/// of the last row.
pub fn legend(canvas: &mut Canvas, at: Point, right: f64, entries: &[Entry]) -> f64 {
    let (mut left, mut middle) = at;
    for entry in entries {
        let sample_width = entry.sample.width();
        let width = sample_width + SAMPLE_GAP + text_width(&entry.caption, TEXT_SIZE, false);
        if left > at.0 && left + width > right {
            (left, middle) = (at.0, middle + ROW_HEIGHT);
        }
        sample(canvas, entry.sample, (left, middle));
        let from = (left + sample_width + SAMPLE_GAP, middle);
        canvas.text(Text::centred(&*entry.caption, from, Anchor::Start, TEXT_SIZE));
        left += width + ENTRY_GAP;
    }
    middle
}

fn sample(canvas: &mut Canvas, sample: Sample, (left, middle): Point) {
    let right = left + sample.width();
    let swatch = Rectangle::between(left, middle - 3.0, right, middle + 3.0);
    let pale = |colour: Colour| colour.towards(WHITE, 1.0 - BAND_OPACITY);
    let dots = |canvas: &mut Canvas, look: Look| {
        for share in [0.2, 0.5, 0.8] {
            let at = (left + share * SAMPLE_WIDTH, middle);
            canvas.marker(look.marker, at, super::panel::DOT_RADIUS, look.colour);
        }
    };
    match sample {
        Sample::Line(stroke) => canvas.line((left, middle), (right, middle), stroke),
        Sample::Dots(look) => dots(canvas, look),
        Sample::Marker(look) => {
            let at = ((left + right) / 2.0, middle);
            canvas.marker(look.marker, at, POINT_RADIUS, look.colour);
        }
        Sample::Open(look) => {
            let at = ((left + right) / 2.0, middle);
            canvas.open_marker(look.marker, at, POINT_RADIUS, look.colour);
        }
        Sample::LineAndBand(stroke) => {
            canvas.fill(swatch, pale(stroke.colour));
            canvas.line((left, middle), (right, middle), stroke);
        }
        Sample::Shade => {
            canvas.fill(swatch, SHADE);
            canvas.frame(swatch);
        }
        Sample::Upright(stroke) => {
            let x = (left + right) / 2.0;
            canvas.line((x, middle - 4.0), (x, middle + 4.0), stroke);
        }
    }
}

/// A row's letter and name, then its legend. Returns the middle of the legend's last row.
pub fn heading(
    canvas: &mut Canvas,
    (letter, name): (char, &str),
    (left, middle): Point,
    right: f64,
    entries: &[Entry],
) -> f64 {
    let at = (left, middle);
    canvas.text(Text::centred(letter.to_string(), at, Anchor::Start, LETTER_SIZE).bold());
    let title = Text::centred(name, (left + 12.0, middle), Anchor::Start, TITLE_SIZE);
    let start = title.bounds().right() + ENTRY_GAP;
    canvas.text(title);
    legend(canvas, (start, middle), right, entries)
}

/// Small lines at the foot of a page, broken to its width; `top` is the middle of the first. The page grows with them.
pub fn footer(canvas: &mut Canvas, top: f64, (left, right): (f64, f64), notes: &str) {
    let mut line = String::new();
    let mut middle = top;
    for word in notes.split(' ') {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if !line.is_empty() && text_width(&longer, NOTE_SIZE, false) > right - left {
            canvas.text(Text::centred(&*line, (left, middle), Anchor::Start, NOTE_SIZE));
            line = word.to_owned();
            middle += NOTE_SIZE + 2.0;
        } else {
            line = longer;
        }
    }
    canvas.text(Text::centred(line, (left, middle), Anchor::Start, NOTE_SIZE));
    canvas.height = canvas.height.max(middle + NOTE_SIZE + 2.0);
}
