//! All runs of a config: every condition with every seed, each to a record of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Error, Result, anyhow, bail};
use tch::Device;

use super::crew::{Crew, Seat, crews};
use super::earlier::Earlier;
use super::failed::Failed;
use super::job::{Job, Part};
use super::lock::Lock;
use super::look::look;
use super::memory::ensure_runs_fit;
use super::options::{Event, Existing, Interrupted, OnFailure, Options, Summary};
use super::prepared::run_together;
use super::refused::Refused;
use super::roster::{Run, UNFINISHED, unfinished_paths};
use super::saved::{self, step_and_roster};
use super::tasks::Tasks;
use super::workers::{ensure_threads, work_together};
use crate::config::{Cell, Config, cells};
use crate::file;
use crate::record::{self, Beside, CellRecord, DatasetRecord, FailureRecord};

/// Runs that are about to be trained. Nothing of them is written yet.
pub struct Plan<'a> {
    config: &'a Config,
    options: &'a Options,
    jobs: Vec<Job>,
    /// Those that cannot be trained, where the others go on.
    failed: Vec<Failed>,
    /// Those that are over and stay as they are.
    kept: BTreeSet<Run>,
}

/// Lists the runs of a config, makes sure that they fit into memory and that none that is there already would be lost, and
/// reads their data.
///
/// # Errors
///
/// `Refused` if a run would be lost, or they need more memory than there is; else if data cannot be read. Where the others go
/// on, the last two are told of the runs that they concern.
pub fn plan<'a>(config: &'a Config, options: &'a Options) -> Result<Plan<'a>> {
    let earlier = look(config, options)?;
    let mut cells = cells(config)?;
    cells.retain(|cell| config.seeds.iter().any(|seed| options.does(&cell.name, *seed)));
    let seeds =
        |cell: &Cell| config.seeds.iter().filter(|seed| options.does(&cell.name, **seed)).count();
    let mut failed = Vec::new();
    if !earlier.is_all(cells.iter().map(seeds).sum()) {
        cells = those_that_fit(config, cells, options, &mut failed)?;
    }
    let (mut jobs, mut tasks) = (Vec::new(), Tasks::keeping(&options.data, &options.derived));
    for cell in cells {
        let is_due = |job: &Job| {
            !earlier.is_finished(&job.run()) && !options.leaves_alone(&job.condition, job.seed)
        };
        let of_cell = jobs_of(&cell, config, options, &mut tasks).and_then(|jobs| {
            if let Some(job) = jobs.iter().find(|job| is_due(job)) {
                job.ensure_can_be_trained()?;
            }
            Ok(jobs)
        });
        match (of_cell, options.on_failure) {
            (Ok(of_cell), _) => jobs.extend(of_cell),
            (Err(error), OnFailure::Stop) => return Err(error),
            (Err(error), OnFailure::Mark) => {
                failed.extend(all_failed(&cell, config, options, &error))
            }
        }
    }
    let datasets: BTreeMap<&str, &Option<DatasetRecord>> =
        jobs.iter().map(|job| (job.condition.as_str(), &job.dataset)).collect();
    earlier.ensure_same_data(&|condition| datasets.get(condition).map(|it| (*it).clone()))?;
    let kept = earlier.kept();
    Ok(Plan { config, options, jobs, failed, kept })
}

/// Cells whose runs fit into memory; those of the others have failed, if that is to stop none.
fn those_that_fit(
    config: &Config,
    mut cells: Vec<Cell>,
    options: &Options,
    failed: &mut Vec<Failed>,
) -> Result<Vec<Cell>> {
    let Err(error) = ensure_runs_fit(config, options) else { return Ok(cells) };
    let n_cells = cells.len();
    if options.on_failure == OnFailure::Mark {
        cells.retain(|cell| {
            let alone = Config { seeds: config.seeds.clone(), ..cell.config.clone() };
            let fits = ensure_runs_fit(&alone, options);
            if let Err(error) = &fits {
                failed.extend(all_failed(cell, config, options, error));
            }
            fits.is_ok()
        });
    }
    // Where each fits alone, they do not fit together.
    if cells.len() == n_cells { Err(error) } else { Ok(cells) }
}

