//! Where and how runs run, and what is told of them meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tch::Device;

use super::cores::Cores;
use crate::config::Scale;
use crate::record::Record;

/// Where and how runs run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds `condition/seed.json`.
    pub folder: PathBuf,
    /// Where data sets lie.
    pub data: PathBuf,
    /// The device of every run.
    pub device: Device,
    /// Threads of libtorch in each run.
    pub threads: usize,
    /// The runs that this process does, each a condition and a seed; `None`: all of its config.
    pub only: Option<BTreeSet<(String, u64)>>,
    /// Runs, or stacks of them, at the same time.
    pub jobs: usize,
    /// Cores for all of them. Where runs leave one idle each, it answers what is observed while they train on.
    pub cores: Cores,
    /// Most runs of one shape that train in one stack of tensors; `None`: what suits network and device.
    pub stack: Option<usize>,
    /// What becomes of runs that are there already.
    pub existing: Existing,
    /// Whether theory is asked about images, as some studies do.
    pub theory_of_images: bool,
    /// The scale at which configs were taken; kept in records.
    pub scale: Scale,
    /// Time between writes of an unfinished run's record and checkpoint.
    pub write_every: Duration,
    /// Set from outside to end all runs after writing their checkpoints.
    pub interrupted: Arc<AtomicBool>,
}

impl Options {
    /// Whether a run is one of those that this process does.
    pub fn does(&self, condition: &str, seed: u64) -> bool {
        // A set of pairs is asked by a pair that it owns.
        self.only.as_ref().is_none_or(|only| only.contains(&(condition.to_owned(), seed)))
    }
}

/// What becomes of runs that are there already, which are the records at paths that a command would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// One of them is an error.
    Refuse,
    /// Complete runs are kept and unfinished ones continued; one of another config, data set or machine is an error.
    Resume,
    /// They are replaced.
    Overwrite,
}

/// What happens while runs run.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// There are so many steps in all.
    Planned { runs: usize, steps: u64 },
    /// A run was there already and is kept.
    Kept { condition: &'a str, seed: u64, steps: u64 },
    /// A run starts at a step, 0 unless resumed.
    Started { condition: &'a str, seed: u64, step: u64 },
    /// A run reached a step.
    Observed { condition: &'a str, seed: u64, step: u64, steps: u64, loss: f64 },
    /// A run ended.
    Finished { record: &'a Record },
}

/// What became of the runs.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Runs that have all their steps, kept ones included.
    pub complete: usize,
    /// One sentence for each diverged run.
    pub diverged: Vec<String>,
}

/// Somebody asked the process to end; all runs have their checkpoints.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(
            "interrupted; what was done is kept: run the same command with --resume to go on",
        )
    }
}

impl std::error::Error for Interrupted {}
