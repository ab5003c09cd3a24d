//! Training in stretches: what a config's `phases` say, and each stretch's own config.

use super::apply::apply;
use super::name::ensure_label;
use super::phases::StretchConfig;
use super::{Config, Loss, ProbeKind, Schedule, TrainingConfig};
use anyhow::{Context, Result, ensure};

/// One stretch of training: an unbroken run of steps on one task. (The OCS phase is another thing: it lies within a stretch.)
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// What figures and tables call it: its own label, or `phase 2`.
    pub label: String,
    /// Whether the optimiser's state goes on from the stretch before.
    pub keeps_optimiser: bool,
    /// Where it lies on the run's clocks.
    pub span: Span,
    /// What is learned in it and how, with no `phases` of its own.
    pub config: Config,
}

/// Where a stretch lies on the clocks of its run, which count on through all stretches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Updates done before it.
    pub first_step: u64,
    /// Time of what was before it: the sum of the rates of all updates.
    pub start_time: f64,
    /// Its number of updates.
    pub steps: u64,
    /// Its step size eta.
    pub learning_rate: f64,
    /// Factors on it.
    pub schedule: Schedule,
}

impl Span {
    /// Of a run's first stretch.
    pub fn first(config: &Config) -> Self {
        Span::of(&config.training)
    }

    fn of(training: &TrainingConfig) -> Self {
        let TrainingConfig { steps, learning_rate, schedule, .. } = *training;
        Span { first_step: 0, start_time: 0.0, steps, learning_rate, schedule }
    }

    /// Of a stretch that follows.
    fn next(self, config: &Config) -> Self {
        let (first_step, start_time) = (self.end(), self.time(self.end()));
        Span { first_step, start_time, ..Span::first(config) }
    }

    /// The stretch, of these in their order, in which the update after so many is made; the last one at the end.
    pub fn index_at(spans: impl ExactSizeIterator<Item = Span>, step: u64) -> usize {
        let last = spans.len().saturating_sub(1);
        spans.map(Span::end).position(|end| step < end).unwrap_or(last)
    }

    /// The step after which the next one begins.
    pub fn end(self) -> u64 {
        self.first_step.saturating_add(self.steps)
    }

    /// Time at a step of the whole run that lies in this stretch.
    pub fn time(self, step: u64) -> f64 {
        self.start_time + self.time_since(step)
    }

    /// Time since this stretch began, at a step of the whole run: the sum of the rates of its updates so far.
    pub fn time_since(self, step: u64) -> f64 {
        self.learning_rate * self.schedule.sum(step - self.first_step, self.steps)
    }

    /// Factor on the learning rate of the update after so many of the whole run.
    pub fn factor(self, step: u64) -> f64 {
        self.schedule.factor(step - self.first_step, self.steps)
    }

    /// Updates of this stretch until a time since it began, as if a step's time passed evenly; beyond the last as if its rate went on.
    pub fn step_at(self, time: f64) -> f64 {
        if self.schedule.is_constant() {
            return time / self.learning_rate;
        }
        let at = |since: u64| self.time_since(self.first_step + since);
        let (mut before, mut after) = (0, self.steps);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if at(middle) <= time { before = middle } else { after = middle }
        }
        let length = at(after) - at(before);
        // Where the last steps are too short for the clock to tell them apart.
        before as f64 + if length > 0.0 { (time - at(before)) / length } else { 0.0 }
    }
}

/// More would be more than a figure could show.
const MOST_STRETCHES: usize = 1000;
/// Of all stretches, so that clocks can be added up.
const MOST_STEPS: u64 = 1 << 53;

impl Config {
    /// The stretches of a config without conditions, in their order; one if it has no `phases`.
    ///
    /// # Errors
    ///
    /// If a phase overrides what it may not; names its number and the key.
    pub fn stretches(&self) -> Result<Vec<Stretch>> {
        if self.phases.is_empty() {
            let (label, span) = ("phase 1".to_owned(), Span::first(self));
            return Ok(vec![Stretch { label, keeps_optimiser: false, span, config: self.clone() }]);
        }
        let base = Config { phases: Vec::new(), label: None, ..self.clone() };
        let mut stretches: Vec<Stretch> = Vec::with_capacity(self.phases.len());
        for (index, phase) in self.phases.iter().enumerate() {
            let context = || format!("phase {}", index + 1);
            let config = config_of(phase, &base).with_context(context)?;
            // The next one's clock begins with this one's sum of rates.
            config.training.schedule.check(config.training.steps).with_context(context)?;
            let span = match stretches.last() {
                None => Span::first(&config),
                Some(before) => before.span.next(&config),
            };
            let label = phase.label.clone().unwrap_or_else(|| format!("phase {}", index + 1));
            let keeps_optimiser = phase.keep_optimiser;
            stretches.push(Stretch { label, keeps_optimiser, span, config });
        }
        Ok(stretches)
    }

    /// How the first stretch trains, or the only one: what a record's own OCS is told of, and the start of its clock.
    pub fn first_training(&self) -> TrainingConfig {
        let base = || Config { phases: Vec::new(), ..self.clone() };
        let first = self.phases.first().and_then(|phase| config_of(phase, &base()).ok());
        first.map_or_else(|| self.training.clone(), |first| first.training)
    }