/// All runs of a cell that are asked for, which cannot be done for one reason.
fn all_failed(cell: &Cell, config: &Config, options: &Options, error: &Error) -> Vec<Failed> {
    let is_asked =
        |seed: &&u64| options.does(&cell.name, **seed) && !options.leaves_alone(&cell.name, **seed);
    config.seeds.iter().filter(is_asked).map(|seed| Failed::of(&cell.name, *seed, error)).collect()
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

/// Runs whose folders are ready for them, and what lies there.
pub struct Opened<'a> {
    plan: Plan<'a>,
    earlier: Earlier,
    /// Held until all is done.
    lock: Lock,
}

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
            let writable = record::ensure_writable(&self.options.folder.join(condition));
            // Told again, of each run, by whoever writes it.
            if self.options.on_failure == OnFailure::Stop {
                writable?;
            }
        }
        let folder = &self.options.folder;
        let is_asked = |job: &&Job| !self.options.leaves_alone(&job.condition, job.seed);
        let asked = self.jobs.iter().filter(is_asked);
        // Whoever does the others of a sweep is not in the way of those that are over.
        let claimed = asked.clone().map(Job::run).filter(|run| !self.kept.contains(run));
        let lock = Lock::take(folder, claimed.collect())?;
        let removed = self.remove_leftovers();
        if removed > 0 {
            tracing::info!("removed {removed} half-written files of processes that were killed");
        }
        // All at once: an interruption must not leave old runs among the new ones.
        if self.options.existing == Existing::Overwrite {
            self.remove_unfinished()?;
        }
        self.remove_beside(Beside::All, &|(condition, seed)| {
            self.options.begins_anew(condition, *seed)
        })?;
        for job in asked {
            FailureRecord::remove(folder, &job.condition, job.seed)?;
            if self.options.begins_anew(&job.condition, job.seed) {
                job.remove_earlier(folder)?;
            }
        }
        // Once more, since nobody else changes it from here on.
        let earlier = match self.options.existing {
            Existing::Refuse | Existing::Resume => look(self.config, self.options)?,
            Existing::Overwrite => Earlier::default(),
        };
        self.ensure_still_kept(&earlier)?;
        let over = earlier.kept();
        self.remove_beside(Beside::Rows, &|run| over.contains(run))?;
        for (_, path, text) in &earlier.restored {
            tracing::info!("{} is written again from its checkpoint", path.display());
            record::write_atomically(path, text)?;
        }
        for (stack, _) in &earlier.unfinished {
            stack.put_right()?;
        }
        for path in &earlier.left_over {
            saved::remove(path)?;
        }
        record::write_config(folder, self.config)?;
        Ok(Opened { plan: self, earlier, lock })
    }

    /// Removes what killed processes left half written: in the whole folder, or where this process does some of its config's
    /// runs alone, beside these.
    fn remove_leftovers(&self) -> usize {
        let folder = &self.options.folder;
        if self.options.only.is_none() {
            return file::remove_leftovers(folder, 2);
        }
        let conditions: BTreeSet<&str> =
            self.jobs.iter().map(|job| job.condition.as_str()).collect();
        let own = conditions.into_iter().map(|condition| (folder.join(condition), 1));
        let shared = [(folder.clone(), 0), (folder.join(UNFINISHED), 0)];
        own.chain(shared).map(|(folder, depth)| file::remove_leftovers(&folder, depth)).sum()
    }

    /// Removes what lies beside records of some of its runs.
    fn remove_beside(&self, which: Beside, is_meant: &dyn Fn(&Run) -> bool) -> Result<()> {
        let mut seeds: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        let asked =
            self.jobs.iter().filter(|job| !self.options.leaves_alone(&job.condition, job.seed));
        for job in asked.filter(|job| is_meant(&job.run())) {
            seeds.entry(&job.condition).or_default().insert(job.seed);
        }
        seeds.into_iter().try_for_each(|(condition, seeds)| {
            let folder = self.options.folder.join(condition);
            record::remove_beside(&folder, which, &|seed| seeds.contains(&seed))
        })
    }

    /// Makes sure that runs which nobody claimed, since they were over, are so still.
    fn ensure_still_kept(&self, earlier: &Earlier) -> Result<()> {
        let now = earlier.kept();
        if let Some((condition, seed)) = self.kept.difference(&now).next() {
            bail!(Refused(format!(
                "{} holds '{condition}', seed {seed} no more as it did: another process is replacing it; try again when that \
                 is done",
                self.options.folder.display()
            )));
        }
        Ok(())
    }

    /// Removes checkpoints of stacks that are replaced.
    fn remove_unfinished(&self) -> Result<()> {
        let ours: BTreeSet<Run> = self.jobs.iter().map(Job::run).collect();
        for path in unfinished_paths(&self.options.folder) {
            let Ok((_, roster)) = step_and_roster(&path) else { continue };
            if roster.0.iter().any(|run| ours.contains(run)) {
                saved::remove(&path)?;
            }
        }
        Ok(())
    }
}

