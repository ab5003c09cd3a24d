//! One row, whatever its file's form.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::super::cell::Cell;
use super::keys::Keys;
use super::wanted::Wanted;

/// One row of a file.
pub enum Row<'a> {
    /// Cells of CSV, and where the wanted columns stand among them.
    Cells(&'a [&'a str], &'a [Option<usize>]),
    /// An object of JSON.
    Object(&'a Map<String, Value>, &'a Wanted, &'a RefCell<Keys>),
}

impl Row<'_> {
    /// What stands in the wanted column of a place; nothing if an object leaves it out.
    pub fn cell(&self, place: usize) -> Cell<'_> {
        match self {
            Row::Cells(cells, places) => {
                let cell = places.get(place).copied().flatten().and_then(|place| cells.get(place));
                Cell::of_text(cell.unwrap_or(&""))
            }
            Row::Object(object, wanted, keys) => match object.get(wanted.name(place)) {
                Some(value) => Cell::of_json(value),
                None => {
                    keys.borrow_mut().miss(place, wanted);
                    Cell::Null
                }
            },
        }
    }
}
