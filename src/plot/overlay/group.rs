//! What one line is about: a condition of a run, its seeds, and what theory says of it.

use std::collections::HashMap;

use serde_yaml::Value;

use crate::plot::run_words::{shown, state_in_words};
use crate::record::{Record, RunFolder, TheoryRecord};

/// A condition, or a cell of a grid, with its seeds.
pub struct Group<'a> {
    /// Name of its run.
    pub run: String,
    /// Its condition, as figures call it; of a cell without the values of the grid.
    pub condition: String,
    /// Dotted keys and values of a grid.
    pub values: Vec<(String, Value)>,
    /// All of this in a line; without the run where there is but one.
    pub name: String,
    /// Its seeds that are drawn: those that are complete, or else as far as they went.
    pub records: Vec<&'a Record>,
    /// What became of those that did not end well; empty without any.
    pub state: String,
    /// Theory's answer, if it covers the condition.
    pub theory: Option<&'a TheoryRecord>,
}

impl Group<'_> {
    /// The value of a grid's key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find_map(|(known, value)| (known == key).then_some(value))
    }
}

/// The groups of run folders under their names, in the order of their records.
pub fn groups<'a>(runs: &[(String, &'a RunFolder)]) -> Vec<Group<'a>> {
    runs.iter().flat_map(|(name, folder)| of_folder(name, folder, runs.len() > 1)).collect()
}

fn of_folder<'a>(run: &str, folder: &'a RunFolder, says_run: bool) -> Vec<Group<'a>> {
    let mut alike: Vec<(&str, Vec<&'a Record>)> = Vec::new();
    for record in &folder.records {
        match alike.iter_mut().find(|(condition, _)| *condition == record.condition) {
            Some((_, records)) => records.push(record),
            None => alike.push((&record.condition, vec![record])),
        }
    }
    let mut labels: HashMap<String, usize> = HashMap::new();
    for (_, records) in &alike {
        *labels.entry(records[0].display_name()).or_default() += 1;
    }
    let is_only = alike.len() == 1;
    let group = |(condition, all): (&str, Vec<&'a Record>)| {
        let first = all[0];
        let label = first.display_name();
        let own = if labels[&label] > 1 && label != condition {
            format!("{label} ({condition})")
        } else {
            label
        };
        let values = first.cell.iter().flat_map(|cell| &cell.values.0);
        Group {
            run: run.to_owned(),
            condition: match &first.cell {
                None => own.clone(),
                Some(cell) => {
                    let label = first.config.label.clone().or(cell.condition.clone());
                    label.unwrap_or_default()
                }
            },
            values: values.map(|entry| (entry.key.clone(), entry.value.clone())).collect(),
            name: match says_run {
                true if is_only => run.to_owned(),
                true => format!("{run}: {own}"),
                false => own,
            },
            state: state_in_words(&all),
            theory: folder.theory_of(condition),
            records: shown(&all),
        }
    };
    alike.into_iter().map(group).collect()
}