impl Opened<'_> {
    /// Trains the runs and writes their records.
    ///
    /// # Errors
    ///
    /// At the first run that cannot be set up or written, unless the others go on then; `Interrupted` if asked to end. A
    /// diverged run is no error here: it is told in the summary, and the others go on.
    pub fn train(self, tell: &(dyn Fn(Event) + Sync)) -> Result<Summary> {
        let Opened { plan: Plan { options, jobs, failed, .. }, earlier, lock } = self;
        let mut summary = Summary::default();
        for ((condition, seed), words) in &earlier.diverged {
            summary.diverged.push(format!("condition '{condition}', seed {seed}: {words}"));
        }
        let is_left = |job: &&Job| {
            !earlier.diverged.contains_key(&job.run())
                && !earlier.broken.contains_key(&job.run())
                && !options.leaves_alone(&job.condition, job.seed)
        };
        let left: Vec<&Job> = jobs.iter().filter(is_left).collect();
        let steps = left.iter().fold(0u64, |sum, job| sum.saturating_add(job.config.total_steps()));
        let broken = earlier.broken.iter().map(|(run, reason)| Failed::broken(run, reason));
        let failed: Vec<Failed> = failed.into_iter().chain(broken).collect();
        tell(Event::Planned { runs: left.len() + failed.len(), steps });
        summary.failed = failed.iter().map(|run| run.mark(options, tell)).collect();
        for job in left.iter().filter(|job| earlier.complete.contains(&job.run())) {
            let steps = job.config.total_steps();
            tell(Event::Kept { condition: &job.condition, seed: job.seed, steps });
            summary.complete += 1;
        }
        train_crews(crews(jobs, earlier, options), (options, &lock), summary, tell)
    }
}

/// Trains stacks by as many workers as there may be.
fn train_crews(
    crews: VecDeque<Crew>,
    (options, lock): (&Options, &Lock),
    summary: Summary,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Summary> {
    let workers = options.jobs.clamp(1, crews.len().max(1));
    // Observers on the GPU would wait for steps.
    let aside =
        options.device == Device::Cpu && 2 * workers * options.threads <= options.cores.count;
    let queue = Mutex::new(crews);
    let outcomes = Mutex::new((summary, None));
    ensure_threads(workers, options.threads)?;
    options.settle_algorithms()?;
    work_together(workers, &|| {
        tch::set_num_threads(options.threads as i32);
        loop {
            let crew = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(crew) = crew else { return };
            let result = caught(|| run_together(&crew, (options, lock), aside, tell));
            let (summary, failure) = &mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(diverged) => {
                    summary.complete += crew.n_active() - diverged.len();
                    summary.diverged.extend(diverged);
                }
                Err(error)
                    if options.on_failure == OnFailure::Stop
                        || error.is::<Interrupted>()
                        || lock.ensure_held().is_err() =>
                {
                    queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    failure.get_or_insert(error);
                }
                Err(error) if crew.n_active() == 1 => {
                    for Seat { job, .. } in crew.seats.iter().filter(|seat| !seat.is_over) {
                        let failed = Failed::of(&job.condition, job.seed, &error);
                        summary.failed.push(failed.mark(options, tell));
                    }
                }
                Err(error) => {
                    // One may be to blame: each is tried alone.
                    tracing::warn!(
                        "{} runs in one stack: {error:#}; each is tried alone",
                        crew.n_active()
                    );
                    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    queue.extend(crew.each_alone(&options.folder));
                }
            }
        }
    });
    let (summary, failure) = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(summary), Err)
}

/// A panic as an error: it is a defect of this program, but the other runs' records are worth more than its unwinding.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        let first = words.lines().next().unwrap_or_default();
        Err(anyhow!("a run panicked, please report it: {first}"))
    })
}

/// Loads a cell's data, makes its task (cells with the same task share it) and lists its runs that this process does.
pub(super) fn jobs_of(
    cell: &Cell,
    config: &Config,
    options: &Options,
    tasks: &mut Tasks,
) -> Result<Vec<Job>> {
    let parts = parts(&cell.name, &cell.config, tasks)?;
    let first = &parts[0];
    let dataset = tasks.dataset_record(&first.stretch.config.task, &first.task);
    let of_grid = (!cell.values.0.is_empty())
        .then(|| CellRecord { condition: cell.condition.clone(), values: cell.values.clone() });
    let seeds = config.seeds.iter().copied().filter(|seed| options.does(&cell.name, *seed));
    let job = |seed| Job {
        condition: cell.name.clone(),
        cell: of_grid.clone(),
        config: Config { seeds: vec![seed], ..cell.config.clone() },
        parts: parts.clone(),
        dataset: dataset.clone(),
        seed,
    };
    Ok(seeds.map(job).collect())
}

/// The stretches of a condition, with what each learns.
fn parts(condition: &str, resolved: &Config, tasks: &mut Tasks) -> Result<Arc<[Part]>> {
    let mut parts: Vec<Part> = Vec::new();
    for (index, stretch) in resolved.stretches()?.into_iter().enumerate() {
        let config = &stretch.config;
        let (task, shared) = (tasks.of(condition, config)?, tasks.shared(config));
        if let Some(first) = parts.first() {
            let context = || format!("condition '{condition}', phase {}", index + 1);
            first.task.ensure_same_shape(&task).with_context(context)?;
        }
        parts.push(Part { stretch, task, shared });
    }
    Ok(parts.into())
}
