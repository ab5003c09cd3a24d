//! `about.json`: what a network is of, in words.

use anyhow::Result;
use serde::Serialize;

use super::network::TorchExport;
use crate::config::{NetworkConfig, TaskConfig, TrainingConfig};
use crate::export::names::Names;
use crate::record::DatasetRecord;

#[derive(Serialize)]
struct About<'a> {
    run: &'a str,
    condition: &'a str,
    seed: u64,
    /// Updates done, and the theory's time then.
    step: u64,
    time: f64,
    /// Whether more updates were to come.
    is_last: bool,
    /// Of tasks in sequence: the one that it was learning.
    stretch: Option<&'a str>,
    revision: &'a str,
    libtorch: &'a str,
    /// Names of items and of labels, in the order of rows and columns of `targets`; empty without a tree.
    items: Vec<String>,
    labels: Vec<String>,
    /// Of each level of the tree its first label and the one behind its last.
    levels: Vec<[usize; 2]>,
    dataset: Option<&'a DatasetRecord>,
    task: &'a TaskConfig,
    network: &'a NetworkConfig,
    training: &'a TrainingConfig,
}

/// The file's text.
pub fn text_of(export: &TorchExport) -> Result<String> {
    let TorchExport { run, record, step, stretch, task, .. } = export;
    let Names { items, labels } = Names::of(&stretch.config.task, record.dataset.as_ref());
    let levels = task.level_columns().into_iter().map(|level| [level.start, level.end]).collect();
    let about = About {
        run,
        condition: &record.condition,
        seed: record.seed,
        step: *step,
        time: stretch.span.time(*step),
        is_last: *step == record.config.total_steps(),
        stretch: (!record.stretches.is_empty()).then_some(&*stretch.label),
        revision: &record.revision,
        libtorch: &record.libtorch,
        items,
        labels,
        levels,
        dataset: record.dataset.as_ref(),
        task: &stretch.config.task,
        network: &stretch.config.network,
        training: &stretch.config.training,
    };
    Ok(serde_json::to_string_pretty(&about)? + "\n")
}
