//! Who watches a run: keeps its record and its checkpoints as training goes.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ndarray::Array2;

use super::job::Job;
use super::keeper::Keeper;
use super::keeping::Keeping;
use super::kept;
use super::notes::Notes;
use super::options::{Event, Observed, Options};
use super::saved::{Entry, Member};
use crate::config::{Checkpoints, Span};
use crate::metrics::PhaseWatch;
use crate::probes::{Judges, Probe, State};
use crate::record::{self, PhaseAt, Record, Rows, Status};
use crate::train::{self, Checkpoint, Continue, Outcome, Passed, Snapshot, Wants};

/// Thresholds at which the verdict is told besides the config's own.
const OTHER_THRESHOLDS: [f64; 2] = [0.05, 0.2];

/// What finds the OCS phase of one stretch of a run, on the clock that starts with it.
pub struct Phases {
    /// Which, counted from 0.
    pub stretch: usize,
    /// The config's own threshold first, then the others.
    pub watches: Vec<PhaseWatch>,
}

impl Phases {
    /// Before a stretch's first moment.
    pub fn begin(stretch: usize, judges: &[Judges], threshold: f64) -> Self {
        let thresholds = std::iter::once(threshold).chain(OTHER_THRESHOLDS);
        let watch = |threshold| judges[stretch].phase_watch(threshold);
        Phases { stretch, watches: thresholds.map(watch).collect() }
    }

    /// Fills in what was seen.
    pub fn conclude(&self, record: &mut Record) {
        let diverged = matches!(record.status, Status::Diverged { .. });
        let mut found = self.watches.iter().map(|watch| PhaseAt {
            threshold: watch.threshold(),
            phase: if diverged { watch.phase_of_diverged() } else { watch.phase() },
        });
        let phase = found.next().map(|own| own.phase).unwrap_or_default();
        let others: Vec<PhaseAt> = found.collect();
        if let Some(stretch) = record.stretches.get_mut(self.stretch) {
            stretch.phase = phase.clone();
            stretch.phase_sensitivity = others.clone();
        }
        if self.stretch == 0 {
            record.phase = phase;
            record.phase_sensitivity = others;
        }
    }
}

/// A probe's tables under names that say whose they are.
fn tables_of(name: &str, state: State) -> impl Iterator<Item = (String, Array2<f64>)> {
    state.tables.into_iter().map(move |(table, values)| (format!("{name}.{table}"), values))
}

/// Gives probes back what they kept.
pub fn resume(
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

/// Keeps a run's record and checkpoint as training goes.
pub struct Watch<'a> {
    pub job: &'a Job,
    pub options: &'a Options,
    /// Of each stretch.
    pub judges: &'a [Judges],
    pub probes: &'a mut [(&'static str, Box<dyn Probe>)],
    pub record: &'a mut Record,
    pub phases: &'a mut Phases,
    /// Arrays beside the record, in the order of the probes that they are of.
    pub arrays: &'a mut [Rows],
    /// Where checkpoints of all runs of the stack become one.
    pub keeper: &'a Keeper<'a>,
    /// Its record's file.
    pub path: &'a Path,
    pub tell: &'a (dyn Fn(Event) + Sync),
    pub keeping: &'a Keeping,
    /// Wall time of what was resumed.
    pub before: f64,
    pub start: Instant,
    pub written: Instant,
}

impl Watch<'_> {
    /// Where the present stretch lies on the run's clocks.
    fn span(&self) -> Span {
        self.job.parts[self.phases.stretch].stretch.span
    }

    /// Closes the stretch before. The curves hold this moment already, judged by what was learned then; the next stretch's clock
    /// starts with it, judged by what is to be learned now.
    fn begin_stretch(&mut self, snapshot: &Snapshot) {
        self.phases.conclude(self.record);
        let threshold = self.job.config.phase_threshold;
        *self.phases = Phases::begin(snapshot.stretch, self.judges, threshold);
        let judge = &self.judges[snapshot.stretch].evaluation;
        let judgement = judge.judge(snapshot.evaluation.responses.view());
        for phase in &mut self.phases.watches {
            phase.see(0.0, judgement.mean_output_error, judgement.input_dependence);
        }
    }

    /// Whether it is time to write, or somebody asks the process to end.
    fn is_due(&self, is_last: bool) -> Continue {
        if self.options.interrupted.load(Ordering::Relaxed) || self.keeper.is_lost() {
            Continue::No
        } else if is_last || self.written.elapsed() >= self.options.write_every {
            Continue::AfterCheckpoint
        } else {
            Continue::Yes
        }
    }
}

