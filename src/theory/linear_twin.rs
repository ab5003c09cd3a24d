//! Early learning of a wide two-layer network is that of a linear model: of the inputs, a constant and their norm.
//!
//! Hu, Xiao, Adlam and Pennington 2020 (arXiv 2006.14599): features and rates. Their inputs have independent directions,
//! `x ~ N(0, Sigma)` with `||Sigma|| = O(1)`, and width and samples grow faster than the dimension; elsewhere there is nothing
//! that the model promises.

use std::f64::consts::PI;

use ndarray::{Array1, Array2, Axis, concatenate};

use crate::config::Activation;
use crate::decompositions::eigen;

/// Means of an activation phi over normal inputs g of variance 1, to some 1e-10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationMeans {
    /// `E phi'(g)`.
    pub zeta: f64,
    /// `E phi(g)`.
    pub theta_0: f64,
    /// `E g phi'(g)`.
    pub theta_1: f64,
    /// `E (g^3/2 - g) phi'(g)`.
    pub theta_2: f64,
}

/// Intervals on each side of 0, and where the normal density ends for float64.
const INTERVALS: usize = 8000;
const END: f64 = 12.0;

impl ActivationMeans {
    /// Of `phi(scale g)`; `negative_slope` is leaky-relu's. By Simpson's rule on each side of the kink at 0.
    pub fn new(activation: Activation, negative_slope: f64, scale: f64) -> Self {
        let phi = |g: f64| {
            let [value, slope] = value_and_slope(activation, negative_slope, scale * g);
            [value, scale * slope]
        };
        let step = END / INTERVALS as f64;
        let mut sums = [0.0; 4];
        for side in [-1.0, 1.0] {
            for node in 0..=INTERVALS {
                let weight = match node {
                    0 | INTERVALS => 1.0,
                    node if node % 2 == 1 => 4.0,
                    _ => 2.0,
                } * step
                    / 3.0;
                // At 0 the side's own slope.
                let g = side * (node as f64 * step).max(f64::MIN_POSITIVE);
                let density = weight * (-0.5 * g * g).exp() / (2.0 * PI).sqrt();
                let [value, slope] = phi(g);
                let terms = [slope, value, g * slope, (0.5 * g * g * g - g) * slope];
                for (sum, term) in sums.iter_mut().zip(terms) {
                    *sum += density * term;
                }
            }
        }
        let [zeta, theta_0, theta_1, theta_2] = sums;
        ActivationMeans { zeta, theta_0, theta_1, theta_2 }
    }
}

fn value_and_slope(activation: Activation, negative_slope: f64, x: f64) -> [f64; 2] {
    match activation {
        Activation::Relu | Activation::LeakyRelu => {
            let slope = if x > 0.0 { 1.0 } else { negative_slope };
            [slope * x, slope]
        }
        Activation::Tanh => [x.tanh(), 1.0 - x.tanh().powi(2)],
        Activation::Erf => [libm::erf(x), 2.0 / PI.sqrt() * (-x * x).exp()],
    }
}

/// A network `f(x) = (1/sqrt m) sum_r v_r phi(w_r . x / sqrt d)` at its start: `w ~ N(0, std^2 I)`, `v = +-output`, in pairs that
/// cancel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WideNetwork {
    /// phi.
    pub activation: Activation,
    /// Slope of leaky-relu below 0; 0 of relu.
    pub negative_slope: f64,
    /// Of the first layer.
    pub std: f64,
    /// Of the second.
    pub output: f64,
    /// Which layers learn: the first, the second.
    pub learns: [bool; 2],
}

/// Features psi of samples, whose linear model learns what a wide network does at first.
#[derive(Debug, Clone)]
pub struct TwinFeatures {
    means: ActivationMeans,
    /// `E ||x||^2 / d`.
    variance: f64,
    /// Factors on `x / sqrt d`, and the constant.
    linear: f64,
    constant: f64,
    /// Whether the norm is a feature.
    has_norm: bool,
}

