//! What a network's outputs answer under a loss.

use std::ops::Range;

use ndarray::{Array2, ArrayViewMut1, s};

use crate::config::Loss;

/// From outputs to responses: as they are, or probabilities under cross-entropy, of each label or of each level's labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    loss: Loss,
    /// Label columns of each level.
    levels: Vec<Range<usize>>,
}

impl Answer {
    /// Under a loss on labels whose levels have these columns.
    pub fn new(loss: Loss, levels: Vec<Range<usize>>) -> Self {
        Answer { loss, levels }
    }

    /// Responses to outputs, `[n_items, n_labels]`.
    pub fn of(&self, mut outputs: Array2<f64>) -> Array2<f64> {
        match self.loss {
            Loss::HalfSquaredError => outputs,
            Loss::BinaryCrossEntropy => outputs.mapv_into(|z| 1.0 / (1.0 + (-z).exp())),
            Loss::SoftmaxCrossEntropy => {
                for level in &self.levels {
                    let mut columns = outputs.slice_mut(s![.., level.clone()]);
                    columns.rows_mut().into_iter().for_each(softmax);
                }
                outputs
            }
        }
    }
}

/// `e^z_k / sum_j e^z_j`; the largest logit is taken off first, so that nothing overflows.
fn softmax(mut logits: ArrayViewMut1<f64>) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.mapv_inplace(|z| (z - largest).exp());
    let sum = logits.sum();
    logits /= sum;
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn softmax_of(outputs: Array2<f64>) -> Array2<f64> {
        Answer::new(Loss::SoftmaxCrossEntropy, vec![0..2, 2..5]).of(outputs)
    }

    #[test]
    fn levels_are_told_apart_and_sum_to_one() {
        let found = softmax_of(array![[0.0, 3f64.ln(), 0.0, 2f64.ln(), 3f64.ln()]]);
        let expected = array![[0.25, 0.75, 1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0]];
        assert!((found - expected).iter().all(|gap| gap.abs() < 1e-15));
    }

    #[test]
    fn a_constant_on_a_level_changes_nothing_however_large() {
        let logits = array![[0.3, -0.2, 1.0, 0.0, -1.0]];
        let moved = &logits + &array![[800.0, 800.0, -900.0, -900.0, -900.0]];
        let (one, other) = (softmax_of(logits), softmax_of(moved));
        assert!((one - other).iter().all(|gap| gap.abs() < 1e-12));
    }

    #[test]
    fn two_labels_are_one_logistic_of_their_difference() {
        let found = softmax_of(array![[0.7, -0.4, 0.0, 0.0, 0.0]]);
        assert!((found[[0, 0]] - 1.0 / (1.0 + (-1.1f64).exp())).abs() < 1e-15);
    }
}
