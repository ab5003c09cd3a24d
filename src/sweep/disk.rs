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

/// What one run leaves on the disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnDisk {
    /// Its record, and the one in its checkpoint.
    pub records: f64,
    /// Weights at its end, and what its optimiser remembers.
    pub checkpoint: f64,
    /// Weights along training.
    pub weights: f64,
    /// Responses of each sample.
    pub responses: f64,
    /// Which samples were answered rightly.
    pub examples: f64,
}

impl OnDisk {
    /// Of a run whose record holds so many numbers.
    pub fn of(stretches: &[Config], numbers_of_record: f64) -> OnDisk {
        /// Letters of a number of 17 digits with what stands between.
        const LETTERS: f64 = 21.0;
        let sum = |of: fn(&Config) -> f64| stretches.iter().map(of).sum();
        OnDisk {
            records: 2.0 * LETTERS * numbers_of_record,
            checkpoint: stretches.iter().map(last_bytes).fold(0.0, f64::max),
            weights: sum(weights_bytes),
            responses: sum(responses_bytes),
            examples: sum(examples_bytes),
        }
    }

    /// Arrays beside the record: while it is packed, one lies there twice.
    fn arrays(&self) -> f64 {
        self.responses + self.examples
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.records + self.checkpoint + self.weights + self.arrays()
    }
}

/// Runs of a condition that are to be done.
pub struct Left<'a> {
    pub condition: &'a str,
    pub runs: usize,
    pub each: OnDisk,
}

/// Makes sure that what runs leave fits on the disk.
///
/// # Errors
///
/// `Refused` with the estimate, the limit, and the keys to lower.
pub fn ensure_fit<'a>(left: impl Iterator<Item = Left<'a>>, options: &Options) -> Result<()> {
    let (mut total, mut packed, mut conditions) = (0.0, 0.0f64, Vec::new());
    for Left { condition, runs, each } in left {
        ensure!(
            each.responses <= MOST_ARRAY,
            Refused(format!(
                "condition '{condition}': record.responses each-sample would take {:.1} GB of each run, more than {:.0} GB: lower \
                 task.samples.test or training.observations",
                each.responses / 1e9,
                MOST_ARRAY / 1e9
            ))
        );
        total += runs as f64 * each.total();
        conditions.push(condition);
        packed = packed.max(options.jobs.min(runs) as f64 * each.arrays());
    }
    let total = total + packed;
    if total >= LARGE {
        tracing::info!("records, weights and arrays take some {:.1} GB of disk", total / 1e9);
    }
    let Some(free) = free_bytes(&options.folder) else { return Ok(()) };
    // What runs of an earlier start left is part of it, or gives way to it.
    let there =
        || -> f64 { conditions.iter().map(|name| bytes_below(&options.folder.join(name))).sum() };
    if total <= free || total - there() <= free {
        return Ok(());
    }
    Err(anyhow!(Refused(format!(
        "records, weights and arrays would take {:.1} GB of disk, but {:.1} GB are free at {}: lower training.observations, \
         task.samples.test or the number of runs, leave record.responses or training.checkpoints out, or choose another --out",
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

/// Numbers in a network, and what an optimiser remembers of each.
fn last_bytes(config: &Config) -> f64 {
    let copies = 1.0 + config.training.optimiser.remembered() as f64;
    copies * numbers(&Sizes::of(&config.task).shapes(config)) * width(config)
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

/// Bytes of the files in a folder and its folders; 0 if there is none.
fn bytes_below(folder: &Path) -> f64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0.0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(there) if there.is_dir() => bytes_below(&entry.path()),
        Ok(there) => there.len() as f64,
        Err(_) => 0.0,
    };
    entries.flatten().map(of).sum()
}

/// Free bytes of the disk that is to hold a folder; `None` where the system does not tell.
fn free_bytes(folder: &Path) -> Option<f64> {
    let whole = std::path::absolute(folder).ok()?;
    let there = whole.ancestors().find(|path| path.is_dir())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail as f64 * disk.f_frsize as f64)
}
