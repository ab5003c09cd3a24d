//! One singular mode of a linear network of any depth.

use std::f64::consts::TAU;

/// A mode that starts aligned and balanced: every layer carries the same strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mode {
    /// s, of Sigma_yx; positive.
    pub singular_value: f64,
    /// d: variance of the inputs along the mode; positive.
    pub input_variance: f64,
    /// a0 > 0, end to end.
    pub initial_strength: f64,
    /// L >= 1.
    pub n_layers: usize,
}

impl Mode {
    /// `a(infinity) = s / d`.
    pub fn final_strength(&self) -> f64 {
        self.singular_value / self.input_variance
    }

    /// Strength `a(t)` under gradient flow, `t = eta * step >= 0`.
    ///
    /// ```text
    /// da/dt = L a^(2 - 2/L) (s - d a)
    /// L = 1   a(t) = a_inf + (a0 - a_inf) e^(-d t)
    /// L = 2   a(t) = a_inf / (1 + (a_inf / a0 - 1) e^(-2 s t)),   a_inf = s / d
    /// L > 2   the inverse of `time_of_fraction`
    /// ```
    ///
    /// The decaying exponential is deliberate: with `e^(+2 s t)` the same solution becomes `inf / inf` late in learning.
    ///
    /// Saxe, McClelland and Ganguli (2014), there for d = 1; THEORY (4), (8).
    pub fn strength(&self, time: f64) -> f64 {
        let (a_inf, a0) = (self.final_strength(), self.initial_strength);
        match self.n_layers {
            1 => a_inf + (a0 - a_inf) * (-self.input_variance * time).exp(),
            2 => a_inf / (1.0 + (a_inf / a0 - 1.0) * (-2.0 * self.singular_value * time).exp()),
            _ => a_inf * self.fraction_of_deep_mode(time),
        }
    }

    /// `a(t) / a(infinity)`.
    pub fn learned_fraction(&self, time: f64) -> f64 {
        self.strength(time) / self.final_strength()
    }

    /// Time at which the learned fraction is q, for q between its initial value and 1.
    ///
    /// ```text
    /// L = 1   t = ln[(1 - f0) / (1 - q)] / d
    /// L = 2   t = [logit(q) - logit(f0)] / (2 s),   f0 = a0 d / s
    /// L > 2   t = (1/s) [ (x^(2-L) - x0^(2-L)) / (2 - L) + k^(L-2) (J(k x) - J(k x0)) ],   x = a^(1/L),  k = (d/s)^(1/L)
    ///         J(y) = int_0^y u / (1 - u^L) du = -(1/L) sum_j w_j^2 ln(1 - y / w_j),   w_j = e^(2 pi i j / L)
    /// ```
    ///
    /// The last follows from `1 / (x^(L-1) (s - d x^L)) = [x^(1-L) + d x / (s - d x^L)] / s` and partial fractions; it is
    /// THEORY (8), for which (9) gives a hypergeometric function and, for L = 3, elementary ones.
    pub fn time_of_fraction(&self, q: f64) -> f64 {
        let start = self.initial_strength / self.final_strength();
        let logit = |p: f64| (p / (1.0 - p)).ln();
        match self.n_layers {
            1 => ((1.0 - start) / (1.0 - q)).ln() / self.input_variance,
            2 => (logit(q) - logit(start)) / (2.0 * self.singular_value),
            _ => self.deep_time(q.ln()) - self.deep_time(start.ln()),
        }
    }

    /// Antiderivative of `dt/da` at a fraction given by its logarithm, for L > 2, up to a constant.
    fn deep_time(&self, ln_fraction: f64) -> f64 {
        let depth = self.n_layers as f64;
        let y = (ln_fraction / depth).exp();
        let one_minus_y = -(ln_fraction / depth).exp_m1();
        // x = y / k, so both terms share the factor k^(L-2).
        let k_power = (self.input_variance / self.singular_value).powf((depth - 2.0) / depth);
        let power = y.powf(2.0 - depth) / (2.0 - depth);
        k_power / self.singular_value * (power + rational_integral(self.n_layers, y, one_minus_y))
    }

    /// Learned fraction at `time` for L > 2, by bisection in its logit.
    fn fraction_of_deep_mode(&self, time: f64) -> f64 {
        let start = self.initial_strength / self.final_strength();
        if time <= 0.0 || (start - 1.0).abs() < 1e-15 {
            return start;
        }
        // Below 1 the logit rises to infinity; above, ln(f) falls to zero. Both ways u -> ln f is monotone.
        let ln_of = |u: f64| if start < 1.0 { -(-u).exp().ln_1p() } else { (-u).exp() };
        let begin = self.deep_time(start.ln());
        let (mut low, mut high) = if start < 1.0 {
            ((start / (1.0 - start)).ln(), 40.0)
        } else {
            (-(start.ln()).ln(), 40.0)
        };
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.deep_time(ln_of(middle)) - begin < time { low = middle } else { high = middle }
        }
        ln_of(0.5 * (low + high)).exp()
    }
}

