//! Which column of a table holds what.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::config::{self, Exclude};

use super::tree::Taught;

/// A column map, as YAML has it: names of columns, and what their values mean.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMap {
    /// Who: any text or number.
    pub participant: String,
    /// Day, a whole number or a name listed under `days`; absent = all trials are of day 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Number of the trial, by which those of one day are ordered.
    pub trial: String,
    /// Which stimulus was shown: the item's number from 0 in the tree's order, or a name listed under `items`.
    pub item: String,
    /// One column a label, level by level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<String>,
    /// Or one column with a list: a response for each label, `[1, 0, ..]` or `1 0 ..`; with `labels`, names of those marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_list: Option<String>,
    /// Seconds or milliseconds, kept as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction_time: Option<String>,
    /// Names of items, in the tree's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Names of days, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<String>,
    /// Names of labels, level by level; then `response_list` lists those that were marked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What an empty cell of such a list, or of a label's own column, says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<Empty>,
    /// Rows that are trials: a column, and values that it has there. Absent = all rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, Vec<String>>,
    /// Between the columns of a CSV file, one character or `tab`; absent = found in the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Rules by which data are left out.
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
}

/// What it means that no label is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Empty {
    /// The participant did not answer.
    Missed,
    /// He answered that none applies.
    NothingMarked,
}

impl ColumnMap {
    /// Reads a map.
    ///
    /// # Errors
    ///
    /// Names the file, the key and what to write.
    pub fn load(path: &Path) -> Result<ColumnMap> {
        let context = || format!("{} is not a valid column map", path.display());
        let text = config::text_of(path).with_context(context)?;
        let map: ColumnMap = config::read_map(&text, "a column map").with_context(context)?;
        map.check().with_context(context)?;
        Ok(map)
    }

    /// That of the files which the task in the browser saves: rows of other screens are passed over.
    pub fn of_task() -> ColumnMap {
        let named = |name: &str| name.to_owned();
        ColumnMap {
            participant: named("participant"),
            day: Some(named("day")),
            trial: named("trial"),
            item: named("item"),
            response_list: Some(named("responses")),
            reaction_time: Some(named("reaction_time")),
            only: BTreeMap::from([(named("trial_type"), vec![named("mark-labels")])]),
            ..ColumnMap::default()
        }
    }

    /// That of the tidy table which `import` and `simulate` write.
    pub fn of_tidy_table(n_labels: usize) -> ColumnMap {
        let named = |name: &str| name.to_owned();
        ColumnMap {
            participant: named("participant"),
            day: Some(named("day")),
            trial: named("trial"),
            item: named("item"),
            responses: (1..=n_labels).map(|label| format!("response_{label}")).collect(),
            reaction_time: Some(named("reaction_time")),
            separator: Some(named(",")),
            ..ColumnMap::default()
        }
    }

    fn check(&self) -> Result<()> {
        for (key, column) in
            [("participant", &self.participant), ("trial", &self.trial), ("item", &self.item)]
        {
            ensure!(
                !column.trim().is_empty(),
                "it does not say {key}, the column of it: write {key}: NAME"
            );
        }
        match (self.responses.is_empty(), &self.response_list) {
            (true, None) => bail!(
                "it says neither responses, a column for each label, nor response_list, one column with a list: write one of them"
            ),
            (false, Some(_)) => bail!(
                "it says both responses and response_list: leave out the one that the table has not"
            ),
            (true, Some(_)) | (false, None) => {}
        }
        ensure!(
            self.labels.is_empty() || self.response_list.is_some(),
            "it lists labels, which are the names in a response_list, and names none: write response_list: COLUMN, or leave labels out"
        );
        ensure!(
            self.empty.is_none() || !self.labels.is_empty() || !self.responses.is_empty(),
            "empty says what an empty list of names or a label's empty cell means, and there are neither labels nor responses: leave it \
             out"
        );
        for (column, values) in &self.only {
            ensure!(
                !values.is_empty(),
                "only: {{{column}: []}} lets no row be a trial: list the values that trials have there"
            );
        }
        let columns = self.columns();
        for (index, column) in columns.iter().enumerate() {
            ensure!(
                !columns[..index].contains(column),
                "it names the column '{column}' twice: each column holds one thing"
            );
        }
        for (key, names) in [("items", &self.items), ("days", &self.days), ("labels", &self.labels)]
        {
            for (index, name) in names.iter().enumerate() {
                ensure!(
                    !names[..index].contains(name),
                    "{key} lists '{name}' twice: name each once"
                );
            }
        }
        self.separator()?;
        self.exclude.check("exclude")
    }

    /// Makes sure that it is one of a tree.
    ///
    /// # Errors
    ///
    /// If numbers of names or columns are not those of items and labels.
    pub fn ensure_of(&self, taught: &Taught) -> Result<()> {
        let (n_items, n_labels) = (taught.n_items(), taught.n_labels());
        let levels: Vec<usize> = taught.levels.iter().map(|columns| columns.len()).collect();
        let count = |key: &str, given: usize, wanted: usize, what: &str| {
            ensure!(
                given == 0 || given == wanted,
                "{key} lists {given}, the config's tree has {wanted} {what}: list them in its order{}",
                if what == "labels" {
                    format!(", level by level ({levels:?})")
                } else {
                    String::new()
                }
            );
            Ok(())
        };
        count("responses", self.responses.len(), n_labels, "labels")?;
        count("labels", self.labels.len(), n_labels, "labels")?;
        count("items", self.items.len(), n_items, "items")
    }

    /// Every column that it names and that a table must have.
    pub fn columns(&self) -> Vec<&str> {
        let single =
            [Some(&self.participant), self.day.as_ref(), Some(&self.trial), Some(&self.item)];
        let single = single.into_iter().flatten();
        let lists = self.responses.iter().chain(&self.response_list).chain(&self.reaction_time);
        single.chain(lists).map(String::as_str).collect()
    }

    /// The byte between columns; `None` if it is to be found.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn separator(&self) -> Result<Option<u8>> {
        let Some(given) = &self.separator else { return Ok(None) };
        match given.as_bytes() {
            _ if given == "tab" || given == "\\t" => Ok(Some(b'\t')),
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => {
                Ok(Some(*byte))
            }
            _ => bail!("separator cannot be '{given}': write one character, such as ';', or tab"),
        }
    }
}
