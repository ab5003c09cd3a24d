//! Ordinary differential equations by the Dormand-Prince pair of orders 5 and 4, with error control.

/// A solution that is advanced from time to time.
///
/// Dormand and Prince 1980; local extrapolation, so the result is of order 5.
#[derive(Debug, Clone)]
pub struct Integrator {
    time: f64,
    state: Vec<f64>,
    step: f64,
    /// Steps tried so far.
    attempts: usize,
    /// Size below which errors are absolute: that of the start, at most 1, so that a tiny start is followed too.
    floor: f64,
    /// Error per step that is allowed, relative to the state and absolute.
    tolerance: f64,
}

/// `rate(time, state, derivative)` writes the derivative.
type Rate<'a> = &'a dyn Fn(f64, &[f64], &mut [f64]);

/// Error per step that is allowed unless another is asked for.
const TOLERANCE: f64 = 1e-12;

const NODES: [f64; 6] = [1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
const WEIGHTS: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// Difference of the solutions of order 5 and 4.
const ERRORS: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

impl Integrator {
    /// At time 0.
    pub fn new(state: Vec<f64>) -> Self {
        Integrator::with_tolerance(state, TOLERANCE)
    }

    /// At time 0, with an error per step of up to `tolerance`, relative to the state and absolute.
    pub fn with_tolerance(state: Vec<f64>, tolerance: f64) -> Self {
        let largest = state.iter().fold(0.0, |largest: f64, value| value.abs().max(largest));
        let floor = if largest > 0.0 { largest.min(1.0) } else { 1.0 };
        Integrator { time: 0.0, state, step: 1e-3, attempts: 0, floor, tolerance }
    }

    /// Where the solution stands.
    pub fn state(&self) -> &[f64] {
        &self.state
    }

    /// When.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Goes on to `end`, or until `settled`, of the state, is true: from then on time passes without change. It is asked
    /// at first and every hundred steps, so that a stiff solution is not followed for ever after it stands still. After
    /// `most_steps` in all it stays where it is, short of `end`.
    pub fn advance_until_settled(
        &mut self,
        end: f64,
        rate: Rate,
        settled: &dyn Fn(&[f64]) -> bool,
        most_steps: usize,
    ) {
        while self.time < end && self.attempts < most_steps {
            if settled(&self.state) {
                self.time = end;
                return;
            }
            self.advance_some(end, rate, 100);
        }
    }

    /// Goes on to `end`.
    pub fn advance(&mut self, end: f64, rate: Rate) {
        self.advance_some(end, rate, usize::MAX);
    }

    /// Goes on to `end` in at most so many steps.
    fn advance_some(&mut self, end: f64, rate: Rate, most: usize) {
        let most = self.attempts.saturating_add(most);
        while self.time < end && self.attempts < most {
            let step = self.step.min(end - self.time);
            self.attempts += 1;
            let (next, error) = self.attempt(step, rate);
            // A step that time cannot resolve is taken as it is, rather than halved for ever.
            if error <= 1.0 || step <= f64::EPSILON * self.time {
                self.state = next;
                // The last step lands on `end` exactly.
                self.time = if step >= end - self.time { end } else { self.time + step };
            }
            let factor = (0.9 * error.max(1e-10).powf(-0.2)).clamp(0.2, 5.0);
            // A step cut short by `end` says nothing against a longer one.
            self.step = if error <= 1.0 && step < self.step {
                self.step.max(step * factor)
            } else {
                step * factor
            };
        }
    }

    /// The state one step on, and its error in units of the tolerance.
    fn attempt(&self, step: f64, rate: Rate) -> (Vec<f64>, f64) {
        let n = self.state.len();
        let mut slopes = vec![vec![0.0; n]];
        rate(self.time, &self.state, &mut slopes[0]);
        let mut point = self.state.clone();
        for (node, weights) in NODES.iter().zip(WEIGHTS) {
            for i in 0..n {
                let sum: f64 =
                    weights.iter().zip(&slopes).map(|(weight, slope)| weight * slope[i]).sum();
                point[i] = self.state[i] + step * sum;
            }
            let mut slope = vec![0.0; n];
            rate(self.time + node * step, &point, &mut slope);
            slopes.push(slope);
        }
        let error = (0..n)
            .map(|i| {
                let difference: f64 =
                    ERRORS.iter().zip(&slopes).map(|(weight, slope)| weight * slope[i]).sum();
                let scale = self.tolerance * (self.floor + self.state[i].abs().max(point[i].abs()));
                (step * difference / scale).abs()
            })
            .fold(0.0, f64::max);
        // A state that is not finite must be rejected, and `max` drops NaN.
        let finite = point.iter().all(|value| value.is_finite());
        (point, if finite { error } else { f64::INFINITY })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oscillation_is_followed_to_the_tolerance() {
        let mut integrator = Integrator::new(vec![1.0, 0.0]);
        for time in [0.1, 3.0, 20.0] {
            integrator.advance(time, &|_, state, rate| {
                rate[0] = -state[1];
                rate[1] = state[0];
            });
            assert!((integrator.state()[0] - time.cos()).abs() < 1e-10);
            assert!((integrator.state()[1] - time.sin()).abs() < 1e-10);
            assert_eq!(integrator.time(), time);
        }
    }

    #[test]
    fn the_order_of_one_step_is_six() {
        let error = |step: f64| {
            let (next, _) = Integrator::new(vec![1.0])
                .attempt(step, &|time, state, rate| rate[0] = state[0] * time.cos());
            (next[0] - time_solution(step)).abs()
        };
        fn time_solution(time: f64) -> f64 {
            time.sin().exp()
        }
        let ratio = error(0.4) / error(0.2);
        assert!((50.0..80.0).contains(&ratio), "error ratio {ratio}, expected 64");
    }
}
