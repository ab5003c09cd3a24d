//! Bias-free (leaky) ReLU networks on symmetric inputs with odd targets: two groups of hidden units, and the linear network that
//! they are in slower time.
//!
//! `sigma(z) = max(z, alpha z) = b z + ((1 - alpha)/2) |z|` with `b = (1 + alpha)/2`. So the odd part of a network of two layers,
//! `(f(x) - f(-x))/2 = b W_2 W_1 x`, is linear, exactly [Zhang, Saxe and Latham 2024]. Under `p(x) = p(-x)` and odd targets the
//! gradients see little else while weights are small.

use ndarray::{Array1, Array2};

use super::integrate::Integrator;
use super::modes::Mode;

/// The share of a unit's input that it passes to the odd part, `b = (1 + alpha)/2` for slope alpha below 0. A bias-free network of
/// two layers with slope alpha is a linear network in time `b t` that starts from `sqrt(b)` times its weights; exactly so from a
/// mirrored start, `W_1 = [c; -c] r^T, W_2 = [c^T, -c^T]`, whatever the symmetric inputs and odd targets:
///
/// ```text
/// W(t) = b^(-1/2) W_linear(b t),   f(t) = f_linear(b t)
/// ```
///
/// Zhang, Saxe and Latham (2024).
pub fn passed_share(negative_slope: f64) -> f64 {
    (1.0 + negative_slope) / 2.0
}

/// Two groups of units, those with positive and those with negative output weights, that a network of two layers without biases
/// becomes from a small random start. They see `z = r.x` along `r = <y x> / |<y x>|`, and answer
///
/// ```text
/// f = p sigma(z) - n sigma(-z)
/// p' = 2p (b s - kappa tau p - alpha tau n),   n' = 2n (b s - kappa tau n - alpha tau p),   kappa = (1 + alpha^2)/2
/// ```
///
/// Own derivation. Valid for small starts, inputs with `p(x) = p(-x)` and `<x x^T> = tau I`, and odd targets with mean product
/// `s = |<y x>|`. For alpha = 1 the network is linear, and only `p + n` is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Halves {
    /// `[p(0), n(0)]`, as `of_weights` finds them; positive.
    pub start: [f64; 2],
    /// s.
    pub drive: f64,
    /// tau.
    pub variance: f64,
    /// alpha.
    pub negative_slope: f64,
}

impl Halves {
    /// `[p, n]` of weights `first`, `[width, n_inputs]`, and `second`, `[width]`, along `direction`, a unit vector of inputs: the
    /// growing part of unit i is `g_i = (a_i + w_i.r)/2`; `p` sums the squares of the positive ones, `n` those of the negative.
    /// The other half of each unit's weights shrinks. Of aligned, balanced weights `g_i = a_i`, at any time.
    pub fn of_weights(
        first: &Array2<f64>,
        second: &Array1<f64>,
        direction: &Array1<f64>,
    ) -> [f64; 2] {
        let growing = 0.5 * (&first.dot(direction) + second);
        let sum = |sign: f64| growing.iter().filter(|g| **g * sign > 0.0).map(|g| g * g).sum();
        [sum(1.0), sum(-1.0)]
    }

    /// The same network with its groups equally strong: one logistic, as a linear network has. What is between the two is what
    /// finite width does.
    pub fn evened(self) -> Self {
        let mean = 0.5 * (self.start[0] + self.start[1]);
        Halves { start: [mean; 2], ..self }
    }

    /// `[p, n]` at each of `times` (increasing). For alpha = 0 the groups do not see each other, and each is a logistic:
    /// `p(t) = (s/tau) / (1 + (s/(tau p0) - 1) e^(-s t))`.
    pub fn at(&self, times: &[f64]) -> Vec<[f64; 2]> {
        let Halves { start, drive, variance, negative_slope } = *self;
        if negative_slope == 0.0 {
            // A mode of two layers in half the time: its rate is 2 s.
            let of_half = |p: f64, time| {
                Mode {
                    singular_value: drive,
                    input_variance: variance,
                    initial_strength: p,
                    n_layers: 2,
                }
                .strength(0.5 * time)
            };
            return times.iter().map(|&time| start.map(|p| of_half(p, time))).collect();
        }
        let (alpha, b) = (negative_slope, passed_share(negative_slope));
        let kappa = (1.0 + alpha * alpha) / 2.0;
        let rate = |_: f64, state: &[f64], derivative: &mut [f64]| {
            for (half, other) in [(0, 1), (1, 0)] {
                let taken = kappa * state[half] + alpha * state[other];
                derivative[half] = 2.0 * state[half] * (b * drive - variance * taken);
            }
        };
        let mut course = Integrator::new(start.to_vec());
        let mut halves = Vec::with_capacity(times.len());
        for &time in times {
            course.advance(time, &rate);
            halves.push([course.state()[0], course.state()[1]]);
        }
        halves
    }

    /// Slope of the odd part along r, `b (p + n)`; ends at `s / tau`.
    pub fn odd_slope(&self, [p, n]: [f64; 2]) -> f64 {
        passed_share(self.negative_slope) * (p + n)
    }

    /// Half the squared error, for targets of mean square `target_square`:
    /// `1/2 <y^2> - b (p + n) s + (tau/2) [b^2 (p + n)^2 + ((1 - alpha)^2 / 4) (p - n)^2]`.
    pub fn loss(&self, [p, n]: [f64; 2], target_square: f64) -> f64 {
        let odd = self.odd_slope([p, n]);
        let even = 0.5 * (1.0 - self.negative_slope) * (p - n);
        0.5 * target_square - odd * self.drive + 0.5 * self.variance * (odd * odd + even * even)
    }
}

