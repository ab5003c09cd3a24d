//! A run's state between two steps, enough to continue it as if it had never stopped.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use super::Run;

/// Weights, optimiser state, order of samples and step.
pub struct Checkpoint {
    state: State,
    tensors: Vec<(String, Tensor)>,
}

/// What is not a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seed: u64,
    step: u64,
    updates: u64,
    /// Loss of the last observation; `null` before the first.
    last_loss: Option<f64>,
    /// Position of the order's generator before the current epoch, as decimal digits (128 bits).
    epoch_word: Option<String>,
    /// Samples of the current epoch that were shown.
    position: Option<usize>,
}

const TENSORS: &str = "tensors.safetensors";
const STATE: &str = "state.json";

impl Checkpoint {
    /// Copies the state of a run.
    pub(super) fn take(run: &Run) -> Result<Self> {
        let copy = |(name, tensor): &(String, Tensor)| {
            (
                name.clone(),
                tch::no_grad(|| tensor.detach().to_device(Device::Cpu).contiguous().copy()),
            )
        };
        let tensors = run.parameters.iter().chain(&run.optimiser.named()).map(copy).collect();
        let place = run.samples.place();
        let state = State {
            seed: run.seed,
            step: run.step,
            updates: run.optimiser.updates,
            last_loss: Some(run.last_loss).filter(|loss| loss.is_finite()),
            epoch_word: place.map(|(word, _)| word.to_string()),
            position: place.map(|(_, position)| position),
        };
        Ok(Checkpoint { state, tensors })
    }

    /// Updates done when it was taken.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Puts the state back into a freshly built run.
    pub(super) fn restore(&self, run: &mut Run) -> Result<()> {
        let State { seed, step, updates, last_loss, epoch_word, position } = &self.state;
        ensure!(*seed == run.seed, "the checkpoint is of seed {seed}, not {}", run.seed);
        let steps = run.config.training.steps;
        ensure!(
            *step <= steps && updates == step,
            "the checkpoint is of step {step}, beyond the last, {steps}"
        );
        let kept: HashMap<&str, &Tensor> =
            self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        for (name, tensor) in run.parameters.iter().chain(&run.optimiser.named()) {
            let saved =
                kept.get(name.as_str()).with_context(|| format!("the checkpoint lacks {name}"))?;
            ensure!(
                saved.size() == tensor.size() && saved.kind() == tensor.kind(),
                "the checkpoint's {name} has another shape or precision than this config's"
            );
            tch::no_grad(|| tensor.shallow_clone().copy_(saved));
        }
        run.step = *step;
        run.optimiser.updates = *updates;
        run.last_loss = last_loss.unwrap_or(f64::NAN);
        if let Some(order) = run.samples.order() {
            let (Some(word), Some(position)) = (epoch_word, position) else {
                anyhow::bail!("the checkpoint does not know the order of minibatches");
            };
            order.go_to((
                word.parse().context("the checkpoint's epoch_word is no number")?,
                *position,
            ))?;
        }
        Ok(())
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
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(context)?;
        }
        std::fs::rename(scratch.keep(), folder).with_context(context)
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
