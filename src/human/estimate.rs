//! M, V and distances of a participant's response probabilities, from few noisy trials, without bias.
//!
//! # What is estimated
//!
//! A network answers an item with a response; a person marks a label or does not. What corresponds to the network's response is the
//! probability `r_ik` that the label `k` is marked for item `i`, and what a block is to tell is what the judge says of these
//! probabilities, items weighted by their frequencies `w_i` in the task (`rbar = sum_i w_i r_i`):
//!
//! ```text
//!   M^2      = ||rbar - ybar||^2
//!   V        = sum_i w_i ||r_i - rbar||^2
//!   D_ocs    = sum_i w_i ||r_i - ybar||^2 = M^2 + V
//!   D_target = sum_i w_i ||r_i - y_i||^2
//! ```
//!
//! Put the trials' means `m_i` over the `n_i` trials of an item in the place of `r_i`, and each is too large: a square holds the
//! variance of what is squared. A participant who answers by chance alone would have a large V.
//!
//! # Why these have no bias
//!
//! Trials are independent given the items, so that `E m_ik = r_ik` and `Var m_ik = s_ik^2 / n_i` with `s_ik^2` the variance of one
//! response to that item (for marks `r (1 - r)`; nothing of that kind is assumed, so graded responses do as well). The sample
//! variance within an item, over `n_i - 1`, has the mean `s_ik^2`. Hence, with `c` any constant,
//!
//! ```text
//!   E [ (m_ik - c)^2 - s_ik^2 / n_i ]                                       = (r_ik - c)^2
//!   E [ (sum_i w_i m_ik - ybar_k)^2 - sum_i w_i^2 s_ik^2 / n_i ]            = (rbar_k - ybar_k)^2
//! ```
//!
//! the second because items are independent of each other. The first gives `D_ocs` and `D_target`, the second `M^2`, and
//! `V = D_ocs - M^2`.
//!
//! This V is the one of cross-validation: split each item's trials into halves A and B at random; the product
//! `sum_i w_i (m_i^A - mbar^A) . (m_i^B - mbar^B)` has no squares of noise, since halves are independent, and its mean over all
//! splits is the V above. (Over splits, `m_i^A . m_j^B` has the mean `m_i . m_j` for two items and `m_i^2 - s_i^2 / n_i`, the mean
//! product of two different trials, for one.) So nothing hangs on how a block is split. `tests/human/estimators.rs` holds all of this to
//! simulations, in which the plain squares fail.
//!
//! # Where they are undefined
//!
//! If an item of the task has no response in the block, the block does not tell of the task's mean; if no item has two, it does not tell
//! signal from noise. An item that was shown once borrows the mean variance of those shown more often, which is a bias where the variance of
//! its responses is another, as that of a rare item which is learned later than the others: blocks in which each item comes twice have none.
//! Estimates may be below 0, as those of a quantity that is near to 0 must if they are to have no bias: M is the root of M^2 where that is
//! positive, else 0.

use ndarray::{Array2, ArrayView1};

use super::tree::Taught;

/// Estimates of one block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimates {
    /// `M^2`.
    pub mean_output_error_squared: f64,
    /// `V`.
    pub input_dependence: f64,
    /// `D_ocs = M^2 + V`.
    pub distance_to_ocs: f64,
    /// `D_target`.
    pub distance_to_targets: f64,
}

/// Sums over the trials of each item.
#[derive(Debug, Clone)]
pub struct Sums {
    /// `[n_items, n_labels]`: responses that were given.
    counts: Array2<f64>,
    /// Their sum.
    sums: Array2<f64>,
    /// The sum of their squares.
    squares: Array2<f64>,
}

impl Sums {
    /// Of no trial.
    pub fn new(taught: &Taught) -> Sums {
        let zeros = || Array2::zeros(taught.targets.dim());
        Sums { counts: zeros(), sums: zeros(), squares: zeros() }
    }

