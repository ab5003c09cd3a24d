//! Tasks of conditions: each data set is read once, and each task made once, however many conditions share it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use ndarray::{Array1, Array2, Axis};

use crate::config::{Config, Inputs, Smoothing, TaskConfig};
use crate::data::{self, Dataset, Identity};
use crate::derived::Derived;
use crate::record::DatasetRecord;
use crate::task::{Task, TaskInputs};
use crate::theory::{Gram, Moments, Space};
use crate::train::{Shared, key_of_images};

/// What was read and made so far.
pub struct Tasks {
    folder: PathBuf,
    datasets: Vec<Dataset>,
    identities: Vec<(Inputs, Identity)>,
    checksums: Vec<(Inputs, String)>,
    /// Whether each was made with principal components stands beside it.
    tasks: Vec<(Learned, bool, Arc<Task>)>,
    moments: Vec<(Learned, Arc<Moments>)>,
    shared: Vec<(Learned, Arc<Shared>)>,
    derived: Derived,
}

/// What of a config says what is learned.
type Learned = (TaskConfig, Option<Smoothing>);

fn learned(config: &Config) -> Learned {
    (config.task.clone(), config.training.smoothing())
}

/// What was made for the same before.
fn known<T>(made: &[(Learned, Arc<T>)], config: &Config) -> Option<Arc<T>> {
    let is_same = |(known, _): &&(Learned, Arc<T>)| {
        known.0 == config.task && known.1 == config.training.smoothing()
    };
    made.iter().find(is_same).map(|(_, made)| made.clone())
}

impl Tasks {
    /// Nothing yet; data sets lie in `folder`.
    pub fn new(folder: &Path) -> Self {
        Tasks {
            folder: folder.to_owned(),
            datasets: Vec::new(),
            identities: Vec::new(),
            checksums: Vec::new(),
            tasks: Vec::new(),
            moments: Vec::new(),
            shared: Vec::new(),
            derived: Derived::nowhere(),
        }
    }

    /// The same, with decompositions kept for other processes.
    pub fn keeping(folder: &Path, derived: &Derived) -> Self {
        Tasks { derived: derived.clone(), ..Tasks::new(folder) }
    }

    /// The Gram matrix of a task's training inputs, diagonalised; tells what that costs.
    ///
    /// # Errors
    ///
    /// Those of `of`, and of `Gram::new`; names the condition.
    pub fn gram(&mut self, condition: &str, config: &Config) -> Result<Gram> {
        let task = self.of(condition, config)?;
        let make = || timed(condition, &task, || Gram::new(&task));
        let gram = match config.task.inputs.are_images() {
            true => kept_gram(&self.derived, &task, make),
            // Vectors are few.
            false => make(),
        };
        gram.with_context(|| format!("condition '{condition}'"))
    }

    /// The task of a condition.
    ///
    /// # Errors
    ///
    /// If its data set cannot be read, is mixed of two, or has too few samples; names the condition or the file.
    pub fn of(&mut self, condition: &str, config: &Config) -> Result<Arc<Task>> {
        let components = config.watches_components();
        let is_same = |(known, has, _): &&(Learned, bool, Arc<Task>)| {
            *known == learned(config) && *has == components
        };
        if let Some((.., task)) = self.tasks.iter().find(is_same) {
            return Ok(task.clone());
        }
        let inputs = config.task.inputs;
        let is_read = |dataset: &&Dataset| dataset.inputs == inputs;
        if inputs.are_images() && self.datasets.iter().find(is_read).is_none() {
            self.read(inputs)?;
        }
        let dataset = self.datasets.iter().find(is_read);
        let task = Task::keeping(config, dataset, &self.derived)
            .with_context(|| format!("condition '{condition}'"))?;
        let task = Arc::new(task);
        self.tasks.push((learned(config), components, task.clone()));
        Ok(task)
    }

