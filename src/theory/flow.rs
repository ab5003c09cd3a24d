//! The gradient flow of a linear network itself, integrated: exact wherever no closed form is.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::integrate::Integrator;
use crate::config::Loss;

/// Weights `[n_outputs, n_inputs]` of a layer and its bias, if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerStart {
    /// Weights at time 0.
    pub weight: Array2<f64>,
    /// Bias at time 0.
    pub bias: Option<Array1<f64>>,
}

/// A linear network of any depth on one vector per item, under gradient flow.
///
/// ```text
/// W_l' = sum_i p_i B_l^T e_i h_{l-1,i}^T,   b_l' = sum_i p_i B_l^T e_i,   B_l = W_L .. W_{l+1}
/// e_i = y_i - z_i  (half squared error)   or   y_i - sigma(z_i)  (cross-entropy on logits z)
/// ```
///
/// Exact for any tree, frequencies, inputs, depth, bias option and start; (5) of THEORY is its two-layer balanced case.
#[derive(Debug, Clone)]
pub struct LinearFlow {
    /// `[n_items, n_inputs]`.
    inputs: Array2<f64>,
    /// `[n_items, n_labels]`.
    targets: Array2<f64>,
    /// `[n_items]`, summing to 1.
    probabilities: Array1<f64>,
    loss: Loss,
    start: Vec<LayerStart>,
}

impl LinearFlow {
    /// A flow from `start`. Hidden layers that are wider than what reaches them are reduced first, which changes no
    /// response: the flow never leaves the span of its start.
    pub fn new(
        inputs: Array2<f64>,
        targets: Array2<f64>,
        probabilities: Array1<f64>,
        loss: Loss,
        start: Vec<LayerStart>,
    ) -> Self {
        LinearFlow { inputs, targets, probabilities, loss, start }
    }

    /// A solution at time 0.
    pub fn begin(&self) -> Integrator {
        let state = self
            .start
            .iter()
            .flat_map(|layer| layer.weight.iter().chain(layer.bias.iter().flatten()).copied())
            .collect();
        Integrator::new(state)
    }

    /// Advances a solution.
    pub fn advance(&self, solution: &mut Integrator, time: f64) {
        solution.advance(time, &|_, state, rate| self.rate(state, rate));
    }

    /// Layers of a flat state, in order: weights row by row, then the bias.
    fn layers<'a>(
        &self,
        mut state: &'a [f64],
    ) -> Vec<(ArrayView2<'a, f64>, Option<ArrayView1<'a, f64>>)> {
        self.start
            .iter()
            .map(|layer| {
                let (weight, rest) = state.split_at(layer.weight.len());
                let (bias, rest) = rest.split_at(layer.bias.as_ref().map_or(0, Array1::len));
                state = rest;
                let weight = ArrayView2::from_shape(layer.weight.dim(), weight)
                    .expect("as long as the start's");
                (weight, layer.bias.as_ref().map(|_| ArrayView1::from(bias)))
            })
            .collect()
    }

    /// What each layer sees, and the network's outputs: `n_layers + 1` tables with a row for each item.
    fn activities(&self, state: &[f64]) -> Vec<Array2<f64>> {
        let mut activities = vec![self.inputs.clone()];
        for (weight, bias) in self.layers(state) {
            let mut next = activities[activities.len() - 1].dot(&weight.t());
            if let Some(bias) = bias {
                next += &bias;
            }
            activities.push(next);
        }
        activities
    }

    fn rate(&self, state: &[f64], rate: &mut [f64]) {
        let layers = self.layers(state);
        let activities = self.activities(state);
        let mut error = &self.targets - &self.respond(activities[layers.len()].clone());
        error *= &self.probabilities.view().insert_axis(Axis(1));
        let mut end = rate.len();
        for (index, (weight, bias)) in layers.iter().enumerate().rev() {
            if bias.is_some() {
                let change = error.sum_axis(Axis(0));
                end -= change.len();
                rate[end..end + change.len()]
                    .copy_from_slice(change.as_slice().expect("contiguous"));
            }
            let change = error.t().dot(&activities[index]);
            end -= change.len();
            for (place, value) in rate[end..].iter_mut().zip(change.iter()) {
                *place = *value;
            }
            if index > 0 {
                error = error.dot(weight);
            }
        }
    }

    /// Outputs to responses.
    fn respond(&self, outputs: Array2<f64>) -> Array2<f64> {
        match self.loss {
            Loss::HalfSquaredError => outputs,
            Loss::BinaryCrossEntropy => outputs.mapv_into(|z| 1.0 / (1.0 + (-z).exp())),
        }
    }

    /// Responses `[n_items, n_labels]` of a solution; probabilities under cross-entropy.
    pub fn responses(&self, solution: &Integrator) -> Array2<f64> {
        let mut activities = self.activities(solution.state());
        self.respond(activities.pop().expect("there is an output"))
    }

    /// Outputs less the output bias: what the weights (and hidden biases) make of the inputs.
    pub fn responses_without_output_bias(&self, solution: &Integrator) -> Array2<f64> {
        let mut outputs = self.activities(solution.state()).pop().expect("there is an output");
        if let Some((_, Some(bias))) = self.layers(solution.state()).last() {
            outputs -= bias;
        }
        outputs
    }

    /// Largest rate of change of any weight or bias, relative to the largest of them.
    pub fn relative_speed(&self, solution: &Integrator) -> f64 {
        let mut rate = vec![0.0; solution.state().len()];
        self.rate(solution.state(), &mut rate);
        let largest = |values: &[f64]| {
            values.iter().fold(0.0, |largest: f64, value| value.abs().max(largest))
        };
        largest(&rate) / largest(solution.state()).max(f64::MIN_POSITIVE)
    }
}
