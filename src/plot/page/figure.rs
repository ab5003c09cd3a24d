//! Pages: what a study says of its figure, and the figure made of it.

use super::colour_key::ColourKey;
use super::layout::{Column, MARGIN, cells, columns};
use super::legend::{Entry, ROW_HEIGHT, arranged, gathered};
use super::measure::Measure;
use super::origin::{Words, footer, footer_notes};
use super::panel::Panel;
use super::placing::{Placed, PlacedHeading};
use super::rows::{Block, Heading, Row};
use crate::plot::canvas::Canvas;
use crate::plot::style::{LETTER_SIZE, PAGE_WIDTH};
use crate::plot::symbols::Symbol;
use crate::plot::text::{Anchor, Text};
use crate::record::Record;

/// A figure.
pub struct Page {
    title: String,
    rows: Vec<Row>,
    key: Vec<Symbol>,
    notes: String,
    width: f64,
    colours: Option<ColourKey>,
    /// Whether no entry of the legend stands beside a letter.
    is_explained_on_top: bool,
}

/// Width that a title or a heading may take.
pub const TEXT_ROOM: f64 = PAGE_WIDTH - 2.0 * MARGIN;
/// 9.7 inches: with its margins a page of A4, and nearly one of letter paper. Panels of a page that would be higher are lower.
const MOST_HEIGHT: f64 = 698.0;

impl Page {
    /// An empty page under a title.
    pub fn new(title: impl Into<String>) -> Page {
        Page {
            title: title.into(),
            rows: Vec::new(),
            key: Vec::new(),
            notes: String::new(),
            width: PAGE_WIDTH,
            colours: None,
            is_explained_on_top: false,
        }
    }

    /// So many points wide, in place of two columns' width. Text keeps its size.
    pub fn wide(mut self, width: f64) -> Page {
        self.width = width;
        self
    }

    /// With a key to the colours that stand for values of one thing, below the legend on top.
    pub fn coloured_by(mut self, key: ColourKey) -> Page {
        self.colours = Some(key);
        self
    }

    /// With the whole legend on top, also what one letter alone needs.
    pub fn explained_on_top(mut self) -> Page {
        self.is_explained_on_top = true;
        self
    }

    /// So many empty places at the end of the last row, which keep its panels as wide as those above.
    pub fn blank(mut self, count: usize) -> Page {
        let letter = self.n_letters().saturating_sub(1);
        if let Some(row) = self.rows.last_mut() {
            let blank = |_| Panel {
                is_blank: true,
                ..Panel::new(Measure::linear("").own(), Measure::linear("").own())
            };
            let panels = (0..count).map(blank).collect();
            row.blocks.push(Block { heading: Heading::Continued(letter), panels, weight: 1.0 });
        }
        self
    }

    /// Where its right margin begins.
    fn right(&self) -> f64 {
        self.width - MARGIN
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

    /// With symbols that stand in its texts, each once: its foot says what they mean.
    pub fn key(mut self, symbols: impl IntoIterator<Item = Symbol>) -> Page {
        for symbol in symbols {
            if self.key.iter().all(|known| known.sign != symbol.sign) {
                self.key.push(symbol);
            }
        }
        self
    }

    /// The symbols that its foot explains.
    pub fn symbols(&self) -> &[Symbol] {
        &self.key
    }

    /// With notes at the foot, before where the numbers came from.
    pub fn notes(mut self, notes: impl Into<String>) -> Page {
        self.notes = notes.into();
        self
    }

    /// All its panels, row by row.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(Row::panels).filter(|panel| !panel.is_blank)
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
            self.is_explained_on_top || n_letters < 2 || letters.iter().filter(says).count() > 1
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
        let mut canvas = Canvas::new(self.width, 0.0);
        let title = Text::centred(&*self.title, (MARGIN, 12.0), Anchor::Start, LETTER_SIZE).bold();
        canvas.text(title);
        let legends = self.legends();
        let cells = cells(&self.rows);
        let columns = columns(&self.rows, &cells, self.width);
        let mut top = 20.0;
        if !legends[0].is_empty() {
            let arranged = arranged(&legends[0], MARGIN, (MARGIN, right_end(&columns)));
            arranged.draw(&mut canvas, top + 7.0);
            top += 2.0 + arranged.rows as f64 * ROW_HEIGHT;
        }
        if let Some(colours) = &self.colours {
            top += colours.draw(&mut canvas, (MARGIN, self.right()), top);
        }
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
        let paragraphs = self.foot(records);
        footer(&mut canvas, top + FOOTER_GAP, (MARGIN, self.right()), &paragraphs);
        canvas
    }

    /// The key, its signs in bold, and the notes.
    fn foot(&self, records: &[Record]) -> Vec<Vec<Words>> {
        let mut key = Vec::new();
        for (index, symbol) in self.key.iter().enumerate() {
            let end = if index + 1 < self.key.len() { ";" } else { "." };
            key.push(Words { text: symbol.sign.to_owned(), bold: true });
            key.push(Words { text: format!("{}{end}", symbol.meaning), bold: false });
        }
        let notes = match footer_notes(records) {
            origin if origin.is_empty() => self.notes.clone(),
            origin => format!("{} {origin}.", self.notes).trim_start().to_owned(),
        };
        let notes = vec![Words { text: notes, bold: false }];
        [key, notes].into_iter().filter(|paragraph| !paragraph.is_empty()).collect()
    }

    fn headings<'a>(
        &'a self,
        row: &'a Row,
        columns: &[Column],
        legends: &'a [Vec<Entry>],
    ) -> Vec<PlacedHeading<'a>> {
        let end = columns.last().map_or(self.right(), Column::right);
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
            let right = begins.get(index + 1).map_or(end, |next| next - 4.0);
            PlacedHeading::new(&block.heading, (begins[index], right), legends)
        });
        headings.collect()
    }
}

/// Captions of what is drawn: first of what was found, then what its marks have in common, then of lines to compare with.
fn entries(panels: &[Panel]) -> Vec<Entry> {
    let mut groups: [Vec<Entry>; 3] = Default::default();
    for layer in panels.iter().flat_map(Panel::shown) {
        let (own, common) = if layer.is_found() { (0, 1) } else { (2, 2) };
        groups[own].extend(layer.own_entry().cloned());
        groups[common].extend(layer.common_entries().iter().cloned());
    }
    groups.concat()
}

/// From the last row to the middle of the footer's first line.
const FOOTER_GAP: f64 = 10.0;

fn footer_height(page: &Page, records: &[Record]) -> f64 {
    let mut canvas = Canvas::new(page.width, 0.0);
    footer(&mut canvas, FOOTER_GAP, (MARGIN, page.right()), &page.foot(records));
    canvas.height
}

/// Where the frames end at the right.
fn right_end(columns: &[Vec<Column>]) -> f64 {
    let ends = columns.iter().filter_map(|row| row.last()).map(Column::right);
    ends.reduce(f64::max).unwrap_or(PAGE_WIDTH - MARGIN)
}
