//! The constant mode where biases take part: an output bias, or an input bias that starts at zero.

use super::integrate::Integrator;
use super::modes::Mode;

/// A mode whose two layers start unequally strong, `c_1 < c_2`: the augmented constant mode when an input bias starts at
/// zero while the weights are aligned, THEORY (6).
///
/// ```text
/// lambda = c_2^2 - c_1^2 is conserved;  u = c_1 / c_2;  u' = s (1 - u^2) - d lambda u;  a = lambda u / (1 - u^2)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnequalMode {
    mode: Mode,
    lambda: f64,
    /// `u(0)`.
    start: f64,
}

impl UnequalMode {
    /// `mode` with layers of strengths `first < second`.
    pub fn new(mode: Mode, first: f64, second: f64) -> Self {
        UnequalMode { mode, lambda: second * second - first * first, start: first / second }
    }

    /// The mode, with its end-to-end initial strength.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// `a(t)`, in closed form:
    ///
    /// ```text
    /// S = sqrt(4 s^2 + d^2 lambda^2),  u_+- = (-d lambda +- S) / (2 s),  C = (u_0 - u_-) / (u_+ - u_0)
    /// u(t) = (u_- e^(-S t) + C u_+) / (e^(-S t) + C)
    /// ```
    ///
    /// Written in `1 - u`, because u is near 1 late in learning and `a` divides by `1 - u^2`.
    pub fn strength(&self, time: f64) -> f64 {
        let s = self.mode.singular_value;
        // x = d lambda / 2s: u_+- = -x +- sqrt(1 + x^2).
        let x = self.mode.input_variance * self.lambda / (2.0 * s);
        let root = (1.0 + x * x).sqrt();
        let one_minus_plus = x - x * x / (1.0 + root);
        let one_minus_minus = 1.0 + x + root;
        let (u_plus, u_minus) = (1.0 - one_minus_plus, 1.0 - one_minus_minus);
        let c = (self.start - u_minus) / (u_plus - self.start);
        let decay = (-2.0 * s * root * time).exp();
        let one_minus_u = (one_minus_minus * decay + c * one_minus_plus) / (decay + c);
        self.lambda * (1.0 - one_minus_u) / (one_minus_u * (2.0 - one_minus_u))
    }

    /// `a(t) / a(infinity)`.
    pub fn learned_fraction(&self, time: f64) -> f64 {
        self.strength(time) / self.mode.final_strength()
    }
}

/// The constant learned by weights (strength a of a mode of input variance `mu^2`) and by an output bias b along
/// `ybar / beta`, THEORY (7), (7b):
///
/// ```text
/// e = beta - mu a - b,   b' = e,   c_l' = mu (a / c_l) e
/// L = 2   a = c_1(0) c_2(0) e^(2 mu b)                              if c_1(0) = c_2(0)
///         a = (lambda / 2) sinh(theta_0 + 2 mu b)                   otherwise, sinh(theta_0) = 2 a(0) / lambda
/// L > 2   a^(-(L-2)/L) = a0^(-(L-2)/L) - (L - 2) mu b              equal layers without hidden biases
/// L = 1   a = a0 + mu b
/// ```
///
/// so a is a function of b alone; for two equal layers `ln a - 2 mu b` is conserved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputBiased {
    beta: f64,
    mu: f64,
    layers: Layers,
}

/// Initial strengths of the layers along the constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layers {
    /// Two, perhaps unequal.
    Two(f64, f64),
    /// Any number, equally strong, with this product.
    Equal {
        /// L >= 1.
        n_layers: usize,
        /// a0, end to end.
        a0: f64,
    },
}

impl Layers {
    /// a0 and L.
    fn product(self) -> (f64, usize) {
        match self {
            Layers::Two(first, second) => (first * second, 2),
            Layers::Equal { n_layers, a0 } => (a0, n_layers),
        }
    }
}

impl OutputBiased {
    /// `beta = ||ybar||`, `mu` the root of the constant direction's input variance.
    pub fn new(beta: f64, mu: f64, layers: Layers) -> Self {
        OutputBiased { beta, mu, layers }
    }

    /// The weights' mode.
    pub fn mode(&self) -> Mode {
        let (initial_strength, n_layers) = self.layers.product();
        Mode {
            singular_value: self.mu * self.beta,
            input_variance: self.mu * self.mu,
            initial_strength,
            n_layers,
        }
    }

