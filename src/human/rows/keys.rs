//! Which columns objects of JSON have.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::wanted::{Wanted, nearest};

/// Which of the wanted columns the objects of a file have had so far: writers leave a key out where there is nothing, and a column
/// that no object has is none.
pub struct Keys {
    /// `[column]`.
    seen: Vec<bool>,
    /// All keys, while a wanted column is unseen.
    names: BTreeSet<String>,
    /// Columns that were asked for and not there, each with the first row.
    absent: Vec<(usize, u64)>,
}

impl Keys {
    pub fn of(wanted: &Wanted) -> Keys {
        Keys { seen: vec![false; wanted.names.len()], names: BTreeSet::new(), absent: Vec::new() }
    }

    pub fn see(&mut self, object: &Map<String, Value>, wanted: &Wanted) {
        if self.seen.contains(&false) {
            for key in object.keys() {
                if !self.names.contains(key) {
                    self.names.insert(key.clone());
                }
            }
        }
        for (seen, name) in self.seen.iter_mut().zip(&wanted.names) {
            *seen = *seen || object.contains_key(name);
        }
    }

    pub fn miss(&mut self, place: usize, wanted: &Wanted) {
        let is_known = self.seen.get(place) != Some(&false)
            || self.absent.iter().any(|(absent, _)| *absent == place)
            || wanted.optional.iter().any(|name| name == wanted.name(place));
        if !is_known {
            self.absent.push((place, 0));
        }
    }

    /// Says in which row columns were missed that no row before had.
    pub fn number(&mut self, row: u64) {
        for (_, first) in self.absent.iter_mut().filter(|(_, first)| *first == 0) {
            *first = row;
        }
    }

    /// Makes sure that every column that was asked for was in some row.
    pub fn ensure_all(&self, wanted: &Wanted) -> Result<()> {
        match self.absent.iter().find(|(place, _)| !self.seen[*place]) {
            Some((place, row)) => {
                let column = wanted.name(*place);
                let near = nearest(column, self.names.iter().map(String::as_str));
                bail!("row {row}: there is no column '{column}'{near}{}", wanted.hint())
            }
            None => Ok(()),
        }
    }
}
