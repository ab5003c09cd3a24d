//! Two layers without biases on uncorrelated inputs, from balanced random weights: the matrix Riccati solution.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};

use super::flow::LayerStart;
use super::reach::{FlowModes, stacked};
use super::representation::Representation;
use crate::decompositions::{divided_by_root, eigen, inverse, singular_values};

/// The flow of `Q = [W_1^T; W_2]`, THEORY (11).
///
/// ```text
/// Sigma_x = d I,   W_2^T W_2 - W_1 W_1^T = lambda I,   F = [[-(d lambda / 2) I, Sigma_yx^T], [Sigma_yx, (d lambda / 2) I]]
/// Q' = F Q - (d / 2) Q Q^T Q
/// Q Q^T (t) = e^(F t) Q_0 [I + d Q_0^T (int_0^t e^(2 F s) ds) Q_0]^(-1) Q_0^T e^(F t)
/// ```
///
/// `W_2 W_1` is the lower left block of `Q Q^T`. The solution is a semigroup, so it is taken in steps over which nothing
/// grows beyond what a Cholesky factor resolves; nothing is asked of `Q_0`, which may be of any rank. A step is one of `Q` itself,
/// up to a rotation of the hidden layer, never of `Q Q^T`: rounding would give that a rank that the network does not have, which
/// grows where F has more growing modes than there are hidden units (`unfactored` shows it).
///
/// Fukumizu 1998; Braun et al. 2022; for `lambda` Domine et al. 2024.
#[derive(Debug, Clone)]
pub struct Riccati {
    /// Eigenvalues of F.
    rates: Vec<f64>,
    /// Eigenvectors of F, one a column.
    vectors: Array2<f64>,
    /// `[n_items, n_inputs]`.
    inputs: Array2<f64>,
    input_variance: f64,
    lambda: f64,
    /// Of `Sigma_yx`, above rounding errors, descending.
    singular_values: Vec<f64>,
    /// `Q_0` along the eigenvectors, `[n_inputs + n_labels, width]`.
    start: Array2<f64>,
}

/// A moment of the solution.
#[derive(Debug, Clone)]
pub struct Weights {
    time: f64,
    /// Q along F's eigenvectors, up to a rotation of the hidden layer.
    rows: Array2<f64>,
    settled: bool,
}

/// Relative size up to which the conditions count as met.
const ZERO: f64 = 1e-10;

/// Singular values below this, relative to the largest, are rounding errors (`singular_values` is good to 1e-8).
const RANK: f64 = 1e-7;

/// Growth `rate * time` that one step may have: its factors differ by less than `e^10`.
const LARGEST_GROWTH: f64 = 5.0;

/// Relative change over a whole step below which a row stands still: rounding.
const STANDSTILL: f64 = 1e-13;

impl Riccati {
    /// The solution from two layers, or `None` where it is not valid: biases, inputs whose `Sigma_x` is no multiple of the
    /// identity, or weights for which `W_2^T W_2 - W_1 W_1^T` is none (relative 1e-10).
    ///
    /// `inputs` `[n_items, n_inputs]`, `correlation` is `Sigma_yx`, `covariance` `Sigma_x`.
    pub fn new(
        inputs: &Array2<f64>,
        correlation: &Array2<f64>,
        covariance: &Array2<f64>,
        layers: &[LayerStart],
    ) -> Option<Self> {
        let [LayerStart { weight: first, bias: None }, LayerStart { weight: second, bias: None }] =
            layers
        else {
            return None;
        };
        let input_variance = multiple_of_identity(covariance, covariance.diag().sum())?;
        let size = first.iter().chain(second.iter()).map(|weight| weight * weight).sum();
        let lambda = multiple_of_identity(&(second.t().dot(second) - first.dot(&first.t())), size)?;
        Some(Self::with_balance(inputs, correlation, (input_variance, lambda), [first, second]))
    }