    /// Reads a data set, and warns if its images are not the published ones.
    fn read(&mut self, inputs: Inputs) -> Result<()> {
        let dataset = data::load(inputs, &self.folder)?;
        let identity = data::identify(&dataset, &self.folder)?;
        if let Some(warning) = identity.warning(inputs, &self.folder) {
            warn_once(warning);
        }
        self.datasets.push(dataset);
        self.identities.push((inputs, identity));
        Ok(())
    }

    /// The second moments of a condition's images, diagonalised; tells what that costs.
    ///
    /// # Errors
    ///
    /// Those of `of`, and of the moments.
    pub fn moments(&mut self, condition: &str, config: &Config) -> Result<Arc<Moments>> {
        if let Some(moments) = known(&self.moments, config) {
            return Ok(moments);
        }
        let task = self.of(condition, config)?;
        let moments = Arc::new(Moments::of_gram(&task, self.gram(condition, config)?));
        self.moments.push((learned(config), moments.clone()));
        Ok(moments)
    }

    /// What all runs that learn a task have in common while they train.
    pub fn shared(&mut self, config: &Config) -> Arc<Shared> {
        if let Some(shared) = known(&self.shared, config) {
            return shared;
        }
        let shared = Arc::new(Shared::keeping(self.derived.clone()));
        self.shared.push((learned(config), shared.clone()));
        shared
    }

    /// Where a task's images come from; `None` without images.
    pub fn dataset_record(&mut self, config: &TaskConfig, task: &Task) -> Option<DatasetRecord> {
        let inputs = config.inputs;
        let dataset = self.datasets.iter().find(|dataset| dataset.inputs == inputs)?;
        if !self.checksums.iter().any(|(known, _)| *known == inputs) {
            self.checksums.push((inputs, dataset.checksum()));
        }
        let (_, checksum) = self.checksums.iter().find(|(known, _)| *known == inputs)?;
        let (train_samples, test_samples) = match &task.inputs {
            TaskInputs::Images { train, test, .. } => (train.items.len(), test.items.len()),
            TaskInputs::Vectors(vectors) => (vectors.nrows(), vectors.nrows()),
        };
        let (_, identity) = self.identities.iter().find(|(known, _)| *known == inputs)?;
        let are_published = *identity == Identity::Published;
        Some(DatasetRecord {
            name: DatasetRecord::name_of(inputs.name(), are_published),
            checksum: checksum.clone(),
            train_samples,
            test_samples,
            classes: if inputs.are_classes_recorded() { config.class_names() } else { Vec::new() },
        })
    }
}

/// A Gram matrix that was kept, or is made and kept.
fn kept_gram(derived: &Derived, task: &Task, make: impl FnOnce() -> Result<Gram>) -> Result<Gram> {
    const KIND: (&str, u32) = ("gram", 1);
    let (samples, features, space) = Gram::size(task);
    let row = |values: Array1<f64>| values.insert_axis(Axis(0));
    let make = || {
        let gram = make()?;
        let cv: Array1<f64> = gram.projection_cv.into_iter().collect();
        let rows = [("variances", gram.variances), ("mean", gram.mean), ("projection_cv", cv)];
        let rows = rows.map(|(name, values)| (name.to_owned(), row(values)));
        Ok(rows.into_iter().chain([("directions".to_owned(), gram.directions)]).collect())
    };
    let mut tables = derived.kept_or(|| key_of_images(KIND, task, "cpu"), make)?;
    let mut take = |name: &str| tables.remove(name).with_context(|| format!("no {name} kept"));
    let row = |table: Array2<f64>| table.index_axis_move(Axis(0), 0);
    Ok(Gram {
        samples,
        features,
        space,
        variances: row(take("variances")?),
        mean: row(take("mean")?),
        projection_cv: take("projection_cv")?.first().copied(),
        directions: take("directions")?,
    })
}

/// Warns, but not twice of the same: theory and training read the images one after the other.
fn warn_once(warning: String) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if !told.contains(&warning) {
        tracing::warn!("{warning}");
        told.push(warning);
    }
}

/// Does something of which a Gram matrix is the dear part, and tells beforehand what memory and afterwards what time it
/// takes.
fn timed<T>(condition: &str, task: &Task, make: impl FnOnce() -> Result<T>) -> Result<T> {
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
