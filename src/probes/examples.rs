//! Which samples are answered right, and when.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ndarray::{Array2, Axis};
use serde_json::json;

use super::probe::{Probe, State};
use crate::config::{Config, Sign, Targets};
use crate::metrics::Right;
use crate::record::{
    ArrayBeside, ArrayRecord, EXAMPLES, NumberFormat, Record, Series, TRAINING_EXAMPLES,
};
use crate::task::{Task, TaskInputs};
use crate::train::Snapshot;

/// Of the training set, where it is judged, and of the evaluation set:
///
/// - arrays beside the record, `training-examples` and `examples`, `[time, sample]`: 1 where a response is right, else 0;
/// - `accuracy`, `[time, set]`, sets in this order: the share of right ones;
/// - `training_accessibility` and `accessibility`, `[sample]`, at the last step: the share of all moments so far at which a sample was
///   right (Hacohen and Weinshall 2022, who average over epochs and networks).
pub struct Examples {
    sets: Vec<Watched>,
    /// Moments so far.
    moments: u64,
    /// The last step.
    steps: u64,
}

/// One set of samples.
struct Watched {
    /// Of the training set, or of the one that is judged.
    is_training: bool,
    array: ArrayBeside,
    /// In each stretch of training.
    right: Vec<Right>,
    /// How often each was right.
    counts: Vec<f64>,
    /// Of the moment that was seen last.
    now: Vec<bool>,
}

/// What makes responses to samples of these items right, in a task of labels or of two numbers.
pub fn right_of(task: &Task, config: &Config, items: &[usize]) -> Right {
    if let Some(Targets::Sign(Sign { offset, .. })) = &config.task.targets {
        return Right::by_sides(items.iter().map(|&item| task.targets[[item, 0]]), *offset);
    }
    let labels = task.labels.as_ref().unwrap_or(&task.targets);
    Right::by_labels(&labels.select(Axis(0), items), &task.level_columns())
}

impl Examples {
    /// Of a run's stretches, whose samples are the same.
    pub fn new(config: &Config, tasks: &[Arc<Task>]) -> Self {
        let first = &tasks[0];
        let whole = |numbers: &[usize]| numbers.iter().map(|&number| number as i64).collect();
        let watched = |is_training: bool| {
            let items_of = |task: &Task| match is_training {
                true => task.training_items(),
                false => task.evaluation_items().0,
            };
            let items = items_of(first);
            let dims = [("sample", items.len())];
            let mut constants = vec![("item".to_owned(), whole(&items))];
            if let TaskInputs::Images { train, test, .. } = &first.inputs {
                let images = if is_training { train } else { test };
                constants.push(("index".to_owned(), whole(images.indices())));
            }
            let name = if is_training { TRAINING_EXAMPLES } else { EXAMPLES };
            Watched {
                is_training,
                array: ArrayBeside {
                    name: name.to_owned(),
                    array: ArrayRecord::new(&dims, "right", NumberFormat::Uint8),
                    constants,
                },
                right: tasks.iter().map(|task| right_of(task, config, &items_of(task))).collect(),
                counts: vec![0.0; items.len()],
                now: Vec::new(),
            }
        };
        let judges_training =
            tasks.iter().all(|task| task.judges_training(config.training.batch_size));
        let training = judges_training.then(|| watched(true));
        Examples {
            sets: training.into_iter().chain([watched(false)]).collect(),
            moments: 0,
            steps: config.total_steps(),
        }
    }
}

impl Probe for Examples {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        self.moments += 1;
        let mut accuracies = Vec::with_capacity(self.sets.len());
        for set in &mut self.sets {
            let answer = match set.is_training {
                true => moment.training.as_ref().context("the training set was not judged")?,
                false => &moment.evaluation,
            };
            let right = set.right.get(moment.stretch).context("a stretch has no task")?;
            set.now = right.of(answer.responses.view());
            for (count, is_right) in set.counts.iter_mut().zip(&set.now) {
                *count += f64::from(u8::from(*is_right));
            }
            let share = set.now.iter().filter(|is_right| **is_right).count() as f64;
            accuracies.push(Some(share / set.now.len() as f64));
        }
        let make = || Series::new(&[("set", accuracies.len())], "1");
        record.series_mut("accuracy", make).push(moment.step, &accuracies)?;
        if moment.step < self.steps {
            return Ok(());
        }
        for set in &self.sets {
            let name = if set.is_training { "training_accessibility" } else { "accessibility" };
            let make = || Series::new(&[("sample", set.counts.len())], "1");
            let share = |count: &f64| Some(count / self.moments as f64);
            let shares: Vec<Option<f64>> = set.counts.iter().map(share).collect();
            record.series_mut(name, make).push(moment.step, &shares)?;
        }
        Ok(())
    }

    fn arrays(&self) -> Vec<ArrayBeside> {
        self.sets.iter().map(|set| set.array.clone()).collect()
    }

    fn rows(&mut self, _moment: &Snapshot) -> Result<Vec<Vec<f64>>> {
        let row = |set: &Watched| set.now.iter().map(|right| f64::from(u8::from(*right))).collect();
        Ok(self.sets.iter().map(row).collect())
    }

    fn state(&self) -> State {
        let row = |counts: &Vec<f64>| {
            Array2::from_shape_vec((1, counts.len()), counts.clone()).expect("one row")
        };
        let tables = self.sets.iter().map(|set| (set.array.name.clone(), row(&set.counts)));
        State { notes: json!({ "moments": self.moments }), tables: tables.collect() }
    }

    fn resume(&mut self, state: State) -> Result<()> {
        let moments = state.notes.get("moments").and_then(serde_json::Value::as_u64);
        self.moments = moments.context("the checkpoint lacks the number of moments")?;
        for set in &mut self.sets {
            let table = state.tables.iter().find(|(name, _)| *name == set.array.name);
            let (name, table) = table.context("the checkpoint lacks what was right")?;
            ensure!(
                table.len() == set.counts.len(),
                "{name} in the checkpoint is of other samples"
            );
            set.counts = table.iter().copied().collect();
        }
        Ok(())
    }
}