    /// The same where `Sigma_x` and the balance are given, whether or not the weights are balanced: if they are not, it is
    /// the solution of nothing, which controls show.
    pub fn with_balance(
        inputs: &Array2<f64>,
        correlation: &Array2<f64>,
        (input_variance, lambda): (f64, f64),
        [first, second]: [&Array2<f64>; 2],
    ) -> Self {
        let (n_labels, n_inputs) = correlation.dim();
        let half = 0.5 * input_variance * lambda;
        let flow = concatenate![
            Axis(0),
            concatenate![Axis(1), -half * Array2::<f64>::eye(n_inputs), correlation.t()],
            concatenate![Axis(1), correlation.view(), half * Array2::<f64>::eye(n_labels)]
        ];
        let (rates, vectors) = eigen(&flow);
        let start = vectors.t().dot(&stacked(first, second));
        let mut modes = singular_values(correlation);
        let largest = modes.first().copied().unwrap_or(0.0);
        modes.retain(|value| *value > RANK * largest);
        Riccati {
            rates,
            vectors,
            inputs: inputs.clone(),
            input_variance,
            lambda,
            singular_values: modes,
            start,
        }
    }

    /// lambda.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// Modes of the flow, the fastest first.
    pub fn modes(&self) -> FlowModes<'_> {
        FlowModes {
            rates: self.rates.iter().rev().copied().collect(),
            rows: self.start.rows().into_iter().rev().map(|row| row.to_owned()).collect(),
            singular_values: self.singular_values.clone(),
            vectors: self.vectors.slice(s![.., ..;-1]),
            input_variance: self.input_variance,
            lambda: self.lambda,
            n_inputs: self.inputs.ncols(),
            width: self.start.ncols(),
        }
    }

    /// `Q Q^T` at a time by steps of `Q Q^T` in place of Q, as long as those of `advance`:
    ///
    /// ```text
    /// Q Q^T (t + D) = e^(F D) Q Q^T [I + d A Q Q^T]^(-1) e^(F D)
    /// ```
    ///
    /// The same in exact arithmetic; in float64 a control.
    pub fn unfactored(&self, time: f64) -> Representation {
        let fastest = self.rates.iter().fold(0.0, |fastest: f64, rate| fastest.max(rate.abs()));
        let steps = (time * fastest / LARGEST_GROWTH).ceil().max(1.0);
        let step = time / steps;
        let growth = Array1::from_iter(self.rates.iter().map(|rate| (rate * step).exp()));
        let integral = Array1::from_iter(self.rates.iter().map(|rate| integral_of(*rate, step)));
        let mut product = self.start.dot(&self.start.t());
        for _ in 0..steps as usize {
            let braked = &product * &integral.view().insert_axis(Axis(1)) * self.input_variance
                + Array2::<f64>::eye(product.nrows());
            let next = product.dot(&inverse(&braked));
            product = next * growth.view().insert_axis(Axis(1)) * &growth;
        }
        let product = self.vectors.dot(&product).dot(&self.vectors.t());
        let n = self.inputs.ncols();
        Representation {
            map: product.slice(s![n.., ..n]).to_owned(),
            input_similarity: Some(product.slice(s![..n, ..n]).to_owned()),
            output_similarity: Some(product.slice(s![n.., n..]).to_owned()),
        }
    }

    /// The weights at time 0.
    pub fn begin(&self) -> Weights {
        Weights { time: 0.0, rows: self.start.clone(), settled: false }
    }

    /// Goes on to `time`.
    pub fn advance(&self, weights: &mut Weights, time: f64) {
        let fastest = self.rates.iter().fold(0.0, |fastest: f64, rate| fastest.max(rate.abs()));
        let longest = LARGEST_GROWTH / fastest.max(f64::MIN_POSITIVE);
        while weights.time < time && !weights.settled {
            let step = longest.min(time - weights.time);
            let next = self.step(&weights.rows, step);
            weights.settled = step == longest && stands_still(weights.rows.view(), next.view());
            weights.rows = next;
            weights.time = if step < longest { time } else { weights.time + step };
        }
        weights.time = weights.time.max(time);
    }

    /// One semigroup step of length `step` from any Q.
    fn step(&self, rows: &Array2<f64>, step: f64) -> Array2<f64> {
        let scaled = |factor: &dyn Fn(f64) -> f64| {
            let mut scaled = rows.clone();
            for (mut row, rate) in scaled.rows_mut().into_iter().zip(&self.rates) {
                row *= factor(*rate);
            }
            scaled
        };
        let brake = Array2::eye(rows.ncols())
            + self.input_variance * rows.t().dot(&scaled(&|rate| integral_of(rate, step)));
        divided_by_root(&scaled(&|rate| (rate * step).exp()), &brake)
    }

    /// Both layers, up to a rotation of the hidden one, from which another flow can start.
    pub fn layers(&self, weights: &Weights) -> [LayerStart; 2] {
        let layers = self.vectors.dot(&weights.rows);
        let n_inputs = self.inputs.ncols();
        let (first, second) = (layers.slice(s![..n_inputs, ..]), layers.slice(s![n_inputs.., ..]));
        [first.t().to_owned(), second.to_owned()].map(|weight| LayerStart { weight, bias: None })
    }

    /// Responses `[n_items, n_labels]`.
    pub fn responses(&self, weights: &Weights) -> Array2<f64> {
        let layers = self.vectors.dot(&weights.rows);
        let n_inputs = self.inputs.ncols();
        let (first, second) = (layers.slice(s![..n_inputs, ..]), layers.slice(s![n_inputs.., ..]));
        self.inputs.dot(&first).dot(&second.t())
    }
}

