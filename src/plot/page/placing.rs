//! Headings and rows in their place.

use super::layout::{Cell, Column, MARGIN, USUAL_HEIGHT};
use super::legend::{Arranged, Entry, ROW_HEIGHT, arranged};
use super::panel::Panel;
use super::rows::{Heading, Row};
use crate::plot::axes::Axes;
use crate::plot::canvas::Canvas;
use crate::plot::geometry::Rectangle;
use crate::plot::heat_map::colour_bar;
use crate::plot::style::{LETTER_SIZE, NOTE_SIZE, STRIP, TEXT_SIZE, TITLE_SIZE};
use crate::plot::text::{Anchor, Text, text_width};

/// Between rows.
const ROW_GAP: f64 = 8.0;
/// Height of a line of text above a frame.
const LINE: f64 = 9.0;

/// A heading and its legend in their place.
pub struct PlacedHeading<'a> {
    heading: &'a Heading,
    left: f64,
    legend: Option<Arranged<'a>>,
}

/// From a letter to its name.
const AFTER_LETTER: f64 = 12.0;

impl<'a> PlacedHeading<'a> {
    pub fn new(
        heading: &'a Heading,
        (left, right): (f64, f64),
        legends: &'a [Vec<Entry>],
    ) -> PlacedHeading<'a> {
        let legend = match heading {
            Heading::Lettered(letter, name) => {
                let begin = left + AFTER_LETTER;
                let start = begin + text_width(name, TITLE_SIZE, false) + ROW_HEIGHT;
                let entries = &legends[letter + 1];
                (!entries.is_empty()).then(|| arranged(entries, start, (begin, right)))
            }
            Heading::Plain(..) | Heading::Continued(_) => None,
        };
        PlacedHeading { heading, left, legend }
    }

    fn height(&self) -> f64 {
        match self.heading {
            Heading::Lettered(..) => {
                let rows = self.legend.as_ref().map_or(1, |legend| legend.rows);
                2.0 + rows as f64 * ROW_HEIGHT
            }
            Heading::Plain(_, words) => LINE + if words.is_empty() { 2.0 } else { LINE },
            Heading::Continued(_) => 0.0,
        }
    }

    fn draw(&self, canvas: &mut Canvas, top: f64) {
        let middle = top + ROW_HEIGHT / 2.0;
        match self.heading {
            Heading::Lettered(letter, name) => {
                let letter = char::from(b'a' + (*letter as u8).min(25)).to_string();
                let at = (self.left, middle);
                canvas.text(Text::centred(letter, at, Anchor::Start, LETTER_SIZE).bold());
                let at = (self.left + AFTER_LETTER, middle);
                canvas.text(Text::centred(name, at, Anchor::Start, TITLE_SIZE));
            }
            Heading::Plain(name, words) => {
                let at = (self.left, top + LINE / 2.0);
                canvas.text(Text::centred(name, at, Anchor::Start, TEXT_SIZE).bold());
                let at = (self.left, top + 1.5 * LINE);
                canvas.text(Text::centred(words, at, Anchor::Start, NOTE_SIZE));
            }
            Heading::Continued(_) => {}
        }
        if let Some(legend) = &self.legend {
            legend.draw(canvas, middle);
        }
    }
}

/// A row in its place.
pub struct Placed<'a> {
    row: &'a Row,
    cells: &'a [Cell],
    columns: &'a [Column],
    headings: Vec<PlacedHeading<'a>>,
    /// Room above its frames, of which `titles` for titles of panels.
    pub above: f64,
    pub height: f64,
    pub below: f64,
}