    /// `a(b)`; infinite where deep weights would have grown without bound.
    ///
    /// For two layers, `p = c_2 + c_1` grows as `e^(mu b)` and `q = c_2 - c_1` shrinks as `e^(-mu b)`, and
    /// `a = (p^2 - q^2) / 4` is the formula above in both of its cases.
    fn strength_at_bias(&self, b: f64) -> f64 {
        match self.layers {
            Layers::Two(first, second) => {
                let sum = (second + first) * (self.mu * b).exp();
                let difference = (second - first) * (-self.mu * b).exp();
                0.25 * (sum * sum - difference * difference)
            }
            Layers::Equal { n_layers: 1, a0 } => a0 + self.mu * b,
            Layers::Equal { n_layers: 2, a0 } => a0 * (2.0 * self.mu * b).exp(),
            Layers::Equal { n_layers, a0 } => {
                let depth = n_layers as f64;
                let power = a0.powf(-(depth - 2.0) / depth) - (depth - 2.0) * self.mu * b;
                if power > 0.0 { power.powf(-depth / (depth - 2.0)) } else { f64::INFINITY }
            }
        }
    }

    /// `b' = beta - mu a(b) - b`, which decreases in b.
    fn error_at_bias(&self, b: f64) -> f64 {
        self.beta - self.mu * self.strength_at_bias(b) - b
    }

