//! Runs that are there already: what a command keeps of them, and what it goes on from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::refused::{SeenImages, refusal};
use super::roster::Run;
use super::saved::{Saved, Unfinished};
use crate::record::DatasetRecord;

/// What a run folder holds of a config's runs.
#[derive(Default)]
pub struct Earlier {
    /// Runs that have all their steps.
    pub complete: BTreeSet<Run>,
    /// Runs whose loss was not finite, with the reason.
    pub diverged: BTreeMap<Run, String>,
    /// Runs that this command leaves alone and that diverged before.
    pub over: BTreeSet<Run>,
    /// Stacks that are under way, with those of their runs that go on from there.
    pub unfinished: Vec<(Unfinished, BTreeSet<Run>)>,
    /// Complete runs that are to have more steps, each with its last checkpoint.
    pub extended: Vec<Saved>,
    /// Records whose files are gone or behind, and that are to be written again from their checkpoints.
    pub restored: Vec<(Run, PathBuf, Vec<u8>)>,
    /// Runs of which something is there that cannot be used, with the reason, where the others go on all the same. They stay as
    /// they are.
    pub broken: BTreeMap<Run, String>,
    /// Checkpoints that no run needs any more.
    pub left_over: Vec<PathBuf>,
    /// The images of those that are kept or continued, and of others of their conditions.
    pub datasets: Vec<SeenImages>,
}

impl Earlier {
    /// Whether nothing more is to come of a run.
    pub fn is_finished(&self, run: &Run) -> bool {
        self.complete.contains(run) || self.diverged.contains_key(run) || self.over.contains(run)
    }

    /// Whether nothing is left to train of so many runs.
    pub fn is_all(&self, runs: usize) -> bool {
        self.complete.len() + self.diverged.len() == runs
    }

    /// Runs that are over, of which nothing is to be written.
    pub fn kept(&self) -> BTreeSet<Run> {
        let over = self.complete.iter().chain(self.diverged.keys());
        let restored: BTreeSet<&Run> = self.restored.iter().map(|(run, ..)| run).collect();
        over.filter(|run| !restored.contains(run)).cloned().collect()
    }

    /// Makes sure that runs' images are those of now.
    ///
    /// # Errors
    ///
    /// `Refused` if they are not.
    pub fn ensure_same_data(
        &self,
        now: &dyn Fn(&str) -> Option<Option<DatasetRecord>>,
    ) -> Result<()> {
        let said = |data: Option<&DatasetRecord>| match data {
            None => "none".to_owned(),
            Some(data) => format!(
                "{} with {} training and {} evaluation samples, SHA-256 {:.12}...",
                data.name, data.train_samples, data.test_samples, data.checksum
            ),
        };
        for (path, (condition, _), before) in &self.datasets {
            let Some(now) = now(condition) else { continue };
            if *before != now {
                let (before, now) = (said(before.as_ref()), said(now.as_ref()));
                let reason = anyhow!("its images were others: {before}, now {now}");
                return Err(refusal(path, &reason));
            }
        }
        Ok(())
    }
}
