//! Runs: from their configs to their records, their checkpoints, and back if they are resumed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::earlier;
use super::keeping::Keeping;
use super::options::{Event, Existing, Interrupted, Options};
use crate::config::Config;
use crate::metrics::{Curves, Phase, PhaseWatch};
use crate::probes::{Judges, Probe, State, probes_of};
use crate::record::{self, DatasetRecord, PhaseAt, Record, SCHEMA_VERSION, Status};
use crate::task::Task;
use crate::train::{self, Checkpoint, Continue, Outcome, Passed, Shared, Snapshot, Wants, device};

/// One run to do.
pub struct Job {
    /// Name of the condition.
    pub condition: String,
    /// The condition's own config, with this seed alone.
    pub config: Config,
    /// What is learned; shared by the runs that learn the same.
    pub task: Arc<Task>,
    /// What all runs of this task have in common; shared likewise.
    pub shared: Arc<Shared>,
    /// The images' origin.
    pub dataset: Option<DatasetRecord>,
    /// The run's seed.
    pub seed: u64,
}

/// Thresholds at which the verdict is told besides the config's own.
const OTHER_THRESHOLDS: [f64; 2] = [0.05, 0.2];

/// A run that is about to be trained.
struct Prepared<'a> {
    job: &'a Job,
    path: PathBuf,
    judges: Judges,
    probes: Vec<(&'static str, Box<dyn Probe>)>,
    record: Record,
    /// The config's own threshold first, then the others.
    phases: Vec<PhaseWatch>,
    resumed: Option<Checkpoint>,
}

