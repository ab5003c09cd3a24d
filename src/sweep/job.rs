//! One run: its condition's config, its seed, and what it learns stretch by stretch.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::roster::Run;
use crate::config::{Config, Span, Stretch};
use crate::model::ensure_can_learn;
use crate::record::{self, CellRecord, DatasetRecord};
use crate::task::Task;
use crate::train::{self, Checkpoint, Lesson, Outcome, Shared};

/// One run to do.
#[derive(Clone)]
pub struct Job {
    /// Name of the condition.
    pub condition: String,
    /// Its condition and values; `None` without a grid.
    pub cell: Option<CellRecord>,
    /// The condition's own config, with this seed alone.
    pub config: Config,
    /// Its stretches, in their order; shared by the runs of a condition.
    pub parts: Arc<[Part]>,
    /// The origin of the first stretch's images.
    pub dataset: Option<DatasetRecord>,
    /// The run's seed.
    pub seed: u64,
}

/// One stretch of a run and what is learned in it.
pub struct Part {
    /// When and how.
    pub stretch: Stretch,
    /// What is learned; shared by the runs that learn the same.
    pub task: Arc<Task>,
    /// What all runs of this task have in common; shared likewise.
    pub shared: Arc<Shared>,
}

impl Part {
    /// As training takes it.
    fn lesson(&self) -> Lesson<'_> {
        Lesson::of(&self.stretch, &self.task, &self.shared)
    }
}

impl Job {
    /// What is learned, stretch by stretch.
    pub fn lessons(&self) -> Vec<Lesson<'_>> {
        self.parts.iter().map(Part::lesson).collect()
    }

    /// What is learned first.
    pub fn task(&self) -> &Task {
        &self.parts[0].task
    }

    /// Which run it is.
    pub fn run(&self) -> Run {
        (self.condition.clone(), self.seed)
    }

    /// The run as training takes it: from its start, or from where it was left, and how it ended before.
    pub fn member<'a>(
        &'a self,
        resumed: Option<&'a Checkpoint>,
        ended: Option<Outcome>,
        observer: &'a mut dyn train::Observer,
    ) -> train::Member<'a> {
        train::Member { lessons: self.lessons(), seed: self.seed, resumed, ended, observer }
    }

    /// Makes sure that nothing about its networks and batches forbids it, before anything is written or removed.
    ///
    /// # Errors
    ///
    /// Names the condition, and the key.
    pub fn ensure_can_be_trained(&self) -> Result<()> {
        let all = self.parts.iter().try_for_each(|part| {
            ensure_can_learn(&self.config.network, &part.task)?;
            train::ensure_batches(&part.task, part.stretch.config.training.batch_size)
        });
        all.with_context(|| format!("condition '{}'", self.condition))
    }

    /// Removes what an earlier run left at this one's place.
    ///
    /// # Errors
    ///
    /// If it cannot be removed; names it.
    pub fn remove_earlier(&self, folder: &Path) -> Result<()> {
        let path = record::path_of(folder, &self.condition, self.seed);
        if path.symlink_metadata().is_ok() {
            std::fs::remove_file(&path)
                .with_context(|| format!("cannot remove the old record {}", path.display()))?;
        }
        remove_checkpoint(&path)
    }

    /// The stretch in which the update after so many is made.
    pub fn stretch_at(&self, step: u64) -> usize {
        Span::index_at(self.parts.iter().map(|part| part.stretch.span), step)
    }
}

/// Removes the checkpoint of a run that is replaced, and the weights that it kept along training.
pub(super) fn remove_checkpoint(path: &Path) -> Result<()> {
    let folder = path.with_extension("checkpoint");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove the old checkpoint {}", folder.display()))?;
    }
    let weights = path.with_extension("weights");
    if weights.is_dir() {
        std::fs::remove_dir_all(&weights)
            .with_context(|| format!("cannot remove the old weights {}", weights.display()))?;
    }
    Ok(())
}