    /// Updates between the start and a time of the first stretch; not whole in between.
    pub fn step_at(&self, time: f64) -> f64 {
        Span::of(&self.first_training()).step_at(time)
    }

    /// Time at a step of the whole run: the sum of the rates of all updates before.
    pub fn time_at(&self, step: u64) -> f64 {
        let spans: Vec<Span> = self.spans();
        let span = spans.get(Span::index_at(spans.iter().copied(), step));
        span.map_or(f64::NAN, |span| span.time(step))
    }

    /// Updates until a time of the whole run; not whole in between.
    pub fn step_of_time(&self, time: f64) -> f64 {
        let spans = self.spans();
        let begun = spans.iter().rev().find(|span| time >= span.start_time).or(spans.first());
        begun.map_or(f64::NAN, |span| span.first_step as f64 + span.step_at(time - span.start_time))
    }

    fn spans(&self) -> Vec<Span> {
        self.stretches().unwrap_or_default().iter().map(|stretch| stretch.span).collect()
    }

    /// Whether not all updates take one rate, so that time is no multiple of steps.
    pub fn changes_its_rate(&self) -> bool {
        let stretches = self.stretches().unwrap_or_default();
        let of = |stretch: &Stretch| stretch.span.learning_rate;
        let is_constant = |stretch: &Stretch| stretch.span.schedule.is_constant();
        !stretches.iter().all(is_constant)
            || stretches.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]))
    }

    /// Updates of all stretches.
    pub fn total_steps(&self) -> u64 {
        let of = |phase: &StretchConfig| phase.steps.unwrap_or(self.training.steps);
        match &self.phases[..] {
            [] => self.training.steps,
            phases => phases.iter().map(of).fold(0, u64::saturating_add),
        }
    }

    /// A probe that compares stretches has some to compare. Not asked of the stretches themselves.
    ///
    /// # Errors
    ///
    /// Names the key.
    pub(super) fn check_probes_of_stretches(&self) -> Result<()> {
        let forgets = self.probes.contains(&ProbeKind::Forgetting);
        ensure!(
            !forgets || !self.phases.is_empty(),
            "probes lists forgetting, which compares stretches of training: list phases, or leave it out"
        );
        ensure!(
            !forgets || self.training.loss == Loss::HalfSquaredError,
            "probes lists forgetting, which is told in training.loss half-squared-error, not {}: set it, or leave the probe out",
            self.training.loss.name()
        );
        Ok(())
    }

    /// Ranges of every stretch. (That one network fits all their tasks is found when these are made.)
    pub(super) fn check_phases(&self) -> Result<()> {
        ensure!(
            self.phases.len() <= MOST_STRETCHES,
            "phases lists {}: at most {MOST_STRETCHES}",
            self.phases.len()
        );
        if self.phases.is_empty() {
            return Ok(());
        }
        ensure!(
            self.kernel.is_none(),
            "kernel follows one stretch of training: set kernel to null, or leave phases out"
        );
        ensure!(
            !self.probes.contains(&ProbeKind::Parity),
            "probes lists parity, which follows one stretch of training: leave it out, or phases"
        );
        for (index, phase) in self.phases.iter().enumerate() {
            let number = index + 1;
            ensure!(phase.steps != Some(0), "phase {number}: steps must be at least 1, not 0");
            let Some(label) = &phase.label else { continue };
            ensure!(
                !label.trim().is_empty(),
                "phase {number}: label is empty: leave it out, and it is 'phase {number}'"
            );
            ensure_label(label).with_context(|| format!("phase {number}"))?;
        }
        let steps = self.phases.iter().map(|phase| phase.steps.unwrap_or(self.training.steps));
        ensure!(
            steps.fold(0, u64::saturating_add) <= MOST_STEPS,
            "phases take more than {MOST_STEPS} steps in all: lower their steps"
        );
        let stretches = self.stretches()?;
        for (index, stretch) in stretches.iter().enumerate() {
            let context = || format!("phase {}", index + 1);
            stretch.config.check().with_context(context)?;
            let optimiser = |stretch: &Stretch| stretch.config.training.optimiser;
            let before = index.checked_sub(1).map(|before| optimiser(&stretches[before]));
            ensure!(
                !stretch.keeps_optimiser || before == Some(optimiser(stretch)),
                "{}: keep_optimiser needs the optimiser of the phase before",
                context()
            );
            let frozen = |stretch: &Stretch| stretch.config.training.frozen.clone();
            let before = index.checked_sub(1).map(|before| frozen(&stretches[before]));
            ensure!(
                !stretch.keeps_optimiser || before == Some(frozen(stretch)),
                "{}: keep_optimiser needs the training.frozen of the phase before",
                context()
            );
        }
        Ok(())
    }
}

/// The base with what a phase overrides.
fn config_of(phase: &StretchConfig, base: &Config) -> Result<Config> {
    phase.ensure_may_be()?;
    let mut config = apply(base, &phase.set)?;
    config.training.steps = phase.steps.unwrap_or(config.training.steps);
    Ok(config)
}