impl Weights {
    /// When.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Whether nothing changes any more.
    pub fn has_settled(&self) -> bool {
        self.settled
    }
}

/// Whether the length of every row is the same; rows near zero count, since they may yet grow.
fn stands_still(before: ArrayView2<f64>, after: ArrayView2<f64>) -> bool {
    before.rows().into_iter().zip(after.rows()).all(|(before, after)| {
        let (before, after) = (before.dot(&before), after.dot(&after));
        (after - before).abs() <= STANDSTILL * before
    })
}

/// `int_0^step e^(2 rate s) ds`.
fn integral_of(rate: f64, step: f64) -> f64 {
    if rate == 0.0 { step } else { (2.0 * rate * step).exp_m1() / (2.0 * rate) }
}

/// `m` if the matrix is `m I`, up to `size` times 1e-10.
fn multiple_of_identity(matrix: &Array2<f64>, size: f64) -> Option<f64> {
    let multiple = matrix.diag().mean()?;
    let rest = matrix - &(multiple * Array2::<f64>::eye(matrix.nrows()));
    rest.iter().all(|value| value.abs() <= ZERO * size).then_some(multiple)
}

#[cfg(test)]
mod tests {
    use super::super::answer::Answer;
    use super::super::flow::LinearFlow;
    use super::*;
    use crate::config::Loss;
    use crate::task::Hierarchy;
    use ndarray::Array1;

    /// Orthonormal rows, `[n_rows, n_columns]`.
    fn orthonormal(n_rows: usize, n_columns: usize, phase: f64) -> Array2<f64> {
        let numbers = Array2::from_shape_fn((n_columns, n_rows), |(i, j)| {
            ((7 * i + 13 * j) as f64 + phase).sin()
        });
        crate::decompositions::orthonormal_columns(&numbers).reversed_axes()
    }

    /// Layers of this width with `W_1 W_1^T = first^2 I` and `W_2^T W_2 = second^2 I`.
    fn layers(width: usize, first: f64, second: f64) -> Vec<LayerStart> {
        vec![
            LayerStart { weight: first * orthonormal(width, 8, 0.3), bias: None },
            LayerStart { weight: second * orthonormal(width, 14, 1.1).reversed_axes(), bias: None },
        ]
    }

    fn solution(layers: &[LayerStart]) -> Option<Riccati> {
        let targets = Hierarchy::balanced(&[2, 2, 2]).targets();
        let inputs = Array2::eye(8);
        Riccati::new(&inputs, &(targets.t().dot(&inputs) / 8.0), &(&inputs / 8.0), layers)
    }

    fn largest(difference: &Array2<f64>) -> f64 {
        difference.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }

