//! The weights that a run left, or has so far, and what they were trained on.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::finished::last_of;
use super::keeper::final_path;
use super::roster::{Run, previous, unfinished_paths};
use super::saved::{Saved, step_and_roster};
use super::tasks::Tasks;
use crate::config::{Span, Stretch};
use crate::record::{self, Record, Status};
use crate::task::Task;
use crate::train::NamedTensors;
use crate::train::checkpoint_file::bytes_of_tensors;

/// A network between two steps.
pub struct Weights {
    /// Of its run as it stood then.
    pub record: Record,
    /// Updates done.
    pub step: u64,
    /// Its layers and normalisations, under the names of `model::Network::parameters` and `buffers`.
    tensors: NamedTensors,
}

impl Weights {
    /// The newest of a run: of a complete one at its last step, else of its last checkpoint.
    ///
    /// # Errors
    ///
    /// If the run diverged, or left no checkpoint, or one that is damaged; names the file and the remedy.
    pub fn newest(folder: &Path, condition: &str, seed: u64) -> Result<Weights> {
        let path = record::path_of(folder, condition, seed);
        let run: Run = (condition.to_owned(), seed);
        let end = final_path(&path);
        let at_end = end.exists().then(|| last_of(&end, &run)).transpose()?;
        let mut newest = at_end.map(|(member, step)| (step, member));
        for path in unfinished_paths(folder) {
            let known = newest.as_ref().map(|(step, _)| *step);
            let is_news = |&(step, _): &(u64, _)| known.is_none_or(|known| step > known);
            let Some((_, roster)) = step_and_roster(&path).ok().filter(is_news) else { continue };
            if !roster.0.contains(&run) {
                continue;
            }
            let Ok(saved) = Saved::read(&path).or_else(|_| Saved::read(&previous(&path))) else {
                continue;
            };
            let step = saved.step;
            let member = saved.members.into_iter().find(|member| member.run == run);
            newest = member.map(|member| (step, member)).or(newest);
        }
        let Some((step, member)) = newest else { return Err(no_weights(&path)) };
        if let Some(words) = member.record.status.diverged_in_words() {
            bail!("condition '{condition}', seed {seed}: {words}: it has no weights worth keeping");
        }
        let (_, tensors) = member.checkpoint.into_parts();
        Weights::of(member.record, step, tensors)
    }

    /// Those of a run among tensors of which others may be an optimiser's.
    fn of(record: Record, step: u64, tensors: NamedTensors) -> Result<Weights> {
        let mut tensors: NamedTensors =
            tensors.into_iter().filter(|(name, _)| is_of_network(name)).collect();
        ensure!(!tensors.is_empty(), "a checkpoint without weights");
        tensors.sort_by_key(|(name, _)| place(name));
        Ok(Weights { record, step, tensors })
    }

    /// The stretch of training in which the network stands.
    ///
    /// # Errors
    ///
    /// If the record's config tells none.
    pub fn stretch(&self) -> Result<Stretch> {
        let mut stretches = self.record.config.stretches()?;
        let index = Span::index_at(stretches.iter().map(|stretch| stretch.span), self.step);
        ensure!(index < stretches.len(), "a config without stretches");
        Ok(stretches.swap_remove(index))
    }

    /// What it learns there, made again from its data.
    ///
    /// # Errors
    ///
    /// If the data cannot be read, or are not those that it was trained on.
    pub fn task(&self, stretch: &Stretch, tasks: &mut Tasks) -> Result<Arc<Task>> {
        let Record { condition, config, dataset, .. } = &self.record;
        let first = config.stretches()?.into_iter().next().context("a config without stretches")?;
        let of_first = tasks.of(condition, &first.config)?;
        let now = tasks.dataset_record(&first.config.task, &of_first);
        ensure!(
            now == *dataset,
            "condition '{condition}': its images were others ({}), now {}: give the folder that holds them with --data-dir",
            dataset.as_ref().map_or("none", |dataset| &*dataset.checksum),
            now.as_ref().map_or("none", |dataset| &*dataset.checksum)
        );
        tasks.of(condition, &stretch.config)
    }

    /// As the bytes of a safetensors file, with the names of `torch.nn`.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut named: NamedTensors =
            self.tensors.iter().map(|(name, it)| (name.clone(), it.shallow_clone())).collect();
        // Normalisation with the statistics of its samples has no running ones in PyTorch.
        if self.record.config.network.answers_in_batches() {
            named.retain(|(name, _)| !name.contains(".running_"));
        }
        let with_running = named.iter().filter_map(|(name, _)| name.strip_suffix(".running_mean"));
        let counted: Vec<String> =
            with_running.map(|layer| format!("{layer}.num_batches_tracked")).collect();
        let updates = tch::Tensor::from(i64::try_from(self.step)?);
        named.extend(counted.into_iter().map(|name| (name, updates.shallow_clone())));
        bytes_of_tensors(&named)
    }
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

/// Layers in their order, whatever the number of their digits.
fn place(name: &str) -> (usize, String) {
    let digits = name.chars().filter(char::is_ascii_digit).collect::<String>();
    (digits.parse().unwrap_or(0), name.to_owned())
}

/// Why a run has none, and what to do.
fn no_weights(path: &Path) -> anyhow::Error {
    let checkpoint = path.with_extension("checkpoint");
    let record = record::read_checked::<Record>(path).ok();
    match record.map(|record| record.status) {
        Some(status @ Status::Diverged { .. }) => anyhow::anyhow!(
            "{}: {}, and left no weights",
            path.display(),
            status.diverged_in_words().unwrap_or_default()
        ),
        Some(Status::Complete) => anyhow::anyhow!(
            "{} is not there, which held this run's weights: train it again, from the config.yaml of its folder, with another --out",
            checkpoint.display()
        ),
        Some(Status::Running) | None => anyhow::anyhow!(
            "{} has no checkpoint yet, which would hold its weights: go on training with --resume",
            path.display()
        ),
    }
}
