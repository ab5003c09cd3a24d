//! Tasks without a tree: vectors that are drawn or laid out, and targets that are numbers.

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map;

use super::Inputs;
use super::check::{ensure_not_negative, ensure_positive};
use super::choice::choice;

/// More input values than any of these tasks needs.
const MOST_DIMENSIONS: usize = 4096;
/// A steeper spectrum has axes of no variance but for rounding.
const MOST_EXPONENT: f64 = 8.0;
/// 256 items.
const MOST_CONTRAST_LEVELS: u32 = 8;
/// Faster than the points of a circle can show.
const MOST_FREQUENCY: u32 = 1000;

/// Parameters of `inputs: gaussian`: independent draws, whitened exactly, `<x x^T> = I`, before `spread` and `shift`, unless
/// `whitened` says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Variances along the axes that fall as a power, in place of `spread`. Absent = none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<Spectrum>,
    /// Standard deviation of each entry of one normal vector that is added to all inputs, which makes them asymmetric. Default: 0.
    pub shift: f64,
    /// Whether draws are whitened exactly; false leaves them as they are drawn, `<x x^T> = I` in expectation. Absent = true.
    #[serde(skip_serializing_if = "is_true")]
    pub whitened: bool,
    /// Further draws that are judged in place of those that are learned; they are as they are drawn, white in expectation. Absent =
    /// none: what is learned is judged. Not with `mirrored`.
    #[serde(skip_serializing_if = "is_zero")]
    pub held_out: usize,
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl Default for Gaussian {
    fn default() -> Self {
        Gaussian {
            dimension: 8,
            count: 200,
            mirrored: true,
            spread: None,
            spectrum: None,
            shift: 0.0,
            whitened: true,
            held_out: 0,
        }
    }
}

impl Gaussian {
    /// Standard deviation along each axis; `None` where all are 1.
    pub fn deviations(&self) -> Option<Vec<f64>> {
        match &self.spectrum {
            None => self.spread.clone(),
            Some(spectrum) => {
                Some(spectrum.variances(self.dimension).into_iter().map(f64::sqrt).collect())
            }
        }
    }
}

/// A power-law spectrum: the variance along axis j, counted from 1, is in proportion to `j^-exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spectrum {
    /// p. 0 makes all variances equal. Default: 1.
    pub exponent: f64,
    /// Sum of all variances, `<||x||^2>`. Absent = that which makes the first 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
}

impl Default for Spectrum {
    fn default() -> Self {
        Spectrum { exponent: 1.0, total: None }
    }
}

impl Spectrum {
    /// Of each of so many axes.
    pub fn variances(&self, dimension: usize) -> Vec<f64> {
        let powers: Vec<f64> =
            (1..=dimension).map(|axis| (axis as f64).powf(-self.exponent)).collect();
        let sum: f64 = powers.iter().sum();
        let factor = self.total.map_or(1.0, |total| total / sum);
        powers.into_iter().map(|power| factor * power).collect()
    }
}

/// Parameters of `inputs: circle`: points `(cos theta, sin theta)` at equal distances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Numbers for each input, linear in it but for what is added.
    Linear(LinearTargets),
    /// `sin(frequency theta)` of points on a circle: odd for odd frequencies, and linear for 1 alone.
    Sine(Sine),
    /// What every item has, and on which side of each split of a binary tree it stands: features 1, -1 and 0.
    Contrasts(ContrastTargets),
    /// One of two numbers for each input, by the side of a hyperplane that it lies on.
    Sign(Sign),
}

