//! What is drawn of a record: its metrics as fractions, over time or step, for one seed or several.

use crate::config::Smoothing;
use crate::metrics::{Curves, Phase, PhaseVerdict, norm};
use crate::record::{Record, StretchRecord, TheoryRecord};

/// Time or step, and the value observed there.
pub type Observed = (f64, Option<f64>);

/// Points of one quantity; `None` where it is undefined, which leaves a gap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// In the order of their observation.
    pub points: Vec<Observed>,
}

impl Curve {
    /// Through points that are all defined.
    pub fn through(points: impl IntoIterator<Item = (f64, f64)>) -> Curve {
        Curve { points: points.into_iter().map(|(x, y)| (x, Some(y))).collect() }
    }

    /// Values at places, as far as both go.
    pub fn of(places: &[f64], values: impl IntoIterator<Item = f64>) -> Curve {
        Curve::through(places.iter().copied().zip(values))
    }

    /// Whether no reader could tell the two apart.
    pub fn coincides_with(&self, other: &Curve) -> bool {
        const TELLS: f64 = 1e-6;
        let near = |(one, two): (&Observed, &Observed)| match (one.1, two.1) {
            (Some(one), Some(two)) => (one - two).abs() < TELLS,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.points.len() == other.points.len() && self.points.iter().zip(&other.points).all(near)
    }
}

/// (lowest, median, highest).
pub type Range = (f64, f64, f64);

/// The lowest, the median and the highest of several curves at each place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spread {
    /// Time or step, and the range there, `None` if any curve is undefined.
    pub points: Vec<(f64, Option<Range>)>,
}

impl Spread {
    /// Over curves that were observed at the same places; those of a shorter curve, where one was cut short.
    pub fn of(curves: &[Curve]) -> Spread {
        let length = curves.iter().map(|curve| curve.points.len()).min().unwrap_or(0);
        let points = (0..length)
            .map(|index| {
                let values: Option<Vec<f64>> =
                    curves.iter().map(|curve| curve.points[index].1).collect();
                let range = values.and_then(|values| {
                    let low = values.iter().copied().min_by(f64::total_cmp)?;
                    let high = values.iter().copied().max_by(f64::total_cmp)?;
                    Some((low, median(&values)?, high))
                });
                (curves[0].points[index].0, range)
            })
            .collect();
        Spread { points }
    }

    /// The median as a curve.
    pub fn middle(&self) -> Curve {
        let points = self.points.iter().map(|(x, range)| (*x, range.map(|range| range.1)));
        Curve { points: points.collect() }
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(values.len() / 2)?;
    let lower = if values.len().is_multiple_of(2) { sorted[values.len() / 2 - 1] } else { upper };
    Some((lower + upper) / 2.0)
}

/// What lies across a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// `t = η · step`, the sum of all steps' rates.
    Time,
    /// Updates done.
    Step,
}

/// What a network and a theory have in common: curves, and what they are measured against.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The metrics.
    pub curves: &'a Curves,
    /// The OCS phase.
    pub phase: &'a Phase,
    ocs: &'a [f64],
    target_variance: f64,
    levels: &'a [usize],
    /// Of several, each measured against its own targets.
    stretches: &'a [StretchRecord],
    /// Of the labels that became targets.
    smoothing: Option<Smoothing>,
    clock: Clock,
}