/// `J(y) = int_0^y u / (1 - u^L) du` (principal value beyond 1), with `1 - y` given apart because it may be tiny.
fn rational_integral(depth: usize, y: f64, one_minus_y: f64) -> f64 {
    let sum: f64 = (0..depth)
        .map(|j| {
            if j == 0 {
                return one_minus_y.abs().ln();
            }
            let angle = TAU * j as f64 / depth as f64;
            let (sine, cosine) = angle.sin_cos();
            let square = 1.0 - 2.0 * y * cosine + y * y;
            let argument = (y * sine).atan2(1.0 - y * cosine);
            (2.0 * angle).cos() * 0.5 * square.ln() - (2.0 * angle).sin() * argument
        })
        .sum();
    -sum / depth as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode =
        Mode { singular_value: 0.33, input_variance: 0.125, initial_strength: 1e-4, n_layers: 2 };

    #[test]
    fn a_mode_starts_at_its_initial_strength() {
        for n_layers in 1..=6 {
            let mode = Mode { n_layers, ..MODE };
            assert!((mode.strength(0.0) / 1e-4 - 1.0).abs() < 1e-9, "depth {n_layers}");
        }
    }

    #[test]
    fn a_mode_settles_at_its_final_strength_without_overflow() {
        for n_layers in 1..=6 {
            for time in [1e6, 1e12, 1e300] {
                let mode = Mode { n_layers, ..MODE };
                assert!(
                    (mode.strength(time) / mode.final_strength() - 1.0).abs() < 1e-12,
                    "depth {n_layers}"
                );
            }
        }
    }

    #[test]
    fn the_time_of_a_fraction_is_when_it_is_learned() {
        for n_layers in 1..=6 {
            let mode = Mode { n_layers, ..MODE };
            for q in [0.01, 0.4928, 0.9, 0.999] {
                let fraction = mode.learned_fraction(mode.time_of_fraction(q));
                assert!(
                    (fraction - q).abs() < 1e-9,
                    "depth {n_layers}: {fraction} at the time of {q}"
                );
            }
        }
    }

    #[test]
    fn depth_three_is_the_elementary_form() {
        // THEORY (9), L = 3: T = (1/s) [-1/x + k H(k x)].
        let h = |y: f64| {
            let root = 3.0f64.sqrt();
            -(1.0 - y).ln() / 3.0 + (1.0 + y + y * y).ln() / 6.0
                - ((2.0 * y + 1.0) / root).atan() / root
        };
        let mode = Mode { n_layers: 3, ..MODE };
        let k = (mode.input_variance / mode.singular_value).cbrt();
        let antiderivative = |a: f64| (-1.0 / a.cbrt() + k * h(k * a.cbrt())) / mode.singular_value;
        for q in [0.01, 0.5, 0.9, 0.99] {
            let expected =
                antiderivative(q * mode.final_strength()) - antiderivative(mode.initial_strength);
            assert!((mode.time_of_fraction(q) / expected - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn every_depth_solves_its_equation() {
        for n_layers in 1..=6 {
            for initial_strength in [1e-3, 0.5, 4.0] {
                let mode = Mode { n_layers, initial_strength, ..MODE };
                for time in [0.5, 5.0, 30.0, 300.0] {
                    let h = 1e-4 * time;
                    let slope = (mode.strength(time + h) - mode.strength(time - h)) / (2.0 * h);
                    let a = mode.strength(time);
                    let depth = n_layers as f64;
                    let error = mode.singular_value - mode.input_variance * a;
                    let expected = depth * a.powf(2.0 - 2.0 / depth) * error;
                    let scale = expected.abs().max(1e-6);
                    assert!(
                        (slope - expected).abs() < 1e-4 * scale,
                        "depth {n_layers}, a0 {initial_strength}, t {time}: {slope} against {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn halving_the_step_halves_the_distance_to_gradient_descent() {
        for n_layers in [2usize, 3, 4] {
            let mode = Mode { initial_strength: 0.01, n_layers, ..MODE };
            let descend = |steps: u32| {
                let mut layers = vec![0.01f64.powf(1.0 / n_layers as f64); n_layers];
                let dt = 20.0 / f64::from(steps);
                for _ in 0..steps {
                    let product: f64 = layers.iter().product();
                    let error = mode.singular_value - mode.input_variance * product;
                    layers = layers.iter().map(|c| c + dt * product / c * error).collect();
                }
                layers.iter().product::<f64>()
            };
            let exact = mode.strength(20.0);
            let error = |steps: u32| (descend(steps) - exact).abs();
            let ratio = error(4_000) / error(8_000);
            assert!(
                (1.9..2.1).contains(&ratio),
                "depth {n_layers}: error ratio {ratio}, expected 2"
            );
        }
    }
}
