//! Pages as data: rows of panels, panels of layers. A study says what is shown; the page finds frames, ranges, shared axes,
//! who shows numbers and titles, letters, "not run", and the legend from the layers that are drawn.
//!
//! ```
//! use ocs::plot::{Layer, Measure, Page, Panel, style};
//! let panel = Panel::new(Measure::time(), Measure::linear("fraction"))
//!     .titled("2 layers")
//!     .layer(Layer::level(0.1, style::THRESHOLD, "threshold"));
//! let page = Page::new("Does depth remove the phase?")
//!     .row("No biases", [panel])
//!     .notes("Aligned start.");
//! assert!(page.canvas(&[]).texts().any(|text| text.content == "not run"));
//! ```
//!
//! `row` begins a row under a letter and a name, `below` one more under the same letter, `beside` goes on in the same row
//! under the next letter. Panels of a page whose axes measure the same share their range; a neighbour that does shows no
//! numbers. An entry of the legend that several letters need stands on top, else beside the letter's name.
//!
//! Panels that recur have a function: `over_time::Subject` (`crossing`, `distances`, `true_negative_rates`, `mean_responses`,
//! `item_responses`, or `panel` and `curves` for another quantity), `biases::bias_options` against any abscissa. Layers of
//! one's own take a `Curve` (`Curve::of(&times, values)`, `Curve::through(points)`) or points, a look and a caption; what
//! many layers have in common is told by `also`, or by `explained_by` in place of their own caption. `studies/ocs_depth/page.rs`
//! is a figure to begin from.

mod layer;
mod layout;
mod legend;
mod measure;
mod origin;
mod panel;

use super::canvas::Canvas;
use super::geometry::Rectangle;
use super::heat_map::colour_bar_between;
use super::legend::footer;
use super::style::{LETTER_SIZE, NOTE_SIZE, PAGE_WIDTH, TITLE_SIZE};
use super::text::{Anchor, Text, text_width};
use crate::record::Record;

pub use layer::{HeatMap, Layer};
use layout::{Cell, Column, MARGIN, USUAL_HEIGHT, cells, columns};
pub use legend::{Entry, Sample};
use legend::{ROW_HEIGHT, arranged, gathered};
pub use measure::Measure;
pub use origin::*;
pub use panel::Panel;

/// A figure.
pub struct Page {
    title: String,
    rows: Vec<Row>,
    notes: String,
}

struct Row {
    blocks: Vec<Block>,
    /// In usual heights.
    height: f64,
    is_square: bool,
    /// Its name, at its side.
    side: Option<String>,
}

/// What stands under one letter in a row.
struct Block {
    heading: Heading,
    panels: Vec<Panel>,
    /// Width of each of its panels, relative to others in the row.
    weight: f64,
}

/// What stands above a block.
enum Heading {
    /// A letter, counted from 0, and a name.
    Lettered(usize, String),
    /// A name in bold, and words below it.
    Plain(String, String),
    /// Nothing: it goes on with the letter above.
    Continued(usize),
}

impl Row {
    fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.blocks.iter().flat_map(|block| &block.panels)
    }

    /// Widths of its panels, relative to each other.
    fn grid(&self) -> Vec<f64> {
        self.blocks.iter().flat_map(|block| block.panels.iter().map(|_| block.weight)).collect()
    }
}

/// Width that a title or a heading may take.
pub const TEXT_ROOM: f64 = PAGE_WIDTH - 2.0 * MARGIN;
/// 9.7 inches: with its margins a page of A4, and nearly one of letter paper. Panels of a page that would be higher are lower.
const MOST_HEIGHT: f64 = 698.0;
/// Between rows.
const ROW_GAP: f64 = 8.0;
/// Height of a line of text above a frame.
const LINE: f64 = 8.5;

impl Page {
    /// An empty page under a title.
    pub fn new(title: impl Into<String>) -> Page {
        Page { title: title.into(), rows: Vec::new(), notes: String::new() }
    }

    fn pushed(mut self, heading: Heading, panels: impl IntoIterator<Item = Panel>) -> Page {
        let block = Block { heading, panels: panels.into_iter().collect(), weight: 1.0 };
        let row = Row { blocks: vec![block], height: 1.0, is_square: false, side: None };
        self.rows.push(row);
        self
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.rows.iter().flat_map(|row| &row.blocks)
    }

    fn n_letters(&self) -> usize {
        self.blocks().filter(|block| matches!(block.heading, Heading::Lettered(..))).count()
    }

    /// A row under the next letter and a name.
    pub fn row(self, name: impl Into<String>, panels: impl IntoIterator<Item = Panel>) -> Page {
        let heading = Heading::Lettered(self.n_letters(), name.into());
        self.pushed(heading, panels)
    }

    /// A row under the same letter.
    pub fn below(self, panels: impl IntoIterator<Item = Panel>) -> Page {
        let letter = self.n_letters().saturating_sub(1);
        self.pushed(Heading::Continued(letter), panels)
    }

