//! What the long table has for columns, and what stands in one line of it.

use std::path::Path;

use serde_yaml::Value;

use super::names::Names;
use super::row::Row;
use crate::config::value_in_words;
use crate::record::{CellRecord, Record, Status, TheoryRecord};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Whole numbers.
    Whole,
    /// Numbers.
    Number,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What stands in one place of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// In a column of words.
    Text(&'a str),
    /// In a column of whole numbers.
    Whole(u64),
    /// In a column of numbers.
    Number(f64),
    /// Nothing.
    Missing,
}

/// The columns of a table: those that every table has, with one for each key that a grid varied.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Dotted keys, and whether all their values are numbers.
    grid: Vec<(String, bool)>,
}

/// Columns before those of the grid.
const BEFORE: [(&str, Kind); 2] = [("run", Kind::Text), ("condition", Kind::Text)];
/// Columns behind them.
const AFTER: [(&str, Kind); 16] = [
    ("seed", Kind::Whole),
    ("status", Kind::Text),
    ("set", Kind::Text),
    ("stretch", Kind::Whole),
    ("step", Kind::Whole),
    ("time", Kind::Number),
    ("metric", Kind::Text),
    ("level", Kind::Whole),
    ("label", Kind::Whole),
    ("label_name", Kind::Text),
    ("item", Kind::Whole),
    ("item_name", Kind::Text),
    ("layer", Kind::Whole),
    ("place", Kind::Text),
    ("threshold", Kind::Number),
    ("value", Kind::Number),
];

impl Columns {
    /// Makes room for a run's cell.
    pub fn add(&mut self, cell: &CellRecord) {
        for entry in &cell.values.0 {
            let is_number = matches!(entry.value, Value::Number(_));
            match self.grid.iter_mut().find(|(key, _)| *key == entry.key) {
                Some((_, are_numbers)) => *are_numbers &= is_number,
                None => self.grid.push((entry.key.clone(), is_number)),
            }
        }
    }

    /// What a cell has in the columns of the grid, as a number and in words.
    fn values_of(&self, cell: Option<&CellRecord>) -> Vec<Option<(f64, String)>> {
        let value = |(key, _): &(String, bool)| {
            let value = &cell?.values.0.iter().find(|entry| entry.key == *key)?.value;
            Some((value.as_f64().unwrap_or(f64::NAN), value_in_words(value)))
        };
        self.grid.iter().map(value).collect()
    }

    /// All of them, in their order.
    pub fn all(&self) -> Vec<Column> {
        let fixed = |(name, kind): &(&str, Kind)| Column { name: (*name).to_owned(), kind: *kind };
        let of_grid = self.grid.iter().map(|(key, are_numbers)| Column {
            name: key.clone(),
            kind: if *are_numbers { Kind::Number } else { Kind::Text },
        });
        BEFORE.iter().map(fixed).chain(of_grid).chain(AFTER.iter().map(fixed)).collect()
    }
}

/// What all lines of a run have in common.
pub struct Run {
    name: String,
    condition: Option<String>,
    /// Of each key that a grid varied.
    values: Vec<Option<(f64, String)>>,
    seed: Option<u64>,
    status: Option<&'static str>,
    names: Vec<Names>,
}

impl Run {
    /// A run, in the folder of that name.
    pub fn of_record(folder: &str, record: &Record, columns: &Columns) -> Run {
        let condition = match &record.cell {
            None => Some(record.condition.clone()),
            Some(cell) => cell.condition.clone(),
        };
        Run {
            name: folder.to_owned(),
            condition,
            values: columns.values_of(record.cell.as_ref()),
            seed: Some(record.seed),
            status: Some(match record.status {
                Status::Running => "unfinished",
                Status::Complete => "complete",
                Status::Diverged { .. } => "diverged",
            }),
            names: Names::of_stretches(&record.config, record.dataset.as_ref()),
        }
    }

    /// Theory's answer to a condition, of no seed; with a grid to a cell.
    pub fn of_theory(
        folder: &str,
        theory: &TheoryRecord,
        cell: Option<&CellRecord>,
        columns: &Columns,
    ) -> Run {
        let condition = match cell {
            None => Some(theory.condition.clone()),
            Some(cell) => cell.condition.clone(),
        };
        Run {
            name: folder.to_owned(),
            condition,
            values: columns.values_of(cell),
            seed: None,
            status: None,
            names: Names::of_stretches(&theory.config, None),
        }
    }

    /// A line of the table, its fields in the order of the columns.
    pub fn line<'a>(&'a self, row: &Row<'a>, columns: &Columns, line: &mut Vec<Field<'a>>) {
        let text = |text: Option<&'a str>| text.map_or(Field::Missing, Field::Text);
        let whole =
            |number: Option<usize>| number.map_or(Field::Missing, |it| Field::Whole(it as u64));
        let number = |number: Option<f64>| number.map_or(Field::Missing, Field::Number);
        let names = &self.names[row.stretch.map_or(0, |it| it - 1).min(self.names.len() - 1)];
        let name_of = |names: &'a [String], index: Option<usize>| {
            text(index.and_then(|it| Some(&**names.get(it)?)))
        };
        line.clear();
        line.extend([Field::Text(&self.name), text(self.condition.as_deref())]);
        line.extend(self.values.iter().zip(&columns.grid).map(|(value, (_, are_numbers))| {
            match value {
                None => Field::Missing,
                Some((value, _)) if *are_numbers => Field::Number(*value),
                Some((_, words)) => Field::Text(words),
            }
        }));
        line.extend([
            self.seed.map_or(Field::Missing, Field::Whole),
            text(self.status),
            text(row.set),
            whole(row.stretch),
            row.step.map_or(Field::Missing, Field::Whole),
            number(row.time),
            Field::Text(row.metric),
            whole(row.level),
            whole(row.label),
            name_of(&names.labels, row.label),
            whole(row.item),
            name_of(&names.items, row.item),
            whole(row.layer),
            text(row.place),
            number(row.threshold),
            number(row.value),
        ]);
    }
}

/// What a folder of runs is called in the table: its own name, or its path where another has that name.
pub fn names_of_folders(folders: &[(String, &Path)]) -> Vec<String> {
    let is_twice = |name: &str| folders.iter().filter(|(other, _)| other == name).count() > 1;
    folders
        .iter()
        .map(|(name, path)| if is_twice(name) { path.display().to_string() } else { name.clone() })
        .collect()
}
