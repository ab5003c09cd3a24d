//! Lines of text, and the room that they take.

use plotters::style::{FontDesc, FontFamily, FontStyle};

use super::fonts::{FONT_FAMILY, LINE_HEIGHT, register_fonts};
use super::geometry::{Point, Rectangle};
use super::style::{Colour, INK};

/// Which end of a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// A point on its baseline.
    pub at: Point,
    /// Which part of the baseline `at` is.
    pub anchor: Anchor,
    /// Size of the font's em.
    pub size: f64,
    /// Colour.
    pub colour: Colour,
    /// Bold face.
    pub bold: bool,
    /// Turned to read upwards, as the title of a vertical axis.
    pub upward: bool,
}

/// Height of a capital, in ems of DejaVu Sans.
const CAPITAL_HEIGHT: f64 = 0.73;
/// Depth of a descender, in ems.
const DESCENDER: f64 = 0.21;

impl Text {
    /// Plain text.
    pub fn new(content: impl Into<String>, at: Point, anchor: Anchor, size: f64) -> Text {
        Text { content: content.into(), at, anchor, size, colour: INK, bold: false, upward: false }
    }

    /// Text whose capitals are centred on a height.
    pub fn centred(content: impl Into<String>, at: Point, anchor: Anchor, size: f64) -> Text {
        Text::new(content, (at.0, at.1 + CAPITAL_HEIGHT * size / 2.0), anchor, size)
    }

    /// In bold.
    pub fn bold(mut self) -> Text {
        self.bold = true;
        self
    }

    /// In a colour.
    pub fn coloured(mut self, colour: Colour) -> Text {
        self.colour = colour;
        self
    }

    /// Reading upwards.
    pub fn upward(mut self) -> Text {
        self.upward = true;
        self
    }

    /// The room that it takes.
    pub fn bounds(&self) -> Rectangle {
        let width = text_width(&self.content, self.size, self.bold);
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (above, below) = (CAPITAL_HEIGHT * self.size, DESCENDER * self.size);
        let (x, y) = self.at;
        if self.upward {
            Rectangle::between(x - above, y + before - width, x + below, y + before)
        } else {
            Rectangle::between(x - before, y - above, x - before + width, y + below)
        }
    }
}

/// Width of a text, in points, in the embedded font.
pub fn text_width(content: &str, size: f64, bold: bool) -> f64 {
    register_fonts();
    // Measured large, since the font library rounds to whole units.
    const MEASURED_AT: f64 = 1000.0;
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = FontDesc::new(FontFamily::Name(FONT_FAMILY), MEASURED_AT * LINE_HEIGHT, style);
    match font.layout_box(content) {
        Ok(((left, _), (right, _))) => f64::from(right - left) * size / MEASURED_AT,
        // The font is part of the program; were it unreadable, drawing would report it.
        Err(_) => 0.6 * size * content.chars().count() as f64,
    }
}
