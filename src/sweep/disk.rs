//! What runs leave beside their records, before any of it is written.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};

use super::options::Options;
use super::refused::Refused;
use super::sizes::{Sizes, numbers};
use crate::config::{Checkpoints, Config, Precision, ProbeKind};
use crate::train::observed_steps;

/// More in one array is refused: whoever reads it needs it in memory.
const MOST_ARRAY: f64 = 8e9;
/// So much is told of.
const LARGE: f64 = 1e8;

/// Makes sure that arrays and kept weights of so many runs of each condition, a name and its stretches, fit on the disk.
///
/// # Errors
///
/// `Refused` with the estimate, the limit, and the keys to lower.
pub fn ensure_fit<'a>(
    conditions: impl Iterator<Item = (&'a str, &'a [Config], usize)>,
    options: &Options,
) -> Result<()> {
    let mut total = 0.0;
    for (condition, stretches, runs) in conditions {
        let responses: f64 = stretches.iter().map(responses_bytes).sum();
        ensure!(
            responses <= MOST_ARRAY,
            Refused(format!(
                "condition '{condition}': record.responses each-sample would take {:.1} GB of each run, more than {:.0} GB: lower \
                 task.samples.test or training.observations",
                responses / 1e9,
                MOST_ARRAY / 1e9
            ))
        );
        let examples: f64 = stretches.iter().map(examples_bytes).sum();
        let weights: f64 = stretches.iter().map(weights_bytes).sum();
        total += runs as f64 * (responses + examples + weights);
    }
    if total == 0.0 {
        return Ok(());
    }
    if total >= LARGE {
        tracing::info!(
            "responses of each sample and weights along training take some {:.1} GB of disk",
            total / 1e9
        );
    }
    let Some(free) = free_bytes(&options.folder) else { return Ok(()) };
    if total <= free {
        return Ok(());
    }
    Err(anyhow!(Refused(format!(
        "responses of each sample and weights along training would take {:.1} GB of disk, but {:.1} GB are free at {}: lower \
         training.observations, task.samples.test or the number of runs, leave record.responses or training.checkpoints out, or choose \
         another --out",
        total / 1e9,
        free / 1e9,
        options.folder.display()
    ))))
}

fn observations(config: &Config) -> f64 {
    observed_steps(config.training.steps, &config.training).len() as f64
}

fn width(config: &Config) -> f64 {
    match config.training.precision {
        Precision::Float64 => 8.0,
        Precision::Float32 | Precision::Bfloat16 => 4.0,
    }
}

/// Observations times samples times labels.
fn responses_bytes(config: &Config) -> f64 {
    if config.record.responses.is_none() {
        return 0.0;
    }
    let sizes = Sizes::of(&config.task);
    let samples = if config.task.inputs.are_images() { sizes.test } else { sizes.items };
    observations(config) * samples * sizes.labels * width(config)
}

/// Observations times samples that are judged, a byte each.
fn examples_bytes(config: &Config) -> f64 {
    if !config.probes.contains(&ProbeKind::Examples) {
        return 0.0;
    }
    let sizes = Sizes::of(&config.task);
    let samples = match config.task.inputs.are_images() {
        true => sizes.test + sizes.train,
        false => sizes.items,
    };
    observations(config) * samples
}

/// Numbers in a network, once or at each observation.
fn weights_bytes(config: &Config) -> f64 {
    let times = match config.training.checkpoints {
        Checkpoints::Last => return 0.0,
        Checkpoints::Log => observations(config),
        Checkpoints::Best => 1.0,
    };
    times * numbers(&Sizes::of(&config.task).shapes(config)) * width(config)
}

/// Free bytes of the disk that is to hold a folder; `None` where the system does not tell.
fn free_bytes(folder: &Path) -> Option<f64> {
    let whole = std::path::absolute(folder).ok()?;
    let there = whole.ancestors().find(|path| path.is_dir())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail as f64 * disk.f_frsize as f64)
}
