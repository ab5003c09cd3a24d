//! The Gram matrix of a condition's inputs, as records keep it.

use std::time::Instant;

use anyhow::{Context, Result};

use super::tasks::Tasks;
use crate::config::Config;
use crate::record::GramRecord;
use crate::task::Task;
use crate::theory::{Gram, Space};

/// Eigenvalues that are kept.
const KEPT: usize = 64;

/// The Gram matrix of one condition's training inputs. Costs are told as `info`.
///
/// # Errors
///
/// If the data cannot be read, or have no Gram matrix; names the condition.
pub fn gram_of(condition: &str, config: &Config, tasks: &mut Tasks) -> Result<GramRecord> {
    let task = tasks.of(condition, &config.task)?;
    let gram = timed(condition, &task, || Gram::new(&task))
        .with_context(|| format!("condition '{condition}'"))?;
    Ok(record(condition, config, &gram))
}

/// A Gram matrix as a record.
pub fn record(condition: &str, config: &Config, gram: &Gram) -> GramRecord {
    GramRecord {
        condition: condition.to_owned(),
        task: config.task.clone(),
        samples: gram.samples,
        features: gram.features,
        eigenvalues: gram.eigenvalues(KEPT),
        ones_overlap: gram.ones_overlap(),
        ratio: gram.ratio(),
        projection_cv: gram.projection_cv,
    }
}

/// Does something of which a Gram matrix is the dear part, and tells beforehand what memory and afterwards what time it
/// takes.
pub fn timed<T>(condition: &str, task: &Task, make: impl FnOnce() -> Result<T>) -> Result<T> {
    let (samples, features, space) = Gram::size(task);
    let space = match space {
        Space::Features => "features",
        Space::Samples => "samples",
    };
    let megabytes = Gram::megabytes(task).round();
    tracing::info!(condition, samples, features, space, megabytes, "diagonalising the Gram matrix");
    let start = Instant::now();
    let made = make()?;
    let seconds = format!("{:.1}", start.elapsed().as_secs_f64());
    tracing::info!(condition, seconds, "diagonalised");
    Ok(made)
}
