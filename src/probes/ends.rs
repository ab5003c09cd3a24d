//! Tables that are kept of the first and the last moment alone: of every moment they would outgrow the record.

use anyhow::{Context, Result};

use super::probe::Probe;
use crate::record::{Record, Series};
use crate::train::{Snapshot, Wants};

/// Whether a step is the first or the last of so many.
fn is_end(step: u64, steps: u64) -> bool {
    step == 0 || step == steps
}

/// Each layer's weights, `weights_1`, `weights_2`, ..., `[time, unit, input]`.
pub struct LayerWeights {
    /// The last step.
    pub steps: u64,
}

impl Probe for LayerWeights {
    fn wants(&self, step: u64) -> Wants {
        Wants { layers: is_end(step, self.steps) }
    }

    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        if !is_end(moment.step, self.steps) {
            return Ok(());
        }
        let layers = moment.layers.as_ref().context("a snapshot came without layers")?;
        for (index, layer) in layers.iter().enumerate() {
            let (units, inputs) = layer.weight.dim();
            let make = || Series::new(&[("unit", units), ("input", inputs)], "1");
            let values: Vec<Option<f64>> = layer.weight.iter().copied().map(Some).collect();
            record
                .series_mut(&format!("weights_{}", index + 1), make)
                .push(moment.step, &values)?;
        }
        Ok(())
    }
}

/// Responses to each sample of the evaluation set, `responses`, `[time, sample, output]`.
pub struct Responses {
    /// The last step.
    pub steps: u64,
}

impl Probe for Responses {
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        if !is_end(moment.step, self.steps) {
            return Ok(());
        }
        let responses = &moment.evaluation.responses;
        let (samples, outputs) = responses.dim();
        let make = || Series::new(&[("sample", samples), ("output", outputs)], "1");
        let values: Vec<Option<f64>> = responses.iter().copied().map(Some).collect();
        record.series_mut("responses", make).push(moment.step, &values)
    }
}
