//! Tasks without a tree: vectors that are drawn or laid out, and targets that are numbers.

use anyhow::{Result, ensure};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map;

use super::Inputs;
use super::check::{ensure_not_negative, ensure_positive};
use super::choice::choice;

/// More input values than any of these tasks needs.
const MOST_DIMENSIONS: usize = 4096;
/// Faster than the points of a circle can show.
const MOST_FREQUENCY: u32 = 1000;

/// Parameters of `inputs: gaussian`: independent draws, whitened exactly, `<x x^T> = I`, before `spread` and `shift`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gaussian {
    /// Number of input values d. Default: 8.
    pub dimension: usize,
    /// Independent draws n, at least d. Default: 200.
    pub count: usize,
    /// Whether the opposite of each draw is an input too, which makes `p(x) = p(-x)` and 2n items. Default: true.
    pub mirrored: bool,
    /// Standard deviation along each of the d axes, which makes the inputs anisotropic; `null` = all 1.
    pub spread: Option<Vec<f64>>,
    /// Standard deviation of each entry of one normal vector that is added to all inputs, which makes them asymmetric. Default: 0.
    pub shift: f64,
}

impl Default for Gaussian {
    fn default() -> Self {
        Gaussian { dimension: 8, count: 200, mirrored: true, spread: None, shift: 0.0 }
    }
}

/// Parameters of `inputs: circle`: points `(cos theta, sin theta)` at equal distances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Circle {
    /// Number of points, the first at angle 0. An even number makes `p(x) = p(-x)`. Default: 200.
    pub count: usize,
}

impl Default for Circle {
    fn default() -> Self {
        Circle { count: 200 }
    }
}

/// Targets that are no labels of a tree: a row of numbers for each input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// One number for each input, linear in it but for what is added.
    Linear(LinearTargets),
    /// `sin(frequency theta)` of points on a circle: odd for odd frequencies, and linear for 1 alone.
    Sine(Sine),
}

/// Parameters of linear targets, `y = w.x + noise + even (|x_1| - <|x_1|>)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearTargets {
    /// `|w|`; its direction is drawn. Default: 1.
    pub norm: f64,
    /// Standard deviation of normal noise; opposite inputs have opposite noise, so that targets stay odd. Default: 0.
    pub noise: f64,
    /// Coefficient of a part that is even in x. Default: 0.
    pub even: f64,
}

impl Default for LinearTargets {
    fn default() -> Self {
        LinearTargets { norm: 1.0, noise: 0.0, even: 0.0 }
    }
}

/// Parameters of a sine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sine {
    /// Periods on the circle. Default: 3.
    pub frequency: u32,
}

impl Default for Sine {
    fn default() -> Self {
        Sine { frequency: 3 }
    }
}

impl Targets {
    /// As written in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Targets::Linear(_) => "linear",
            Targets::Sine(_) => "sine",
        }
    }
}

/// A choice with its parameters, or nothing.
pub(super) fn serialize_targets<S: Serializer>(
    targets: &Option<Targets>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match targets {
        None => serializer.serialize_none(),
        Some(targets) => singleton_map::serialize(targets, serializer),
    }
}

/// `linear`, or a kind with parameters; those that are left out take their defaults. `null` is a tree's labels.
pub(super) fn deserialize_targets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Targets>, D::Error> {
    const EXPECTED: &str =
        "linear or sine, or one with its parameters, such as {linear: {noise: 0.5}}";
    choice::<Targets, _, _>(deserializer, EXPECTED, Some(None))
}

impl Gaussian {
    /// Ranges.
    pub(super) fn check(&self) -> Result<()> {
        let Gaussian { dimension, count, mirrored: _, spread, shift } = self;
        ensure!(
            (1..=MOST_DIMENSIONS).contains(dimension),
            "task.gaussian.dimension must be 1 to {MOST_DIMENSIONS}, not {dimension}"
        );
        ensure!(
            count >= dimension,
            "task.gaussian.count is {count}, but fewer draws than the dimension, {dimension}, cannot be whitened: raise it"
        );
        if let Some(spread) = spread {
            ensure!(
                spread.len() == *dimension,
                "task.gaussian.spread has {} entries for {dimension} axes: give one for each, or null",
                spread.len()
            );
            for &deviation in spread {
                ensure_positive("each of task.gaussian.spread", deviation)?;
            }
        }
        ensure_not_negative("task.gaussian.shift", *shift)
    }
}

impl Targets {
    /// Ranges, and which inputs these targets go with.
    pub(super) fn check(&self, inputs: Inputs) -> Result<()> {
        match self {
            Targets::Linear(LinearTargets { norm, noise, even }) => {
                ensure_positive("task.targets.linear.norm", *norm)?;
                ensure_not_negative("task.targets.linear.noise", *noise)?;
                ensure!(even.is_finite(), "task.targets.linear.even must be finite, not {even}");
                Ok(())
            }
            Targets::Sine(Sine { frequency }) => {
                ensure!(
                    inputs == Inputs::Circle,
                    "task.targets sine is for task.inputs circle, not {}: set task.inputs, or task.targets to linear",
                    inputs.name()
                );
                ensure!(
                    (1..=MOST_FREQUENCY).contains(frequency),
                    "task.targets.sine.frequency must be 1 to {MOST_FREQUENCY}, not {frequency}"
                );
                Ok(())
            }
        }
    }
}
