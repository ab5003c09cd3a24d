//! The evaluation set as it is seen through the first few principal components of the training inputs.

use anyhow::{Context, Result};
use tch::Tensor;

use super::batches::Set;
use crate::model::to_tensor;
use crate::task::Task;

/// Inputs that keep their mean and a number of components alone.
pub struct Projections {
    /// Numbers of components, increasing.
    counts: Vec<usize>,
    /// `[1, n_inputs]`, the mean training input.
    mean: Tensor,
    /// `[most components, n_inputs]`.
    directions: Tensor,
    /// `[n_samples, most components]`: evaluation inputs along them, counted from the mean.
    scores: Tensor,
}

impl Projections {
    /// Of the samples that are judged; `None` where nothing is asked for.
    ///
    /// # Errors
    ///
    /// If there are fewer components than are asked for.
    pub fn of(counts: &[usize], task: &Task, judged: &Set) -> Result<Option<Self>> {
        let Some(&most) = counts.last() else { return Ok(None) };
        let components = task.components.as_ref().context("a task was made without components")?;
        let kept = components.first(most, "projections")?;
        let inputs = judged.all_inputs();
        let place = |tensor: Tensor| tensor.to_kind(inputs.kind()).to_device(inputs.device());
        let mean = place(Tensor::from_slice(&kept.mean.to_vec())).unsqueeze(0);
        let directions = place(to_tensor(&kept.directions));
        let scores = (&inputs - &mean).matmul(&directions.tr());
        Ok(Some(Projections { counts: counts.to_vec(), mean, directions, scores }))
    }

    /// The same tensors, not copied, for another thread.
    pub fn share(&self) -> Self {
        Projections {
            counts: self.counts.clone(),
            mean: self.mean.shallow_clone(),
            directions: self.directions.shallow_clone(),
            scores: self.scores.shallow_clone(),
        }
    }

    /// The judged samples seen through each number of components, one after the other.
    pub fn sets<'a>(&'a self, judged: &'a Set) -> impl Iterator<Item = Set> + 'a {
        self.counts.iter().map(|&count| {
            let of_first = |all: &Tensor, dim: i64| all.narrow(dim, 0, count as i64);
            let along = of_first(&self.scores, 1).matmul(&of_first(&self.directions, 0));
            judged.seeing(along + &self.mean)
        })
    }
}
