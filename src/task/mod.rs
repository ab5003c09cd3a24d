//! Which targets does each item get, and what does the network see of it? Plain arrays and bytes, no tensors.

mod components;
mod drawn;
mod hierarchy;
mod preprocessor;
mod samples;
mod turn;

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, Axis, s};

use crate::config::{
    Config, Inputs, Labels, Projection, Smoothing, TargetScale, Targets, TaskConfig,
};
use crate::data::Dataset;
use crate::derived::Derived;

pub use components::{Components, Rows};
use drawn::Drawn;
pub use hierarchy::Hierarchy;
pub use preprocessor::Preprocessor;
pub use samples::{ImageSet, Stored};
pub use turn::Turn;

/// Everything that is learned in one condition.
#[derive(Debug, Clone)]
pub struct Task {
    /// The tree of labels; `None` where targets are other numbers.
    pub hierarchy: Option<Hierarchy>,
    /// `[n_items, n_labels]`: labels, smoothed if that is asked for, or other outputs; each vector that is drawn is an item.
    pub targets: Array2<f64>,
    /// The labels, 0 or 1, of which smoothing made the targets; `None` where targets are labels themselves, or scaled.
    pub labels: Option<Array2<f64>>,
    /// Probability of each item in the training set; sums to 1. It is 0 of vectors that are only judged, which stand last.
    pub probabilities: Array1<f64>,
    /// What the network sees.
    pub inputs: TaskInputs,
    /// Whether training samples have labels that are not theirs: those that are judged have.
    pub has_random_labels: bool,
    /// Principal components of what the network sees of the training set; of tasks made of some, and where they are asked for.
    pub components: Option<Arc<Components>>,
}

/// Inputs of a task.
#[derive(Debug, Clone)]
pub enum TaskInputs {
    /// One vector per item, `[n_items, n_inputs]`; the evaluation set is the training set, unless some are only judged.
    Vectors(Array2<f64>),
    /// Images of two disjoint sets.
    Images {
        /// From the data set's training part.
        train: ImageSet,
        /// From its test part.
        test: ImageSet,
        /// Bytes to inputs.
        preprocessor: Preprocessor,
    },
}

impl TaskInputs {
    /// The largest of the inputs as networks see them, whatever its sign; of images, among the first of the training set.
    pub fn largest(&self) -> f64 {
        const FIRST: usize = 1000;
        let largest =
            |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).fold(0.0, f64::max);
        match self {
            TaskInputs::Vectors(vectors) => largest(&mut vectors.iter().copied()),
            TaskInputs::Images { train, preprocessor, .. } => {
                let range = 0..train.items.len().min(FIRST);
                largest(&mut preprocessor.inputs(train, range).into_iter())
            }
        }
    }

    /// Whether training samples are the same numbers in the same order, whatever is to be learned of them.
    pub fn are_those_of(&self, other: &TaskInputs) -> bool {
        match (self, other) {
            (TaskInputs::Vectors(one), TaskInputs::Vectors(other)) => one == other,
            (
                TaskInputs::Images { train, preprocessor, .. },
                TaskInputs::Images { train: others, preprocessor: of_others, .. },
            ) => preprocessor == of_others && train.are_those_of(others),
            (TaskInputs::Vectors(_), _) | (TaskInputs::Images { .. }, _) => false,
        }
    }
}

impl Task {
    /// The task that a checked config trains on; `dataset` is needed for images.
    ///
    /// # Errors
    ///
    /// If the data set has no image of some item, or too few for `task.samples`.
    pub fn of(config: &Config, dataset: Option<&Dataset>) -> Result<Self> {
        Task::keeping(config, dataset, &Derived::nowhere())
    }

    /// The same, with decompositions of images kept for later.
    ///
    /// # Errors
    ///
    /// As `of`.
    pub fn keeping(config: &Config, dataset: Option<&Dataset>, derived: &Derived) -> Result<Self> {
        let smoothing = config.training.smoothing();
        Task::made(&config.task, smoothing, dataset, (config.watches_components(), derived))
    }