/// Runs jobs of one stack, and returns a sentence for each that diverged. If `aside`, a thread of its own answers what is
/// observed.
pub fn run_together(
    jobs: &[Job],
    options: &Options,
    aside: bool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Vec<String>> {
    let mut prepared = Vec::new();
    for job in jobs {
        prepared.extend(job.prepare(options, tell)?);
    }
    // A stack goes on in step. Runs were interrupted together, but for a machine that stopped between two writes.
    let step = |run: &Prepared| run.resumed.as_ref().map(Checkpoint::step);
    prepared.sort_by_key(step);
    let mut diverged = Vec::new();
    for runs in prepared.chunk_by_mut(|one, other| step(one) == step(other)) {
        diverged.extend(train_prepared(runs, options, aside, tell)?);
    }
    Ok(diverged)
}

/// Trains runs that stand at the same step.
fn train_prepared(
    runs: &mut [Prepared],
    options: &Options,
    aside: bool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Vec<String>> {
    let start = Instant::now();
    let names: Vec<String> =
        runs.iter().map(|run| format!("'{}', seed {}", run.job.condition, run.job.seed)).collect();
    let keeping = Keeping::default();
    let mut watches: Vec<Watch> = Vec::new();
    let mut resumed = Vec::new();
    for Prepared { job, path, judges, probes, record, phases, resumed: checkpoint } in
        runs.iter_mut()
    {
        let before = record.wall_time;
        if checkpoint.is_some() {
            keeping.begin();
        }
        resumed.push(checkpoint.as_ref());
        watches.push(Watch {
            job,
            options,
            judges,
            probes,
            record,
            phases,
            path,
            tell,
            keeping: &keeping,
            before,
            start,
            written: start,
        });
    }
    let members = watches
        .iter_mut()
        .zip(resumed)
        .map(|(watch, resumed)| watch.job.member(resumed, watch))
        .collect();
    let outcomes = train::train_together(members, options.device, aside)
        .with_context(|| format!("condition {}", names.join("; ")))?;
    let mut diverged = Vec::new();
    for (run, outcome) in runs.iter_mut().zip(&outcomes) {
        diverged.extend(run.finish(*outcome, tell)?);
    }
    if outcomes.contains(&Outcome::Stopped) { Err(Interrupted.into()) } else { Ok(diverged) }
}

impl Prepared<'_> {
    /// Writes the record, unless its last checkpoint did, and returns a sentence if the run diverged.
    fn finish(
        &mut self,
        outcome: Outcome,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Option<String>> {
        let Prepared { path, phases, record, .. } = self;
        if let Outcome::Diverged { step, last_finite_loss } = outcome {
            record.status = Status::Diverged { step, last_finite_loss };
        }
        if record.status != Status::Complete {
            conclude(record, phases);
            record::write_json(path, record)?;
        }
        tell(Event::Finished { record });
        let Outcome::Diverged { step, last_finite_loss } = outcome else { return Ok(None) };
        let job = self.job;
        Ok(Some(format!(
            "condition '{}', seed {}: training diverged by step {step} (last finite loss {last_finite_loss:.4}): \
             lower 'training.learning_rate' (now {})",
            job.condition, job.seed, job.config.training.learning_rate
        )))
    }
}

impl Job {
    /// Who learns, and what.
    pub fn learner(&self) -> (&Config, &Task) {
        (&self.config, &self.task)
    }

    /// The run as training takes it.
    pub fn member<'a>(
        &'a self,
        resumed: Option<&'a Checkpoint>,
        observer: &'a mut dyn train::Observer,
    ) -> train::Member<'a> {
        let Job { config, task, shared, seed, .. } = self;
        train::Member { config, task, shared, seed: *seed, resumed, observer }
    }

    /// Removes what an earlier run left at this one's place.
    ///
    /// # Errors
    ///
    /// If it cannot be removed; names it.
    pub fn remove_earlier(&self, folder: &Path) -> Result<()> {
        let path = record::path_of(folder, &self.condition, self.seed);
        if path.symlink_metadata().is_ok() {
            std::fs::remove_file(&path)
                .with_context(|| format!("cannot remove the old record {}", path.display()))?;
        }
        remove_checkpoint(&path)
    }

    /// What the run needs before it is trained; `None` if it is complete and kept.
    fn prepare(
        &self,
        options: &Options,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Option<Prepared<'_>>> {
        let path = record::path_of(&options.folder, &self.condition, self.seed);
        let judges = Judges::new(&self.task, &self.config);
        let mut record = self.empty_record(options, &judges);
        let earlier = match options.existing {
            Existing::Resume if path.exists() => Some(earlier::read(&path, &self.config, options)?),
            Existing::Refuse | Existing::Resume | Existing::Overwrite => None,
        };
        if earlier.as_ref().is_some_and(|earlier| earlier.status == Status::Complete) {
            let steps = self.config.training.steps;
            tell(Event::Kept { condition: &self.condition, seed: self.seed, steps });
            return Ok(None);
        }
        let resumed = match earlier {
            Some(earlier) => self.continue_from(earlier, &path, &mut record)?,
            None => None,
        };
        let thresholds = std::iter::once(self.config.phase_threshold).chain(OTHER_THRESHOLDS);
        let mut phases = thresholds.map(|threshold| judges.phase_watch(threshold)).collect();
        let mut probes = probes_of(&self.config, &self.task);
        if let Some(checkpoint) = &resumed {
            let notes: Notes = checkpoint.notes()?;
            resume(&mut probes, &notes, checkpoint)?;
            phases = notes.phases();
        } else {
            remove_checkpoint(&path)?;
        }
        let step = resumed.as_ref().map_or(0, Checkpoint::step);
        tell(Event::Started { condition: &self.condition, seed: self.seed, step });
        Ok(Some(Prepared { job: self, path, judges, probes, record, phases, resumed }))
    }

    /// Takes over an unfinished run's curves up to its checkpoint, if it has one that can be used.
    fn continue_from(
        &self,
        earlier: Record,
        path: &Path,
        record: &mut Record,
    ) -> Result<Option<Checkpoint>> {
        let Some(checkpoint) = earlier::read_checkpoint(path)? else { return Ok(None) };
        record.wall_time = earlier.wall_time;
        record.curves = earlier.curves;
        record.training_curves = earlier.training_curves;
        record.kernel = earlier.kernel;
        record.series = earlier.series;
        record.truncate_after(checkpoint.step());
        Ok(Some(checkpoint))
    }

    fn empty_record(&self, options: &Options, judges: &Judges) -> Record {
        Record {
            schema_version: SCHEMA_VERSION,
            status: Status::Running,
            config: self.config.clone(),
            condition: self.condition.clone(),
            seed: self.seed,
            scale: options.scale,
            revision: env!("OCS_REVISION").to_owned(),
            device: device::name(options.device),
            libtorch: env!("OCS_LIBTORCH").to_owned(),
            threads: options.threads,
            dataset: self.dataset.clone(),
            wall_time: 0.0,
            ocs: judges.evaluation.ocs().to_vec(),
            target_variance: judges.evaluation.target_variance(),
            levels: self.task.level_columns().into_iter().map(|columns| columns.len()).collect(),
            phase: Phase::default(),
            phase_sensitivity: Vec::new(),
            curves: Curves::default(),
            training_curves: None,
            kernel: None,
            series: BTreeMap::new(),
        }
    }
}

/// What a checkpoint keeps of those who watch.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Notes {
    /// Without probes that keep anything.
    Phases(Vec<PhaseWatch>),
    /// With the notes of probes, by name.
    WithProbes { phases: Vec<PhaseWatch>, probes: BTreeMap<String, Value> },
}

impl Notes {
    fn of(phases: &[PhaseWatch], states: &[(&str, State)]) -> Self {
        let phases = phases.to_vec();
        let kept = states.iter().filter(|(_, state)| !state.notes.is_null());
        let probes: BTreeMap<String, Value> =
            kept.map(|(name, state)| ((*name).to_owned(), state.notes.clone())).collect();
        if probes.is_empty() { Notes::Phases(phases) } else { Notes::WithProbes { phases, probes } }
    }

    fn of_probe(&self, name: &str) -> Value {
        match self {
            Notes::Phases(_) => Value::Null,
            Notes::WithProbes { probes, .. } => probes.get(name).cloned().unwrap_or_default(),
        }
    }