impl<'a> Account<'a> {
    /// A run's, over time or step.
    pub fn of_run(record: &'a Record, clock: Clock) -> Account<'a> {
        Account {
            curves: &record.curves,
            phase: &record.phase,
            ocs: &record.ocs,
            target_variance: record.target_variance,
            levels: &record.levels,
            stretches: &record.stretches,
            smoothing: record.config.first_training().smoothing(),
            clock,
        }
    }

    /// A theory's, over time.
    pub fn of_theory(theory: &'a TheoryRecord) -> Account<'a> {
        Account {
            curves: &theory.curves,
            phase: &theory.phase,
            ocs: &theory.ocs,
            target_variance: theory.target_variance,
            levels: &theory.levels,
            stretches: &theory.stretches,
            smoothing: theory.config.first_training().smoothing(),
            clock: Clock::Time,
        }
    }

    /// A run's on its training set, over time; theory knows what that is measured against. `None` if it was not observed.
    pub fn of_training_set(
        record: &'a Record,
        theory: &'a TheoryRecord,
        phase: &'a Phase,
    ) -> Option<Account<'a>> {
        let curves = record.training_curves.as_ref()?;
        Some(Account { curves, phase, ..Account::of_theory(theory) })
    }

    fn curve(&self, values: impl Iterator<Item = Option<f64>>) -> Curve {
        let defined = |value: Option<f64>| value.filter(|value| value.is_finite());
        let points = match self.clock {
            Clock::Time => self.curves.time.iter().copied().zip(values.map(defined)).collect(),
            Clock::Step => {
                self.curves.step.iter().map(|&step| step as f64).zip(values.map(defined)).collect()
            }
        };
        Curve { points }
    }

    /// What each moment is measured against: that of its stretch, the one that ends there at a boundary; `whole` where there is
    /// but one.
    fn units(&self, whole: f64, of: impl Fn(&StretchRecord) -> f64) -> Vec<f64> {
        let at = |time: &f64| {
            let begun = self.stretches.iter().rev().find(|stretch| *time > stretch.start_time);
            begun.or(self.stretches.first()).map_or(whole, &of)
        };
        self.curves.time.iter().map(at).collect()
    }

    /// `V_target` at each moment.
    fn variances(&self) -> Vec<f64> {
        self.units(self.target_variance, |stretch| stretch.target_variance)
    }

    /// `M / ||ybar||`.
    pub fn mean_output_error(&self) -> Curve {
        let units = self.units(norm(self.ocs), StretchRecord::ocs_norm);
        let errors = self.curves.mean_output_error.iter().zip(units);
        self.curve(errors.map(|(error, norm)| Some(error / norm)))
    }

    /// `sqrt(V / V_target)`.
    pub fn input_dependence(&self) -> Curve {
        let values = self.curves.input_dependence.iter().zip(self.variances());
        self.curve(values.map(|(value, variance)| Some((value / variance).sqrt())))
    }

    /// `D_ocs / V_target`.
    pub fn distance_to_ocs(&self) -> Curve {
        let values = self.curves.distance_to_ocs.iter().zip(self.variances());
        self.curve(values.map(|(value, variance)| Some(value / variance)))
    }

    /// `D_target / V_target`.
    pub fn distance_to_targets(&self) -> Curve {
        let values = self.curves.distance_to_targets.iter().zip(self.variances());
        self.curve(values.map(|(value, variance)| Some(value / variance)))
    }

    /// Graded true negative rate of a level, counted from 0.
    pub fn true_negative_rate(&self, level: usize) -> Curve {
        let values = self.curves.true_negative_rate.get(level).into_iter().flatten();
        self.curve(values.copied())
    }

    /// Mean response of a label over all samples.
    pub fn mean_response(&self, label: usize) -> Curve {
        let values = self.curves.mean_response.get(label).into_iter().flatten();
        self.curve(values.map(|value| Some(*value)))
    }

    /// Mean response of a label to the samples of an item.
    pub fn item_response(&self, item: usize, label: usize) -> Curve {
        let items = self.curves.item_responses.as_ref();
        let values = items.and_then(|items| items.get(item)?.get(label)).into_iter().flatten();
        self.curve(values.map(|value| Some(*value)))
    }

    /// The true negative rate that the OCS has at a level, counted from 0:
    /// `sum_k (1 - ybar_k)^2 / sum_k (1 - ybar_k)` over its labels (THEORY section 1); of smoothed labels, whose OCS is not their
    /// base rate, one factor of the square is that of the OCS.
    pub fn ocs_floor(&self, level: usize) -> Option<f64> {
        let n_labels = self.labels_of(level).len();
        let rates = self.labels_of(level).map(|label| {
            let ocs = self.ocs[label];
            let base = self.smoothing.map_or(ocs, |smoothing| smoothing.undone(ocs, n_labels));
            (1.0 - base, 1.0 - ocs)
        });
        let (sum, products) = rates.fold((0.0, 0.0), |(sum, products), (absent, rejected)| {
            (sum + absent, products + absent * rejected)
        });
        (sum > 0.0).then(|| products / sum)
    }

    /// Columns of a level's labels, counted from 0.
    pub fn labels_of(&self, level: usize) -> std::ops::Range<usize> {
        let start: usize = self.levels[..level].iter().sum();
        start..(start + self.levels[level]).min(self.ocs.len())
    }

    /// Number of labels of each level.
    pub fn levels(&self) -> &'a [usize] {
        self.levels
    }

    /// The OCS, `[label]`.
    pub fn ocs(&self) -> &'a [f64] {
        self.ocs
    }
}

/// Median onset and end over seeds, in the clock's units; `None` where most seeds have none. The verdict is that of most
/// seeds, or undecided.
pub fn median_phase(records: &[&Record], clock: Clock) -> Phase {
    let on_clock = |record: &&Record| {
        let Phase { onset, end, .. } = record.phase;
        let at = |time: Option<f64>| match clock {
            Clock::Time => time,
            Clock::Step => time.map(|time| record.config.step_at(time)),
        };
        Phase { onset: at(onset), end: at(end), ..record.phase.clone() }
    };
    let phases: Vec<Phase> = records.iter().map(on_clock).collect();
    median_of(&phases.iter().collect::<Vec<_>>())
}

/// Likewise of phases on one clock.
pub fn median_of(phases: &[&Phase]) -> Phase {
    let middle = |time: fn(&Phase) -> Option<f64>| {
        let times: Vec<f64> = phases.iter().filter_map(|phase| time(phase)).collect();
        if 2 * times.len() > phases.len() { median(&times) } else { None }
    };
    let (onset, end) = (middle(|phase| phase.onset), middle(|phase| phase.end));
    let count = |verdict| phases.iter().filter(|phase| phase.verdict == verdict).count();
    let verdict = [PhaseVerdict::Phase, PhaseVerdict::NoPhase]
        .into_iter()
        .find(|&verdict| 2 * count(verdict) > phases.len())
        .unwrap_or_default();
    Phase::decided(onset, end, verdict, "the verdict of most seeds".to_owned())
}
