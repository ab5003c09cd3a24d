//! `ocs human export`.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::analyse::block_size;
use super::source::Experiment;
use crate::file;
use crate::human::write_long;

/// Write one row a trial and label as CSV, for mixed models: lme4 in R, statsmodels in Python.
///
/// Columns: participant, excluded (1 where a rule leaves the participant out), day, block (of the day, from 1), trial (as in the data),
/// time (the participant's trials, from 1), item, label, level (from 1 at the top), base_rate, target (1 where the item has the
/// label), response (empty where it is missing). Items and labels go by their names where the data have some, else items count
/// from 0 and labels from 1.
#[derive(Args)]
pub struct Export {
    /// What `ocs human import` or `simulate` wrote
    #[arg(value_name = "FOLDER", value_parser = path())]
    folder: PathBuf,
    #[command(flatten)]
    experiment: Experiment,
    /// Trials of a block [default: the config's human.trials, or five of each item]
    #[arg(long, value_name = "N", value_parser = block_size)]
    block: Option<usize>,
    /// Where the table goes; standard output if it is left out
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Option<PathBuf>,
    /// Replace FILE if it is there
    #[arg(long)]
    overwrite: bool,
}

impl Export {
    pub fn run(self) -> Result<Success> {
        let loaded = self.experiment.load()?;
        self.ensure_place().map_err(misuse)?;
        let (data, exclude) = loaded.data(&self.folder)?;
        let size = loaded.block(self.block);
        match &self.out {
            None => {
                let stdout = io::BufWriter::new(io::stdout().lock());
                write_long(&data, &loaded.taught, size, &exclude, stdout)?;
            }
            Some(out) => {
                file::stream(out, self.overwrite, |file| {
                    let buffered = io::BufWriter::new(file);
                    write_long(&data, &loaded.taught, size, &exclude, buffered)
                })
                .with_context(|| format!("cannot write {}", out.display()))?;
                tracing::info!(file = %out.display(), "written");
            }
        }
        Ok(Success::Full)
    }

    fn ensure_place(&self) -> Result<()> {
        let Some(out) = &self.out else {
            ensure!(!self.overwrite, "--overwrite replaces --out FILE, which is not given");
            return Ok(());
        };
        ensure!(!out.is_dir(), "--out {} is a folder: name a file in it", out.display());
        ensure!(
            self.overwrite || out.symlink_metadata().is_err(),
            "--out {}: {}; give --overwrite, or another name",
            out.display(),
            io::Error::from(ErrorKind::AlreadyExists)
        );
        Ok(())
    }
}