    /// A row without a letter: a name, and words below it.
    pub fn plain(
        self,
        name: impl Into<String>,
        words: impl Into<String>,
        panels: impl IntoIterator<Item = Panel>,
    ) -> Page {
        self.pushed(Heading::Plain(name.into(), words.into()), panels)
    }

    /// More panels in the last row, under the next letter and a name.
    pub fn beside(
        mut self,
        name: impl Into<String>,
        panels: impl IntoIterator<Item = Panel>,
    ) -> Page {
        let heading = Heading::Lettered(self.n_letters(), name.into());
        match self.rows.last_mut() {
            Some(row) => {
                let panels = panels.into_iter().collect();
                row.blocks.push(Block { heading, panels, weight: 1.0 });
                self
            }
            None => self.pushed(heading, panels),
        }
    }

    /// The last panels so many times wider than others in their row.
    pub fn wider(mut self, times: f64) -> Page {
        if let Some(block) = self.rows.last_mut().and_then(|row| row.blocks.last_mut()) {
            block.weight = times;
        }
        self
    }

    /// The last row so many times higher than usual.
    pub fn taller(mut self, times: f64) -> Page {
        if let Some(row) = self.rows.last_mut() {
            row.height = times;
        }
        self
    }

    /// The last row's panels as high as they are wide.
    pub fn square(mut self) -> Page {
        if let Some(row) = self.rows.last_mut() {
            row.is_square = true;
        }
        self
    }

    /// The last row with a name at its side.
    pub fn named(mut self, side: impl Into<String>) -> Page {
        if let Some(row) = self.rows.last_mut() {
            row.side = Some(side.into());
        }
        self
    }

    /// With notes at the foot, before where the numbers came from.
    pub fn notes(mut self, notes: impl Into<String>) -> Page {
        self.notes = notes.into();
        self
    }

    /// All its panels, row by row.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(Row::panels)
    }

    /// Its legend: what stands on top, and then what stands at each letter.
    pub fn legends(&self) -> Vec<Vec<Entry>> {
        let n_letters = self.n_letters();
        let mut letters: Vec<Vec<Entry>> = vec![Vec::new(); n_letters.max(1)];
        let mut top = Vec::new();
        for block in self.blocks() {
            let entries = entries(&block.panels);
            match block.heading {
                Heading::Lettered(letter, _) | Heading::Continued(letter) => {
                    letters[letter].extend(entries);
                }
                Heading::Plain(..) => top.extend(entries),
            }
        }
        let is_shared = |entry: &Entry| {
            let says = |letter: &&Vec<Entry>| letter.iter().any(|other| other.agrees_with(entry));
            n_letters < 2 || letters.iter().filter(says).count() > 1
        };
        top.extend(letters.iter().flatten().filter(|entry| is_shared(entry)).cloned());
        let own = letters
            .iter()
            .map(|letter| gathered(letter.iter().filter(|entry| !is_shared(entry)).cloned()));
        let own: Vec<Vec<Entry>> = own.collect();
        std::iter::once(gathered(top)).chain(own).collect()
    }

    /// The page with everything in its place; `records` are those that it was drawn from.
    pub fn canvas(&self, records: &[Record]) -> Canvas {
        let mut canvas = Canvas::new(PAGE_WIDTH, 0.0);
        let title = Text::centred(&*self.title, (MARGIN, 12.0), Anchor::Start, LETTER_SIZE).bold();
        canvas.text(title);
        let legends = self.legends();
        let mut top = 20.0;
        if !legends[0].is_empty() {
            let arranged = arranged(&legends[0], MARGIN, (MARGIN, PAGE_WIDTH - MARGIN));
            arranged.draw(&mut canvas, top + 7.0);
            top += 2.0 + arranged.rows as f64 * ROW_HEIGHT;
        }
        let cells = cells(&self.rows);
        let columns = columns(&self.rows, &cells);
        let mut placed = Vec::new();
        let mut fixed = top;
        for (index, row) in self.rows.iter().enumerate() {
            let headings = self.headings(row, &columns[index], &legends);
            placed.push(Placed::new(row, &cells[index], &columns[index], headings));
            fixed += placed[index].above + placed[index].below;
        }
        let bottom = footer_height(self, records);
        let frames: f64 = placed.iter().map(|row| row.height).sum();
        let share = ((MOST_HEIGHT - fixed - bottom) / frames).min(1.0);
        for row in &mut placed {
            row.height *= share;
            row.draw(&mut canvas, top);
            top += row.above + row.height + row.below;
        }
        canvas.height = top;
        let notes = self.all_notes(records);
        footer(&mut canvas, top + FOOTER_GAP, (MARGIN, PAGE_WIDTH - MARGIN), &notes);
        canvas
    }

    fn all_notes(&self, records: &[Record]) -> String {
        format!("{} {}.", self.notes, footer_notes(records)).trim_start().to_owned()
    }

    fn headings<'a>(
        &'a self,
        row: &'a Row,
        columns: &[Column],
        legends: &'a [Vec<Entry>],
    ) -> Vec<PlacedHeading<'a>> {
        let mut first = 0;
        let begins: Vec<f64> = row
            .blocks
            .iter()
            .map(|block| {
                let begin = columns.get(first).map_or(MARGIN, |column| column.begin);
                first += block.panels.len();
                begin
            })
            .collect();
        let headings = row.blocks.iter().enumerate().map(|(index, block)| {
            let right = begins.get(index + 1).map_or(PAGE_WIDTH - MARGIN, |next| next - 4.0);
            PlacedHeading::new(&block.heading, (begins[index], right), legends)
        });
        headings.collect()
    }
}