    /// The task that the `task` section of a checked config describes, with labels as they are.
    ///
    /// # Errors
    ///
    /// As `of`.
    pub fn new(config: &TaskConfig, dataset: Option<&Dataset>) -> Result<Self> {
        Task::smoothed(config, None, dataset)
    }

    /// The same with smoothed labels; `task.target_scale` has the last word, and scales what was smoothed.
    ///
    /// # Errors
    ///
    /// As `of`.
    pub fn smoothed(
        config: &TaskConfig,
        smoothing: Option<Smoothing>,
        dataset: Option<&Dataset>,
    ) -> Result<Self> {
        Task::made(config, smoothing, dataset, (false, &Derived::nowhere()))
    }

    fn made(
        config: &TaskConfig,
        smoothing: Option<Smoothing>,
        dataset: Option<&Dataset>,
        components: (bool, &Derived),
    ) -> Result<Self> {
        let task = match &config.targets {
            Some(targets) => Task::drawn(config, targets, components.0)?,
            None => Task::of_a_tree(config, dataset, components)?,
        };
        let task = match smoothing {
            Some(smoothing) => task.with_smooth_labels(smoothing),
            None => task,
        };
        Ok(match config.target_scale {
            Some(factors) => task.scaled(factors),
            None => task,
        })
    }

    /// With drawn inputs and what a rule makes of them.
    fn drawn(config: &TaskConfig, targets: &Targets, wants_components: bool) -> Result<Self> {
        let Drawn { mut inputs, mut targets, held_out } = Drawn::new(config, targets)?;
        let n_learned = targets.nrows() - held_out;
        let mut probabilities = Array1::from_elem(targets.nrows(), 1.0 / n_learned as f64);
        probabilities.slice_mut(s![n_learned..]).fill(0.0);
        if let Some(Labels::Random(random)) = config.labels {
            let places = samples::shuffled_places(n_learned, random);
            let shuffled = targets.select(Axis(0), &places);
            targets.slice_mut(s![..n_learned, ..]).assign(&shuffled);
        }
        let mut components = match wants_components || config.projection.is_some() {
            true => Some(components_of(inputs.slice(s![..n_learned, ..]).to_owned())?),
            false => None,
        };
        if let (Some(Projection { components: count }), Some(all)) =
            (config.projection, &components)
        {
            let kept = all.first(count, "task.projection.components")?;
            inputs = kept.projected(&inputs);
            components = Some(kept);
        }
        Ok(Task {
            hierarchy: None,
            targets,
            labels: None,
            probabilities,
            inputs: TaskInputs::Vectors(inputs),
            has_random_labels: config.labels.is_some(),
            components: components.map(Arc::new),
        })
    }

    /// With a tree's labels.
    fn of_a_tree(
        config: &TaskConfig,
        dataset: Option<&Dataset>,
        (wants_components, derived): (bool, &Derived),
    ) -> Result<Self> {
        let mut hierarchy = Hierarchy::new(config);
        if let Some(places) = &config.permutation {
            hierarchy = hierarchy.permuted(places);
        }
        let n_items = hierarchy.n_items();
        let targets = hierarchy.targets();
        let mut components = None;
        let (inputs, probabilities) = match dataset {
            None => {
                ensure!(
                    !config.inputs.are_images(),
                    "{} images were not loaded",
                    config.inputs.name()
                );
                let frequencies = config.frequencies.clone().unwrap_or_else(|| vec![1.0; n_items]);
                let total: f64 = frequencies.iter().sum();
                let probabilities = frequencies.iter().map(|frequency| frequency / total).collect();
                (TaskInputs::Vectors(vectors(config, n_items)), probabilities)
            }
            Some(dataset) => {
                let train =
                    ImageSet::choose(&dataset.train, config, config.samples.train, "training")?;
                let train = match config.labels {
                    Some(Labels::Random(random)) => train.shuffled(random),
                    None => train,
                };
                let test = ImageSet::choose(&dataset.test, config, config.samples.test, "test")?;
                let shape = [dataset.channels, dataset.height, dataset.width];
                let (preprocessor, found) =
                    Preprocessor::of(&train, shape, config, wants_components, derived)?;
                components = found;
                let probabilities = train.item_probabilities(n_items);
                (TaskInputs::Images { train, test, preprocessor }, probabilities)
            }
        };
        Ok(Task {
            hierarchy: Some(hierarchy),
            targets,
            labels: None,
            probabilities,
            inputs,
            has_random_labels: config.labels.is_some(),
            components,
        })
    }

