//! The constant of a balanced tree in deep networks where no closed form is known: hidden layers with biases, or a first
//! bias that starts at zero. Few enough equations to integrate for any start and to any time.

use super::integrate::Integrator;
use super::modes::Mode;

/// The constant learned by one strength and one bias for each layer, THEORY (10):
///
/// ```text
/// h_1 = c_1 mu,  h_l = c_l h_{l-1} + beta_l,  e = beta - h_L
/// c_l' = up_l h_{l-1} e,  beta_l' = up_l e,  up_l = prod_{j > l} c_j,  h_0 = mu
/// ```
///
/// The first layer's bias is part of `mu`, the root of the augmented constant's input variance. Every rate holds the
/// factor `e`, so the solution has settled once the error is gone. Exact on balanced trees with equal frequencies from
/// aligned starts: the contrasts have no mean, so neither biases nor other modes enter.
#[derive(Debug, Clone)]
pub struct DeepConstant {
    beta: f64,
    mu: f64,
    /// `c_l(0)`, first layer first.
    layers: Vec<f64>,
    /// Whether layers 2 to L - 1 have biases.
    hidden_biases: bool,
    /// Whether the last layer has one.
    output_bias: bool,
}

/// Errors below this, relative to `beta`, are those of a settled constant: ten times the integration's tolerance.
const SETTLED: f64 = 1e-11;

impl DeepConstant {
    /// `beta = ||ybar||`; `layers` holds `c_l(0)`; all biases start at zero.
    pub fn new(
        beta: f64,
        mu: f64,
        layers: Vec<f64>,
        (hidden_biases, output_bias): (bool, bool),
    ) -> Self {
        DeepConstant { beta, mu, layers, hidden_biases, output_bias }
    }

    /// The weights' mode.
    pub fn mode(&self) -> Mode {
        Mode {
            singular_value: self.mu * self.beta,
            input_variance: self.mu * self.mu,
            initial_strength: self.layers.iter().product(),
            n_layers: self.layers.len(),
        }
    }

    /// Whether biases of hidden layers take part, so that the constant is no mode of the weights alone.
    pub fn has_hidden_biases(&self) -> bool {
        self.hidden_biases
    }

    /// At time 0: `c_1 .. c_L`, then `beta_2 .. beta_L`.
    pub fn begin(&self) -> Integrator {
        let n_layers = self.layers.len();
        let mut state = self.layers.clone();
        state.resize(2 * n_layers - 1, 0.0);
        Integrator::new(state)
    }

    /// `h_0 .. h_L`.
    fn activities(&self, state: &[f64]) -> Vec<f64> {
        let (strengths, biases) = state.split_at(self.layers.len());
        let mut activities = vec![self.mu, strengths[0] * self.mu];
        for (c, bias) in strengths[1..].iter().zip(biases) {
            activities.push(c * activities[activities.len() - 1] + bias);
        }
        activities
    }

    fn error(&self, state: &[f64]) -> f64 {
        self.beta - self.activities(state)[self.layers.len()]
    }

    fn rate(&self, state: &[f64], rate: &mut [f64]) {
        let n_layers = self.layers.len();
        let activities = self.activities(state);
        let mut above = self.beta - activities[n_layers];
        for layer in (0..n_layers).rev() {
            rate[layer] = above * activities[layer];
            if layer > 0 {
                let is_output = layer + 1 == n_layers;
                let has_bias = if is_output { self.output_bias } else { self.hidden_biases };
                rate[n_layers + layer - 1] = if has_bias { above } else { 0.0 };
            }
            above *= state[layer];
        }
    }

    /// Learned fraction, biases included, and the product of the layers' strengths.
    fn read(&self, state: &[f64]) -> (f64, f64) {
        let fraction = 1.0 - self.error(state) / self.beta;
        (fraction, state[..self.layers.len()].iter().product())
    }

    /// Goes on to a time; returns the learned fraction of the constant, biases included, and the weights' strength there.
    pub fn advance(&self, solution: &mut Integrator, time: f64) -> (f64, f64) {
        let rate = |_, state: &[f64], rate: &mut [f64]| self.rate(state, rate);
        let settled = |state: &[f64]| self.error(state).abs() <= SETTLED * self.beta;
        solution.advance_until_settled(time, &rate, &settled, usize::MAX);
        self.read(solution.state())
    }

    /// The weights' strength at late times.
    pub fn final_strength(&self) -> f64 {
        self.advance(&mut self.begin(), f64::MAX).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BETA: f64 = 0.935;

    fn at(constant: &DeepConstant, times: &[f64]) -> Vec<(f64, f64)> {
        let mut solution = constant.begin();
        times.iter().map(|&time| constant.advance(&mut solution, time)).collect()
    }

    #[test]
    fn two_layers_and_no_biases_follow_the_closed_forms() {
        for n_layers in 2..=6usize {
            let c = 1e-3f64.powf(1.0 / n_layers as f64);
            let constant = DeepConstant::new(BETA, 1.06, vec![c; n_layers], (false, false));
            for time in [0.0, 1.0, 5.0, 20.0, 300.0, 1e6] {
                let (fraction, strength) = at(&constant, &[time])[0];
                let (exact, a) =
                    (constant.mode().learned_fraction(time), constant.mode().strength(time));
                assert!((fraction - exact).abs() < 1e-9, "depth {n_layers}, t {time}: {fraction}");
                assert!((strength - a).abs() < 1e-9, "depth {n_layers}, t {time}: {strength}");
            }
        }
    }

    #[test]
    fn every_learned_part_adds_to_the_constant_and_it_ends_whole() {
        for n_layers in 3..=6usize {
            for a0 in [1e-12f64, 1e-4, 1.0] {
                let c = a0.powf(1.0 / n_layers as f64);
                let constant = DeepConstant::new(BETA, 1.06, vec![c; n_layers], (true, true));
                let times = [0.0, 1.0, 10.0, 1e3, 1e6];
                let learned = at(&constant, &times);
                assert!((learned[0].0 - 1.06 * a0 / BETA).abs() < 1e-12);
                assert!((learned[4].0 - 1.0).abs() <= 1e-11, "depth {n_layers}, a0 {a0:e}");
                let growing = learned.windows(2).all(|pair| pair[1].1 >= pair[0].1 - 1e-11);
                assert!(growing || a0 == 1.0, "depth {n_layers}, a0 {a0:e}: {learned:?}");
                assert!((constant.final_strength() - learned[4].1).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_tiny_start_leaves_the_constant_to_the_output_bias() {
        // 1 - e^(-t), whatever the depth: THEORY (7) in its limit.
        let constant = DeepConstant::new(BETA, 1.06, vec![1e-3; 5], (true, true));
        for (time, (fraction, _)) in
            [0.5, 2.0, 7.0].into_iter().zip(at(&constant, &[0.5, 2.0, 7.0]))
        {
            assert!((fraction - (1.0 - f64::exp(-time))).abs() < 1e-6, "t {time}: {fraction}");
        }
    }
}
