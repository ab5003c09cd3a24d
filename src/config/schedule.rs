//! Schedules: how the learning rate changes along a stretch of training.

use std::f64::consts::PI;

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::check::ensure_positive;
use super::choice::choice;

/// How the learning rate changes along a stretch of training: the update after k others of the stretch takes `training.learning_rate`
/// times a factor, which is a function of k (and of the number of steps K), never of what happened before.
///
/// A warm-up of W steps comes first,
///
/// ```text
/// factor(k) = (k + 1) / (W + 1)   for k < W
/// ```
///
/// and the schedule begins after it: k and K below are less W. In PyTorch: `SequentialLR` of `LinearLR(start_factor=1/(W+1),
/// total_iters=W)` and the schedule, with `milestones=[W]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// 1.
    Constant(Constant),
    /// `factor^floor(k / every)`: PyTorch's `StepLR(step_size=every, gamma=factor)`.
    Step(StepDecay),
    /// `final + (1 - final) (1 + cos(pi k / K)) / 2`: PyTorch's `CosineAnnealingLR(T_max=K, eta_min=final * learning_rate)`.
    Cosine(Annealing),
    /// `1 - (1 - final) k / K`: PyTorch's `LinearLR(start_factor=1, end_factor=final, total_iters=K)`.
    Linear(Annealing),
}

/// Parameters of no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Constant {
    /// Steps before the whole rate is reached; fewer than `training.steps`. Default: 0.
    #[serde(skip_serializing_if = "is_none")]
    pub warm_up: u64,
}

/// Parameters of a rate that falls in steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepDecay {
    /// Updates with one rate. At least 1.
    pub every: u64,
    /// Of the rate before, in (0, 1]. Default: 0.1.
    #[serde(default = "tenth")]
    pub factor: f64,
    /// Steps before the whole rate is reached; fewer than `training.steps`. Default: 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub warm_up: u64,
}

/// Parameters of a rate that falls to its end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Annealing {
    /// Share of the learning rate after the last step, in [0, 1]. Default: 0.
    #[serde(rename = "final")]
    pub last: f64,
    /// Steps before the whole rate is reached; fewer than `training.steps`. Default: 0.
    #[serde(skip_serializing_if = "is_none")]
    pub warm_up: u64,
}

fn is_none(steps: &u64) -> bool {
    *steps == 0
}

fn tenth() -> f64 {
    0.1
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule::Constant(Constant::default())
    }
}

/// Keys that count steps: over other numbers of steps a schedule keeps its shape.
pub(super) const COUNTS: [&str; 5] = [
    "training.schedule.step.every",
    "training.schedule.step.warm_up",
    "training.schedule.constant.warm_up",
    "training.schedule.cosine.warm_up",
    "training.schedule.linear.warm_up",
];

/// A count at one of these keys, so many times as large. A warm-up has one part more than steps before the whole rate: its parts
/// are scaled, and one that is shorter than training stays so.
pub(super) fn scaled(key: &str, steps: u64, factor: f64) -> u64 {
    let scaled = |count: f64| (count * factor).round() as u64;
    match steps {
        0 => 0,
        _ if key.ends_with("warm_up") => scaled(steps as f64 + 1.0).saturating_sub(1),
        _ => scaled(steps as f64).max(1),
    }
}

/// Steps of a smaller share of the rate would not be seen on the run's clock.
const LEAST_FACTOR: f64 = 1e-6;

impl Schedule {
    /// Whether all updates take the same rate.
    pub fn is_constant(&self) -> bool {
        *self == Schedule::default()
    }

    /// Whether factors do not ask how many steps there will be, so that a run can go on beyond its last.
    pub fn is_open_ended(&self) -> bool {
        matches!(self, Schedule::Constant(_) | Schedule::Step(_))
    }

