//! One singular mode of a two-layer linear network.

/// A mode that starts aligned and balanced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mode {
    /// s, of Sigma_yx.
    pub singular_value: f64,
    /// d: variance of the inputs along the mode.
    pub input_variance: f64,
    /// a0 > 0, end to end.
    pub initial_strength: f64,
}

impl Mode {
    /// `a(infinity) = s / d`.
    pub fn final_strength(&self) -> f64 {
        self.singular_value / self.input_variance
    }

    /// Strength `a(t)` under gradient flow, `t = eta * step >= 0`.
    ///
    /// ```text
    /// da/dt = 2 a (s - d a),   a(t) = a_inf / (1 + (a_inf / a0 - 1) e^(-2 s t)),   a_inf = s / d
    /// ```
    ///
    /// Exact if both layers start aligned with the mode and equally strong. The decaying exponential is deliberate:
    /// with `e^(+2 s t)` the same solution becomes `inf / inf` late in learning.
    ///
    /// Saxe, McClelland and Ganguli (2014), there for d = 1; THEORY (4).
    pub fn strength(&self, time: f64) -> f64 {
        let a_inf = self.final_strength();
        a_inf
            / (1.0
                + (a_inf / self.initial_strength - 1.0) * (-2.0 * self.singular_value * time).exp())
    }

    /// `a(t) / a(infinity)`.
    pub fn learned_fraction(&self, time: f64) -> f64 {
        self.strength(time) / self.final_strength()
    }

    /// Time at which the learned fraction is q, for q between its initial value and 1.
    ///
    /// ```text
    /// t_q = [logit(q) - logit(a0 d / s)] / (2 s)
    /// ```
    ///
    /// THEORY (4).
    pub fn time_of_fraction(&self, q: f64) -> f64 {
        let logit = |p: f64| (p / (1.0 - p)).ln();
        (logit(q) - logit(self.initial_strength / self.final_strength()))
            / (2.0 * self.singular_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode = Mode { singular_value: 0.33, input_variance: 0.125, initial_strength: 1e-4 };

    #[test]
    fn a_mode_starts_at_its_initial_strength() {
        assert!((MODE.strength(0.0) / 1e-4 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_mode_settles_at_its_final_strength_without_overflow() {
        for time in [1e3, 1e6, 1e300] {
            assert!((MODE.strength(time) / MODE.final_strength() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_time_of_a_fraction_is_when_it_is_learned() {
        for q in [0.01, 0.4928, 0.9, 0.999] {
            assert!((MODE.learned_fraction(MODE.time_of_fraction(q)) - q).abs() < 1e-12);
        }
    }

    #[test]
    fn halving_the_step_halves_the_distance_to_gradient_descent() {
        let descend = |steps: u32| {
            let (mut first, mut second, dt) = (0.1f64, 0.1f64, 20.0 / f64::from(steps));
            for _ in 0..steps {
                let error = MODE.singular_value - MODE.input_variance * first * second;
                (first, second) = (first + dt * second * error, second + dt * first * error);
            }
            first * second
        };
        let exact = Mode { initial_strength: 0.01, ..MODE }.strength(20.0);
        let error = |steps: u32| (descend(steps) - exact).abs();
        let ratio = error(4_000) / error(8_000);
        assert!((1.9..2.1).contains(&ratio), "error ratio {ratio}, expected 2");
    }
}