    /// With targets `mean ybar + contrasts (y - ybar)`.
    fn scaled(self, TargetScale { mean, contrasts }: TargetScale) -> Self {
        let targets = contrasts * &self.targets + (mean - contrasts) * &self.ocs();
        Task { targets, labels: None, ..self }
    }

    /// With targets `(1 - epsilon) y + epsilon q`, where `q` are equal chances of a level's labels, or 1/2.
    fn with_smooth_labels(self, smoothing: Smoothing) -> Self {
        let mut targets = self.targets.clone();
        for level in self.level_columns() {
            let n_labels = level.len();
            let mut columns = targets.slice_mut(ndarray::s![.., level]);
            columns.mapv_inplace(|label| smoothing.of(label, n_labels));
        }
        Task { targets, labels: Some(self.targets), ..self }
    }

    /// Label columns of every level, from the top; empty without a tree.
    pub fn level_columns(&self) -> Vec<Range<usize>> {
        self.hierarchy.as_ref().map(Hierarchy::level_columns).unwrap_or_default()
    }

    /// Children per node at each level, if the targets are the labels of a balanced tree.
    pub fn branching(&self) -> Option<Vec<usize>> {
        let hierarchy = self.hierarchy.as_ref()?;
        hierarchy.branching().filter(|_| self.targets == hierarchy.targets())
    }

    /// Makes sure that a network that learns this can go on with another: as many inputs, items, and labels of each level.
    ///
    /// # Errors
    ///
    /// Says what differs.
    pub fn ensure_same_shape(&self, other: &Task) -> Result<()> {
        let shape = |task: &Task| {
            let levels: Vec<usize> =
                task.level_columns().iter().map(|columns| columns.len()).collect();
            (task.n_inputs(), task.targets.dim(), levels)
        };
        let ((inputs, (items, labels), levels), one) = (shape(other), shape(self));
        ensure!(
            shape(other) == one,
            "it has {inputs} inputs, {items} items and {labels} labels on levels of {levels:?}, phase 1 has {}, {}, {} and {:?}: a \
             network keeps its shape",
            one.0,
            one.1.0,
            one.1.1,
            one.2
        );
        Ok(())
    }

    /// The optimal constant solution for squared error and, in probabilities, for cross-entropy: `ybar`, `[n_labels]`. Exactly 0
    /// where targets cancel but for rounding errors, as odd ones do.
    pub fn ocs(&self) -> Array1<f64> {
        let mut mean = self.probabilities.dot(&self.targets);
        let sizes = self.probabilities.dot(&self.targets.mapv(f64::abs));
        for (mean, size) in mean.iter_mut().zip(sizes) {
            if mean.abs() <= ROUNDING * size {
                *mean = 0.0;
            }
        }
        mean
    }

    /// Whether the second half of the items are the opposites of the first, in their order, and equally frequent.
    pub fn is_mirrored(&self) -> bool {
        let TaskInputs::Vectors(inputs) = &self.inputs else { return false };
        let half = inputs.nrows() / 2;
        inputs.nrows() == 2 * half
            && (0..half).all(|item| {
                let sum = &inputs.row(item) + &inputs.row(item + half);
                sum.iter().all(|value| *value == 0.0)
                    && self.probabilities[item] == self.probabilities[item + half]
            })
    }

    /// Whether all items are equally frequent and every node of a level has as many: then the tree's modes are known, whatever
    /// the items' order and the targets' scale.
    pub fn is_even(&self) -> bool {
        let n_items = self.targets.nrows() as f64;
        let even = self.probabilities.iter().all(|p| (p * n_items - 1.0).abs() < 1e-12);
        even && self.hierarchy.as_ref().is_some_and(Hierarchy::is_even)
    }