/// Captions of what is drawn: first of what was found, then what its marks have in common, then of lines to compare with.
fn entries(panels: &[Panel]) -> Vec<Entry> {
    let drawn = || panels.iter().flat_map(Panel::drawn);
    let data = || drawn().filter(|layer| layer.has_data());
    let first = data().flat_map(|layer| layer.entries().first());
    let further = data().flat_map(|layer| layer.entries().iter().skip(1));
    let others = drawn().filter(|layer| !layer.has_data()).flat_map(Layer::entries);
    first.chain(further).chain(others).cloned().collect()
}

/// From the last row to the middle of the footer's first line.
const FOOTER_GAP: f64 = 10.0;

fn footer_height(page: &Page, records: &[Record]) -> f64 {
    let mut canvas = Canvas::new(PAGE_WIDTH, 0.0);
    footer(&mut canvas, FOOTER_GAP, (MARGIN, PAGE_WIDTH - MARGIN), &page.all_notes(records));
    canvas.height
}

/// A heading and its legend in their place.
struct PlacedHeading<'a> {
    heading: &'a Heading,
    left: f64,
    legend: Option<legend::Arranged<'a>>,
}

/// From a letter to its name.
const AFTER_LETTER: f64 = 12.0;

impl<'a> PlacedHeading<'a> {
    fn new(
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
                canvas.text(Text::centred(name, at, Anchor::Start, super::style::TEXT_SIZE).bold());
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
struct Placed<'a> {
    row: &'a Row,
    cells: &'a [Cell],
    columns: &'a [Column],
    headings: Vec<PlacedHeading<'a>>,
    /// Room above its frames, of which `titles` for titles of panels.
    above: f64,
    height: f64,
    below: f64,
}

impl<'a> Placed<'a> {
    fn new(
        row: &'a Row,
        cells: &'a [Cell],
        columns: &'a [Column],
        headings: Vec<PlacedHeading<'a>>,
    ) -> Placed<'a> {
        let width = columns.iter().map(|column| column.width).fold(f64::INFINITY, f64::min);
        let height = if row.is_square { width } else { row.height * USUAL_HEIGHT };
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
        let names = |panel: &Panel| panel.drawn().iter().any(|layer| layer.named_place().is_some());
        let has = self.row.panels().any(|panel| !panel.words.is_empty() || names(panel));
        if has { 1.0 } else { 0.0 }
    }

    fn axes(&self, index: usize, top: f64) -> super::panel::Panel {
        let Column { left, width, .. } = self.columns[index];
        self.cells[index].axes(Rectangle { left, top, width, height: self.height })
    }

    fn draw(&self, canvas: &mut Canvas, top: f64) {
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
        let (centre, words) = (frame.centre().0, frame.top - 3.5);
        canvas.text(Text::new(&*panel.words, (centre, words), Anchor::Middle, NOTE_SIZE));
        if cell.is_titled {
            let at = (centre, words - LINE * self.lines_of_words());
            canvas.text(Text::new(&*panel.title, at, Anchor::Middle, TITLE_SIZE).bold());
        }
    }
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, cell: &Cell, axes: &super::panel::Panel) {
    let drawn = panel.drawn();
    if drawn.is_empty() {
        axes.note(canvas, &panel.missing);
    }
    for layer in drawn {
        layer.draw(canvas, axes);
    }
    axes.labelled(canvas, cell.labels);
    let places: Vec<(f64, &str)> = drawn.iter().filter_map(Layer::named_place).collect();
    axes.words_at_places(canvas, &places);
    if cell.names_heights {
        let heights: Vec<(f64, &str)> = drawn.iter().filter_map(Layer::named_height).collect();
        axes.words_at_heights(canvas, &heights);
    }
    if let Some(map) = drawn.iter().find_map(Layer::table).filter(|_| cell.has_bar) {
        let bar = Rectangle { left: axes.frame.right() + 5.0, width: 4.0, ..axes.frame };
        colour_bar_between(canvas, bar, map.between, &map.title);
    }
}
