//! A run's state between two steps, enough to continue it as if it had never stopped.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ndarray::Array2;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::arrays::to_array;
use crate::file;
use crate::model::to_tensor;

/// A place in an order: generator's word before the epoch, samples of it already shown.
pub type Place = (u128, usize);

/// How far a run is.
pub struct Progress {
    pub seed: u64,
    pub step: u64,
    pub last_loss: f64,
}

/// Tensors with their names.
pub(super) type NamedTensors = Vec<(String, Tensor)>;

/// Weights, optimiser state, order of samples and step.
pub struct Checkpoint {
    state: State,
    tensors: NamedTensors,
}

/// What is not a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seed: u64,
    step: u64,
    /// Loss of the last observation; `null` before the first.
    last_loss: Option<f64>,
    /// Position of the order's generator before the current epoch, as decimal digits (128 bits).
    epoch_word: Option<String>,
    /// Samples of the current epoch that were shown.
    position: Option<usize>,
    /// What the observer keeps between two observations; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observer: Option<serde_json::Value>,
}

/// Before the names of its observer's tables.
const OBSERVER: &str = "observer.";
const TENSORS: &str = "tensors.safetensors";
const STATE: &str = "state.json";

impl Checkpoint {
    /// Copies the state of a run: its named tensors and its place in the order of samples.
    pub(super) fn take(progress: Progress, tensors: NamedTensors, place: Option<Place>) -> Self {
        let copy = |tensor: Tensor| {
            tch::no_grad(|| tensor.detach().to_device(Device::Cpu).contiguous().copy())
        };
        let tensors = tensors.into_iter().map(|(name, tensor)| (name, copy(tensor))).collect();
        let state = State {
            seed: progress.seed,
            step: progress.step,
            last_loss: Some(progress.last_loss).filter(|loss| loss.is_finite()),
            epoch_word: place.map(|(word, _)| word.to_string()),
            position: place.map(|(_, position)| position),
            observer: None,
        };
        Checkpoint { state, tensors }
    }

    /// The same with what its observer keeps between two observations.
    pub fn with_notes(mut self, notes: serde_json::Value) -> Self {
        self.state.observer = Some(notes);
        self
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

    /// What its observer kept.
    ///
    /// # Errors
    ///
    /// If it kept nothing, or something else.
    pub fn notes<T: DeserializeOwned>(&self) -> Result<T> {
        let notes =
            self.state.observer.clone().context("the checkpoint lacks its observer's notes")?;
        serde_json::from_value(notes).context("the checkpoint's observer's notes are damaged")
    }

    /// Updates done when it was taken.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Loss of the last observation; NaN before the first.
    pub(super) fn last_loss(&self) -> f64 {
        self.state.last_loss.unwrap_or(f64::NAN)
    }

    /// Makes sure that it belongs to a run with this seed and so many steps.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn ensure_fits(&self, seed: u64, steps: u64) -> Result<()> {
        let State { seed: kept, step, .. } = &self.state;
        ensure!(*kept == seed, "the checkpoint is of seed {kept}, not {seed}");
        ensure!(*step <= steps, "the checkpoint is of step {step}, beyond the last, {steps}");
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
            "the checkpoint's {name} has another shape or precision than this config's"
        );
        tch::no_grad(|| tensor.shallow_clone().copy_(saved));
        Ok(())
    }

    /// Place in the order of minibatches, as `Order::place` told it.
    pub(super) fn place(&self) -> Result<Place> {
        let State { epoch_word: Some(word), position: Some(position), .. } = &self.state else {
            bail!("the checkpoint does not know the order of minibatches");
        };
        Ok((word.parse().context("the checkpoint's epoch_word is no number")?, *position))
    }

    /// Writes `folder/` at once: a reader sees the old checkpoint or the new one.
    ///
    /// # Errors
    ///
    /// Names the folder; the old checkpoint stays.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let context = || {
            format!(
                "cannot write the checkpoint {}: make room, or choose another --out",
                folder.display()
            )
        };
        let _writing = file::writing();
        let parent = folder.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).with_context(context)?;
        let scratch = tempfile::Builder::new()
            .prefix(".writing-")
            .tempdir_in(parent)
            .with_context(context)?;
        Tensor::write_safetensors(&self.tensors, scratch.path().join(TENSORS))
            .with_context(context)?;
        std::fs::write(scratch.path().join(STATE), serde_json::to_vec(&self.state)?)
            .with_context(context)?;
        if !folder.exists() {
            return std::fs::rename(scratch.keep(), folder).with_context(context);
        }
        // The old one takes the new one's place in the scratch folder, and goes with it.
        match renameat_with(CWD, scratch.path(), CWD, folder, RenameFlags::EXCHANGE) {
            Ok(()) => scratch.close().with_context(context),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                let aside = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent);
                let aside = aside.with_context(context)?;
                std::fs::rename(folder, aside.path().join("old")).with_context(context)?;
                std::fs::rename(scratch.keep(), folder).with_context(context)?;
                aside.close().with_context(context)
            }
            Err(error) => Err(std::io::Error::from(error)).with_context(context),
        }
    }

    /// Reads `folder/`.
    ///
    /// # Errors
    ///
    /// If it is not a checkpoint.
    pub fn read(folder: &Path) -> Result<Self> {
        let context = || {
            format!("{} is not a checkpoint: delete it to start this run anew", folder.display())
        };
        let state = std::fs::read(folder.join(STATE)).with_context(context)?;
        let state = serde_json::from_slice(&state).with_context(context)?;
        let tensors = Tensor::read_safetensors(folder.join(TENSORS)).with_context(context)?;
        Ok(Checkpoint { state, tensors })
    }
}
