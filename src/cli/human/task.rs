//! `ocs human task`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::super::arguments::{DataFolder, path};
use super::super::outcome::{Success, misuse};
use super::analyse::warn_of_tree;
use super::source::Changes;
use crate::human::{ensure_task_place, write_task};

/// Write the experiment as a web page, on which people learn the tree of a config: from any web server, from a folder of one's own,
/// from JATOS, or by `ocs human serve`. The folder needs no network.
///
/// A trial shows a picture and all words; the participant marks those that he thinks belong to it, confirms, and sees the right
/// answer. Which picture stands for which item, which word for which label, where words stand and the order of trials follow from the
/// participant's id, so that a second day goes on where the first was, without a server. A day that was not ended goes on after a
/// reload.
///
/// A link ends in ?participant=ID&day=N; Prolific's PROLIFIC_PID is read as well, and what a link does not say is asked. Lengths,
/// times, texts (Markdown), pictures and words are keys of the config's human section; docs/human.md names them.
///
/// Example:
///
///   ocs human task ocs_linear --set human.page.save=server --out study
///   ocs human serve study --data sessions
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Task {
    /// A YAML file, or an experiment such as ocs_linear
    #[arg(value_parser = path())]
    config: PathBuf,
    #[command(flatten)]
    changes: Changes,
    /// Folder to write
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Replace the folder if an earlier call wrote it; participants who have begun must not be given another
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    data: DataFolder,
}

impl Task {
    pub fn run(self) -> Result<Success> {
        let loaded = self.changes.load(&self.config)?;
        ensure_task_place(&self.out, self.overwrite).map_err(misuse)?;
        let human = loaded.human();
        warn_of_tree(&loaded.taught);
        let beside = self.config.parent().unwrap_or(Path::new(""));
        let kept = self.data.folder();
        write_task((&human, &loaded.taught), beside, &kept, (&self.out, self.overwrite))?;
        tracing::info!(
            page = %self.out.join("index.html").display(),
            days = human.days,
            trials = human.days * human.blocks * human.trials_of_block(loaded.taught.n_items()),
            "written"
        );
        Ok(Success::Full)
    }
}
