//! Runs: from their configs to their records, their checkpoints, and back if they are resumed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::crew::{Crew, Seat};
use super::job::{Job, Part, remove_checkpoint};
use super::keeper::Keeper;
use super::keeping::Keeping;
use super::lock::Lock;
use super::options::{Event, Interrupted, Options};
use super::representations::reach_of_run;
use super::saved::Member;
use super::watch::{Ghost, Phases, Watch, resume};
use crate::config::Stretch;
use crate::metrics::{Curves, Phase};
use crate::probes::{Judges, Probe, probes_of};
use crate::record::{
    self, ArrayBeside, ProgramRecord, Record, Rows, SCHEMA_VERSION, Status, StretchRecord,
};
use crate::train::{self, Observer, Outcome, device};

/// Inputs beyond this may be why a run diverges, whatever its learning rate.
const LARGE_INPUT: f64 = 100.0;

/// A run that is about to be trained.
struct Prepared {
    path: PathBuf,
    /// Of each stretch.
    judges: Vec<Judges>,
    probes: Vec<(&'static str, Box<dyn Probe>)>,
    record: Record,
    /// What finds the OCS phase of the stretch that the run is in.
    phases: Phases,
    /// Those of the probes, in their order.
    arrays: Vec<Rows>,
}

/// Trains a stack of runs, and returns a sentence for each that diverged. If `aside`, a thread of its own answers what is
/// observed.
pub fn run_together(
    crew: &Crew,
    (options, lock): (&Options, &Lock),
    aside: bool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Vec<String>> {
    let (roster, goes_on) = (crew.roster(), crew.goes_on);
    let steps = crew.seats.first().map_or(0, |seat| seat.job.config.total_steps());
    let keeper = Keeper::new((&options.folder, lock), &roster, goes_on, steps);
    let stack = crew.seats.len();
    let mut runs = Vec::new();
    for seat in &crew.seats {
        let prepared = (!seat.is_over).then(|| seat.prepare(options, stack, tell)).transpose()?;
        runs.push((seat, prepared));
    }
    let outcomes = train_prepared(&mut runs, options, &keeper, aside, tell)
        .with_context(|| format!("condition {}", roster.first_words()))?;
    if outcomes.contains(&Outcome::Stopped) {
        return Err(Interrupted.into());
    }
    lock.ensure_held()?;
    let mut diverged = Vec::new();
    for (index, ((seat, prepared), outcome)) in runs.iter_mut().zip(&outcomes).enumerate() {
        if let Some(prepared) = prepared {
            diverged.extend(prepared.finish(&seat.job, *outcome, (&keeper, index), tell)?);
        }
    }
    keeper.close()?;
    Ok(diverged)
}

/// Trains runs that stand at the same step, and tells how each ended.
fn train_prepared(
    runs: &mut [(&Seat, Option<Prepared>)],
    options: &Options,
    keeper: &Keeper,
    aside: bool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Vec<Outcome>> {
    let start = Instant::now();
    let keeping = Keeping::default();
    let mut observers: Vec<Box<dyn Observer + '_>> = Vec::new();
    let mut seats = Vec::new();
    for (seat, prepared) in runs.iter_mut() {
        let seat: &Seat = seat;
        seats.push(seat);
        let Some(Prepared { path, judges, probes, record, phases, arrays }) = prepared else {
            let member = seat.saved.as_ref().context("a run that is over has a checkpoint")?;
            observers.push(Box::new(Ghost { member, keeper }));
            continue;
        };
        if seat.saved.is_some() {
            keeping.begin();
        }
        let before = record.wall_time;
        observers.push(Box::new(Watch {
            job: &seat.job,
            options,
            judges,
            probes,
            record,
            phases,
            arrays,
            keeper,
            path,
            tell,
            keeping: &keeping,
            before,
            start,
            written: start,
        }));
    }
    let members = seats.iter().zip(&mut observers).map(|(seat, observer)| {
        let resumed = seat.saved.as_ref().map(|member| &member.checkpoint);
        seat.job.member(resumed, seat.ended(), &mut **observer)
    });
    train::train_together(members.collect(), options.device, aside)
}

impl Prepared {
    /// Writes what the run leaves, and returns a sentence if it diverged.
    fn finish(
        &mut self,
        job: &Job,
        outcome: Outcome,
        (keeper, index): (&Keeper, usize),
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Option<String>> {
        let Prepared { path, phases, record, arrays, .. } = self;
        for rows in arrays.iter_mut() {
            rows.leave(&record.curves.step, &record.curves.time)?;
        }
        if let Outcome::Diverged { step, last_finite_loss } = outcome {
            record.status = Status::Diverged { step, last_finite_loss };
            phases.conclude(record);
            record::write_json(path, record)?;
        } else {
            ensure!(record.status == Status::Complete, "a run ended before its last step");
            keeper.leave(index, path)?;
        }
        arrays.iter().try_for_each(Rows::close)?;
        tell(Event::Finished { record });
        let Some(words) = record.status.diverged_in_words() else { return Ok(None) };
        let Stretch { label, span, .. } = &job.parts[phases.stretch].stretch;
        let of_stretch = match job.parts.len() {
            1 => String::new(),
            _ => format!(" of '{label}'"),
        };
        let largest = job.parts[phases.stretch].task.inputs.largest();
        let of_inputs = match largest > LARGE_INPUT {
            true => format!(", or scale the inputs, which reach {largest:.3e}"),
            false => String::new(),
        };
        Ok(Some(format!(
            "condition '{}', seed {}: {words}: lower 'training.learning_rate'{of_stretch} (now {}){of_inputs}",
            job.condition, job.seed, span.learning_rate
        )))
    }
}

impl Seat {
    /// How the run ended before, if it did.
    fn ended(&self) -> Option<Outcome> {
        match self.saved.as_ref().map(|member| &member.record.status) {
            Some(&Status::Diverged { step, last_finite_loss }) => {
                Some(Outcome::Diverged { step, last_finite_loss })
            }
            _ => self.is_over.then_some(Outcome::Complete),
        }
    }

    /// What the run needs before it is trained, beside others in a stack of so many.
    fn prepare(
        &self,
        options: &Options,
        stack: usize,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<Prepared> {
        let job = &self.job;
        let path = record::path_of(&options.folder, &job.condition, job.seed);
        let of_part = |part: &Part| Judges::new(&part.task, &part.stretch.config);
        let mut judges: Vec<Judges> = job.parts.iter().map(of_part).collect();
        Judges::read_the_same(&mut judges);
        let tasks: Vec<_> = job.parts.iter().map(|part| part.task.clone()).collect();
        let mut probes = probes_of(&job.config, &tasks);
        let (mut record, phases) = match &self.saved {
            Some(member) => {
                resume(&mut probes, &member.notes, &member.checkpoint)?;
                let stretch = job.stretch_at(member.checkpoint.step());
                let phases = Phases { stretch, watches: member.notes.phases() };
                (job.continued(member, options, stack), phases)
            }
            None => {
                remove_checkpoint(&path)?;
                let phases = Phases::begin(0, &judges, job.config.phase_threshold);
                let mut record = job.empty_record(options, stack, &judges);
                record.reach = reach_of_run(&job.config, job.seed)?;
                (record, phases)
            }
        };
        let step = self.saved.as_ref().map_or(0, |member| member.checkpoint.step());
        tell(Event::Started { condition: &job.condition, seed: job.seed, step });
        let besides: Vec<ArrayBeside> =
            probes.iter().flat_map(|(_, probe)| probe.arrays()).collect();
        record.arrays = besides.iter().map(|it| (it.name.clone(), it.array.clone())).collect();
        let rows = record.curves.step.len();
        let arrays = besides.into_iter().map(|it| Rows::open(it, &path, rows));
        let arrays = arrays.collect::<Result<_>>()?;
        Ok(Prepared { path, judges, probes, record, phases, arrays })
    }
}

impl Job {
    /// The record of a run that goes on: with more steps than it had, or by another program, it says so.
    fn continued(&self, member: &Member, options: &Options, stack: usize) -> Record {
        let mut record = member.record.clone();
        if self.config.total_steps() > record.config.total_steps() {
            record.extended_at.push(member.checkpoint.step());
            record.status = Status::Running;
            record.config = self.config.clone();
        }
        record.go_on_with(ProgramRecord {
            from_step: member.checkpoint.step(),
            revision: env!("OCS_REVISION").to_owned(),
            libtorch: env!("OCS_LIBTORCH").to_owned(),
            threads: options.threads,
            stack,
        });
        record
    }

    fn empty_record(&self, options: &Options, stack: usize, judges: &[Judges]) -> Record {
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
            stack,
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
            arrays: BTreeMap::new(),
            weights_at: Vec::new(),
            stretches,
            reach: Vec::new(),
            extended_at: Vec::new(),
            programs: Vec::new(),
        }
    }
}