    /// Number of training samples.
    pub fn n_samples(&self) -> usize {
        match &self.inputs {
            TaskInputs::Vectors(vectors) => vectors.nrows() - self.n_held_out(),
            TaskInputs::Images { train, .. } => train.items.len(),
        }
    }

    /// Number of items that are judged and not learned, the last; 0 where the training set is judged.
    pub fn n_held_out(&self) -> usize {
        self.probabilities.iter().rev().take_while(|p| **p == 0.0).count()
    }

    /// Whether training samples are judged too: every step sees them all anyway, or their labels are their own in name alone.
    pub fn judges_training(&self, batch_size: Option<usize>) -> bool {
        let has_others = match &self.inputs {
            TaskInputs::Vectors(_) => self.n_held_out() > 0,
            TaskInputs::Images { .. } => true,
        };
        has_others && (batch_size.is_none() || self.has_random_labels)
    }

    /// The samples that are learned: item of each.
    pub fn training_items(&self) -> Vec<usize> {
        match &self.inputs {
            TaskInputs::Vectors(_) => (0..self.n_samples()).collect(),
            TaskInputs::Images { train, .. } => train.items.clone(),
        }
    }

    /// Number of input values of a sample.
    pub fn n_inputs(&self) -> usize {
        match &self.inputs {
            TaskInputs::Vectors(vectors) => vectors.ncols(),
            TaskInputs::Images { preprocessor, .. } => preprocessor.shape.iter().product(),
        }
    }

    /// Mean input of each item, `[n_items, n_inputs]`.
    pub fn item_means(&self) -> Array2<f64> {
        match &self.inputs {
            TaskInputs::Vectors(vectors) => vectors.clone(),
            TaskInputs::Images { train, preprocessor, .. } => {
                preprocessor.item_means(train, self.targets.nrows())
            }
        }
    }

    /// Input-output correlation `Sigma_yx = <y x^T>`, `[n_labels, n_inputs]`: items suffice, since a target depends on
    /// the item alone.
    pub fn input_output_correlation(&self) -> Array2<f64> {
        let weighted = &self.targets * &self.probabilities.view().insert_axis(ndarray::Axis(1));
        weighted.t().dot(&self.item_means())
    }

    /// The samples that responses are judged on: item and weight of each.
    pub fn evaluation_items(&self) -> (Vec<usize>, Vec<f64>) {
        match &self.inputs {
            TaskInputs::Vectors(_) if self.n_held_out() > 0 => {
                let n_held_out = self.n_held_out();
                ((self.n_samples()..self.targets.nrows()).collect(), vec![1.0; n_held_out])
            }
            TaskInputs::Vectors(vectors) => {
                ((0..vectors.nrows()).collect(), self.probabilities.to_vec())
            }
            TaskInputs::Images { test, .. } => (test.items.clone(), vec![1.0; test.items.len()]),
        }
    }
}

/// Principal components of vectors of equal weight.
fn components_of(learned: Array2<f64>) -> Result<Components> {
    Components::of(&Rows {
        count: learned.nrows(),
        n_inputs: learned.ncols(),
        of: &|range| learned.slice(s![range, ..]).to_owned(),
    })
}

/// What rounding leaves of a mean of zero, as a share of what is averaged.
const ROUNDING: f64 = 1e-12;

/// One-hot inputs, or `x_i = sqrt(rho) c + sqrt(1 - rho) e_i` with `c` a unit vector orthogonal to all `e_i` (THEORY 13).
fn vectors(config: &TaskConfig, n_items: usize) -> Array2<f64> {
    if config.inputs != Inputs::Correlated {
        return Array2::eye(n_items);
    }
    let mut vectors = Array2::zeros((n_items, n_items + 1));
    for item in 0..n_items {
        vectors[[item, item]] = (1.0 - config.correlation).sqrt();
        vectors[[item, n_items]] = config.correlation.sqrt();
    }
    vectors
}