/// Strength of one half at `time` in a bias-free ReLU network (alpha = 0) of L layers from a mirrored start of `scale` along r:
///
/// ```text
/// p' = (L/2) p^(2 - 2/L) (s - tau p),   p(0) = scale^L
/// ```
///
/// a linear network's mode (THEORY 8) in half the time: each half sees half the inputs. Own derivation; exact for inputs with
/// `p(x) = p(-x)` and `<x x^T> = tau I`, and targets `s/tau r.x`.
pub fn deep_half(n_layers: usize, scale: f64, [drive, variance]: [f64; 2], time: f64) -> f64 {
    let initial_strength = scale.powf(n_layers as f64);
    let mode = Mode { singular_value: drive, input_variance: variance, initial_strength, n_layers };
    mode.strength(0.5 * time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(start: [f64; 2], negative_slope: f64) -> Halves {
        Halves { start, drive: 1.0, variance: 1.0, negative_slope }
    }

    /// The rate that `Halves` writes in its comment, by central differences of what it answers.
    fn rate_off(theory: Halves, time: f64) -> f64 {
        let step = 1e-4;
        let at = theory.at(&[time - step, time, time + step]);
        let (alpha, b) = (theory.negative_slope, passed_share(theory.negative_slope));
        let kappa = (1.0 + alpha * alpha) / 2.0;
        let [p, n] = at[1];
        let rate = |p: f64, n: f64| {
            2.0 * p * (b * theory.drive - theory.variance * (kappa * p + alpha * n))
        };
        let found = [0, 1].map(|half| (at[2][half] - at[0][half]) / (2.0 * step));
        (found[0] - rate(p, n)).abs().max((found[1] - rate(n, p)).abs())
    }

    #[test]
    fn halves_obey_their_equations_with_and_without_a_leak() {
        for alpha in [0.0, 0.3, 0.9] {
            for time in [1.0, 6.0, 9.0, 15.0] {
                let theory = Halves { drive: 0.7, variance: 1.4, ..halves([1e-3, 2e-4], alpha) };
                assert!(rate_off(theory, time) < 1e-7, "alpha {alpha}, time {time}");
            }
        }
    }

    #[test]
    fn a_leak_of_nearly_nothing_is_none() {
        let times = [2.0, 5.0, 8.0, 10.0, 20.0];
        let (closed, followed) =
            (halves([1e-3, 2e-4], 0.0).at(&times), halves([1e-3, 2e-4], 1e-12).at(&times));
        for (one, other) in closed.iter().flatten().zip(followed.iter().flatten()) {
            assert!((one - other).abs() < 1e-9);
        }
    }

    #[test]
    fn they_end_at_the_least_squares_slope_without_an_even_part_and_the_loss_falls_on_the_way() {
        for alpha in [0.0, 0.3] {
            let theory = Halves { drive: 0.6, variance: 1.5, ..halves([1e-3, 2e-4], alpha) };
            let times: Vec<f64> = (0..200).map(f64::from).collect();
            let at = theory.at(&times);
            assert!((theory.odd_slope(at[199]) - 0.4).abs() < 1e-9);
            assert!((at[199][0] - at[199][1]).abs() < 1e-9);
            let square = 0.6 * 0.6 / 1.5;
            let losses: Vec<f64> = at.iter().map(|&halves| theory.loss(halves, square)).collect();
            assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] + 1e-15));
            assert!(losses[199].abs() < 1e-9);
        }
    }

    #[test]
    fn equal_halves_are_a_linear_mode_in_slower_time() {
        // The linear network starts from sqrt(b) times the weights, so its strength from b times 2 p.
        for alpha in [0.0, 0.3, 1.0] {
            let b = passed_share(alpha);
            let theory = halves([5e-4, 5e-4], alpha);
            let mode = Mode {
                singular_value: 1.0,
                input_variance: 1.0,
                initial_strength: b * 1e-3,
                n_layers: 2,
            };
            for (time, halves) in [3.0, 8.0, 12.0].iter().zip(theory.at(&[3.0, 8.0, 12.0])) {
                let slope = theory.odd_slope(halves);
                assert!((slope - mode.strength(b * time)).abs() < 1e-9, "alpha {alpha}");
            }
        }
    }

    #[test]
    fn two_layers_of_a_mirrored_start_are_one_half() {
        for time in [0.0, 3.0, 9.0] {
            let one = halves([0.01; 2], 0.0).at(&[time])[0][0];
            assert!((deep_half(2, 0.1, [1.0, 1.0], time) - one).abs() < 1e-12);
        }
        // And three begin at the rate that the comment writes.
        let step = 1e-5;
        let rate =
            (deep_half(3, 0.15, [1.0, 1.0], step) - deep_half(3, 0.15, [1.0, 1.0], 0.0)) / step;
        let p = 0.15f64.powi(3);
        assert!((rate / (1.5 * p.powf(4.0 / 3.0) * (1.0 - p)) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn groups_are_told_apart_by_the_sign_of_what_grows() {
        use ndarray::array;
        let (first, second) =
            (array![[0.3, 9.0], [-0.1, 9.0], [0.2, 9.0]], array![0.1, -0.3, -0.2]);
        let [p, n] = Halves::of_weights(&first, &second, &array![1.0, 0.0]);
        assert!((p - 0.04).abs() < 1e-15 && (n - 0.04).abs() < 1e-15);
    }
}