impl TwinFeatures {
    /// For inputs whose second moments are those of `inputs`, `[n, d]`, with at least two samples, not all of them 0.
    ///
    /// With `kappa^2 = std^2 E||x||^2 / d` and x scaled so that `E||x||^2 = d`, `a = output/std`, means of `phi(kappa g)`,
    /// `nu = theta_1 sqrt(Tr Sigma^2 / d)` and `r = ||x|| / sqrt d - 1`:
    ///
    /// ```text
    /// first layer:   psi = a [zeta x / sqrt d ; nu / sqrt d]
    /// second layer:  psi = [zeta x / sqrt d ; nu / sqrt(2d) ; theta_0 + theta_1 r + theta_2 r^2]
    /// both:          psi = [sqrt(1 + a^2) zeta x / sqrt d ; sqrt(1/2 + a^2) nu / sqrt d ; theta_0 + theta_1 r + theta_2 r^2]
    /// ```
    ///
    /// `Tr Sigma^2` is estimated without bias, by the mean of `(x . x')^2` over pairs.
    pub fn new(network: &WideNetwork, inputs: &Array2<f64>) -> Self {
        let (n, d) = (inputs.nrows() as f64, inputs.ncols() as f64);
        let squares = (inputs * inputs).sum_axis(Axis(1));
        let variance = squares.sum() / (n * d);
        let gram = if inputs.nrows() < inputs.ncols() {
            inputs.dot(&inputs.t())
        } else {
            inputs.t().dot(inputs)
        };
        let pairs = (gram.iter().map(|product| product * product).sum::<f64>()
            - squares.dot(&squares))
            / (n * (n - 1.0));
        let trace = (pairs / (variance * variance)).max(0.0);
        let kappa = network.std * variance.sqrt();
        let means = ActivationMeans::new(network.activation, network.negative_slope, kappa);
        let nu = means.theta_1 * (trace / d).sqrt();
        let [first, second] = network.learns.map(|learns| f64::from(u8::from(learns)));
        let tangent = first * (network.output / network.std).powi(2);
        TwinFeatures {
            means,
            variance,
            linear: (tangent + second).sqrt() * means.zeta,
            constant: (tangent + 0.5 * second).sqrt() * nu / d.sqrt(),
            has_norm: network.learns[1],
        }
    }

    /// `[n, features]` of samples, `[n, d]`: inputs, the constant, the norm if the second layer learns.
    pub fn of(&self, inputs: &Array2<f64>) -> Array2<f64> {
        let (n, d) = (inputs.nrows(), inputs.ncols() as f64);
        let scaled = inputs / (self.variance * d).sqrt();
        let constant = Array2::from_elem((n, 1), self.constant);
        let linear = &scaled * self.linear;
        if !self.has_norm {
            return concatenate![Axis(1), linear, constant];
        }
        let ActivationMeans { theta_0, theta_1, theta_2, .. } = self.means;
        let norms = (&scaled * &scaled).sum_axis(Axis(1)).mapv(|square| {
            let r = square.sqrt() - 1.0;
            theta_0 + theta_1 * r + theta_2 * r * r
        });
        concatenate![Axis(1), linear, constant, norms.insert_axis(Axis(1))]
    }

    /// Rate at which the constant is learned, `theta_0^2 + constant^2`, and each direction of white inputs, `linear^2 / d` of
    /// the inputs' dimension d.
    pub fn rates(&self, d: usize) -> [f64; 2] {
        let norm = if self.has_norm { self.means.theta_0.powi(2) } else { 0.0 };
        [norm + self.constant.powi(2), self.linear.powi(2) / d as f64]
    }
}

/// A linear model under gradient descent from 0, in closed form: with `Psi [n, features]` and `Psi Psi^T / n = V kappa V^T`,
///
/// ```text
/// f_k(x) = psi(x) . Psi^T V g_k(kappa) V^T y / n,   g_k(kappa) = (1 - (1 - eta kappa)^k) / kappa   (eta k where kappa is 0)
/// ```
///
/// on the full batch's half squared error.
#[derive(Debug, Clone)]
pub struct LinearModel {
    rates: Vec<f64>,
    /// `[n, modes]` for each set that it answers.
    answers: Vec<Array2<f64>>,
    /// `[modes, outputs]`.
    projected: Array2<f64>,
}

impl LinearModel {
    /// Learns `targets`, `[n, outputs]`, from `features`, `[n, features]`, and answers them and `others`.
    pub fn new(features: &Array2<f64>, targets: &Array2<f64>, others: &[Array2<f64>]) -> Self {
        let n = features.nrows() as f64;
        let sets = || std::iter::once(features).chain(others);
        if features.nrows() <= features.ncols() {
            let (rates, vectors) = eigen(&(features.dot(&features.t()) / n));
            let seen = features.t().dot(&vectors) / n;
            let answers = sets().map(|set| set.dot(&seen)).collect();
            return LinearModel { rates, answers, projected: vectors.t().dot(targets) };
        }
        let (rates, vectors) = eigen(&(features.t().dot(features) / n));
        let answers = sets().map(|set| set.dot(&vectors)).collect();
        let projected = vectors.t().dot(&features.t().dot(targets)) / n;
        LinearModel { rates, answers, projected }
    }

