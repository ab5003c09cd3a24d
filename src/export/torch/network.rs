//! One network of a run, and what its folder tells of it.

use crate::config::{Precision, Stretch};
use crate::record::Record;
use crate::task::{Task, TaskInputs};

/// One network of a run, and what its folder tells of it.
pub struct TorchExport<'a> {
    /// Name of the run's folder.
    pub run: &'a str,
    /// Of the run as it stood then.
    pub record: &'a Record,
    /// Updates done.
    pub step: u64,
    /// The stretch of training that it was in.
    pub stretch: &'a Stretch,
    /// What it learned there.
    pub task: &'a Task,
    /// Its weights, a safetensors file under the names of its module.
    pub weights: &'a [u8],
    /// Responses to each evaluation sample, `[n_samples, n_labels]`, where they were recorded.
    pub responses: Option<Vec<f64>>,
}

impl TorchExport<'_> {
    /// Of inputs: `[n, 1, 28, 28]`, `[n, 8]`.
    pub(super) fn shape_of_inputs(&self) -> String {
        match &self.task.inputs {
            TaskInputs::Images { preprocessor: of, .. } => {
                format!("[n, {}, {}, {}]", of.shape[0], of.shape[1], of.shape[2])
            }
            TaskInputs::Vectors(vectors) => format!("[n, {}]", vectors.ncols()),
        }
    }

    /// The format of weights, and of passes but for bfloat16.
    pub(super) fn dtype(&self) -> &'static str {
        match self.stretch.config.training.precision {
            Precision::Float64 => "torch.float64",
            Precision::Float32 | Precision::Bfloat16 => "torch.float32",
        }
    }

    /// How near PyTorch comes to recorded responses: to rounding errors of the format in which they were computed.
    pub(super) fn tolerance(&self) -> &'static str {
        match self.stretch.config.training.precision {
            Precision::Float64 => "1e-9",
            Precision::Float32 => "1e-5",
            Precision::Bfloat16 => "5e-2",
        }
    }

    /// Samples that are answered together in a part, where they bear on each other's answers.
    pub(super) fn parts_of(&self) -> Option<Option<usize>> {
        let config = &self.stretch.config;
        config.network.answers_in_batches().then_some(config.training.batch_size)
    }

    /// Which moment of the record is this network's, if one is.
    pub(super) fn moment(&self) -> Option<usize> {
        self.record.curves.step.iter().position(|&step| step == self.step)
    }
}