/// Parameters of linear targets, `y = W x + noise + even (|x_1| - <|x_1|>)`. W is a random direction (of all its entries) of size
/// `norm`, unless `entries` or `singular_values` say another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinearTargets {
    /// `|W|`, the root of the sum of its squares; its direction is drawn. Default: 1.
    pub norm: f64,
    /// Standard deviation of normal noise; opposite inputs have opposite noise, so that targets stay odd. Default: 0.
    pub noise: f64,
    /// Coefficient of a part that is even in x. Default: 0.
    pub even: f64,
    /// Rows of W. Absent = 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<usize>,
    /// Standard deviation of independent normal entries of W, in place of `norm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<f64>,
    /// Singular values of W, whose singular vectors are drawn; those that are left out are 0. In place of `norm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub singular_values: Option<Vec<f64>>,
    /// Draws W alone, so that tasks on the same inputs differ in it. Absent = `task.seed` draws it, after the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Default for LinearTargets {
    fn default() -> Self {
        LinearTargets {
            norm: 1.0,
            noise: 0.0,
            even: 0.0,
            outputs: None,
            entries: None,
            singular_values: None,
            seed: None,
        }
    }
}

/// Parameters of a sine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Parameters of contrasts, `2^levels` features of as many items: 1 for all of them, then for each split of a binary tree, from its
/// root on, 1 for its left side, -1 for its right, and 0 elsewhere. Feature i, counted from 1, is times `scale (1 + spread / i)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContrastTargets {
    /// Levels of splits. Default: 3, eight items.
    pub levels: u32,
    /// What keeps singular values apart. Default: 0.1.
    pub spread: f64,
    /// Default: 1.
    pub scale: f64,
}

impl Default for ContrastTargets {
    fn default() -> Self {
        ContrastTargets { levels: 3, spread: 0.1, scale: 1.0 }
    }
}

impl ContrastTargets {
    /// Items, and features.
    pub fn n_items(&self) -> usize {
        1usize.checked_shl(self.levels).unwrap_or(usize::MAX)
    }
}

impl LinearTargets {
    /// Rows of W.
    pub fn n_outputs(&self) -> usize {
        self.outputs.unwrap_or(1)
    }

    /// Ranges; `n_inputs` are the columns of W.
    fn check(&self, n_inputs: usize) -> Result<()> {
        let LinearTargets { norm, noise, even, entries, singular_values, .. } = self;
        ensure_positive("task.targets.linear.norm", *norm)?;
        ensure_not_negative("task.targets.linear.noise", *noise)?;
        ensure!(even.is_finite(), "task.targets.linear.even must be finite, not {even}");
        let n_outputs = self.n_outputs();
        ensure!(
            (1..=MOST_DIMENSIONS).contains(&n_outputs),
            "task.targets.linear.outputs must be 1 to {MOST_DIMENSIONS}, not {n_outputs}"
        );
        let sizes = [
            ("norm", *norm != 1.0),
            ("entries", entries.is_some()),
            ("singular_values", singular_values.is_some()),
        ];
        let said: Vec<&str> =
            sizes.iter().filter(|(_, is_set)| *is_set).map(|(key, _)| *key).collect();
        ensure!(
            said.len() <= 1,
            "task.targets.linear has {}, each of which says how large the map is: leave all but one out",
            said.join(" and ")
        );
        if let Some(deviation) = entries {
            ensure_positive("task.targets.linear.entries", *deviation)?;
        }
        let Some(values) = singular_values else { return Ok(()) };
        let most = n_outputs.min(n_inputs);
        ensure!(
            (1..=most).contains(&values.len()),
            "task.targets.linear.singular_values lists {}, but a map from {n_inputs} inputs to {n_outputs} outputs has {most}: list 1 to \
             {most}, or change task.targets.linear.outputs",
            values.len()
        );
        for &value in values {
            ensure_not_negative("each of task.targets.linear.singular_values", value)?;
        }
        ensure!(
            values.iter().any(|value| *value > 0.0),
            "task.targets.linear.singular_values are all 0: there is nothing to learn"
        );
        Ok(())
    }
}

/// Parameters of signs, `y = amplitude sign(w.x) + offset`, w of a direction that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sign {
    /// Half the distance of the two numbers. Default: 1.
    pub amplitude: f64,
    /// Their mean. Default: 0.
    pub offset: f64,
    /// Whether x is each input as it was drawn, before `spread` or `spectrum` and `shift`, so that every axis tells as much of the
    /// side, however small its variance. Absent = false. For `inputs: gaussian`.
    #[serde(skip_serializing_if = "is_false")]
    pub before_spread: bool,
}

