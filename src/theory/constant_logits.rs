//! Cross-entropy of a network that sees nothing but a constant: logits that are biases, on their way to the OCS.

use ndarray::Array1;

use super::answer::Answer;
use super::integrate::Integrator;
use crate::config::Loss;

/// Logits of an output bias alone under gradient flow, from zero: `db/dt = ybar - r(b)`, with responses `r` the logistic of each
/// logit, or the softmax of each level's (or `b` itself under squared error). THEORY section 8.
///
/// What a network with an output bias does while its weights are small. Under binary cross-entropy (16) is its closed form; under
/// softmax `sum_k b_k` stays 0 on each level, and two labels of base rates `p` and `1 - p` are one logit, their difference, at twice
/// the rate. Balanced levels do not move.
#[derive(Debug, Clone)]
pub struct ConstantLogits {
    ocs: Array1<f64>,
    answer: Answer,
}

/// Relative error of an onset.
const ROOT: f64 = 1e-10;

/// Onsets later than this are never: rates of change are no smaller than the smallest base rate.
const LATEST: f64 = 1e9;

impl ConstantLogits {
    /// Of base rates, `[n_labels]`, under a loss, with so many labels on each level.
    pub fn new(ocs: &[f64], levels: &[usize], loss: Loss) -> Self {
        let mut end = 0;
        let columns = levels.iter().map(|n_labels| {
            end += n_labels;
            end - n_labels..end
        });
        ConstantLogits { answer: Answer::new(loss, columns.collect()), ocs: ocs.to_vec().into() }
    }

    /// Responses to logits, `[n_labels]`.
    fn responses(&self, logits: &[f64]) -> Array1<f64> {
        let row = Array1::from(logits.to_vec()).insert_axis(ndarray::Axis(0));
        self.answer.of(row).remove_axis(ndarray::Axis(0))
    }

    fn advance(&self, solution: &mut Integrator, time: f64) {
        let rate = |_, logits: &[f64], rate: &mut [f64]| {
            let error = &self.ocs - &self.responses(logits);
            rate.iter_mut().zip(error).for_each(|(rate, error)| *rate = error);
        };
        solution.advance(time, &rate);
    }

    /// Logits at a time, `[n_labels]`.
    pub fn logits(&self, time: f64) -> Vec<f64> {
        let mut solution = Integrator::new(vec![0.0; self.ocs.len()]);
        self.advance(&mut solution, time);
        solution.state().to_vec()
    }

    /// `M / ||ybar||` of the responses to logits.
    fn error(&self, logits: &[f64]) -> f64 {
        let error = self.responses(logits) - &self.ocs;
        (error.dot(&error) / self.ocs.dot(&self.ocs)).sqrt()
    }

    /// First time with `M <= q ||ybar||`, to relative 1e-10: 0 where there is nothing to learn; `None` if never.
    pub fn onset(&self, threshold: f64) -> Option<f64> {
        let mut solution = Integrator::new(vec![0.0; self.ocs.len()]);
        while self.error(solution.state()) > threshold {
            let mut later = solution.clone();
            self.advance(&mut later, (1.05 * solution.time()).max(solution.time() + 1e-3));
            if later.time() > LATEST {
                return None;
            }
            if self.error(later.state()) > threshold {
                solution = later;
                continue;
            }
            let mut end = later.time();
            while end - solution.time() > ROOT * end {
                let mut middle = solution.clone();
                self.advance(&mut middle, 0.5 * (solution.time() + end));
                if self.error(middle.state()) <= threshold {
                    end = middle.time();
                } else {
                    solution = middle;
                }
            }
            return Some(end);
        }
        Some(0.0)
    }
}

/// Constant logits of the OCS under softmax, the log prior, with mean 0 on each of the levels of so many labels; `ocs` holds their
/// base rates.
pub fn log_prior(ocs: &[f64], levels: &[usize]) -> Vec<f64> {
    let mut rest = ocs;
    let mut logits = Vec::with_capacity(ocs.len());
    for &n_labels in levels {
        let (level, below) = rest.split_at(n_labels.min(rest.len()));
        rest = below;
        let mean = level.iter().map(|rate| rate.ln()).sum::<f64>() / n_labels as f64;
        logits.extend(level.iter().map(|rate| rate.ln() - mean));
    }
    logits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::task::Task;

    fn of(keys: &[&str]) -> ConstantLogits {
        let overrides: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
        let config = config::parse("name: x", "x", &overrides).unwrap();
        let task = Task::of(&config, None).unwrap();
        let levels: Vec<usize> = task.level_columns().iter().map(|level| level.len()).collect();
        ConstantLogits::new(&task.ocs().to_vec(), &levels, config.training.loss)
    }

    const BINARY: &str = "training.loss=binary-cross-entropy";
    const SOFTMAX: &str = "training.loss=softmax-cross-entropy";
    const UNEQUAL: &str = "task.frequencies=[3, 1]";

    /// (16) of THEORY: the time at which one label of base rate `y` has come from 1/2 to `p`.
    fn closed(y: f64, p: f64) -> f64 {
        let log = |value: f64| value.ln();
        log(2.0 * p) / y + log(2.0 * (1.0 - p)) / (1.0 - y)
            - log((y - p) / (y - 0.5)) / (y * (1.0 - y))
    }

    #[test]
    fn binary_logits_are_those_of_the_closed_form() {
        let constant = of(&[BINARY]);
        for time in [0.5, 4.0, 30.0] {
            let logits = constant.logits(time);
            assert_eq!(logits[0], 0.0, "the top level is at its base rate");
            for (label, y) in [(2, 0.25), (6, 0.125)] {
                let p = 1.0 / (1.0 + (-logits[label]).exp());
                assert!((closed(y, p) / time - 1.0).abs() < 1e-8, "label {label} at {time}");
            }
        }
        assert!((constant.onset(0.1).unwrap() - 13.87).abs() < 0.01);
    }

    #[test]
    fn two_labels_under_softmax_learn_their_difference_at_twice_the_rate() {
        let (softmax, binary) = (
            of(&[SOFTMAX, "task.branching=[2]", UNEQUAL]),
            of(&[BINARY, "task.branching=[2]", UNEQUAL]),
        );
        for time in [0.1, 1.0, 10.0] {
            let (two, one) = (softmax.logits(time), binary.logits(2.0 * time));
            assert!((two[0] - two[1] - one[0]).abs() < 1e-9, "{two:?} {one:?} at {time}");
        }
    }

    #[test]
    fn softmax_finds_the_log_prior_and_keeps_its_mean() {
        let constant = of(&[SOFTMAX, "task.frequencies=[27, 9, 9, 3, 9, 3, 3, 1]"]);
        let expected = log_prior(constant.ocs.as_slice().unwrap(), &[2, 4, 8]);
        for (found, expected) in constant.logits(3000.0).iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let early = constant.logits(2.0);
        for level in [0..2, 2..6, 6..14] {
            assert!(early[level.clone()].iter().sum::<f64>().abs() < 1e-12, "{level:?}");
        }
    }

    #[test]
    fn balanced_levels_have_nothing_to_learn() {
        let constant = of(&[SOFTMAX]);
        assert_eq!(constant.onset(0.1), Some(0.0));
        assert!(constant.logits(50.0).iter().all(|logit| logit.abs() < 1e-14));
    }

    #[test]
    fn squared_error_settles_exponentially() {
        // M = ||ybar|| e^-t.
        assert!((of(&[]).onset(0.1).unwrap() - 10f64.ln()).abs() < 1e-9);
    }
}
