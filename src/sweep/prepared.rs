//! Runs: from their configs to their records, their checkpoints, and back if they are resumed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::earlier;
use super::job::{Job, Part, remove_checkpoint};
use super::keeping::Keeping;
use super::options::{Event, Existing, Interrupted, Options};
use super::watch::{Notes, Phases, Watch, resume};
use crate::config::Stretch;
use crate::metrics::{Curves, Phase};
use crate::probes::{Judges, Probe, probes_of};
use crate::record::{self, Record, SCHEMA_VERSION, Status, StretchRecord};
use crate::train::{self, Checkpoint, Outcome, device};

/// A run that is about to be trained.
struct Prepared<'a> {
    job: &'a Job,
    path: PathBuf,
    /// Of each stretch.
    judges: Vec<Judges>,
    probes: Vec<(&'static str, Box<dyn Probe>)>,
    record: Record,
    /// What finds the OCS phase of the stretch that the run is in.
    phases: Phases,
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
            phases.conclude(record);
            record::write_json(path, record)?;
        }
        tell(Event::Finished { record });
        let Some(words) = record.status.diverged_in_words() else { return Ok(None) };
        let job = self.job;
        let Stretch { label, span, .. } = &job.parts[phases.stretch].stretch;
        let of_stretch = match job.parts.len() {
            1 => String::new(),
            _ => format!(" of '{label}'"),
        };
        Ok(Some(format!(
            "condition '{}', seed {}: {words}: lower 'training.learning_rate'{of_stretch} (now {})",
            job.condition, job.seed, span.learning_rate
        )))
    }
}

impl Job {
    /// What the run needs before it is trained; `None` if it is complete and kept.
    fn prepare(
        &self,
        options: &Options,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Option<Prepared<'_>>> {
        let path = record::path_of(&options.folder, &self.condition, self.seed);
        let of_part = |part: &Part| Judges::new(&part.task, &part.stretch.config);
        let mut judges: Vec<Judges> = self.parts.iter().map(of_part).collect();
        Judges::read_the_same(&mut judges);
        let mut record = self.empty_record(options, &judges);
        let earlier = match options.existing {
            Existing::Resume if path.exists() => Some(earlier::read(&path, &self.config, options)?),
            Existing::Refuse | Existing::Resume | Existing::Overwrite => None,
        };
        if earlier.as_ref().is_some_and(|earlier| earlier.status == Status::Complete) {
            let steps = self.config.total_steps();
            tell(Event::Kept { condition: &self.condition, seed: self.seed, steps });
            return Ok(None);
        }
        let resumed = match earlier {
            Some(earlier) => self.continue_from(earlier, &path, &mut record)?,
            None => None,
        };
        let mut probes = probes_of(&self.config, &self.parts[0].task);
        let phases = match &resumed {
            Some(checkpoint) => {
                let notes: Notes = checkpoint.notes()?;
                resume(&mut probes, &notes, checkpoint)?;
                Phases { stretch: self.stretch_at(checkpoint.step()), watches: notes.phases() }
            }
            None => {
                remove_checkpoint(&path)?;
                Phases::begin(0, &judges, self.config.phase_threshold)
            }
        };
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
        // Those that are over by then are decided.
        let over = self.stretch_at(checkpoint.step());
        for (ours, theirs) in record.stretches.iter_mut().zip(earlier.stretches).take(over) {
            *ours = theirs;
        }
        if over > 0 {
            record.phase = earlier.phase;
            record.phase_sensitivity = earlier.phase_sensitivity;
        }
        Ok(Some(checkpoint))
    }

    fn empty_record(&self, options: &Options, judges: &[Judges]) -> Record {
        let first = &judges[0].evaluation;
        let of_stretch = |(part, judges): (&Part, &Judges)| {
            let Stretch { label, span, .. } = &part.stretch;
            StretchRecord {
                label: label.clone(),
                first_step: span.first_step,
                start_time: span.start_time,
                ocs: judges.evaluation.ocs().to_vec(),
                target_variance: judges.evaluation.target_variance(),
                phase: Phase::default(),
                phase_sensitivity: Vec::new(),
            }
        };
        let stretches = match &self.parts[..] {
            [_] => Vec::new(),
            parts => parts.iter().zip(judges).map(of_stretch).collect(),
        };
        Record {
            schema_version: SCHEMA_VERSION,
            status: Status::Running,
            config: self.config.clone(),
            condition: self.condition.clone(),
            cell: self.cell.clone(),
            seed: self.seed,
            scale: options.scale,
            revision: env!("OCS_REVISION").to_owned(),
            device: device::name(options.device),
            algorithms: options.recorded_algorithms(),
            libtorch: env!("OCS_LIBTORCH").to_owned(),
            threads: options.threads,
            cores: options.cores.record(),
            dataset: self.dataset.clone(),
            wall_time: 0.0,
            ocs: first.ocs().to_vec(),
            target_variance: first.target_variance(),
            levels: self.task().level_columns().into_iter().map(|columns| columns.len()).collect(),
            phase: Phase::default(),
            phase_sensitivity: Vec::new(),
            curves: Curves::default(),
            training_curves: None,
            kernel: None,
            series: BTreeMap::new(),
            stretches,
        }
    }
}
