//! One run: from its config to its record, its checkpoint, and back if it is resumed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result};

use super::judges::Judges;
use super::run::{Event, Interrupted, Options};
use crate::config::Config;
use crate::metrics::{Curves, Phase};
use crate::record::{self, DatasetRecord, PhaseAt, Record, SCHEMA_VERSION, Status};
use crate::task::Task;
use crate::train::{self, Checkpoint, Continue, Outcome, Snapshot, device};

/// One run to do.
pub struct Job {
    /// Name of the condition.
    pub condition: String,
    /// The condition's own config, with this seed alone.
    pub config: Config,
    /// What is learned; shared by the runs that learn the same.
    pub task: Arc<Task>,
    /// The images' origin.
    pub dataset: Option<DatasetRecord>,
    /// The run's seed.
    pub seed: u64,
}

/// Thresholds at which the verdict is told besides the config's own.
const OTHER_THRESHOLDS: [f64; 2] = [0.05, 0.2];

impl Job {
    /// Runs, and returns a sentence if the run diverged.
    pub fn run(&self, options: &Options, tell: &(dyn Fn(Event) + Sync)) -> Result<Option<String>> {
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
