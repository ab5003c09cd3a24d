//! `ocs human import`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::source::{Experiment, Loaded};
use crate::human::{
    ColumnMap, Content, DataRecord, FileRecord, HumanData, Imported, Odd, Origin, SCHEMA_VERSION,
    ensure_place, import,
};

/// Read files of trials into a folder that `ocs human analyse` reads.
///
/// Files are CSV (any separator), JSON (an array of objects) or JSON lines, told apart by what stands in them. A column map says
/// which column holds what; without one, files are those that the task in the browser saves. MAP.yaml:
///
///   participant: subject        # who
///   day: session                # a whole number, or a name listed under days: [..]; absent = one day
///   trial: trial_index          # orders the trials of a day
///   item: stimulus              # the item's number from 0, or a name listed under items: [..]
///   responses: [animal, ..]     # one column a label, level by level: 0 | 1 | true | false | 0.25 | nothing
///   response_list: response     # or one column: [1, 0, ..] or 1 0 ..; with labels: [..] names of those marked (and then
///                               # empty: nothing-marked, where an empty cell is an answer and not a missed trial)
///
/// and, where needed, reaction_time, only: {column: [values]} (rows that are trials), separator, and exclude: rules by which data are
/// left out (docs/human.md). What is odd (rows that come twice, trials out of order, the same response in every trial, missed
/// trials) is told on stderr and kept, unless a rule names it. What is wrong is told with file, row and column, and nothing
/// is written then. Rows count from 1, with the heading and empty lines.
///
/// Example:
///
///   ocs human import data/*.csv --columns map.yaml --config ocs_linear --out people
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Import {
    /// Files of trials
    #[arg(required = true, value_name = "FILE", value_parser = path())]
    files: Vec<PathBuf>,
    /// Which column holds what; without it, files of the task in the browser are read
    #[arg(long, value_name = "MAP.yaml", value_parser = path())]
    columns: Option<PathBuf>,
    #[command(flatten)]
    experiment: Experiment,
    /// Folder to write: trials.csv, a row a trial, and data.json
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Replace the folder if an earlier import or simulation wrote it
    #[arg(long)]
    overwrite: bool,
    /// Print what was read, and what is odd about it, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    folder: String,
    participants: usize,
    trials: usize,
    odd: &'a [Odd],
}

impl Import {
    pub fn run(self) -> Result<Success> {
        let loaded = self.experiment.load()?;
        ensure_place(&self.out, self.overwrite).map_err(misuse)?;
        self.ensure_files().map_err(misuse)?;
        let map = match &self.columns {
            Some(path) => ColumnMap::load(path).map_err(misuse)?,
            None => ColumnMap::of_task(),
        };
        let (data, n_other_rows) = self.read(&loaded, map)?;
        for odd in &data.about.odd {
            tracing::warn!("{}", odd.in_words());
        }
        data.write(&self.out, self.overwrite)?;
        let (participants, trials) = (data.about.participants, data.about.trials);
        tracing::info!(folder = %self.out.display(), participants, trials, other_rows = n_other_rows, "written");
        if self.json {
            let folder = self.out.display().to_string();
            output::json(&Answer { folder, participants, trials, odd: &data.about.odd })?;
        }
        Ok(Success::Full)
    }

    fn ensure_files(&self) -> Result<()> {
        let mut seen = Vec::new();
        for file in &self.files {
            file.metadata().with_context(|| format!("cannot read {}", file.display()))?;
            // A pipe has no other name.
            let place = file.canonicalize().unwrap_or_else(|_| file.clone());
            ensure!(!seen.contains(&place), "{} is given twice", file.display());
            seen.push(place);
        }
        Ok(())
    }

    /// The data, and how many rows were no trials.
    fn read(&self, loaded: &Loaded, columns: ColumnMap) -> Result<(HumanData, u64)> {
        let own = loaded.human().exclude;
        let exclude =
            columns.exclude.and(&own, ["the column map", "the config"]).map_err(misuse)?;
        let Imported { trials, odd, files, without_trials, n_other_rows } =
            import(&self.files, &columns, &loaded.taught, &exclude)?;
        let files = self.files.iter().zip(files).map(|(path, Content { rows, sha256 })| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            FileRecord { name, sha256, rows }
        });
        let files = files.collect();
        let about = DataRecord {
            schema_version: SCHEMA_VERSION,
            revision: env!("OCS_REVISION").to_owned(),
            levels: loaded.taught.levels.iter().map(|columns| columns.len()).collect(),
            labels_of_items: loaded.taught.labels_of_items(),
            frequencies: loaded.taught.frequencies.to_vec(),
            item_names: columns.items.clone(),
            label_names: match (columns.labels.is_empty(), columns.responses.is_empty()) {
                (false, _) => columns.labels.clone(),
                (true, false) => columns.responses.clone(),
                (true, true) => Vec::new(),
            },
            participants: trials.participants.len(),
            trials: trials.trials.len(),
            without_trials,
            exclude,
            odd,
            origin: Origin::Imported { files, columns: Box::new(columns) },
        };
        Ok((HumanData { about, trials }, n_other_rows))
    }
}