    #[test]
    fn it_is_the_flow_for_balanced_and_unequal_weights_of_any_rank() {
        let targets = Hierarchy::balanced(&[2, 2, 2]).targets();
        for width in [1, 3, 8] {
            for (first, second) in [(0.1, 0.1), (0.05, 0.4), (0.5, 0.1), (1e-3, 1e-3), (1.5, 1.0)] {
                let layers = layers(width, first, second);
                let riccati = solution(&layers).expect("the conditions are met");
                let (p, answer) =
                    (Array1::from_elem(8, 0.125), Answer::new(Loss::HalfSquaredError, Vec::new()));
                let flow = LinearFlow::new(Array2::eye(8), targets.clone(), p, answer, layers);
                let (mut exact, mut integrated) = (riccati.begin(), flow.begin());
                for time in [0.0, 0.7, 6.0, 25.0, 80.0] {
                    riccati.advance(&mut exact, time);
                    flow.advance(&mut integrated, time).expect("few steps");
                    let miss = largest(&(riccati.responses(&exact) - flow.responses(&integrated)));
                    assert!(miss < 1e-8, "width {width}, {first}, {second}, t {time}: {miss:e}");
                }
            }
        }
    }

    #[test]
    fn restarted_on_other_targets_it_is_still_the_flow() {
        let inputs = Array2::eye(8);
        let places = [4, 6, 1, 3, 0, 2, 5, 7];
        let targets = Hierarchy::balanced(&[2, 2, 2]).permuted(&places).targets();
        let correlation = targets.t().dot(&inputs) / 8.0;
        for (first, second) in [(0.1, 0.1), (0.05, 0.4)] {
            let before = solution(&layers(8, first, second)).expect("the conditions are met");
            let mut weights = before.begin();
            before.advance(&mut weights, 30.0);
            let left = before.layers(&weights).to_vec();
            let exact = Riccati::new(&inputs, &correlation, &(&inputs / 8.0), &left);
            let exact = exact.expect("what is conserved still is");
            let (p, answer) =
                (Array1::from_elem(8, 0.125), Answer::new(Loss::HalfSquaredError, Vec::new()));
            let flow = LinearFlow::new(inputs.clone(), targets.clone(), p, answer, left);
            let (mut course, mut integrated) = (exact.begin(), flow.begin());
            let start = largest(&(exact.responses(&course) - before.responses(&weights)));
            assert!(start < 1e-12, "it goes on from where it stood: {start:e}");
            for time in [0.5, 4.0, 15.0, 60.0] {
                exact.advance(&mut course, time);
                flow.advance(&mut integrated, time).expect("few steps");
                let miss = largest(&(exact.responses(&course) - flow.responses(&integrated)));
                assert!(miss < 1e-8, "{first}, {second}, t {time}: {miss:e}");
            }
        }
    }

    #[test]
    fn it_is_refused_where_its_conditions_fail() {
        let unbalanced = vec![
            LayerStart { weight: orthonormal(8, 8, 0.3), bias: None },
            LayerStart {
                weight: Array2::from_shape_fn((14, 8), |(i, j)| ((i * j) as f64).cos()),
                bias: None,
            },
        ];
        assert!(solution(&unbalanced).is_none());
        let mut biased = layers(8, 0.1, 0.1);
        biased[1].bias = Some(Array1::zeros(14));
        assert!(solution(&biased).is_none());
        let mut covariance = Array2::eye(8) / 8.0;
        let correlation = Hierarchy::balanced(&[2, 2, 2]).targets().t().to_owned() / 8.0;
        let at = |covariance: &Array2<f64>| {
            let layers = layers(8, 0.1, 0.1);
            Riccati::new(&Array2::eye(8), &correlation, covariance, &layers).is_some()
        };
        assert!(at(&covariance));
        covariance[[0, 1]] = 0.01;
        assert!(!at(&covariance));
    }

    #[test]
    fn one_step_is_two_of_half_the_length_and_late_times_are_settled() {
        let riccati = solution(&layers(8, 1e-6, 1e-6)).expect("the conditions are met");
        let product = |rows: &Array2<f64>| rows.dot(&rows.t());
        let once = riccati.step(&riccati.start, 8.0);
        let twice = riccati.step(&riccati.step(&riccati.start, 4.0), 4.0);
        assert!(largest(&(product(&once) - product(&twice))) < 1e-12 * largest(&product(&once)));
        let mut weights = riccati.begin();
        riccati.advance(&mut weights, 1e9);
        let targets = Hierarchy::balanced(&[2, 2, 2]).targets();
        assert!(weights.has_settled() && weights.time() == 1e9);
        assert!(largest(&(riccati.responses(&weights) - targets)) < 1e-12);
    }
}
