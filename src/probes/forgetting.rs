//! The loss on what each stretch of training teaches, all along: what is forgotten of one task while another is learned.

use std::sync::Arc;

use anyhow::Result;
use ndarray::Array2;

use super::probe::Probe;
use crate::record::{Record, Series};
use crate::task::Task;
use crate::train::Snapshot;

/// With `y_i` the targets of stretch i on the evaluation set:
///
/// - `task_losses`, `[time, stretch]`: `1/2 <||y_i - yhat||^2>`; `null` where that stretch sees other inputs, and in a stretch that does;
/// - `task_distances`, `[time, stretch, other_stretch]`, at the first step alone: `1/2 <||y_i - y_j||^2>`, which is what is lost of task
///   i once task j is learned, wherever both can be fitted without error (Braun et al. 2022).
pub struct Forgetting {
    /// Of each stretch, `[item, output]`; `None` where it sees other inputs than the first.
    targets: Vec<Option<Array2<f64>>>,
    items: Vec<usize>,
    /// Of each sample; they sum to 1.
    weights: Vec<f64>,
}

impl Forgetting {
    /// Of a run's stretches.
    pub fn new(tasks: &[Arc<Task>]) -> Self {
        let (items, weights) = tasks[0].evaluation_items();
        let total: f64 = weights.iter().sum();
        let targets = |task: &Arc<Task>| {
            task.inputs.are_those_of(&tasks[0].inputs).then(|| task.targets.clone())
        };
        Forgetting {
            targets: tasks.iter().map(targets).collect(),
            items,
            weights: weights.into_iter().map(|weight| weight / total).collect(),
        }
    }

    /// `1/2 <||y - of||^2>`, with a row of `of` for each sample.
    fn loss(&self, targets: &Array2<f64>, of: &dyn Fn(usize) -> ndarray::Array1<f64>) -> f64 {
        let of_sample = |(sample, (&item, weight)): (usize, (&usize, &f64))| {
            let error = of(sample) - targets.row(item);
            0.5 * weight * error.dot(&error)
        };
        self.items.iter().zip(&self.weights).enumerate().map(of_sample).sum()
    }
}

impl Probe for Forgetting {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let count = self.targets.len();
        let responses = &moment.evaluation.responses;
        let own = |sample: usize| responses.row(sample).to_owned();
        // In a stretch with other inputs responses are to those.
        let are_to_these = self.targets.get(moment.stretch).is_some_and(Option::is_some);
        let loss = |targets: &Option<Array2<f64>>| {
            Some(self.loss(targets.as_ref().filter(|_| are_to_these)?, &own))
        };
        let losses: Vec<Option<f64>> = self.targets.iter().map(loss).collect();
        let make = || Series::new(&[("stretch", count)], "1");
        record.series_mut("task_losses", make).push(moment.step, &losses)?;
        if moment.step > 0 {
            return Ok(());
        }
        let mut distances = Vec::with_capacity(count * count);
        for one in &self.targets {
            for other in &self.targets {
                let pair = one.as_ref().zip(other.as_ref());
                distances.push(pair.map(|(one, other)| {
                    self.loss(one, &|sample| other.row(self.items[sample]).to_owned())
                }));
            }
        }
        let make = || Series::new(&[("stretch", count), ("other_stretch", count)], "1");
        record.series_mut("task_distances", make).push(moment.step, &distances)
    }
}
