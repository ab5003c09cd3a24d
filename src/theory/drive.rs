//! What drives a small network at first: not its targets, but what they have beyond its first answer.

use anyhow::Result;
use ndarray::{Array2, Axis};

use super::answer::Answer;
use super::{DEPTHS, covered_task};
use crate::config::Config;
use crate::decompositions::eigen;

/// Singular values, descending, and input modes of the correlation `<(y - r(0)) x^T>` between inputs and what is wrong with the
/// first answer `r(0)`, that of outputs at zero: 0 under squared error, 1/2 under binary cross-entropy, `1/n` on a level of n labels
/// under softmax. A 1 is appended to the inputs if the first layer has a bias.
///
/// From a small start a linear network of two layers grows along these modes, each strength as `e^(2 s t)` (THEORY sections 5 and 8):
/// whether the constant is among the first decides whether there is an OCS phase without an output bias. Balanced classes under
/// softmax have no constant in it, since `<y> = r(0)`.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstDrive {
    /// s, one a mode.
    pub singular_values: Vec<f64>,
    /// `[n_modes, n_items]`: what each mode of the inputs makes of the items' inputs, with length 1.
    pub item_modes: Array2<f64>,
}

impl FirstDrive {
    /// Of one vector per item.
    ///
    /// # Errors
    ///
    /// If theory does not cover the config.
    pub fn new(config: &Config) -> Result<Self> {
        let task = covered_task(config, 1..=*DEPTHS.end())?;
        let answer = Answer::new(config.training.loss, task.level_columns());
        let first = answer.of(Array2::zeros(task.targets.dim()));
        let mut inputs = task.item_means();
        if config.network.bias.at_input() {
            inputs.push_column(ndarray::Array1::ones(inputs.nrows()).view())?;
        }
        let wrong = (&task.targets - first) * task.probabilities.view().insert_axis(Axis(1));
        let correlation = wrong.t().dot(&inputs);
        let (squares, vectors) = eigen(&correlation.t().dot(&correlation));
        let mut item_modes = inputs.dot(&vectors).reversed_axes();
        item_modes.invert_axis(Axis(0));
        for mut mode in item_modes.rows_mut() {
            let length = mode.dot(&mode).sqrt();
            if length > 0.0 {
                mode /= length;
            }
        }
        let singular_values =
            squares.into_iter().rev().map(|square| square.max(0.0).sqrt()).collect();
        Ok(FirstDrive { singular_values, item_modes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn of(keys: &[&str]) -> FirstDrive {
        let overrides: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
        FirstDrive::new(&config::parse("name: x", "x", &overrides).unwrap()).unwrap()
    }

    fn assert_values(drive: &FirstDrive, squares: &[f64]) {
        for (found, square) in drive.singular_values.iter().zip(squares) {
            assert!((8.0 * found - square.sqrt()).abs() < 1e-7, "{drive:?}");
        }
    }

    #[test]
    fn one_half_makes_a_constant_of_binary_labels() {
        // THEORY section 8: the constant before the top split, in 64ths of squares.
        let drive = of(&["training.loss=binary-cross-entropy"]);
        assert_values(&drive, &[11.0, 7.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0]);
        let constant = drive.item_modes.row(0).sum().abs() / 8f64.sqrt();
        assert!((constant - 1.0).abs() < 1e-12);
        // Squared error starts with both.
        assert_values(&of(&[]), &[7.0, 7.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn balanced_classes_have_no_constant_under_softmax() {
        let drive = of(&["training.loss=softmax-cross-entropy"]);
        assert_values(&drive, &[7.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
        for mode in drive.item_modes.rows().into_iter().take(7) {
            assert!(mode.sum().abs() < 1e-7, "{mode}");
        }
    }

    #[test]
    fn unequal_classes_have_one_that_an_input_bias_strengthens() {
        let keys =
            ["training.loss=softmax-cross-entropy", "task.frequencies=[27, 9, 9, 3, 9, 3, 3, 1]"];
        let without = of(&keys).singular_values[0];
        let with = of(&[&keys[..], &["network.bias=input"]].concat()).singular_values[0];
        // Of an independent computation.
        assert!((without - 0.633_555_482).abs() < 1e-9 && (with - 0.876_949_253).abs() < 1e-9);
    }
}
