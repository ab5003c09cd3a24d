//! All runs of a config: every condition with every seed, each to a record of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tch::Device;

use super::job::Job;
use super::tasks::Tasks;
use crate::config::{Config, NetworkKind, resolve_conditions};
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
    /// Runs at the same time.
    pub jobs: usize,
    /// Keep complete runs of the same config, continue unfinished ones from their checkpoints.
    pub resume: bool,
    /// Whether configs were shortened by `--quick`; kept in records.
    pub quick: bool,
    /// Time between writes of an unfinished run's record and checkpoint.
    pub write_every: Duration,
    /// Set from outside to end all runs after writing their checkpoints.
    pub interrupted: Arc<AtomicBool>,
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

/// Trains every condition with every seed and writes their records.
///
/// # Errors
///
/// At the first run that cannot be set up or written; `Interrupted` if asked to end. A diverged run is no error here: it
/// is told in the summary, and the others go on.
pub fn train_all(
    config: &Config,
    options: &Options,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Summary> {
    let conditions = resolve_conditions(config)?;
    let mut jobs = plan(config, conditions, options)?;
    let steps = jobs.iter().map(|job| job.config.training.steps).sum();
    tell(Event::Planned { runs: jobs.len(), steps });
    // The longest first, so that the last to end are short.
    jobs.make_contiguous().sort_by_key(|job| job.config.network.kind != NetworkKind::Cnn);
    let workers = options.jobs.clamp(1, jobs.len().max(1));
    let queue = Mutex::new(jobs);
    let outcomes = Mutex::new((Summary::default(), None));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                tch::set_num_threads(options.threads as i32);
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = job else { return };
                    // A panic is a defect of this program; the other runs' records are worth more than its unwinding.
                    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        job.run(options, tell)
                    }))
                    .unwrap_or_else(|_| {
                        Err(anyhow::anyhow!("a run panicked: please report the message above"))
                    });
                    let (summary, failure) =
                        &mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    match result {
                        Ok(None) => summary.complete += 1,
                        Ok(Some(diverged)) => summary.diverged.push(diverged),
                        Err(error) => {
                            queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                            failure.get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    let (summary, failure) = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(summary), Err)
}

/// Loads data, makes tasks (conditions with the same task share it) and lists the runs.
fn plan(
    config: &Config,
    conditions: Vec<(String, Config)>,
    options: &Options,
) -> Result<VecDeque<Job>> {
    let mut tasks = Tasks::new(&options.data);
    let mut jobs = VecDeque::new();
    for (condition, resolved) in conditions {
        let task = tasks.of(&condition, &resolved.task)?;
        let dataset = tasks.dataset_record(resolved.task.inputs, &task);
        for &seed in &config.seeds {
            let mut config = resolved.clone();
            config.seeds = vec![seed];
            jobs.push_back(Job {
                condition: condition.clone(),
                config,
                task: task.clone(),
                dataset: dataset.clone(),
                seed,
            });
        }
    }
    Ok(jobs)
}
