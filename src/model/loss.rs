//! Losses, and what of a network's outputs is judged.

use tch::{Kind, Reduction, Tensor};

use crate::config::Loss;
use crate::task::Task;

/// What is minimised: a loss of outputs, whose columns are the labels of each level, one level after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    kind: Loss,
    /// Labels of each level; none without a tree.
    levels: Vec<i64>,
}

impl Objective {
    /// Of a task's labels.
    pub fn new(kind: Loss, task: &Task) -> Self {
        let levels = task.level_columns().iter().map(|level| level.len() as i64).collect();
        Objective { kind, levels }
    }

    /// The loss.
    pub fn kind(&self) -> Loss {
        self.kind
    }

    /// Losses of `outputs` (responses, or logits under cross-entropy), `[.., n_samples, n_labels]`, with sample weights that sum to
    /// 1, `[n_samples]`; one for each network if there is a leading dimension of them.
    pub fn losses(&self, outputs: &Tensor, targets: &Tensor, weights: &Tensor) -> Tensor {
        let per_sample = match self.kind {
            Loss::HalfSquaredError => {
                (outputs - targets).square().sum_dim_intlist(-1i64, false, None) * 0.5
            }
            Loss::BinaryCrossEntropy => outputs
                .binary_cross_entropy_with_logits::<Tensor>(
                    &targets.expand_as(outputs),
                    None,
                    None,
                    Reduction::None,
                )
                .sum_dim_intlist(-1i64, false, None),
            // Of the logits' differences alone, which neither overflow nor lose small probabilities.
            Loss::SoftmaxCrossEntropy => {
                let logs =
                    self.on_each_level(outputs, |logits| logits.log_softmax(-1, None::<Kind>));
                -(logs * targets).sum_dim_intlist(-1i64, false, None)
            }
        };
        per_sample.matmul(weights)
    }

    /// What is judged: outputs as they are, or probabilities under cross-entropy. Under every loss the gradient with respect to
    /// a sample's outputs is its weight times responses less targets; of softmax because targets sum to 1 on each level.
    pub fn responses(&self, outputs: &Tensor) -> Tensor {
        match self.kind {
            Loss::HalfSquaredError => outputs.shallow_clone(),
            Loss::BinaryCrossEntropy => outputs.sigmoid(),
            Loss::SoftmaxCrossEntropy => {
                self.on_each_level(outputs, |logits| logits.softmax(-1, None::<Kind>))
            }
        }
    }

    /// A function of each level's columns, put together again.
    fn on_each_level(&self, outputs: &Tensor, of: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let levels = outputs.split_with_sizes(self.levels.as_slice(), -1);
        match &levels[..] {
            [only] => of(only),
            _ => Tensor::cat(&levels.iter().map(of).collect::<Vec<_>>(), -1),
        }
    }
}
