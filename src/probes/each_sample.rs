//! Responses to every sample of the evaluation set at every moment, in an array beside the record.

use anyhow::Result;

use super::probe::Probe;
use crate::config::{Config, Precision};
use crate::record::{ArrayBeside, ArrayRecord, NumberFormat, RESPONSES, Record};
use crate::task::{Task, TaskInputs};
use crate::train::Snapshot;

/// `responses`, `[time, sample, label]`, with `item` of each sample, and of images `index` in the data set's test part.
pub struct EachSample(ArrayBeside);

impl EachSample {
    pub fn new(config: &Config, task: &Task) -> Self {
        // What was computed in single precision loses nothing there.
        let format = match config.training.precision {
            Precision::Float64 => NumberFormat::Float64,
            Precision::Float32 | Precision::Bfloat16 => NumberFormat::Float32,
        };
        let (items, _) = task.evaluation_items();
        let dims = [("sample", items.len()), ("label", task.targets.ncols())];
        let whole = |numbers: &[usize]| numbers.iter().map(|&number| number as i64).collect();
        let mut constants = vec![("item".to_owned(), whole(&items))];
        if let TaskInputs::Images { test, .. } = &task.inputs {
            constants.push(("index".to_owned(), whole(test.indices())));
        }
        let array = ArrayRecord::new(&dims, "responses", format);
        EachSample(ArrayBeside { name: RESPONSES.to_owned(), array, constants })
    }
}

impl Probe for EachSample {
    fn see(&mut self, _moment: &Snapshot, _record: &mut Record) -> Result<()> {
        Ok(())
    }

    fn arrays(&self) -> Vec<ArrayBeside> {
        vec![self.0.clone()]
    }

    fn rows(&mut self, moment: &Snapshot) -> Result<Vec<Vec<f64>>> {
        Ok(vec![moment.evaluation.responses.iter().copied().collect()])
    }
}