    fn phases(self) -> Vec<PhaseWatch> {
        match self {
            Notes::Phases(phases) | Notes::WithProbes { phases, .. } => phases,
        }
    }
}

/// A probe's tables under names that say whose they are.
fn tables_of(name: &str, state: State) -> impl Iterator<Item = (String, Array2<f64>)> {
    state.tables.into_iter().map(move |(table, values)| (format!("{name}.{table}"), values))
}

/// Gives probes back what they kept.
fn resume(
    probes: &mut [(&'static str, Box<dyn Probe>)],
    notes: &Notes,
    checkpoint: &Checkpoint,
) -> Result<()> {
    let tables = checkpoint.tables()?;
    for (name, probe) in probes {
        let own = tables.iter().filter_map(|(whole, table)| {
            Some((whole.strip_prefix(*name)?.strip_prefix('.')?.to_owned(), table.clone()))
        });
        probe.resume(State { notes: notes.of_probe(name), tables: own.collect() })?;
    }
    Ok(())
}

/// Fills in the phases that were seen.
fn conclude(record: &mut Record, phases: &[PhaseWatch]) {
    let diverged = matches!(record.status, Status::Diverged { .. });
    let mut found = phases.iter().map(|watch| PhaseAt {
        threshold: watch.threshold(),
        phase: if diverged { watch.phase_of_diverged() } else { watch.phase() },
    });
    record.phase = found.next().map(|own| own.phase).unwrap_or_default();
    record.phase_sensitivity = found.collect();
}

/// Removes the checkpoint of a run that is replaced.
fn remove_checkpoint(path: &Path) -> Result<()> {
    let folder = path.with_extension("checkpoint");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove the old checkpoint {}", folder.display()))?;
    }
    Ok(())
}

/// Keeps a run's record and checkpoint as training goes.
struct Watch<'a> {
    job: &'a Job,
    options: &'a Options,
    judges: &'a Judges,
    probes: &'a mut [(&'static str, Box<dyn Probe>)],
    record: &'a mut Record,
    phases: &'a mut [PhaseWatch],
    path: &'a Path,
    tell: &'a (dyn Fn(Event) + Sync),
    keeping: &'a Keeping,
    /// Wall time of what was resumed.
    before: f64,
    start: Instant,
    written: Instant,
}

impl Watch<'_> {
    /// Whether it is time to write, or somebody asks the process to end.
    fn is_due(&self, is_last: bool) -> Continue {
        if self.options.interrupted.load(Ordering::Relaxed) {
            Continue::No
        } else if is_last || self.written.elapsed() >= self.options.write_every {
            Continue::AfterCheckpoint
        } else {
            Continue::Yes
        }
    }
}

impl train::Observer for Watch<'_> {
    fn wants(&self) -> Wants {
        let layers = self.probes.iter().any(|(_, probe)| probe.wants().layers);
        Wants { layers }
    }

    fn see(&mut self, snapshot: Snapshot) -> Result<Continue> {
        self.pass(&snapshot.passed);
        let judgement = self.judges.judge(&snapshot, self.record);
        for phase in self.phases.iter_mut() {
            phase.see(snapshot.time, judgement.mean_output_error, judgement.input_dependence);
        }
        for (_, probe) in self.probes.iter_mut() {
            probe.see(&snapshot, self.record)?;
        }
        self.keeping.begin();
        let Job { condition, seed, config, .. } = self.job;
        let steps = config.training.steps;
        let (step, loss) = (snapshot.step, snapshot.evaluation.loss);
        (self.tell)(Event::Observed { condition, seed: *seed, step, steps, loss });
        self.record.wall_time = self.before + self.start.elapsed().as_secs_f64();
        Ok(self.is_due(step == steps))
    }

    fn pass(&mut self, passed: &[Passed]) {
        let rate = self.job.config.training.learning_rate;
        for phase in self.phases.iter_mut() {
            phase.see_steps(passed.iter().map(|passed| {
                (rate * passed.step as f64, passed.mean_output_error, passed.input_dependence)
            }));
        }
    }

    fn before_step(&mut self) -> Result<Continue> {
        // Before the first observation there is nothing to keep.
        if self.record.curves.step.is_empty() { Ok(Continue::Yes) } else { Ok(self.is_due(false)) }
    }

    fn keep(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.written = Instant::now();
        self.record.wall_time = self.before + self.start.elapsed().as_secs_f64();
        // The record first: with the older checkpoint it is cut back, without its curves nothing could be.
        if checkpoint.step() == self.job.config.training.steps {
            self.record.status = Status::Complete;
        }
        conclude(self.record, self.phases);
        record::write_json(self.path, self.record)?;
        let states: Vec<(&str, State)> =
            self.probes.iter().map(|(name, probe)| (*name, probe.state())).collect();
        let notes = serde_json::to_value(Notes::of(self.phases, &states))?;
        let tables: Vec<_> =
            states.into_iter().flat_map(|(name, state)| tables_of(name, state)).collect();
        checkpoint
            .with_notes(notes)
            .with_tables(&tables)
            .write(&self.path.with_extension("checkpoint"))
    }
}
