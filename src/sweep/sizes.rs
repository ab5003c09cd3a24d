//! How large a task and its networks are, from a config alone: nothing is made to find out.

use crate::config::{Config, Inputs, Targets, TaskConfig};
use crate::data;
use crate::model::{Plan, plan};
use crate::task::Hierarchy;

/// Sizes that follow from a condition's config.
pub struct Sizes {
    /// Items.
    pub items: f64,
    /// Labels, or outputs.
    pub labels: f64,
    /// Levels of the tree.
    pub levels: f64,
    /// Channels, height, width.
    pub image: [i64; 3],
    /// Values of an input.
    pub inputs: f64,
    /// Training samples.
    pub train: f64,
    /// Evaluation samples.
    pub test: f64,
    /// Bytes of all images of the data set.
    pub dataset: f64,
    /// Bytes of one of their values.
    pub value_bytes: f64,
    /// Whether these were counted before.
    pub dataset_again: bool,
}

impl Sizes {
    /// Without making the task.
    pub fn of(config: &TaskConfig) -> Self {
        let items = config.n_items() as f64;
        let (labels, levels) = labels_and_levels(config);
        let extent = data::extent(config.inputs);
        let value_bytes = extent.map_or(1.0, |all| all.value_bytes as f64);
        let (image, [train, test]) = match extent {
            Some(all) => (all.shape.map(|size| size as i64), all.counts.map(|n| n as f64)),
            None => ([1, 1, vector_length(config) as i64], [items; 2]),
        };
        let inputs = image.iter().product::<i64>() as f64;
        let are_images = config.inputs.are_images();
        // Classes are about equally frequent.
        let share =
            if are_images { (items / config.inputs.n_classes() as f64).min(1.0) } else { 1.0 };
        let limited = |all: f64, limit: Option<usize>| limit.map_or(all * share, |n| n as f64);
        Sizes {
            items,
            labels,
            levels,
            image,
            inputs,
            train: limited(train, config.samples.train.filter(|_| are_images)),
            test: limited(test, config.samples.test.filter(|_| are_images)),
            dataset: if are_images { (train + test) * inputs * value_bytes } else { 0.0 },
            value_bytes,
            dataset_again: false,
        }
    }
}

impl Sizes {
    /// What a network is made of.
    pub fn plan(&self, config: &Config) -> Plan {
        plan(&config.network, self.image, self.inputs as i64, self.labels as i64)
    }

    /// Shapes of a network's weights.
    pub fn shapes(&self, config: &Config) -> Vec<Vec<i64>> {
        self.plan(config).shapes()
    }
}

/// Values of one vector per item.
fn vector_length(config: &TaskConfig) -> usize {
    match config.inputs {
        Inputs::Gaussian => config.gaussian.clone().unwrap_or_default().dimension,
        Inputs::Circle => 2,
        Inputs::Correlated => config.n_items() + 1,
        _ => config.n_items(),
    }
}

/// Nodes below the root, and the depth, without making the tree where it is balanced; without a tree, outputs.
fn labels_and_levels(config: &TaskConfig) -> (f64, f64) {
    if let Some(targets) = &config.targets {
        return match targets {
            Targets::Linear(linear) => (linear.n_outputs() as f64, 0.0),
            Targets::Sine(_) | Targets::Sign(_) => (1.0, 0.0),
            Targets::Contrasts(contrasts) => (contrasts.n_items() as f64, 0.0),
        };
    }
    match (&config.tree, &config.branching) {
        (None, Some(branching)) => {
            let mut nodes = 1.0;
            let sizes = branching.iter().map(|&factor| {
                nodes *= factor as f64;
                nodes
            });
            (sizes.sum(), branching.len() as f64)
        }
        _ => {
            let tree = Hierarchy::new(config);
            (tree.n_labels() as f64, tree.n_levels() as f64)
        }
    }
}

/// Numbers in tensors of these shapes, in all.
pub fn numbers(shapes: &[Vec<i64>]) -> f64 {
    shapes.iter().map(|shape| shape.iter().map(|&side| side as f64).product::<f64>()).sum()
}

/// Singular values of a layer: of a convolution, those of a row for each channel that it makes.
pub fn shortest_side(shape: &[i64]) -> f64 {
    let rows = shape.first().copied().unwrap_or(1);
    rows.min(shape.iter().skip(1).product()) as f64
}
