//! Optimisers: names, parameters, defaults and ranges. What they do to weights stands in `train::optimiser`.

use std::fmt;

use anyhow::Result;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::check::{ensure_fraction, ensure_positive};
use super::initialisation::one_choice;
use super::precision::Precision;

/// Optimisers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Gradient descent, with heavy-ball momentum if that is positive.
    Sgd(Sgd),
    /// Adam with PyTorch's defaults.
    Adam(Adam),
}

/// Parameters of SGD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Heavy-ball momentum in [0, 1).
    pub momentum: f64,
}

/// Parameters of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Decay of the mean gradient, in [0, 1).
    pub beta1: f64,
    /// Decay of the mean squared gradient, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the mean squared gradient. Positive.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Optimiser {
    /// Numbers that it keeps for each weight.
    pub fn remembered(self) -> usize {
        match self {
            Optimiser::Sgd(Sgd { momentum: 0.0 }) => 0,
            Optimiser::Sgd(_) => 1,
            Optimiser::Adam(_) => 2,
        }
    }

    /// Whether its steps turn with the axes in which weights are told, and are as large as gradients are.
    pub fn is_linear_in_gradients(self) -> bool {
        matches!(self, Optimiser::Sgd(_))
    }

    pub(super) fn check(self) -> Result<()> {
        match self {
            Optimiser::Sgd(Sgd { momentum }) => {
                ensure_fraction("training.optimiser.sgd.momentum", momentum)
            }
            Optimiser::Adam(Adam { beta1, beta2, epsilon }) => {
                ensure_fraction("training.optimiser.adam.beta1", beta1)?;
                ensure_fraction("training.optimiser.adam.beta2", beta2)?;
                ensure_positive("training.optimiser.adam.epsilon", epsilon)
            }
        }
    }

    /// Refuses parameters that lose their meaning in the format of updates.
    pub(super) fn check_rounding(self, precision: Precision) -> Result<()> {
        match self {
            Optimiser::Sgd(Sgd { momentum }) => {
                precision.ensure_below_one("training.optimiser.sgd.momentum", momentum)
            }
            Optimiser::Adam(Adam { beta1, beta2, epsilon }) => {
                precision.ensure_below_one("training.optimiser.adam.beta1", beta1)?;
                precision.ensure_below_one("training.optimiser.adam.beta2", beta2)?;
                let what = format!("training.optimiser.adam.epsilon is {epsilon:e}, which");
                precision.ensure_holds(&what, epsilon)
            }
        }
    }
}

/// `sgd`, `adam`, or either with parameters.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Optimiser, D::Error> {
    struct OptimiserVisitor;
    impl<'de> Visitor<'de> for OptimiserVisitor {
        type Value = Optimiser;

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("sgd, adam, sgd: {momentum} or adam: {beta1, beta2, epsilon}")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Optimiser, E> {
            match name {
                "sgd" => Ok(Optimiser::Sgd(Sgd::default())),
                "adam" => Ok(Optimiser::Adam(Adam::default())),
                other => Err(E::unknown_variant(other, &["sgd", "adam"])),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Optimiser, A::Error> {
            one_choice(map)
        }
    }
    deserializer.deserialize_any(OptimiserVisitor)
}
