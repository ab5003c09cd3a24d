//! The Gram matrix of a condition's inputs, as records keep it.

use anyhow::Result;

use super::tasks::Tasks;
use crate::config::Config;
use crate::record::GramRecord;
use crate::theory::Gram;

/// Eigenvalues that are kept.
const KEPT: usize = 64;

/// The Gram matrix of one condition's training inputs. Costs are told as `info`.
///
/// # Errors
///
/// If the data cannot be read, or have no Gram matrix; names the condition.
pub fn gram_of(condition: &str, config: &Config, tasks: &mut Tasks) -> Result<GramRecord> {
    Ok(record(condition, config, &tasks.gram(condition, config)?))
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
