//! How much of what a network knows lies in the first principal components of its inputs.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::examples::right_of;
use super::probe::Probe;
use crate::config::Config;
use crate::metrics::Right;
use crate::record::{Record, Series};
use crate::task::Task;
use crate::theory::critical_components;
use crate::train::Snapshot;

/// With P each of the config's `projections`:
///
/// - `projected_accuracy`, `[time, projection]`: the share of evaluation samples answered right when their inputs keep their mean and
///   the first P principal components of the training inputs alone;
/// - `critical_component`, `[sample]`, at the first moment alone: of each evaluation sample (`critical_components`), among as many as
///   the largest P, and one more if they are not enough;
/// - `component_variance`, `[component]`, at the first moment alone: of the training inputs along the first of them, as many as the
///   largest P.
pub struct Projected {
    config: Config,
    tasks: Vec<Arc<Task>>,
    /// In each stretch of training.
    right: Vec<Right>,
}

impl Projected {
    /// Of a run's stretches, whose samples are the same.
    pub fn new(config: &Config, tasks: &[Arc<Task>]) -> Self {
        let right = |task: &Arc<Task>| right_of(task, config, &task.evaluation_items().0);
        Projected {
            config: config.clone(),
            tasks: tasks.to_vec(),
            right: tasks.iter().map(right).collect(),
        }
    }
}

impl Probe for Projected {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let counts = &self.config.projections;
        ensure!(
            moment.projected.len() == counts.len(),
            "a snapshot came without responses to projected inputs"
        );
        let right = self.right.get(moment.stretch).context("a stretch has no task")?;
        let accuracy = |responses: &ndarray::Array2<f64>| Some(right.accuracy(responses.view()));
        let accuracies: Vec<Option<f64>> = moment.projected.iter().map(accuracy).collect();
        let make = || Series::new(&[("projection", counts.len())], "1");
        record.series_mut("projected_accuracy", make).push(moment.step, &accuracies)?;
        if moment.step > 0 {
            return Ok(());
        }
        let task = &self.tasks[0];
        let most = counts.last().copied().unwrap_or(0);
        let critical =
            critical_components(task, most, |responses| self.right[0].of(responses.view()))?;
        let critical: Vec<Option<f64>> = critical.into_iter().map(|k| Some(k as f64)).collect();
        let make = || Series::new(&[("sample", critical.len())], "1");
        record.series_mut("critical_component", make).push(0, &critical)?;
        let components = task.components.as_ref().context("a task was made without components")?;
        let variances: Vec<Option<f64>> =
            components.variances.iter().take(most).copied().map(Some).collect();
        let make = || Series::new(&[("component", most)], "1");
        record.series_mut("component_variance", make).push(0, &variances)
    }
}
