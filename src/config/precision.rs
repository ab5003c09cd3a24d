//! Number formats, and what a number becomes in them.

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number formats of training. Theory and metrics are always float64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    Float32,
    /// 64 bits, for comparisons with theory.
    Float64,
    /// Forward and backward in 16 bits, weights in 32.
    Bfloat16,
}

impl Precision {
    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Float32 => "float32",
            Precision::Float64 => "float64",
            Precision::Bfloat16 => "bfloat16",
        }
    }

    /// What the network computes with in place of a number.
    fn rounds(self, value: f64) -> f64 {
        /// Half of bfloat16's smallest number, 2^-133.
        const LEAST_BFLOAT16: f64 = 4.591_774_807_899_561e-41;
        match self {
            Precision::Float64 => value,
            Precision::Float32 => f64::from(value as f32),
            Precision::Bfloat16 if value.abs() <= LEAST_BFLOAT16 => 0.0,
            // Its exponents are those of float32.
            Precision::Bfloat16 => f64::from(value as f32),
        }
    }

    /// What optimisers compute with, which is never bfloat16.
    pub(super) fn of_updates(self) -> Precision {
        match self {
            Precision::Float64 => Precision::Float64,
            Precision::Float32 | Precision::Bfloat16 => Precision::Float32,
        }
    }

    /// Refuses a positive number that is 0 or infinite in this format; `what` names it and its value.
    pub(super) fn ensure_holds(self, what: &str, value: f64) -> Result<()> {
        let held = self.rounds(value);
        let becomes = if held == 0.0 { "0" } else { "infinite" };
        let wider = if value > 0.0 && value.is_finite() && self != Precision::Float64 {
            ": set training.precision to float64, which holds it, or "
        } else {
            ": "
        };
        let change = if held == 0.0 { "write a larger value" } else { "write a smaller value" };
        ensure!(
            held > 0.0 && held.is_finite(),
            "{what} is {becomes} in {}{wider}{change}",
            self.name()
        );
        Ok(())
    }

    /// Whether a share below 1 is below 1 in this format.
    pub(super) fn tells_from_one(self, share: f64) -> bool {
        self.rounds(share) < 1.0
    }

    /// Refuses a share below 1 that is 1 in this format.
    pub(super) fn ensure_below_one(self, key: &str, share: f64) -> Result<()> {
        ensure!(
            self.tells_from_one(share),
            "{key} is {share}, which is 1 in {}: set training.precision to float64, or write a smaller value",
            self.name()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_hold_what_they_are_said_to_hold() {
        assert_eq!(Precision::Float32.rounds(1e-46), 0.0);
        assert!(Precision::Float32.rounds(2e-45) > 0.0);
        assert_eq!(Precision::Bfloat16.rounds(2e-45), 0.0);
        assert_eq!(Precision::Bfloat16.rounds(2f64.powi(-134)), 0.0);
        assert!(Precision::Bfloat16.rounds(1.1 * 2f64.powi(-134)) > 0.0);
        assert_eq!(Precision::Float32.rounds(1e39), f64::INFINITY);
        assert_eq!(Precision::Float64.rounds(1e-300), 1e-300);
    }
}
