//! Data of people as `import` and `simulate` leave them and `analyse` reads them: a folder with `trials.csv`, a row a trial, and
//! `data.json`, which says of which tree they are and where they come from.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::config::Exclude;
use crate::file;
use crate::record::{read_json, to_json};

use super::columns::ColumnMap;
use super::import::read_tidy;
use super::oddities::Odd;
use super::place;
use super::tree::Taught;
use super::trials::Trials;

/// The table.
pub const TRIALS: &str = "trials.csv";
/// What it is of.
pub const DATA: &str = "data.json";
/// Raised when the meaning of a field changes.
pub const SCHEMA_VERSION: u32 = 1;

/// `data.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// `SCHEMA_VERSION` of the program that wrote it.
    pub schema_version: u32,
    /// Revision of this program.
    pub revision: String,
    /// Where the trials come from.
    pub origin: Origin,
    /// Labels of each level.
    pub levels: Vec<usize>,
    /// Numbers of the labels that each item has, from 0: the tree.
    pub labels_of_items: Vec<Vec<usize>>,
    /// How often each item comes; sums to 1. Absent in data of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frequencies: Vec<f64>,
    /// What items are called; absent where they have numbers alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub item_names: Vec<String>,
    /// What labels are called; absent where they have numbers alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_names: Vec<String>,
    /// How many participants, days and trials there are.
    pub participants: usize,
    /// As above.
    pub trials: usize,
    /// Participants all of whose trials were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_trials: Vec<String>,
    /// Rules by which trials were left out, and by which participants will be.
    #[serde(default, skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
    /// What is odd.
    pub odd: Vec<Odd>,
}

/// Where trials come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From files.
    Imported {
        /// They, in the order in which they were read.
        files: Vec<FileRecord>,
        /// Which of their columns hold what.
        columns: Box<ColumnMap>,
    },
    /// From no people at all.
    Simulated {
        /// Who answered: ideal, no-phase, random, or files of records.
        learner: String,
        /// Of the generator.
        seed: u64,
    },
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name, without folders: they may tell who somebody is.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows, trials and others.
    pub rows: u64,
}

/// Data of people.
pub struct HumanData {
    /// What they are of.
    pub about: DataRecord,
    /// All trials, ordered.
    pub trials: Trials,
}

impl HumanData {
    /// Writes the folder, at once.
    ///
    /// # Errors
    ///
    /// If something is there that is to stay, or cannot be replaced since it holds other files.
    pub fn write(&self, folder: &Path, overwrite: bool) -> Result<()> {
        ensure_place(folder, overwrite)?;
        let written = file::make_folder(folder, overwrite, |new| {
            let table = std::fs::File::create(new.join(TRIALS))?;
            let mut writer = csv::Writer::from_writer(std::io::BufWriter::new(table));
            self.write_table(&mut writer)?;
            writer.flush()?;
            std::fs::write(new.join(DATA), to_json(&self.about)?)?;
            anyhow::Ok(())
        });
        written.with_context(|| format!("cannot write {}", folder.display()))
    }

    fn write_table<W: std::io::Write>(&self, writer: &mut csv::Writer<W>) -> Result<()> {
        let map = ColumnMap::of_tidy_table(self.trials.n_labels);
        let heads = ["participant", "day", "trial", "item", "reaction_time"];
        writer.write_record(heads.into_iter().chain(map.responses.iter().map(String::as_str)))?;
        let mut number = String::new();
        for (index, trial) in self.trials.trials.iter().enumerate() {
            let mut field = |value: &dyn std::fmt::Display| {
                use std::fmt::Write;
                number.clear();
                // Writing to a string cannot fail.
                let _ = write!(number, "{value}");
                writer.write_field(&number)
            };
            field(&self.trials.participants[trial.participant as usize])?;
            field(&trial.day)?;
            field(&trial.trial)?;
            field(&trial.item)?;
            match trial.reaction_time {
                Some(time) => field(&time)?,
                None => field(&"")?,
            }
            for response in self.trials.responses(index) {
                if response.is_nan() { field(&"")? } else { field(response)? }
            }
            writer.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    /// Reads a folder, of data on a tree.
    ///
    /// # Errors
    ///
    /// If it is none, is damaged, or of another tree.
    pub fn read(folder: &Path, taught: &Taught) -> Result<HumanData> {
        let path = folder.join(DATA);
        ensure!(
            path.is_file(),
            "{} holds no data of people ({DATA}): write one by ocs human import or ocs human simulate",
            folder.display()
        );
        let about: DataRecord = read_json(&path)?;
        ensure!(
            about.schema_version == SCHEMA_VERSION,
            "{} has version {}, this program reads {SCHEMA_VERSION}: import it again",
            path.display(),
            about.schema_version
        );
        if about.labels_of_items != taught.labels_of_items() {
            bail!(
                "{} is of a tree with levels of {:?} labels and {} items, the config's has {:?} and {}, or orders them otherwise: give \
                 the config that it was imported with",
                folder.display(),
                about.levels,
                about.labels_of_items.len(),
                taught.levels.iter().map(|columns| columns.len()).collect::<Vec<_>>(),
                taught.n_items()
            );
        }
        let frequencies = taught.frequencies.to_vec();
        ensure!(
            about.frequencies.is_empty() || about.frequencies == frequencies,
            "{} is of items that come with frequencies {:.3?}, in the config they have {frequencies:.3?}, and means over items hang on \
             them: give the config that it was imported with, or import it again",
            folder.display(),
            about.frequencies
        );
        let table = folder.join(TRIALS);
        ensure!(
            ends_with_a_line(&table)?,
            "{} does not end with a line's end: it is cut short, import it again",
            table.display()
        );
        let trials = read_tidy(&table, taught)?;
        ensure!(
            trials.trials.len() == about.trials,
            "{} has {} trials, {DATA} beside it says {}: it is cut short or was changed, import it again",
            table.display(),
            trials.trials.len(),
            about.trials
        );
        Ok(HumanData { about, trials })
    }
}

/// Whether a file's last byte is a line's end, as this program leaves it.
fn ends_with_a_line(path: &Path) -> Result<bool> {
    let read = || -> std::io::Result<bool> {
        let mut file = std::fs::File::open(path)?;
        let mut last = [0];
        file.seek(SeekFrom::End(0))?;
        if file.stream_position()? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(last == [b'\n'])
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// Makes sure, before anything is read, that a folder can be written.
///
/// # Errors
///
/// If something is there that is to stay.
pub fn ensure_place(folder: &Path, overwrite: bool) -> Result<()> {
    let is_own = |name: &str| [TRIALS, DATA].contains(&name);
    place::ensure_replaceable(folder, overwrite, is_own, "which no import wrote")
}
