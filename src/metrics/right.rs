//! Which responses are right.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

/// What makes a response to each sample right.
#[derive(Debug, Clone, PartialEq)]
pub enum Right {
    /// The largest response within a level's columns is that of the sample's label there; columns of the level and of the label.
    Labels(Vec<(Range<usize>, usize)>),
    /// The one response lies on the same side of a number as the target, above for `true`; on it counts as above.
    Sides {
        /// The number.
        between: f64,
        /// Of each sample.
        above: Vec<bool>,
    },
}

impl Right {
    /// By labels, 0 or 1, `[n_samples, n_labels]`, each sample's at the deepest level on which it has one.
    pub fn by_labels(labels: &Array2<f64>, levels: &[Range<usize>]) -> Self {
        let of_sample = |sample: usize| {
            let label = |level: &Range<usize>| {
                level.clone().find(|&column| labels[[sample, column]] == 1.0)
            };
            let deepest =
                levels.iter().rev().find_map(|level| Some((level.clone(), label(level)?)));
            deepest.unwrap_or((0..0, 0))
        };
        Right::Labels((0..labels.nrows()).map(of_sample).collect())
    }

    /// By which of two numbers each target is.
    pub fn by_sides(targets: impl Iterator<Item = f64>, between: f64) -> Self {
        Right::Sides { between, above: targets.map(|target| target >= between).collect() }
    }

    /// Samples.
    pub fn count(&self) -> usize {
        match self {
            Right::Labels(labels) => labels.len(),
            Right::Sides { above, .. } => above.len(),
        }
    }

    /// Whether each of `responses`, `[n_samples, n_labels]`, is right. Of equal responses the first counts, as in PyTorch's argmax.
    pub fn of(&self, responses: ArrayView2<f64>) -> Vec<bool> {
        match self {
            Right::Labels(labels) => {
                let is_right = |(sample, (level, label)): (usize, &(Range<usize>, usize))| {
                    let mut best = level.start;
                    for column in level.clone() {
                        if responses[[sample, column]] > responses[[sample, best]] {
                            best = column;
                        }
                    }
                    !level.is_empty() && best == *label
                };
                labels.iter().enumerate().map(is_right).collect()
            }
            Right::Sides { between, above } => {
                let answers = responses.column(0);
                above.iter().zip(answers).map(|(above, y)| *above == (y >= between)).collect()
            }
        }
    }

    /// The share of right responses.
    pub fn accuracy(&self, responses: ArrayView2<f64>) -> f64 {
        let right = self.of(responses).into_iter().filter(|is_right| *is_right).count();
        right as f64 / self.count().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_deepest_label_decides() {
        // Two labels on the top level, two below the first; the last sample has none below.
        let labels = array![[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]];
        let right = Right::by_labels(&labels, &[0..2, 2..4]);
        let responses = array![[0.0, 9.0, 0.3, 0.2], [9.0, 0.0, 0.3, 0.2], [0.1, 0.2, 9.0, 0.0]];
        assert_eq!(right.of(responses.view()), [true, false, true]);
        assert_eq!(right.accuracy(responses.view()), 2.0 / 3.0);
        // A response like all others names the first.
        assert_eq!(right.of(Array2::zeros((3, 4)).view()), [true, false, false]);
    }

    #[test]
    fn a_side_decides_between_two_numbers() {
        let right = Right::by_sides([1.2, -0.8, 1.2].into_iter(), 0.2);
        assert_eq!(right.of(array![[0.3], [0.1], [0.1]].view()), [true, true, false]);
    }
}
