//! Which columns a reader asks for.

use super::super::columns::ColumnMap;
use crate::config::did_you_mean;

/// Columns that a reader asks for, by their places in this list.
pub struct Wanted {
    pub(super) names: Vec<String>,
    /// Columns that a file may lack.
    pub(super) optional: Vec<String>,
    /// Whether they are those of the task in the browser.
    are_of_task: bool,
}

impl Wanted {
    /// Those of a map, in the order of `ColumnMap::columns`, and then those by which it tells trials from other rows.
    pub fn of(map: &ColumnMap) -> Wanted {
        let names = map.columns().into_iter().chain(map.only.keys().map(String::as_str));
        Wanted {
            names: names.map(str::to_owned).collect(),
            optional: map.reaction_time.iter().cloned().collect(),
            are_of_task: *map == ColumnMap::of_task(),
        }
    }

    /// What else to do where a column is not there.
    pub fn hint(&self) -> &'static str {
        match self.are_of_task {
            true => " (without --columns MAP.yaml, files are those of the task in the browser)",
            false => "",
        }
    }

    /// The place of a column.
    pub fn place(&self, column: &str) -> usize {
        self.names.iter().position(|name| name == column).unwrap_or(usize::MAX)
    }

    /// The name at a place.
    pub fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }
}

/// The nearest of the columns that there are, or all of them.
pub fn nearest<'a>(column: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let names = names.filter(|name| !name.is_empty());
    match did_you_mean(column, names.clone()) {
        near if !near.is_empty() => near,
        _ => format!(": its columns are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
