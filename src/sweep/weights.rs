//! The weights that a run left, or has so far, and what they were trained on.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::finished::last_of;
use super::keeper::final_path;
use super::kept;
use super::roster::{Run, previous, unfinished_paths};
use super::saved::{Saved, step_and_roster};
use super::so_far::record_so_far;
use super::tasks::Tasks;
use crate::config::{Checkpoints, Span, Stretch};
use crate::record::{self, Record, Status};
use crate::task::Task;
use crate::train::NamedTensors;
use crate::train::checkpoint_file::{bytes_of_tensors, tensors_of_bytes};

/// A moment of training whose weights were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// After so many updates.
    Step(u64),
    /// Of the least loss on the evaluation set.
    Best,
}

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

    /// Those of a run that were kept along training.
    ///
    /// # Errors
    ///
    /// If there are none of that moment; says which there are.
    pub fn kept(folder: &Path, condition: &str, seed: u64, at: At) -> Result<Weights> {
        let path = record::path_of(folder, condition, seed);
        let record = record_so_far(folder, condition, seed)?
            .with_context(|| format!("{} is not there", path.display()))?;
        let checkpoints = record.config.training.checkpoints;
        let has = |step: u64| record.weights_at.contains(&step);
        let file = match (at, checkpoints) {
            (At::Best, Checkpoints::Best) => kept::of_best(&path),
            (At::Best, Checkpoints::Log) => {
                ensure!(
                    record.stretches.is_empty(),
                    "--at best compares losses, but those of phases are on other targets each: give a step"
                );
                let moments = record.curves.step.iter().zip(&record.curves.loss);
                let of_kept = moments.filter(|(step, _)| has(**step));
                let best = of_kept.min_by(|(_, one), (_, other)| one.total_cmp(other));
                kept::of_step(&path, *best.context("no weights are kept yet")?.0)
            }
            (At::Step(step), Checkpoints::Log) if has(step) => kept::of_step(&path, step),
            (At::Step(step), Checkpoints::Best) if has(step) => kept::of_best(&path),
            (_, Checkpoints::Last) => bail!(
                "{}: training.checkpoints of this run is last, so that its last weights alone are there: leave --at out, or train again \
                 with training.checkpoints: log",
                path.display()
            ),
            (_, Checkpoints::Log | Checkpoints::Best) => {
                let steps: Vec<String> = record.weights_at.iter().map(u64::to_string).collect();
                bail!(
                    "{}: no weights of that step were kept, but of {}",
                    path.display(),
                    steps.join(", ")
                )
            }
        };
        let bytes = std::fs::read(&file).with_context(|| {
            format!("cannot read {}, which held weights along training", file.display())
        })?;
        let (step, tensors) =
            tensors_of_bytes(&bytes).with_context(|| format!("{} is damaged", file.display()))?;
        Weights::of(record, step, tensors)
    }

    /// Those of a run among tensors of which others may be an optimiser's.
    fn of(record: Record, step: u64, tensors: NamedTensors) -> Result<Weights> {
        let mut tensors = kept::network_of(&tensors);
        ensure!(!tensors.is_empty(), "a checkpoint without weights");
        tensors.sort_by_key(|(name, _)| place(name));
        Ok(Weights { record, step, tensors })
    }

    /// The stretch of training in which the network stands; at the step that ends one, that one, as records count it.
    ///
    /// # Errors
    ///
    /// If the record's config tells none.
    pub fn stretch(&self) -> Result<Stretch> {
        let mut stretches = self.record.config.stretches()?;
        let index = Span::index_at(
            stretches.iter().map(|stretch| stretch.span),
            self.step.saturating_sub(1),
        );
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
        bytes_of_tensors(&named, self.step)
    }
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
