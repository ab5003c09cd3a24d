//! Optimisers: names, parameters, defaults and ranges. What they do to weights stands in `train::optimiser`.

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::check::{ensure_fraction, ensure_not_negative, ensure_positive};
use super::choice::choice;
use super::precision::Precision;

/// Optimisers. Where weights decay, all parameters do, biases too, as PyTorch's do unless they are put into groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Gradient descent, with heavy-ball or Nesterov's momentum if that is positive.
    Sgd(Sgd),
    /// Adam with PyTorch's defaults.
    Adam(Adam),
    /// Adam whose weights decay apart from it, with PyTorch's defaults.
    #[serde(rename = "adamw")]
    AdamW(AdamW),
}

/// Parameters of SGD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Heavy-ball momentum in [0, 1).
    pub momentum: f64,
    /// Whether a step goes where the velocity will be; needs momentum.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nesterov: bool,
    /// Times the weights, added to their gradient. 0 or more.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight_decay: f64,
}

/// Parameters of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Decay of the mean gradient, in [0, 1).
    pub beta1: f64,
    /// Decay of the mean squared gradient, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the mean squared gradient. Positive.
    pub epsilon: f64,
    /// Times the weights, added to their gradient, whose size Adam forgets: mostly `adamw` is meant. 0 or more.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// Parameters of AdamW (Loshchilov and Hutter 2019).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// Decay of the mean gradient, in [0, 1).
    pub beta1: f64,
    /// Decay of the mean squared gradient, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the mean squared gradient. Positive.
    pub epsilon: f64,
    /// Each step takes this share of the weights times the learning rate. 0 or more.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Optimiser {
    /// Numbers that it keeps for each weight.
    pub fn remembered(self) -> usize {
        match self {
            Optimiser::Sgd(Sgd { momentum: 0.0, .. }) => 0,
            Optimiser::Sgd(_) => 1,
            Optimiser::Adam(_) | Optimiser::AdamW(_) => 2,
        }
    }

    /// Whether its steps turn with the axes in which weights are told. (Weights that decay do, and so do gradients that are
    /// clipped by their norm.)
    pub fn turns_with_axes(self) -> bool {
        matches!(self, Optimiser::Sgd(_))
    }

    /// Whether its steps are the gradient times the learning rate, which makes them Euler's of the gradient flow.
    pub(super) fn is_plain(self) -> bool {
        self == Optimiser::Sgd(Sgd::default())
    }

    pub(super) fn check(self, learning_rate: f64) -> Result<()> {
        match self {
            Optimiser::Sgd(Sgd { momentum, nesterov, weight_decay }) => {
                ensure_fraction("training.optimiser.sgd.momentum", momentum)?;
                ensure!(
                    !nesterov || momentum > 0.0,
                    "training.optimiser.sgd.nesterov changes what momentum does, and there is none: set \
                     training.optimiser.sgd.momentum, such as to 0.9, or leave nesterov out"
                );
                check_decay("sgd", weight_decay, learning_rate)
            }
            Optimiser::Adam(Adam { beta1, beta2, epsilon, weight_decay }) => {
                check_adam("adam", [beta1, beta2], epsilon)?;
                ensure_not_negative("training.optimiser.adam.weight_decay", weight_decay)
            }
            Optimiser::AdamW(AdamW { beta1, beta2, epsilon, weight_decay }) => {
                check_adam("adamw", [beta1, beta2], epsilon)?;
                check_decay("adamw", weight_decay, learning_rate)
            }
        }
    }

    /// Refuses parameters that lose their meaning in the format of updates.
    pub(super) fn check_rounding(self, precision: Precision, learning_rate: f64) -> Result<()> {
        let of_adam = |name: &str, betas: [f64; 2], epsilon: f64| {
            for (key, beta) in ["beta1", "beta2"].iter().zip(betas) {
                precision.ensure_below_one(&format!("training.optimiser.{name}.{key}"), beta)?;
            }
            let what = format!("training.optimiser.{name}.epsilon is {epsilon:e}, which");
            precision.ensure_holds(&what, epsilon)
        };
        match self {
            Optimiser::Sgd(Sgd { momentum, .. }) => {
                precision.ensure_below_one("training.optimiser.sgd.momentum", momentum)
            }
            Optimiser::Adam(Adam { beta1, beta2, epsilon, weight_decay: _ }) => {
                of_adam("adam", [beta1, beta2], epsilon)
            }
            Optimiser::AdamW(AdamW { beta1, beta2, epsilon, weight_decay }) => {
                of_adam("adamw", [beta1, beta2], epsilon)?;
                let taken = learning_rate * weight_decay;
                ensure!(
                    taken == 0.0 || precision.tells_from_one(1.0 - taken),
                    "training.optimiser.adamw.weight_decay times training.learning_rate is {taken:.1e}, and weights less this share \
                     of them are the same weights in {}: write a larger weight_decay, or 0, or set training.precision to float64",
                    precision.name()
                );
                Ok(())
            }
        }
    }
}

fn check_adam(name: &str, [beta1, beta2]: [f64; 2], epsilon: f64) -> Result<()> {
    ensure_fraction(&format!("training.optimiser.{name}.beta1"), beta1)?;
    ensure_fraction(&format!("training.optimiser.{name}.beta2"), beta2)?;
    ensure_positive(&format!("training.optimiser.{name}.epsilon"), epsilon)
}

/// A share of the weights that each step takes from them.
fn check_decay(name: &str, weight_decay: f64, learning_rate: f64) -> Result<()> {
    let key = format!("training.optimiser.{name}.weight_decay");
    ensure_not_negative(&key, weight_decay)?;
    ensure!(
        weight_decay * learning_rate < 1.0,
        "{key} is {weight_decay}: times training.learning_rate it is {}, and a step would turn weights to the other side of zero: \
         write less than {}",
        weight_decay * learning_rate,
        1.0 / learning_rate
    );
    Ok(())
}

/// `sgd`, `adam`, `adamw`, or one of them with parameters.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Optimiser, D::Error> {
    const EXPECTED: &str = "sgd, adam or adamw, or one with its parameters, sgd: {momentum, nesterov, weight_decay} or adamw: \
                            {beta1, beta2, epsilon, weight_decay}";
    choice::<Optimiser, _, _>(deserializer, EXPECTED, None)
}
