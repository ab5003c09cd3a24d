//! Losses, and what of a network's outputs is judged.

use tch::{Reduction, Tensor};

use crate::config::Loss;

/// The loss of `outputs` (responses, or logits under cross-entropy), `[.., n_samples, n_labels]`, with sample weights
/// that sum to 1, `[n_samples]`; one for each network if there is a leading dimension of them.
pub fn loss(kind: Loss, outputs: &Tensor, targets: &Tensor, weights: &Tensor) -> Tensor {
    let per_sample = match kind {
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
    };
    per_sample.matmul(weights)
}

/// What is judged: outputs as they are, or probabilities under cross-entropy.
pub fn responses(kind: Loss, outputs: &Tensor) -> Tensor {
    match kind {
        Loss::HalfSquaredError => outputs.shallow_clone(),
        Loss::BinaryCrossEntropy => outputs.sigmoid(),
    }
}
