//! Where and how runs run, and what is told of them meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Result;
use tch::Device;

use super::cores::Cores;
use crate::config::Scale;
use crate::derived::Derived;
use crate::metrics::Curves;
use crate::record::{Algorithms, Record};
use crate::train::determinism;

/// Where and how runs run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds `condition/seed.json`.
    pub folder: PathBuf,
    /// Where data sets lie.
    pub data: PathBuf,
    /// Where decompositions are kept for other processes.
    pub derived: Derived,
    /// The device of every run.
    pub device: Device,
    /// Whether equal runs shall give equal bytes on a GPU too.
    pub algorithms: Algorithms,
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
    /// Runs of these that are left as they are, whatever is there of them. They still count where runs are shared out to stacks:
    /// who trains with whom does not hang on what was done before.
    pub left_alone: BTreeSet<(String, u64)>,
    /// Runs that begin anew, whatever is there of them.
    pub anew: BTreeSet<(String, u64)>,
    /// Runs that failed and are done again: a record of theirs that is not as it was written gives way to the one in its
    /// checkpoint.
    pub mended: BTreeSet<(String, u64)>,
    /// What becomes of the others when a run ends in an error.
    pub on_failure: OnFailure,
    /// Whether runs go on that another revision of this program began, or one with another libtorch.
    pub any_program: bool,
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
    /// Whether a run is left as it is.
    pub fn leaves_alone(&self, condition: &str, seed: u64) -> bool {
        self.left_alone.contains(&(condition.to_owned(), seed))
    }

    /// Whether a run begins anew, whatever is there of it.
    pub fn begins_anew(&self, condition: &str, seed: u64) -> bool {
        self.existing == Existing::Overwrite || self.anew.contains(&(condition.to_owned(), seed))
    }

    /// What records say of algorithms: on a CPU nothing, unless it was asked for.
    pub fn recorded_algorithms(&self) -> Option<Algorithms> {
        let is_default = self.device == Device::Cpu && self.algorithms == Algorithms::Deterministic;
        (!is_default).then_some(self.algorithms)
    }

    /// Tells libtorch which algorithms it may use.
    ///
    /// # Errors
    ///
    /// If it refuses.
    pub fn settle_algorithms(&self) -> Result<()> {
        determinism::settle(self.algorithms == Algorithms::Deterministic)
    }

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

/// What becomes of the other runs when one ends in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// None is begun any more, and the error is returned.
    Stop,
    /// They go on; the one that failed leaves a marker beside its place.
    Mark,
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
    /// A run reached a step, of so many.
    Observed { condition: &'a str, seed: u64, step: u64, steps: u64, curves: Observed<'a> },
    /// A run ended.
    Finished { record: &'a Record },
    /// A run ended in an error, and the others go on.
    Failed { condition: &'a str, seed: u64, reason: &'a str },
}

/// What was observed of a run so far, this moment last.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// On the evaluation set.
    pub evaluation: &'a Curves,
    /// On the training set, where that is another and is judged.
    pub training: Option<&'a Curves>,
}

/// What became of the runs.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Runs that have all their steps, kept ones included.
    pub complete: usize,
    /// One sentence for each diverged run.
    pub diverged: Vec<String>,
    /// One sentence for each run that ended in an error.
    pub failed: Vec<String>,
}

/// Somebody asked the process to end; all runs have their checkpoints.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(
            "interrupted; what was done is kept: run the same command again to go on (train and reproduce: with --resume)",
        )
    }
}

impl std::error::Error for Interrupted {}
