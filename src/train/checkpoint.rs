//! A run's state between two steps, enough to continue it as if it had never stopped.

use anyhow::{Context, Result, ensure};
use ndarray::Array2;
use tch::{Device, Tensor};

use super::arrays::to_array;
use crate::model::to_tensor;

/// A place in an order: generator's word before the epoch, samples of it already shown.
pub type Place = (u128, usize);

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Draws its initial weights and its order of samples.
    pub seed: u64,
    /// Updates done.
    pub step: u64,
    /// Loss of the last observation; NaN before the first.
    pub last_loss: f64,
}

/// Tensors with their names.
pub type NamedTensors = Vec<(String, Tensor)>;

/// Weights, optimiser state, order of samples and step.
pub struct Checkpoint {
    progress: Progress,
    place: Option<Place>,
    tensors: NamedTensors,
}

/// Copies on the CPU, each in its own memory.
pub(super) fn on_host(tensors: NamedTensors) -> NamedTensors {
    let copy = |tensor: Tensor| {
        tch::no_grad(|| tensor.detach().to_device(Device::Cpu).contiguous().copy())
    };
    tensors.into_iter().map(|(name, tensor)| (name, copy(tensor))).collect()
}

/// Before the names of its observer's tables.
const OBSERVER: &str = "observer.";

impl Checkpoint {
    /// Copies the state of a run: its named tensors and its place in the order of samples.
    pub(super) fn take(progress: Progress, tensors: NamedTensors, place: Option<Place>) -> Self {
        Checkpoint { progress, place, tensors: on_host(tensors) }
    }

    /// Of what was kept of one.
    pub fn of_kept(progress: Progress, place: Option<Place>, tensors: NamedTensors) -> Self {
        Checkpoint { progress, place, tensors }
    }

    /// The same with tables that its observer keeps, under names of their own beside the network's tensors.
    pub fn with_tables(mut self, tables: &[(String, Array2<f64>)]) -> Self {
        let named =
            tables.iter().map(|(name, table)| (format!("{OBSERVER}{name}"), to_tensor(table)));
        self.tensors.extend(named);
        self
    }

    /// The tables that its observer kept.
    ///
    /// # Errors
    ///
    /// If one is no table.
    pub fn tables(&self) -> Result<Vec<(String, Array2<f64>)>> {
        let tensors = self.tensors.iter();
        let kept =
            tensors.filter_map(|(name, tensor)| Some((name.strip_prefix(OBSERVER)?, tensor)));
        kept.map(|(name, tensor)| Ok((name.to_owned(), to_array(tensor)?))).collect()
    }

    /// Updates done when it was taken.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// What it holds besides its step: the place in the order of samples, and the tensors.
    pub fn into_parts(self) -> (Option<Place>, NamedTensors) {
        (self.place, self.tensors)
    }

    /// Loss of the last observation; NaN before the first.
    pub fn last_loss(&self) -> f64 {
        self.progress.last_loss
    }

    /// Makes sure that it belongs to a run with this seed and so many steps.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn ensure_fits(&self, seed: u64, steps: u64) -> Result<()> {
        let Progress { seed: kept, step, .. } = self.progress;
        ensure!(kept == seed, "the checkpoint is of seed {kept}, not {seed}");
        ensure!(step <= steps, "the checkpoint is of step {step}, beyond the last, {steps}");
        Ok(())
    }

    /// Copies a tensor that it keeps into one of the same shape.
    pub(super) fn copy_to(&self, name: &str, tensor: &Tensor) -> Result<()> {
        let (_, saved) = self
            .tensors
            .iter()
            .find(|(kept, _)| kept == name)
            .with_context(|| format!("the checkpoint lacks {name}"))?;
        ensure!(
            saved.size() == tensor.size() && saved.kind() == tensor.kind(),
            "the checkpoint's {name} is {:?} of shape {:?}, this config's {:?} of shape {:?}",
            saved.kind(),
            saved.size(),
            tensor.kind(),
            tensor.size()
        );
        tch::no_grad(|| tensor.shallow_clone().copy_(saved));
        Ok(())
    }

    /// Place in the order of minibatches, as `Order::place` told it.
    pub(super) fn place(&self) -> Result<Place> {
        self.place.context("the checkpoint does not know the order of minibatches")
    }
}