impl Default for Sign {
    fn default() -> Self {
        Sign { amplitude: 1.0, offset: 0.0, before_spread: false }
    }
}

impl Sign {
    /// Whether the two numbers are the labels 0 and 1.
    pub fn are_labels(&self) -> bool {
        self.amplitude == 0.5 && self.offset == 0.5
    }
}

impl Targets {
    /// As written in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Targets::Linear(_) => "linear",
            Targets::Sine(_) => "sine",
            Targets::Contrasts(_) => "contrasts",
            Targets::Sign(_) => "sign",
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
    const EXPECTED: &str = "linear, sine, sign or contrasts, or one with its parameters, such as {linear: {noise: 0.5}}";
    choice::<Targets, _, _>(deserializer, EXPECTED, Some(None))
}

impl Gaussian {
    /// Ranges.
    pub(super) fn check(&self) -> Result<()> {
        let Gaussian { dimension, count, mirrored, spread, spectrum, shift, whitened, held_out } =
            self;
        ensure!(
            (1..=MOST_DIMENSIONS).contains(dimension),
            "task.gaussian.dimension must be 1 to {MOST_DIMENSIONS}, not {dimension}"
        );
        ensure!(*count >= 2, "task.gaussian.count must be at least 2, not {count}");
        ensure!(
            !whitened || count >= dimension,
            "task.gaussian.count is {count}, but fewer draws than the dimension, {dimension}, cannot be whitened: raise it, or set task.gaussian.whitened to false"
        );
        ensure!(
            *held_out == 0 || !mirrored,
            "task.gaussian.held_out is {held_out}, but mirrored inputs are judged with their opposites: set task.gaussian.mirrored to \
             false, or leave held_out out"
        );
        if let Some(Spectrum { exponent, total }) = spectrum {
            ensure!(
                spread.is_none(),
                "task.gaussian has spread and spectrum, each of which says how inputs vary along axes: leave one out"
            );
            ensure!(
                (0.0..=MOST_EXPONENT).contains(exponent),
                "task.gaussian.spectrum.exponent must be 0 to {MOST_EXPONENT}, not {exponent}"
            );
            if let Some(total) = total {
                ensure_positive("task.gaussian.spectrum.total", *total)?;
            }
        }
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
    pub(super) fn check(&self, inputs: Inputs, n_inputs: usize) -> Result<()> {
        match self {
            Targets::Linear(linear) => {
                ensure!(
                    matches!(inputs, Inputs::Gaussian | Inputs::Circle),
                    "task.targets linear is for task.inputs gaussian or circle, not {}: set task.inputs, or task.targets",
                    inputs.name()
                );
                linear.check(n_inputs)
            }
            Targets::Contrasts(ContrastTargets { levels, spread, scale }) => {
                ensure!(
                    inputs == Inputs::OneHot,
                    "task.targets contrasts are features of items, for task.inputs one-hot, not {}: set task.inputs, or task.targets to \
                     linear",
                    inputs.name()
                );
                ensure!(
                    (1..=MOST_CONTRAST_LEVELS).contains(levels),
                    "task.targets.contrasts.levels must be 1 to {MOST_CONTRAST_LEVELS}, not {levels}"
                );
                ensure_not_negative("task.targets.contrasts.spread", *spread)?;
                ensure_positive("task.targets.contrasts.scale", *scale)
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
            Targets::Sign(Sign { amplitude, offset, before_spread }) => {
                ensure_positive("task.targets.sign.amplitude", *amplitude)?;
                ensure!(
                    !before_spread || inputs == Inputs::Gaussian,
                    "task.targets.sign.before_spread is of inputs that are drawn and spread, but task.inputs is {}: set it to gaussian, or \
                     leave it out",
                    inputs.name()
                );
                ensure!(
                    offset.is_finite(),
                    "task.targets.sign.offset must be finite, not {offset}"
                );
                Ok(())
            }
        }
    }
}