    /// As written in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Schedule::Constant(_) => "constant",
            Schedule::Step(_) => "step",
            Schedule::Cosine(_) => "cosine",
            Schedule::Linear(_) => "linear",
        }
    }

    fn warm_up(&self) -> u64 {
        match *self {
            Schedule::Constant(Constant { warm_up })
            | Schedule::Step(StepDecay { warm_up, .. })
            | Schedule::Cosine(Annealing { warm_up, .. })
            | Schedule::Linear(Annealing { warm_up, .. }) => warm_up,
        }
    }

    /// Factor on the learning rate of the update after `done` of `steps`.
    pub fn factor(&self, done: u64, steps: u64) -> f64 {
        let warm_up = self.warm_up();
        if done < warm_up {
            return (done + 1) as f64 / (warm_up + 1) as f64;
        }
        let done = done - warm_up;
        let share = done as f64 / (steps - warm_up) as f64;
        match *self {
            Schedule::Constant(_) => 1.0,
            Schedule::Step(StepDecay { every, factor, .. }) => factor.powf((done / every) as f64),
            Schedule::Cosine(Annealing { last, .. }) => {
                last + (1.0 - last) * (1.0 + (PI * share).cos()) / 2.0
            }
            Schedule::Linear(Annealing { last, .. }) => 1.0 - (1.0 - last) * share,
        }
    }

    /// Sum of the factors of the first `done` of `steps` updates, in closed form: times the learning rate, the time that they take.
    pub fn sum(&self, done: u64, steps: u64) -> f64 {
        let warm_up = self.warm_up();
        let n = done.min(warm_up) as f64;
        let of_warm_up = n * (n + 1.0) / (2.0 * (warm_up + 1) as f64);
        if done <= warm_up {
            return of_warm_up;
        }
        let (done, steps) = (done - warm_up, (steps - warm_up) as f64);
        let n = done as f64;
        of_warm_up
            + match *self {
                Schedule::Constant(_) => n,
                Schedule::Step(StepDecay { every, factor, .. }) => {
                    let (whole, rest) = ((done / every) as f64, (done % every) as f64);
                    let powers = match factor {
                        1.0 => whole,
                        _ => -(whole * factor.ln()).exp_m1() / (1.0 - factor),
                    };
                    every as f64 * powers + rest * factor.powf(whole)
                }
                Schedule::Cosine(Annealing { last, .. }) => {
                    // Dirichlet's kernel: the sum of cos(j a) for j < n.
                    let half = PI / (2.0 * steps);
                    let cosines = (n * half).sin() * ((n - 1.0) * half).cos() / half.sin();
                    last * n + (1.0 - last) * (n + cosines) / 2.0
                }
                Schedule::Linear(Annealing { last, .. }) => {
                    n - (1.0 - last) * n * (n - 1.0) / (2.0 * steps)
                }
            }
    }

    pub(super) fn check(&self, steps: u64) -> Result<()> {
        let key = |part: &str| format!("training.schedule.{}.{part}", self.name());
        let warm_up = self.warm_up();
        ensure!(
            warm_up < steps,
            "{} is {warm_up}, but there are {steps} steps: write fewer, or raise training.steps",
            key("warm_up")
        );
        match *self {
            Schedule::Constant(_) => Ok(()),
            Schedule::Step(StepDecay { every, factor, .. }) => {
                ensure!(every >= 1, "{} must be at least 1, not 0", key("every"));
                ensure_positive(&key("factor"), factor)?;
                ensure!(factor <= 1.0, "{} must be at most 1, not {factor}", key("factor"));
                let least = self.factor(steps - 1, steps);
                ensure!(
                    least >= LEAST_FACTOR,
                    "training.schedule.step leaves {least:.0e} of the learning rate at the last of {steps} steps, below \
                     {LEAST_FACTOR:e}: nothing is learned any more: raise every or factor, or lower training.steps"
                );
                Ok(())
            }
            Schedule::Cosine(Annealing { last, .. }) | Schedule::Linear(Annealing { last, .. }) => {
                ensure!(
                    (0.0..=1.0).contains(&last),
                    "{} must be 0 to 1, a share of training.learning_rate, not {last}",
                    key("final")
                );
                Ok(())
            }
        }
    }
}

/// `cosine`, or a schedule with parameters; `null` is none.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Schedule, D::Error> {
    const EXPECTED: &str = "constant, step, cosine or linear, or one with its parameters, such as {step: {every: 1000, factor: 0.1}}";
    choice::<Schedule, _, _>(deserializer, EXPECTED, Some(Schedule::default()))
}