impl<'a> Placed<'a> {
    pub fn new(
        row: &'a Row,
        cells: &'a [Cell],
        columns: &'a [Column],
        headings: Vec<PlacedHeading<'a>>,
    ) -> Placed<'a> {
        let width = columns.iter().map(|column| column.width).fold(f64::INFINITY, f64::min);
        let height = if row.is_square { width } else { row.height * USUAL_HEIGHT };
        // At least as high as titles at its side are long.
        let titled = cells.iter().filter(|cell| cell.labels.y_title);
        let lengths = titled.map(|cell| text_width(&cell.y.title, TEXT_SIZE, false));
        let height = lengths.fold(height, f64::max);
        let above = headings.iter().map(PlacedHeading::height).fold(0.0, f64::max);
        let mut placed = Placed { row, cells, columns, headings, above, height, below: 0.0 };
        let lines = (0..cells.len()).map(|index| {
            let is_titled = cells[index].is_titled && !placed.panel(index).title.is_empty();
            f64::from(u8::from(is_titled)) + placed.lines_of_words()
        });
        placed.above += ROW_GAP + LINE * lines.fold(0.0, f64::max);
        let rooms = (0..cells.len()).map(|index| {
            let labels = cells[index].labels;
            placed.axes(index, 0.0).room_below(labels.x_numbers, labels.x_title)
        });
        placed.below = rooms.fold(0.0, f64::max);
        placed
    }

    fn panel(&self, index: usize) -> &'a Panel {
        self.row.panels().nth(index).expect("each cell has its panel")
    }

    /// Whether any panel has words or names of uprights right above its frame.
    fn lines_of_words(&self) -> f64 {
        let names = |panel: &Panel| panel.shown().any(|layer| layer.named_place().is_some());
        let has = self.row.panels().any(|panel| !panel.words.is_empty() || names(panel));
        if has { 1.0 } else { 0.0 }
    }

    fn axes(&self, index: usize, top: f64) -> Axes {
        let Column { left, width, .. } = self.columns[index];
        self.cells[index].axes(Rectangle { left, top, width, height: self.height })
    }

    pub fn draw(&self, canvas: &mut Canvas, top: f64) {
        for heading in &self.headings {
            heading.draw(canvas, top + ROW_GAP / 2.0);
        }
        let top = top + self.above;
        if let Some(side) = &self.row.side {
            let at = (MARGIN + 5.0, top + self.height / 2.0);
            canvas.text(Text::new(side, at, Anchor::Middle, TITLE_SIZE).bold().upward());
        }
        for (index, cell) in self.cells.iter().enumerate() {
            let (panel, axes) = (self.panel(index), self.axes(index, top));
            self.titles(canvas, (panel, cell), axes.frame);
            draw_panel(canvas, panel, cell, &axes);
        }
    }

    fn titles(&self, canvas: &mut Canvas, (panel, cell): (&Panel, &Cell), frame: Rectangle) {
        let centre = frame.centre().0;
        if !panel.words.is_empty() {
            // In a strip on the frame: between two rows they would seem to belong to the upper one.
            let strip = Rectangle { top: frame.top - LINE, height: LINE, ..frame };
            canvas.fill(strip, STRIP);
            canvas.frame(strip);
            let at = (centre, strip.centre().1);
            // Of runs that are not over more may be said than there is room for.
            let width = text_width(&panel.words, NOTE_SIZE, false);
            let size = NOTE_SIZE * (frame.width / (width + 2.0)).min(1.0);
            canvas.text(Text::centred(&*panel.words, at, Anchor::Middle, size));
        }
        if cell.is_titled {
            let at = (centre, frame.top - 3.5 - LINE * self.lines_of_words());
            canvas.text(Text::new(&*panel.title, at, Anchor::Middle, TITLE_SIZE).bold());
        }
    }
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, cell: &Cell, axes: &Axes) {
    if panel.is_blank {
        return;
    }
    let drawn = panel.drawn();
    if drawn.is_empty() {
        axes.note(canvas, &panel.missing);
    }
    for layer in &drawn {
        layer.draw(canvas, axes);
    }
    axes.labelled(canvas, cell.labels);
    let places: Vec<(f64, &str)> = drawn.iter().filter_map(|layer| layer.named_place()).collect();
    axes.words_at_places(canvas, &places);
    if cell.names_heights {
        let heights: Vec<(f64, &str)> =
            drawn.iter().filter_map(|layer| layer.named_height()).collect();
        axes.words_at_heights(canvas, &heights);
    }
    if let Some(map) = drawn.iter().find_map(|layer| layer.table()).filter(|_| cell.has_bar) {
        let bar = Rectangle { left: axes.frame.right() + 5.0, width: 4.0, ..axes.frame };
        colour_bar(canvas, bar, map.between, &map.title);
    }
}
