//! The gradient flow of a linear network itself, integrated: exact wherever no closed form is.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::answer::Answer;
use super::integrate::Integrator;

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
/// e_i = y_i - z_i  (half squared error),   y_i - sigma(z_i)  or  y_i - softmax(z_i) on each level  (cross-entropy on logits z)
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
    answer: Answer,
    start: Vec<LayerStart>,
}

impl LinearFlow {
    /// A flow from `start`. Hidden layers that are wider than what reaches them are reduced first, which changes no
    /// response: the flow never leaves the span of its start.
    pub fn new(
        inputs: Array2<f64>,
        targets: Array2<f64>,
        probabilities: Array1<f64>,
        answer: Answer,
        start: Vec<LayerStart>,
    ) -> Self {
        LinearFlow { inputs, targets, probabilities, answer, start }
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

    /// Advances a solution, unless it has settled.
    ///
    /// # Errors
    ///
    /// If it needs too many steps.
    pub fn advance(&self, solution: &mut Integrator, time: f64) -> Result<()> {
        let rate = |_, state: &[f64], rate: &mut [f64]| self.rate(state, rate);
        let settled = |state: &[f64]| self.has_settled(state);
        solution.advance_until_settled(time, &rate, &settled, MOST_STEPS);
        ensure!(
            solution.time() >= time,
            "the flow needs more than {MOST_STEPS} steps to reach time {time:.3e}: start larger (network.initialisation), or with fewer layers"
        );
        Ok(())
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

    /// Weights and biases of a solution, from which another flow can start.
    pub fn weights(&self, solution: &Integrator) -> Vec<LayerStart> {
        let layers = self.layers(solution.state()).into_iter();
        let owned = |(weight, bias): (ArrayView2<f64>, Option<ArrayView1<f64>>)| LayerStart {
            weight: weight.to_owned(),
            bias: bias.map(|bias| bias.to_owned()),
        };
        layers.map(owned).collect()
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
        let mut error = self.error(activities[layers.len()].clone());
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

    /// `e_i`, `[n_items, n_labels]`.
    fn error(&self, outputs: Array2<f64>) -> Array2<f64> {
        &self.targets - &self.respond(outputs)
    }

    /// Outputs to responses.
    fn respond(&self, outputs: Array2<f64>) -> Array2<f64> {
        self.answer.of(outputs)
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

    /// Whether nothing changes any more: every item is answered, to the integration's own noise, or the largest rate of
    /// change is below rounding of the largest weight. The first alone would miss networks that are too narrow for
    /// their task, the second alone never holds where noise moves stiff weights.
    pub fn has_settled(&self, state: &[f64]) -> bool {
        let error = self.error(self.activities(state).pop().expect("there is an output"));
        if largest(error.iter()) <= ANSWERED * largest(self.targets.iter()) {
            return true;
        }
        let mut rate = vec![0.0; state.len()];
        self.rate(state, &mut rate);
        largest(rate.iter()) <= STANDSTILL * largest(state.iter())
    }
}

/// Errors below this, relative to the largest target, are those of a solved task: ten times the integration's tolerance.
const ANSWERED: f64 = 1e-11;

/// Relative rates of change below this are those of a settled network. A start near the saddle is slow too: in a network of
/// six layers its rate falls to this at a0 near 1e-22, hence `SMALLEST_START`.
const STANDSTILL: f64 = 1e-15;

/// Steps after which an integration is given up: a minute or so. An output bias, whose rate is 1, holds steps below some
/// 3.3, so this is enough for times up to 1e6.
pub const MOST_STEPS: usize = 400_000;

/// Smallest a0 from which a flow is integrated.
pub const SMALLEST_START: f64 = 1e-20;

fn largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.fold(0.0, |largest: f64, value| value.abs().max(largest))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use ndarray::array;
    use ode_solvers::{DVector, Dop853, System};

    use super::*;
    use crate::config::Loss;

    /// The same flow for the integrator of another author.
    struct Same<'a>(&'a LinearFlow);

    impl System<f64, DVector<f64>> for Same<'_> {
        fn system(&self, _: f64, state: &DVector<f64>, rate: &mut DVector<f64>) {
            self.0.rate(state.as_slice(), rate.as_mut_slice());
        }
    }

    #[test]
    fn a_crates_method_of_order_eight_finds_the_same_solution() {
        let layer = |rows: usize, columns: usize, bias: bool| LayerStart {
            weight: Array2::from_shape_fn((rows, columns), |(i, j)| {
                0.1 * ((3 * i + 5 * j + rows) as f64).sin()
            }),
            bias: bias.then(|| Array1::zeros(rows)),
        };
        let losses = [Loss::HalfSquaredError, Loss::BinaryCrossEntropy, Loss::SoftmaxCrossEntropy];
        for loss in losses {
            for biased in [false, true] {
                let flow = LinearFlow::new(
                    array![[1.0, 0.2, 0.0], [0.0, 1.0, 0.3], [0.1, 0.0, 1.0], [0.5, 0.5, 0.0]],
                    array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
                    array![0.4, 0.1, 0.3, 0.2],
                    Answer::new(loss, vec![Range { start: 0, end: 2 }]),
                    vec![layer(4, 3, biased), layer(3, 4, biased), layer(2, 3, biased)],
                );
                let mut ours = flow.begin();
                let start = DVector::from_column_slice(ours.state());
                let mut theirs = Dop853::new(Same(&flow), 0.0, 40.0, 0.1, start, 1e-12, 1e-14);
                theirs.integrate().expect("an easy problem");
                flow.advance(&mut ours, 40.0).expect("an easy problem");
                let last = theirs.y_out().last().expect("the end is given out");
                for (one, other) in ours.state().iter().zip(last.iter()) {
                    assert!((one - other).abs() < 1e-9, "{loss:?}: {one} against {other}");
                }
                assert!(!flow.has_settled(ours.state()), "this early there is more to learn");
            }
        }
    }
}
