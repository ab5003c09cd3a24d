//! What whitening and projections make of inputs.

use ndarray::{Array1, Array2, s};

use super::components::Components;
use crate::config::Preprocessing;
use crate::decompositions::product;

/// Inputs told along principal components, each times its gain, and turned back or not:
///
/// ```text
/// a_k = gain_k u_k.(x - mean),   x' = shift + sum_k a_k u_k,   or x'_k = a_k and 0 beyond
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Of the inputs before it, those that are kept.
    pub components: Components,
    /// `[n_components]`.
    pub gains: Array1<f64>,
    /// `[n_inputs]`: the mean input that stays, or 0.
    pub shift: Array1<f64>,
    /// Whether components take the place of input values.
    pub rotates: bool,
}

impl Turn {
    /// Of inputs that keep their mean and these components.
    pub fn projecting(components: Components) -> Self {
        let gains = Array1::ones(components.count());
        Turn { gains, shift: components.mean.clone(), components, rotates: false }
    }

    /// Of images that are whitened, with a ridge in units of the mean variance of an input value over all components; the result is
    /// times `scale`.
    pub fn whitening(
        components: Components,
        total_variance: f64,
        (ridge, scale): (f64, f64),
        preprocessing: Preprocessing,
    ) -> Self {
        let n_inputs = components.mean.len();
        let added = ridge * total_variance / n_inputs as f64;
        let gains = components.variances.mapv(|variance| scale / (variance + added).sqrt());
        Turn {
            gains,
            shift: Array1::zeros(n_inputs),
            components,
            rotates: preprocessing == Preprocessing::PcaWhitened,
        }
    }

    /// What becomes of inputs `[n, n_inputs]`.
    pub fn of(&self, inputs: &Array2<f64>) -> Array2<f64> {
        let scores = self.components.scores(inputs) * &self.gains;
        if !self.rotates {
            return product(&scores, &self.components.directions) + &self.shift;
        }
        let mut all = Array2::zeros(inputs.dim());
        all.slice_mut(s![.., ..self.gains.len()]).assign(&scores);
        all
    }

    /// The same components as components of what it makes, in the same order.
    pub fn seen(&self) -> Components {
        let directions = match self.rotates {
            false => self.components.directions.clone(),
            true => {
                let shape = self.components.directions.dim();
                Array2::from_shape_fn(shape, |(row, column)| f64::from(u8::from(row == column)))
            }
        };
        let variances = &self.components.variances * &self.gains.mapv(|gain| gain * gain);
        Components { mean: self.shift.clone(), directions, variances }
    }

    /// Numbers that decide it, given what it is a turn of.
    pub fn numbers(&self) -> Vec<f64> {
        let rotates = f64::from(u8::from(self.rotates));
        self.gains.iter().chain(&self.shift).copied().chain([rotates]).collect()
    }
}