    /// `b(infinity)`: the root of `b'`, by bisection. For two equal layers it is Lambert's W, THEORY (7e).
    pub fn final_bias(&self) -> f64 {
        // b starts at 0 and moves monotonically to the root, which lies below if the weights start beyond beta.
        let (mut low, mut high) = (0.0, self.beta);
        while self.error_at_bias(low) < 0.0 {
            (low, high) = (low - self.beta - 1.0, low);
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if self.error_at_bias(middle) > 0.0 { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }

    /// `a(infinity)`.
    pub fn final_strength(&self) -> f64 {
        self.strength_at_bias(self.final_bias())
    }

    /// At time 0.
    pub fn begin(&self) -> BiasCourse {
        BiasCourse { bias: Integrator::new(vec![0.0]), settled: self.final_bias() }
    }

    /// Goes on to a time; returns the learned fraction of the constant, `(mu a + b) / beta`, and the weights' strength a there.
    pub fn advance(&self, course: &mut BiasCourse, time: f64) -> (f64, f64) {
        let BiasCourse { bias, settled } = course;
        // Near the end the bias decays at a rate of at least 1: after 60 more it is there to rounding.
        if (bias.state()[0] - *settled).abs() > 1e-15 * self.beta {
            let stop = time.min(bias.time() + 60.0);
            bias.advance(stop, &|_, state, rate| rate[0] = self.error_at_bias(state[0]));
        }
        let b = if time > bias.time() { *settled } else { bias.state()[0] };
        let a = self.strength_at_bias(b);
        ((self.mu * a + b) / self.beta, a)
    }
}

/// An output bias on its way.
#[derive(Debug, Clone)]
pub struct BiasCourse {
    /// `b(t)`.
    bias: Integrator,
    /// `b(infinity)`.
    settled: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(constant: &OutputBiased, times: &[f64]) -> Vec<(f64, f64)> {
        let mut course = constant.begin();
        times.iter().map(|&time| constant.advance(&mut course, time)).collect()
    }

    /// Layers of one mode, and an output bias, by the classical Runge-Kutta method.
    fn integrate(s: f64, d: f64, start: [f64; 3], with_bias: bool, time: f64) -> [f64; 3] {
        let mu = d.sqrt();
        let rate = |[first, second, b]: [f64; 3]| {
            let error = s - d * first * second - if with_bias { mu * b } else { 0.0 };
            [second * error, first * error, if with_bias { error / mu } else { 0.0 }]
        };
        let steps = 20_000;
        let dt = time / f64::from(steps);
        let mut y = start;
        let shifted = |y: [f64; 3], k: [f64; 3], h: f64| std::array::from_fn(|i| y[i] + h * k[i]);
        for _ in 0..steps {
            let k1 = rate(y);
            let k2 = rate(shifted(y, k1, dt / 2.0));
            let k3 = rate(shifted(y, k2, dt / 2.0));
            let k4 = rate(shifted(y, k3, dt));
            y = std::array::from_fn(|i| {
                y[i] + dt / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
            });
        }
        y
    }

    const BETA: f64 = 0.935_414_346_693_485_3;

    #[test]
    fn an_unequal_start_follows_its_equations() {
        for a0 in [1e-8f64, 1e-4, 1e-2, 0.5] {
            let (first, second) = (a0.sqrt() / 3.0, a0.sqrt());
            let mode = Mode {
                singular_value: 0.992,
                input_variance: 1.125,
                initial_strength: first * second,
                n_layers: 2,
            };
            let closed = UnequalMode::new(mode, first, second);
            for time in [0.0, 0.5, 3.0, 8.0, 30.0] {
                let [c1, c2, _] = integrate(0.992, 1.125, [first, second, 0.0], false, time);
                let error = (closed.strength(time) - c1 * c2).abs();
                assert!(
                    error < 1e-9 * closed.strength(time).max(a0),
                    "a0 {a0}, t {time}: {error:e}"
                );
            }
        }
    }

    #[test]
    fn an_output_bias_follows_its_equations_for_equal_and_unequal_layers() {
        for (mu, first, second) in
            [(0.125f64.sqrt(), 0.01, 0.01), (1.125f64.sqrt(), 0.01 / 3.0, 0.01), (1.1, 0.9, 1.0)]
        {
            let constant = OutputBiased::new(BETA, mu, Layers::Two(first, second));
            let times = [0.0, 0.3, 2.3, 9.0, 40.0];
            for (time, (fraction, strength)) in times.into_iter().zip(at(&constant, &times)) {
                let [c1, c2, b] = integrate(mu * BETA, mu * mu, [first, second, 0.0], true, time);
                assert!(
                    (strength - c1 * c2).abs() < 1e-9,
                    "t {time}: {strength} against {}",
                    c1 * c2
                );
                assert!((fraction - (mu * c1 * c2 + b) / BETA).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_fixed_point_is_lamberts_w() {
        for (mu, growth) in [(0.125f64.sqrt(), 1.9375), (1.125f64.sqrt(), 7.262)] {
            let a0 = 1e-4f64;
            let constant = OutputBiased::new(BETA, mu, Layers::Equal { n_layers: 2, a0 });
            let a = constant.final_strength();
            // w e^w = 2 mu^2 a0 e^(2 mu beta) with w = 2 mu^2 a.
            let w = 2.0 * mu * mu * a;
            let right = 2.0 * mu * mu * a0 * (2.0 * mu * BETA).exp();
            assert!((w * w.exp() / right - 1.0).abs() < 1e-12);
            assert!((constant.final_bias() - (BETA - w / (2.0 * mu))).abs() < 1e-12);
            assert!((a / a0 / growth - 1.0).abs() < 1e-3, "a* / a0 = {}", a / a0);
        }
    }

    #[test]
    fn late_times_are_settled_and_finite() {
        let constant = OutputBiased::new(BETA, 1.06, Layers::Two(0.01, 0.01));
        let (fraction, strength) = at(&constant, &[1e6])[0];
        assert!((fraction - 1.0).abs() < 1e-12);
        assert!((strength / constant.final_strength() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn deep_weights_under_an_output_bias_follow_their_equations() {
        for n_layers in 1..=6usize {
            let (mu, a0) = (0.6f64, 1e-3f64);
            let constant = OutputBiased::new(BETA, mu, Layers::Equal { n_layers, a0 });
            let mut flow = Integrator::new(vec![a0.powf(1.0 / n_layers as f64), 0.0]);
            let times = [0.5, 2.0, 8.0, 30.0];
            for (time, (fraction, strength)) in times.into_iter().zip(at(&constant, &times)) {
                flow.advance(time, &|_, state, rate| {
                    let error = BETA - mu * state[0].powi(n_layers as i32) - state[1];
                    rate[0] = mu * state[0].powi(n_layers as i32 - 1) * error;
                    rate[1] = error;
                });
                let exact = flow.state()[0].powi(n_layers as i32);
                assert!(
                    (strength / exact - 1.0).abs() < 1e-8,
                    "depth {n_layers}: {strength} against {exact}"
                );
                assert!((fraction - (mu * exact + flow.state()[1]) / BETA).abs() < 1e-9);
            }
        }
    }
}
