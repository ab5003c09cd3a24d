//! All runs of a config: every condition with every seed, each to a record of its own.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tch::Device;

use crate::config::{Config, Inputs, NetworkKind, TaskConfig, resolve_conditions};
use crate::data::{self, Dataset};
use crate::metrics::{Curves, Judge, ModeReader, Phase};
use crate::record::{self, DatasetRecord, PhaseAt, Record, SCHEMA_VERSION, Status};
use crate::task::{Task, TaskInputs};
use crate::train::{self, Checkpoint, Continue, Outcome, Snapshot, device};

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

/// One run to do.
struct Job {
    condition: String,
    config: Config,
    task: Arc<Task>,
    dataset: Option<DatasetRecord>,
    seed: u64,
}

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
                    let result = job.run(options, tell);
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
    let mut datasets: Vec<(Inputs, Arc<Dataset>, String)> = Vec::new();
    let mut tasks: Vec<(TaskConfig, Arc<Task>)> = Vec::new();
    let mut jobs = VecDeque::new();
    for (condition, resolved) in conditions {
        let inputs = resolved.task.inputs;
        if inputs.are_images() && !datasets.iter().any(|(loaded, ..)| *loaded == inputs) {
            let dataset = data::load(inputs, &options.data)?;
            let checksum = dataset.checksum();
            datasets.push((inputs, Arc::new(dataset), checksum));
        }
        let dataset = datasets.iter().find(|(loaded, ..)| *loaded == inputs);
        let task = match tasks.iter().find(|(known, _)| *known == resolved.task) {
            Some((_, task)) => task.clone(),
            None => {
                let images = dataset.map(|(_, images, _)| images.as_ref());
                let context = || format!("condition '{condition}'");
                let task = Arc::new(Task::new(&resolved.task, images).with_context(context)?);
                tasks.push((resolved.task.clone(), task.clone()));
                task
            }
        };
        let dataset = dataset.map(|(_, _, checksum)| dataset_record(inputs, checksum, &task));
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

fn dataset_record(inputs: Inputs, checksum: &str, task: &Task) -> DatasetRecord {
    let (train_samples, test_samples) = match &task.inputs {
        TaskInputs::Images { train, test, .. } => (train.items.len(), test.items.len()),
        TaskInputs::Vectors(vectors) => (vectors.nrows(), vectors.nrows()),
    };
    DatasetRecord {
        name: inputs.name().to_owned(),
        checksum: checksum.to_owned(),
        train_samples,
        test_samples,
    }
}

/// The judges of one run's responses.
struct Judges {
    evaluation: Judge,
    training: Option<Judge>,
    modes: Option<ModeReader>,
}

impl Judges {
    fn new(task: &Task, config: &Config) -> Self {
        let levels = task.hierarchy.level_columns();
        let judge = |items: Vec<usize>, weights: &[f64]| {
            Judge::new(task.targets.clone(), items, weights, task.ocs(), levels.clone())
        };
        let (items, weights) = task.evaluation_items();
        let training = match &task.inputs {
            TaskInputs::Images { train, .. } if config.training.batch_size.is_none() => {
                Some(judge(train.items.clone(), &vec![1.0; train.items.len()]))
            }
            TaskInputs::Images { .. } | TaskInputs::Vectors(_) => None,
        };
        Judges { evaluation: judge(items, &weights), training, modes: mode_reader(task, config) }
    }

    fn judge(&self, snapshot: &Snapshot, record: &mut Record) {
        let judgement = self.evaluation.judge(snapshot.evaluation.responses.view());
        let push = |curves: &mut Curves, judgement, loss| {
            curves.push(snapshot.time, judgement);
            curves.push_network(snapshot.step, loss, &snapshot.weight_norms, &snapshot.bias_norms);
        };
        push(&mut record.curves, &judgement, snapshot.evaluation.loss);
        if let Some(modes) = &self.modes {
            let mut responses = snapshot.evaluation.responses.clone();
            if let Some(bias) = &snapshot.output_bias {
                responses -= &ndarray::ArrayView1::from(bias);
            }
            record.curves.push_mode_strengths(&modes.strengths(&responses));
        }
        if let (Some(judge), Some(answer)) = (&self.training, &snapshot.training) {
            let judgement = judge.judge(answer.responses.view());
            push(
                record.training_curves.get_or_insert_with(Curves::default),
                &judgement,
                answer.loss,
            );
        }
    }

    fn phase(&self, curves: &Curves, threshold: f64) -> Phase {
        Phase::of(curves, threshold, self.evaluation.ocs_norm(), self.evaluation.target_variance())
    }
}

/// Linear networks on one vector per item, balanced tree, equal frequencies: there the modes are known.
fn mode_reader(task: &Task, config: &Config) -> Option<ModeReader> {
    let TaskInputs::Vectors(_) = &task.inputs else { return None };
    let n_items = task.targets.nrows() as f64;
    let even = task.probabilities.iter().all(|p| (p * n_items - 1.0).abs() < 1e-12);
    if config.network.kind != NetworkKind::Linear || !even || task.hierarchy.branching().is_none() {
        return None;
    }
    let rho = config.task.correlation;
    let constant = (1.0 + (n_items - 1.0) * rho) / n_items
        + if config.network.bias.at_input() { 1.0 } else { 0.0 };
    let variances = [constant, (1.0 - rho) / n_items];
    Some(ModeReader::new(&task.targets, &task.hierarchy.level_columns(), variances))
}

/// Thresholds at which the verdict is told besides the config's own.
const OTHER_THRESHOLDS: [f64; 2] = [0.05, 0.2];

impl Job {
    /// Runs, and returns a sentence if the run diverged.
    fn run(&self, options: &Options, tell: &(dyn Fn(Event) + Sync)) -> Result<Option<String>> {
        let path = record::path_of(&options.folder, &self.condition, self.seed);
        let checkpoints = path.with_extension("checkpoint");
        let earlier = if options.resume { self.earlier(&path) } else { None };
        if let Some(record) = earlier.as_ref().filter(|record| record.status == Status::Complete) {
            tell(Event::Kept {
                condition: &self.condition,
                seed: self.seed,
                steps: self.config.training.steps,
            });
            debug_assert_eq!(record.seed, self.seed);
            return Ok(None);
        }
        let judges = Judges::new(&self.task, &self.config);
        let mut record = self.empty_record(options, &judges);
        let mut resumed = None;
        if let Some(earlier) = earlier.filter(|_| checkpoints.is_dir()) {
            let checkpoint = Checkpoint::read(&checkpoints)?;
            record.wall_time = earlier.wall_time;
            record.curves = earlier.curves;
            record.curves.truncate_after(checkpoint.step());
            record.training_curves = earlier.training_curves;
            if let Some(curves) = &mut record.training_curves {
                curves.truncate_after(checkpoint.step());
            }
            resumed = Some(checkpoint);
        } else if checkpoints.is_dir() {
            // It belongs to a run that this one replaces.
            std::fs::remove_dir_all(&checkpoints).with_context(|| {
                format!("cannot remove the old checkpoint {}", checkpoints.display())
            })?;
        }
        let step = resumed.as_ref().map_or(0, Checkpoint::step);
        tell(Event::Started { condition: &self.condition, seed: self.seed, step });
        let outcome =
            self.train(options, &judges, &mut record, resumed, &path, &checkpoints, tell)?;
        record.status = match outcome {
            Outcome::Complete => Status::Complete,
            Outcome::Stopped => Status::Running,
            Outcome::Diverged { step, last_finite_loss } => {
                Status::Diverged { step, last_finite_loss }
            }
        };
        self.finish(&mut record, &judges);
        record::write_json(&path, &record)?;
        tell(Event::Finished { record: &record });
        match outcome {
            Outcome::Complete => Ok(None),
            Outcome::Stopped => Err(Interrupted.into()),
            Outcome::Diverged { step, last_finite_loss } => Ok(Some(format!(
                "condition '{}', seed {}: training diverged by step {step} (last finite loss {last_finite_loss:.4}): \
                 lower 'training.learning_rate' (now {})",
                self.condition, self.seed, self.config.training.learning_rate
            ))),
        }
    }

    #[allow(clippy::too_many_arguments)] // the parts of one run, gathered in `run` above and used here alone
    fn train(
        &self,
        options: &Options,
        judges: &Judges,
        record: &mut Record,
        resumed: Option<Checkpoint>,
        path: &Path,
        checkpoints: &Path,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Outcome> {
        let (condition, seed, steps) =
            (self.condition.as_str(), self.seed, self.config.training.steps);
        let start = Instant::now();
        let before = record.wall_time;
        let mut written = Instant::now();
        let mut observer = |snapshot: Snapshot| {
            judges.judge(&snapshot, record);
            record.wall_time = before + start.elapsed().as_secs_f64();
            let (step, loss) = (snapshot.step, snapshot.evaluation.loss);
            tell(Event::Observed { condition, seed, step, steps, loss });
            let stop = options.interrupted.load(Ordering::Relaxed);
            if stop || step == steps || written.elapsed() >= options.write_every {
                written = Instant::now();
                // The record first: with the older checkpoint it is cut back, without its curves nothing could be.
                self.finish(record, judges);
                record::write_json(path, record)?;
                return Ok(if stop { Continue::No } else { Continue::AfterCheckpoint });
            }
            Ok(Continue::Yes)
        };
        let mut keep = |checkpoint: Checkpoint| checkpoint.write(checkpoints);
        train::train(
            &self.config,
            &self.task,
            seed,
            options.device,
            resumed,
            &mut observer,
            &mut keep,
        )
        .with_context(|| format!("condition '{condition}', seed {seed}"))
    }

    /// The record of an earlier run of the same config, if there is one that can be read.
    fn earlier(&self, path: &Path) -> Option<Record> {
        if !path.exists() {
            return None;
        }
        match record::read_json::<Record>(path) {
            Ok(record) if record.config == self.config => Some(record),
            Ok(_) => {
                tracing::warn!(path = %path.display(), "the config has changed since: starting anew");
                None
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), "starting anew: {error:#}");
                None
            }
        }
    }

    fn empty_record(&self, options: &Options, judges: &Judges) -> Record {
        Record {
            schema_version: SCHEMA_VERSION,
            status: Status::Running,
            config: self.config.clone(),
            condition: self.condition.clone(),
            seed: self.seed,
            quick: options.quick,
            revision: env!("OCS_REVISION").to_owned(),
            device: device::name(options.device),
            libtorch: env!("OCS_LIBTORCH").to_owned(),
            threads: options.threads,
            dataset: self.dataset.clone(),
            wall_time: 0.0,
            ocs: judges.evaluation.ocs().to_vec(),
            target_variance: judges.evaluation.target_variance(),
            levels: self
                .task
                .hierarchy
                .level_columns()
                .into_iter()
                .map(|columns| columns.len())
                .collect(),
            phase: Phase::default(),
            phase_sensitivity: Vec::new(),
            curves: Curves::default(),
            training_curves: None,
        }
    }

    /// Fills in what follows from the curves.
    fn finish(&self, record: &mut Record, judges: &Judges) {
        record.phase = judges.phase(&record.curves, self.config.phase_threshold);
        record.phase_sensitivity = OTHER_THRESHOLDS
            .into_iter()
            .map(|threshold| PhaseAt { threshold, phase: judges.phase(&record.curves, threshold) })
            .collect();
    }
}