    /// The largest rate: gradient descent diverges above `2 / rate`.
    pub fn largest_rate(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }

    /// Answers to each set, `[n, outputs]`, after so many steps at learning rate eta.
    pub fn at(&self, learning_rate: f64, steps: u64) -> Vec<Array2<f64>> {
        let learned: Array1<f64> =
            self.rates.iter().map(|&rate| learned(rate, learning_rate, steps)).collect();
        let coefficients = &self.projected * &learned.insert_axis(Axis(1));
        self.answers.iter().map(|set| set.dot(&coefficients)).collect()
    }
}

/// `g_k(kappa)`, without cancellation where `eta kappa` is small.
fn learned(rate: f64, learning_rate: f64, steps: u64) -> f64 {
    let k = steps as f64;
    if rate.abs() * learning_rate * k < 1e-300 {
        return learning_rate * k;
    }
    let left = 1.0 - learning_rate * rate;
    if left > 0.0 {
        return -f64::exp_m1(k * f64::ln_1p(-learning_rate * rate)) / rate;
    }
    let power = left.abs().powf(k);
    (1.0 - if steps.is_multiple_of(2) { power } else { -power }) / rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn means_of_relu_and_erf_are_known() {
        let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-10, "{one} {other}");
        let relu = ActivationMeans::new(Activation::Relu, 0.0, 1.0);
        let root = 1.0 / (2.0 * PI).sqrt();
        close(relu.zeta, 0.5);
        close(relu.theta_0, root);
        close(relu.theta_1, root);
        close(relu.theta_2, 0.0);
        let erf = ActivationMeans::new(Activation::Erf, 0.0, 1.0);
        close(erf.zeta, 2.0 / (3.0 * PI).sqrt());
        close(erf.theta_0, 0.0);
        close(erf.theta_1, 0.0);
        close(erf.theta_2, 0.0);
        // phi(kappa g) = kappa phi(g): all means scale.
        let twice = ActivationMeans::new(Activation::Relu, 0.0, 2.0);
        close(twice.zeta, 1.0);
        close(twice.theta_0, 2.0 * root);
        // Half of relu(g) - relu(-g) is g/2: a slope of 1 below makes it the identity.
        let line = ActivationMeans::new(Activation::LeakyRelu, 1.0, 1.0);
        close(line.zeta, 1.0);
        close(line.theta_0, 0.0);
    }

    #[test]
    fn the_linear_model_is_gradient_descent_from_zero_whichever_are_fewer() {
        let wide = array![[1.0, 0.5, -0.2], [0.2, -1.0, 0.4]];
        let tall = array![[1.0, 0.5], [0.2, -1.0], [0.3, 0.3], [2.0, 0.1]];
        for features in [wide, tall] {
            let (n, width) = features.dim();
            let targets = Array2::from_shape_fn((n, 2), |(row, column)| (row + 2 * column) as f64);
            let other =
                Array2::from_shape_fn((3, width), |(row, column)| row as f64 - column as f64);
            // Above 1 / kappa steps overshoot; they still converge.
            for eta in [0.1, 1.2] {
                let mut beta = Array2::<f64>::zeros((width, 2));
                let model = LinearModel::new(&features, &targets, std::slice::from_ref(&other));
                assert!(eta < 2.0 / model.largest_rate());
                for step in 0..30 {
                    let sets = model.at(eta, step);
                    for (set, answer) in [&features, &other].into_iter().zip(&sets) {
                        let off = answer - &set.dot(&beta);
                        assert!(off.iter().all(|off| off.abs() < 1e-12), "{off}");
                    }
                    let error = &targets - &features.dot(&beta);
                    beta = beta + features.t().dot(&error) * (eta / n as f64);
                }
            }
        }
    }

    #[test]
    fn what_no_feature_sees_is_not_learned_and_does_no_harm() {
        let model = LinearModel::new(&Array2::zeros((3, 2)), &Array2::ones((3, 1)), &[]);
        assert_eq!(model.at(0.5, 1000)[0], Array2::<f64>::zeros((3, 1)));
    }
}
