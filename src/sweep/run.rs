//! All runs of a config: every condition with every seed, each to a record of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tch::Device;

use super::earlier::{ensure_nothing_is_lost, ensure_same_data};
use super::job::{Job, Part};
use super::memory::ensure_runs_fit;
use super::options::{Event, Existing, Options, Summary};
use super::prepared::run_together;
use super::stacks::stacks;
use super::tasks::Tasks;
use super::workers::{ensure_threads, work_together};
use crate::config::{Cell, Config, cells};
use crate::record::{self, CellRecord};

/// Runs that are about to be trained. Nothing of them is written yet.
pub struct Plan<'a> {
    config: &'a Config,
    options: &'a Options,
    jobs: Vec<Job>,
}

/// Lists the runs of a config, makes sure that they fit into memory and that none that is there already would be lost, and
/// reads their data.
///
/// # Errors
///
/// `Refused` if a run would be lost, or they need more memory than there is; else if data cannot be read.
pub fn plan<'a>(config: &'a Config, options: &'a Options) -> Result<Plan<'a>> {
    let earlier = ensure_nothing_is_lost(config, options)?;
    let cells = cells(config)?;
    let runs = cells.iter().flat_map(|cell| config.seeds.iter().map(|seed| (&cell.name, *seed)));
    let n_runs = runs.filter(|(name, seed)| options.does(name, *seed)).count();
    if earlier.iter().filter(|run| run.is_complete).count() < n_runs {
        ensure_runs_fit(config, options)?;
    }
    let jobs = jobs(config, cells, options, &mut Tasks::new(&options.data))?;
    for run in &earlier {
        if let Some(job) = jobs.iter().find(|job| job.condition == run.condition) {
            ensure_same_data(run, job.dataset.as_ref())?;
        }
    }
    Ok(Plan { config, options, jobs })
}

/// Trains every condition with every seed and writes their records, if nothing is lost by it.
///
/// # Errors
///
/// Those of `plan`, `Plan::open` and `Opened::train`.
pub fn train_all(
    config: &Config,
    options: &Options,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Summary> {
    plan(config, options)?.open()?.train(tell)
}

/// Runs whose folders are ready for them.
pub struct Opened<'a>(Plan<'a>);

impl<'a> Plan<'a> {
    /// Writes the config beside the runs' folders, and makes sure that these can be written: whoever asks for hours of
    /// training shall not learn at their end that they cannot.
    ///
    /// # Errors
    ///
    /// If one cannot; names it and the remedy.
    pub fn open(self) -> Result<Opened<'a>> {
        let mut conditions: Vec<&str> =
            self.jobs.iter().map(|job| job.condition.as_str()).collect();
        conditions.dedup();
        for condition in conditions {
            record::ensure_writable(&self.options.folder.join(condition))?;
        }
        if self.options.existing == Existing::Overwrite {
            // All at once: an interruption must not leave old runs among the new ones.
            for job in &self.jobs {
                job.remove_earlier(&self.options.folder)?;
            }
        }
        record::write_config(&self.options.folder, self.config)?;
        Ok(Opened(self))
    }
}

impl Opened<'_> {
    /// Trains the runs and writes their records.
    ///
    /// # Errors
    ///
    /// At the first run that cannot be set up or written; `Interrupted` if asked to end. A diverged run is no error here:
    /// it is told in the summary, and the others go on.
    pub fn train(self, tell: &(dyn Fn(Event) + Sync)) -> Result<Summary> {
        let Plan { options, jobs, .. } = self.0;
        let steps = jobs.iter().fold(0u64, |sum, job| sum.saturating_add(job.config.total_steps()));
        tell(Event::Planned { runs: jobs.len(), steps });
        train_stacks(stacks(jobs, options), options, tell)
    }
}

/// Trains stacks by as many workers as there may be.
fn train_stacks(
    stacks: VecDeque<Vec<Job>>,
    options: &Options,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Summary> {
    let workers = options.jobs.clamp(1, stacks.len().max(1));
    // Observers on the GPU would wait for steps.
    let aside =
        options.device == Device::Cpu && 2 * workers * options.threads <= options.cores.count;
    let queue = Mutex::new(stacks);
    let outcomes = Mutex::new((Summary::default(), None));
    ensure_threads(workers, options.threads)?;
    work_together(workers, &|| {
        tch::set_num_threads(options.threads as i32);
        loop {
            let stack = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(stack) = stack else { return };
            // A panic is a defect of this program; the other runs' records are worth more than its unwinding.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run_together(&stack, options, aside, tell)
            }))
            .unwrap_or_else(|_| {
                Err(anyhow::anyhow!("a run panicked: please report the message above"))
            });
            let (summary, failure) = &mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(diverged) => {
                    summary.complete += stack.len() - diverged.len();
                    summary.diverged.extend(diverged);
                }
                Err(error) => {
                    queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    failure.get_or_insert(error);
                }
            }
        }
    });
    let (summary, failure) = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(summary), Err)
}

/// Loads data, makes tasks (conditions with the same task share it) and lists the runs that this process does.
pub(super) fn jobs(
    config: &Config,
    cells: Vec<Cell>,
    options: &Options,
    tasks: &mut Tasks,
) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for cell in cells {
        let of_grid = (!cell.values.0.is_empty())
            .then(|| CellRecord { condition: cell.condition, values: cell.values });
        let (condition, resolved) = (cell.name, cell.config);
        let seeds: Vec<u64> =
            config.seeds.iter().copied().filter(|seed| options.does(&condition, *seed)).collect();
        if seeds.is_empty() {
            continue;
        }
        let parts = parts(&condition, &resolved, tasks)?;
        let first = &parts[0];
        let dataset = tasks.dataset_record(first.stretch.config.task.inputs, &first.task);
        for seed in seeds {
            let mut config = resolved.clone();
            config.seeds = vec![seed];
            jobs.push(Job {
                condition: condition.clone(),
                cell: of_grid.clone(),
                config,
                parts: parts.clone(),
                dataset: dataset.clone(),
                seed,
            });
        }
    }
    Ok(jobs)
}

/// The stretches of a condition, with what each learns.
fn parts(condition: &str, resolved: &Config, tasks: &mut Tasks) -> Result<Arc<[Part]>> {
    let mut parts: Vec<Part> = Vec::new();
    for (index, stretch) in resolved.stretches()?.into_iter().enumerate() {
        let config = &stretch.config.task;
        let (task, shared) = (tasks.of(condition, config)?, tasks.shared(config));
        if let Some(first) = parts.first() {
            let context = || format!("condition '{condition}', phase {}", index + 1);
            first.task.ensure_same_shape(&task).with_context(context)?;
        }
        parts.push(Part { stretch, task, shared });
    }
    Ok(parts.into())
}
