//! Which columns a reader asks for.

use super::super::columns::ColumnMap;
use crate::config::did_you_mean;

/// What the task in the browser also says in each trial: the labels of the item, and of which config it is.
pub const TARGETS: &str = "targets";
pub const CONFIG_HASH: &str = "config_hash";

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
        let are_of_task = *map == ColumnMap::of_task();
        let told: Vec<String> = match are_of_task {
            true => [TARGETS, CONFIG_HASH].map(str::to_owned).to_vec(),
            false => Vec::new(),
        };
        let names = map.columns().into_iter().chain(map.only.keys().map(String::as_str));
        Wanted {
            names: names.map(str::to_owned).chain(told.iter().cloned()).collect(),
            // What a map names is there; other people's files of the form that the task's have may lack a time.
            optional: if are_of_task {
                map.reaction_time.iter().cloned().chain(told).collect()
            } else {
                Vec::new()
            },
            are_of_task,
        }
    }

    /// What else to do where a column is not there.
    pub fn hint(&self) -> &'static str {
        match self.are_of_task {
            true => " (without --columns MAP.yaml, files are those of the task in the browser)",
            false => "",
        }
    }

    /// Whether the files are those of the task in the browser.
    pub fn are_of_task(&self) -> bool {
        self.are_of_task
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
    if names.clone().next().is_none() {
        return ": it has none at all".to_owned();
    }
    match did_you_mean(column, names.clone()) {
        near if !near.is_empty() => near,
        _ => format!(": its columns are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
