//! Weights that runs keep along training, in `SEED.weights/` beside their records.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config::Checkpoints;
use crate::file;
use crate::record::Record;
use crate::train::checkpoint_file::bytes_of_tensors;
use crate::train::{NamedTensors, Snapshot};

/// Where weights of a step lie, beside the record at `path`.
pub fn of_step(path: &Path, step: u64) -> PathBuf {
    path.with_extension("weights").join(format!("{step}.safetensors"))
}

/// Where those of the least loss so far lie.
pub fn of_best(path: &Path) -> PathBuf {
    path.with_extension("weights").join("best.safetensors")
}

/// Keeps the weights of a moment, the last of the record's curves, if they are to be kept. A run that goes on from a checkpoint
/// before it writes the same once more.
///
/// # Errors
///
/// Names the file.
pub fn keep(path: &Path, snapshot: &Snapshot, record: &mut Record) -> Result<()> {
    let Some(tensors) = &snapshot.weights else { return Ok(()) };
    let step = snapshot.step;
    let place = match record.config.training.checkpoints {
        Checkpoints::Last => return Ok(()),
        Checkpoints::Log => {
            record.weights_at.push(step);
            of_step(path, step)
        }
        Checkpoints::Best => {
            let before = &record.curves.loss[..record.curves.loss.len().saturating_sub(1)];
            if before.iter().any(|loss| *loss <= snapshot.evaluation.loss) {
                return Ok(());
            }
            record.weights_at = vec![step];
            of_best(path)
        }
    };
    let bytes = bytes_of_tensors(&network_of(tensors), step)?;
    file::replace(&place, &bytes).with_context(|| {
        format!("cannot write {}: make room, or choose another --out", place.display())
    })
}

/// The network's among the tensors of a checkpoint.
pub fn network_of(tensors: &NamedTensors) -> NamedTensors {
    let own = tensors.iter().filter(|(name, _)| is_of_network(name));
    own.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
}

/// Whether a checkpoint's tensor is a part of the network as it computes: `layer1.weight`, `norm1.running_var`.
fn is_of_network(name: &str) -> bool {
    let kinds = ["layer", "norm"];
    let rest = kinds.iter().find_map(|kind| name.strip_prefix(kind));
    rest.is_some_and(|rest| {
        let part = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let parts = ["weight", "bias", "running_mean", "running_var"];
        part.len() < rest.len() && part.strip_prefix('.').is_some_and(|part| parts.contains(&part))
    })
}