impl train::Observer for Watch<'_> {
    fn wants(&self, step: u64) -> Wants {
        let layers = self.probes.iter().any(|(_, probe)| probe.wants(step).layers);
        Wants { layers }
    }

    fn wants_weights(&self, _step: u64) -> bool {
        self.job.config.training.checkpoints != Checkpoints::Last
    }

    fn see(&mut self, snapshot: Snapshot) -> Result<Continue> {
        if snapshot.stretch > self.phases.stretch {
            self.begin_stretch(&snapshot);
            return Ok(self.is_due(false));
        }
        self.pass(&snapshot.passed);
        let time = self.span().time_since(snapshot.step);
        let judgement = self.judges[snapshot.stretch].judge(&snapshot, self.record);
        for phase in &mut self.phases.watches {
            phase.see(time, judgement.mean_output_error, judgement.input_dependence);
        }
        kept::keep(self.path, &snapshot, self.record)?;
        let mut arrays = self.arrays.iter_mut();
        for (_, probe) in self.probes.iter_mut() {
            probe.see(&snapshot, self.record)?;
            for row in probe.rows(&snapshot)? {
                arrays.next().context("a probe has more rows than arrays")?.push(&row)?;
            }
        }
        ensure!(arrays.next().is_none(), "a probe has fewer rows than arrays");
        self.keeping.begin();
        let Job { condition, seed, config, .. } = self.job;
        let steps = config.total_steps();
        let step = snapshot.step;
        let curves = Observed {
            evaluation: &self.record.curves,
            training: self.record.training_curves.as_ref(),
        };
        (self.tell)(Event::Observed { condition, seed: *seed, step, steps, curves });
        self.record.wall_time = self.before + self.start.elapsed().as_secs_f64();
        Ok(self.is_due(step == steps))
    }

    fn pass(&mut self, passed: &[Passed]) {
        let span = self.span();
        for phase in &mut self.phases.watches {
            phase.see_steps(passed.iter().map(|passed| {
                let time = span.time_since(passed.step);
                (time, passed.mean_output_error, passed.input_dependence)
            }));
        }
    }

    fn before_step(&mut self) -> Result<Continue> {
        // Before the first observation there is nothing to keep.
        if self.record.curves.step.is_empty() { Ok(Continue::Yes) } else { Ok(self.is_due(false)) }
    }

    fn keep(&mut self, checkpoint: Checkpoint, ended: Option<Outcome>) -> Result<()> {
        self.arrays.iter_mut().try_for_each(Rows::sync)?;
        self.written = Instant::now();
        self.record.wall_time = self.before + self.start.elapsed().as_secs_f64();
        self.record.status = match ended {
            Some(Outcome::Diverged { step, last_finite_loss }) => {
                Status::Diverged { step, last_finite_loss }
            }
            _ if checkpoint.step() == self.job.config.total_steps() => Status::Complete,
            _ => Status::Running,
        };
        self.phases.conclude(self.record);
        let text = record::to_json(self.record)?;
        let states: Vec<(&str, State)> =
            self.probes.iter().map(|(name, probe)| (*name, probe.state())).collect();
        let notes = Notes::of(&self.phases.watches, &states);
        let tables: Vec<_> =
            states.into_iter().flat_map(|(name, state)| tables_of(name, state)).collect();
        let step = checkpoint.step();
        let checkpoint = checkpoint.with_tables(&tables);
        let view = (ended.is_none() && self.record.status == Status::Running).then_some(self.path);
        self.keeper.add(step, Entry::new(self.record, text, notes, checkpoint)?, view);
        Ok(())
    }

    fn kept_all(&mut self) -> Result<()> {
        self.keeper.write()
    }
}

/// A run that has ended and stays in its stack for the others' sake: nobody watches it, its checkpoints go on with theirs.
pub struct Ghost<'a> {
    pub member: &'a Member,
    pub keeper: &'a Keeper<'a>,
}

impl train::Observer for Ghost<'_> {
    fn see(&mut self, _snapshot: Snapshot) -> Result<Continue> {
        Ok(Continue::Yes)
    }

    fn keep(&mut self, checkpoint: Checkpoint, _ended: Option<Outcome>) -> Result<()> {
        let Member { record, text, notes, checkpoint: before, .. } = self.member;
        let step = checkpoint.step();
        let checkpoint = checkpoint.with_tables(&before.tables()?);
        self.keeper.add(step, Entry::new(record, text.clone(), notes.clone(), checkpoint)?, None);
        Ok(())
    }

    fn kept_all(&mut self) -> Result<()> {
        self.keeper.write()
    }
}
