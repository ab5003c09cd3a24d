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
use super::tasks::Tasks;
use super::workers::{ensure_threads, work_together};
use crate::config::{Config, resolve_conditions};
use crate::model::{Step, architecture};
use crate::record;
use crate::train::runs_can_be_stacked;

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
    let n_runs = resolve_conditions(config)?.len() * config.seeds.len();
    if earlier.iter().filter(|run| run.is_complete).count() < n_runs {
        ensure_runs_fit(config, options)?;
    }
    let jobs = jobs(config, resolve_conditions(config)?, &mut Tasks::new(&options.data))?;
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
/// Those of `plan` and of `Plan::train`.
pub fn train_all(
    config: &Config,
    options: &Options,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Summary> {
    plan(config, options)?.train(tell)
}

impl Plan<'_> {
    /// Writes the config beside the runs' folders, and makes sure that these can be written: whoever asks for hours of
    /// training shall not learn at their end that they cannot.
    ///
    /// # Errors
    ///
    /// If one cannot; names it and the remedy.
    pub fn open(&self) -> Result<()> {
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
        record::write_config(&self.options.folder, self.config)
    }

    /// Trains the runs and writes their records.
    ///
    /// # Errors
    ///
    /// At the first run that cannot be set up or written; `Interrupted` if asked to end. A diverged run is no error here:
    /// it is told in the summary, and the others go on.
    pub fn train(self, tell: &(dyn Fn(Event) + Sync)) -> Result<Summary> {
        self.open()?;
        let Plan { options, jobs, .. } = self;
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
    let aside = options.device == Device::Cpu && 2 * workers * options.threads <= options.cores;
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

/// How many runs of one shape, with so many weights of a fully connected network and so many training samples, train in one
/// stack.
pub fn most_together(
    config: &Config,
    n_weights: usize,
    n_samples: usize,
    options: &Options,
) -> usize {
    if let Some(most) = options.stack {
        return most.max(1);
    }
    let step = Step {
        n_weights,
        n_samples: config.training.batch_size.unwrap_or(n_samples),
        on_cpu: options.device == Device::Cpu,
    };
    architecture(config.network.kind).most_together(&step).max(1)
}

/// Jobs that train together: networks of one shape, as many as `most_together` says, spread over the workers. The longest
/// first, so that the last to end are short.
pub(super) fn stacks(jobs: Vec<Job>, options: &Options) -> VecDeque<Vec<Job>> {
    let mut groups: Vec<Vec<Job>> = Vec::new();
    for job in jobs {
        match groups
            .iter_mut()
            .find(|group| runs_can_be_stacked(&group[0].lessons(), &job.lessons()))
        {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    let mut stacks: VecDeque<Vec<Job>> = VecDeque::new();
    for mut group in groups {
        let workers = options.jobs.max(1);
        let first = &group[0];
        let most =
            most_together(&first.config, n_weights(first), first.task().n_samples(), options);
        let fewest = group.len().div_ceil(most);
        // Evenly, and as many for each worker, so that none waits for another's rest.
        let size = group.len().div_ceil(fewest.next_multiple_of(workers));
        while !group.is_empty() {
            stacks.push_back(group.drain(..size.min(group.len())).collect());
        }
    }
    let takes_long = |config: &Config| architecture(config.network.kind).takes_long();
    stacks.make_contiguous().sort_by_key(|stack| !takes_long(&stack[0].config));
    stacks
}

/// Weights of a fully connected network.
fn n_weights(job: &Job) -> usize {
    let mut widths = vec![job.task().n_inputs()];
    widths.extend(&job.config.network.hidden);
    widths.push(job.task().targets.ncols());
    widths.windows(2).map(|pair| pair[0] * pair[1]).sum()
}

/// Loads data, makes tasks (conditions with the same task share it) and lists the runs.
pub(super) fn jobs(
    config: &Config,
    conditions: Vec<(String, Config)>,
    tasks: &mut Tasks,
) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for (condition, resolved) in conditions {
        let parts = parts(&condition, &resolved, tasks)?;
        let first = &parts[0];
        let dataset = tasks.dataset_record(first.stretch.config.task.inputs, &first.task);
        for &seed in &config.seeds {
            let mut config = resolved.clone();
            config.seeds = vec![seed];
            jobs.push(Job {
                condition: condition.clone(),
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
