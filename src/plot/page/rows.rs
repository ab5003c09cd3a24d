//! Rows of a page: blocks of panels under their headings.

use super::panel::Panel;

/// One row.
pub struct Row {
    pub blocks: Vec<Block>,
    /// In usual heights.
    pub height: f64,
    pub is_square: bool,
    /// Its name, at its side.
    pub side: Option<String>,
}

/// What stands under one letter in a row.
pub struct Block {
    pub heading: Heading,
    pub panels: Vec<Panel>,
    /// Width of each of its panels, relative to others in the row.
    pub weight: f64,
}

/// What stands above a block.
pub enum Heading {
    /// A letter, counted from 0, and a name.
    Lettered(usize, String),
    /// A name in bold, and words below it.
    Plain(String, String),
    /// Nothing: it goes on with the letter above.
    Continued(usize),
}

impl Row {
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.blocks.iter().flat_map(|block| &block.panels)
    }

    /// Whether a letter stands above it.
    pub fn has_letter(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block.heading, Heading::Lettered(..)))
    }

    /// Widths of its panels, relative to each other.
    pub fn grid(&self) -> Vec<f64> {
        self.blocks.iter().flat_map(|block| block.panels.iter().map(|_| block.weight)).collect()
    }
}