    /// Of trials: the item and the responses of each, NaN where one is missing.
    pub fn of<'a>(taught: &Taught, trials: impl Iterator<Item = (usize, &'a [f64])>) -> Sums {
        let mut sums = Sums::new(taught);
        trials.for_each(|(item, responses)| sums.add(item, responses, 1.0));
        sums
    }

    /// Adds a trial so many times; -1 takes it away again.
    pub fn add(&mut self, item: usize, responses: &[f64], times: f64) {
        let rows = (self.counts.row_mut(item), self.sums.row_mut(item), self.squares.row_mut(item));
        let (mut counts, mut sums, mut squares) = rows;
        for (label, &response) in responses.iter().enumerate() {
            if !response.is_nan() {
                counts[label] += times;
                sums[label] += times * response;
                squares[label] += times * response * response;
            }
        }
    }

    /// The estimates; `None` where they are undefined.
    pub fn estimates(&self, taught: &Taught) -> Option<Estimates> {
        let mut total = Estimates {
            mean_output_error_squared: 0.0,
            input_dependence: 0.0,
            distance_to_ocs: 0.0,
            distance_to_targets: 0.0,
        };
        for label in 0..taught.n_labels() {
            let own = Label {
                counts: self.counts.column(label),
                sums: self.sums.column(label),
                squares: self.squares.column(label),
                weights: taught.frequencies.view(),
                targets: taught.targets.column(label),
                base_rate: taught.ocs[label],
            };
            let own = own.estimates()?;
            total.mean_output_error_squared += own.mean_output_error_squared;
            total.distance_to_ocs += own.distance_to_ocs;
            total.distance_to_targets += own.distance_to_targets;
        }
        total.input_dependence = total.distance_to_ocs - total.mean_output_error_squared;
        Some(total)
    }
}

/// What is known of one label, `[n_items]` each.
struct Label<'a> {
    counts: ArrayView1<'a, f64>,
    sums: ArrayView1<'a, f64>,
    squares: ArrayView1<'a, f64>,
    weights: ArrayView1<'a, f64>,
    targets: ArrayView1<'a, f64>,
    base_rate: f64,
}

impl Label<'_> {
    fn n_items(&self) -> std::ops::Range<usize> {
        0..self.counts.len()
    }

    /// Variance of one response to an item, over its trials; `None` of fewer than two.
    fn variance(&self, item: usize) -> Option<f64> {
        let count = self.counts[item];
        let around_mean = self.squares[item] - self.sums[item] * self.sums[item] / count;
        (count > 1.5).then(|| around_mean.max(0.0) / (count - 1.0))
    }

    /// Mean variance over the items that tell theirs.
    fn common_variance(&self) -> Option<f64> {
        let (mut total, mut weight) = (0.0, 0.0);
        for item in self.n_items() {
            if let Some(variance) = self.variance(item) {
                total += self.weights[item] * variance;
                weight += self.weights[item];
            }
        }
        (weight > 0.0).then(|| total / weight)
    }

    /// This label's parts of the sums; V is left out.
    fn estimates(&self) -> Option<Estimates> {
        let common = self.common_variance()?;
        let (mut mean, mut noise_of_mean) = (0.0, 0.0);
        let (mut to_ocs, mut to_targets) = (0.0, 0.0);
        for item in self.n_items() {
            let (count, weight) = (self.counts[item], self.weights[item]);
            if count < 0.5 {
                return None;
            }
            let own = self.sums[item] / count;
            let noise = self.variance(item).unwrap_or(common) / count;
            let square = |from: f64| (own - from) * (own - from) - noise;
            mean += weight * own;
            noise_of_mean += weight * weight * noise;
            to_ocs += weight * square(self.base_rate);
            to_targets += weight * square(self.targets[item]);
        }
        let error = mean - self.base_rate;
        Some(Estimates {
            mean_output_error_squared: error * error - noise_of_mean,
            input_dependence: 0.0,
            distance_to_ocs: to_ocs,
            distance_to_targets: to_targets,
        })
    }
}

/// V of a block whose responses belong to other items than they were given to, over and over: what V is by chance.
pub struct Shuffled<'a> {
    taught: &'a Taught,
    items: Vec<usize>,
    /// `[n_trials, n_labels]`.
    responses: Vec<&'a [f64]>,
    sums: Sums,
}

impl<'a> Shuffled<'a> {
    /// Of trials.
    pub fn of(taught: &'a Taught, trials: impl Iterator<Item = (usize, &'a [f64])>) -> Self {
        let (items, responses) = trials.unzip();
        Shuffled { taught, items, responses, sums: Sums::new(taught) }
    }

    /// V as it is.
    pub fn input_dependence(&mut self) -> Option<f64> {
        for table in [&mut self.sums.counts, &mut self.sums.sums, &mut self.sums.squares] {
            table.fill(0.0);
        }
        for (&item, responses) in self.items.iter().zip(&self.responses) {
            self.sums.add(item, responses, 1.0);
        }
        Some(self.sums.estimates(self.taught)?.input_dependence)
    }

    /// V with items dealt anew.
    pub fn shuffled(&mut self, random: &mut impl rand::Rng) -> Option<f64> {
        use rand::seq::SliceRandom;
        self.items.shuffle(random);
        self.input_dependence()
    }
}
