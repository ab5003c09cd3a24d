//! Ranges and combinations. Every error names the key, the value and what is allowed.

use anyhow::{Result, bail, ensure};

use super::{
    Adam, Aligned, Config, Initialisation, Inputs, Kaiming, KernelConfig, Loss, NetworkConfig,
    NetworkKind, Normal, Optimiser, Orthogonal, Precision, Sgd, TaskConfig, TrainingConfig, Tree,
};

/// More units a layer, items or observations would not fit into memory.
const MOST_UNITS: usize = 65_536;
const MOST_ITEMS: usize = 65_536;
const MOST_OBSERVATIONS: usize = 100_000;
/// A larger kernel would not fit into memory, nor be diagonalised a dozen times today.
const MOST_KERNEL_SAMPLES: usize = 4096;
const MOST_KERNEL_TIMES: usize = 1000;

/// Images of every data set have classes 0 to 9.
const N_CLASSES: usize = 10;

pub(super) fn ensure_positive(key: &str, value: f64) -> Result<()> {
    ensure!(value.is_finite() && value > 0.0, "{key} must be positive and finite, not {value}");
    Ok(())
}

fn ensure_fraction(key: &str, value: f64) -> Result<()> {
    ensure!((0.0..1.0).contains(&value), "{key} must be at least 0 and below 1, not {value}");
    Ok(())
}

impl Tree {
    /// Items in the order of the leaves.
    fn leaves(&self) -> Vec<usize> {
        match self {
            Tree::Leaf(item) => vec![*item],
            Tree::Node(children) => children.iter().flat_map(Tree::leaves).collect(),
        }
    }

    fn has_an_empty_node(&self) -> bool {
        match self {
            Tree::Leaf(_) => false,
            Tree::Node(children) => {
                children.is_empty() || children.iter().any(Tree::has_an_empty_node)
            }
        }
    }
}

impl TaskConfig {
    /// Number of items: leaves of the tree.
    pub fn n_items(&self) -> usize {
        match (&self.tree, &self.branching) {
            (Some(tree), _) => tree.leaves().len(),
            (None, Some(branching)) => {
                branching.iter().fold(1, |n: usize, &factor| n.saturating_mul(factor))
            }
            (None, None) => 8,
        }
    }

    fn check(&self) -> Result<()> {
        self.check_tree()?;
        let n_items = self.n_items();
        if let Some(frequencies) = &self.frequencies {
            ensure!(
                frequencies.len() == n_items,
                "task.frequencies has {} weights for {n_items} items: give one for each item, or null",
                frequencies.len()
            );
            for &frequency in frequencies {
                ensure_positive("each of task.frequencies", frequency)?;
            }
            let largest = frequencies.iter().copied().fold(0.0, f64::max);
            let smallest = frequencies.iter().copied().fold(f64::INFINITY, f64::min);
            ensure!(
                largest <= 1e6 * smallest && largest < 1e100 && smallest > 1e-100,
                "task.frequencies range from {smallest:e} to {largest:e}: keep them within a factor of 1e6, between 1e-100 and 1e100"
            );
        }
        ensure_fraction("task.correlation", self.correlation)?;
        ensure!(
            self.correlation == 0.0 || self.inputs == Inputs::Correlated,
            "task.correlation is {}, but task.inputs is {}: set task.inputs to correlated",
            self.correlation,
            self.inputs.name()
        );
        for (key, size) in
            [("task.samples.train", self.samples.train), ("task.samples.test", self.samples.test)]
        {
            if let Some(size) = size {
                ensure!(
                    size >= n_items,
                    "{key} must be at least the number of items, {n_items}, not {size}"
                );
            }
        }
        self.check_classes(n_items)
    }

    fn check_tree(&self) -> Result<()> {
        if let Some(branching) = &self.branching {
            ensure!(
                self.tree.is_none(),
                "task.branching and task.tree exclude each other: give one of them"
            );
            ensure!(
                !branching.is_empty(),
                "task.branching is empty: give children per node, such as [2, 2, 2]"
            );
            ensure!(!branching.contains(&0), "task.branching has a 0: every node needs a child");
            let n_items =
                branching.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor));
            ensure!(
                n_items.is_some_and(|n| (2..=MOST_ITEMS).contains(&n)),
                "task.branching {branching:?} must make 2 to {MOST_ITEMS} items"
            );
        }
        if let Some(tree) = &self.tree {
            ensure!(
                !tree.has_an_empty_node(),
                "task.tree has an empty list: every node needs a child"
            );
            let mut leaves = tree.leaves();
            ensure!(leaves.len() >= 2, "task.tree has {} items: it needs at least 2", leaves.len());
            leaves.sort_unstable();
            ensure!(
                leaves.iter().enumerate().all(|(index, &leaf)| index == leaf),
                "task.tree's leaves must be the items 0 to {}, each once",
                leaves.len() - 1
            );
        }
        Ok(())
    }

    fn check_classes(&self, n_items: usize) -> Result<()> {
        let Some(classes) = &self.classes else { return Ok(()) };
        ensure!(
            classes.len() == n_items,
            "task.classes lists {} classes, but the tree has {n_items} items: list one class for each item",
            classes.len()
        );
        for (index, &class) in classes.iter().enumerate() {
            ensure!(
                class < N_CLASSES,
                "task.classes lists class {class}, but {} has classes 0 to {}",
                self.inputs.name(),
                N_CLASSES - 1
            );
            ensure!(!classes[..index].contains(&class), "task.classes lists class {class} twice");
        }
        Ok(())
    }
}

impl NetworkConfig {
    fn check(&self, inputs: Inputs) -> Result<()> {
        for &width in &self.hidden {
            ensure!(
                (1..=MOST_UNITS).contains(&width),
                "network.hidden has a width of {width}: every layer has 1 to {MOST_UNITS} units"
            );
        }
        ensure!(
            self.hidden.len() <= 100,
            "network.hidden lists {} layers: at most 100",
            self.hidden.len()
        );
        if self.kind == NetworkKind::Cnn {
            ensure!(
                inputs.are_images(),
                "network.kind is cnn, but task.inputs is {}: use images",
                inputs.name()
            );
            ensure!(
                (1..=4).contains(&self.hidden.len()),
                "network.hidden must list the channels of 1 to 4 convolution blocks, not {}: each halves the image",
                self.hidden.len()
            );
        }
        match self.initialisation {
            Initialisation::Aligned(Aligned { a0, biases: _ }) => {
                ensure!(
                    a0 > 0.0 && a0 <= 1000.0,
                    "network.initialisation.aligned.a0 must be positive and at most 1000, not {a0}"
                );
                ensure!(
                    self.kind == NetworkKind::Linear,
                    "network.initialisation.aligned is for linear networks: use normal, kaiming or orthogonal"
                );
            }
            Initialisation::Normal(Normal { std }) => {
                ensure_positive("network.initialisation.normal.std", std)?
            }
            Initialisation::Kaiming(Kaiming { gain }) => {
                ensure_positive("network.initialisation.kaiming.gain", gain)?
            }
            Initialisation::Orthogonal(Orthogonal { scale }) => {
                ensure_positive("network.initialisation.orthogonal.scale", scale)?;
            }
        }
        Ok(())
    }
}

impl TrainingConfig {
    fn check(&self) -> Result<()> {
        ensure_positive("training.learning_rate", self.learning_rate)?;
        ensure!(
            (1e-12..=1e6).contains(&self.learning_rate),
            "training.learning_rate must be between 1e-12 and 1e6, not {}",
            self.learning_rate
        );
        ensure!(self.steps >= 1, "training.steps must be at least 1, not 0");
        ensure!(
            (2..=MOST_OBSERVATIONS).contains(&self.observations),
            "training.observations must be 2 to {MOST_OBSERVATIONS}, not {}",
            self.observations
        );
        ensure!(
            self.batch_size != Some(0),
            "training.batch_size must be at least 1, or null for full batch"
        );
        match self.optimiser {
            Optimiser::Sgd(Sgd { momentum }) => {
                ensure_fraction("training.optimiser.sgd.momentum", momentum)
            }
            Optimiser::Adam(Adam { beta1, beta2, epsilon }) => {
                ensure_fraction("training.optimiser.adam.beta1", beta1)?;
                ensure_fraction("training.optimiser.adam.beta2", beta2)?;
                ensure_positive("training.optimiser.adam.epsilon", epsilon)
            }
        }
    }
}

impl KernelConfig {
    fn check(&self, network: NetworkKind) -> Result<()> {
        ensure!(
            (2..=MOST_KERNEL_SAMPLES).contains(&self.samples),
            "kernel.samples must be 2 to {MOST_KERNEL_SAMPLES}, not {}",
            self.samples
        );
        ensure!(
            (2..=MOST_KERNEL_TIMES).contains(&self.times),
            "kernel.times must be 2 to {MOST_KERNEL_TIMES}, not {}",
            self.times
        );
        ensure!(
            network != NetworkKind::Linear,
            "kernel is for network.kind mlp and cnn: of linear networks `ocs gram` tells, or set kernel to null"
        );
        Ok(())
    }
}

impl Config {
    /// Writes out the defaults that depend on other keys.
    pub(super) fn fill_in_defaults(&mut self) {
        if self.task.tree.is_none() && self.task.branching.is_none() {
            self.task.branching = Some(vec![2, 2, 2]);
        }
        if self.task.inputs.are_images()
            && self.task.classes.is_none()
            && self.task.n_items() <= MOST_ITEMS
        {
            self.task.classes = Some((0..self.task.n_items()).collect());
        }
    }

    /// Checks every range and combination.
    ///
    /// # Errors
    ///
    /// Names the key, its value and what is allowed.
    pub fn check(&self) -> Result<()> {
        ensure_file_name("name", &self.name)?;
        for (name, _) in &self.conditions.0 {
            ensure_file_name("the name of a condition", name)?;
        }
        ensure!(
            self.phase_threshold > 0.0 && self.phase_threshold < 1.0,
            "phase_threshold must be above 0 and below 1, not {}",
            self.phase_threshold
        );
        ensure!(!self.seeds.is_empty(), "seeds is empty: give at least one, such as [0]");
        for (index, seed) in self.seeds.iter().enumerate() {
            ensure!(!self.seeds[..index].contains(seed), "seeds lists {seed} twice");
        }
        self.quick.check()?;
        if let Some(full) = &self.full {
            full.check(&self.seeds)?;
            for (name, _) in &full.conditions.0 {
                ensure_file_name("the name of a condition in full", name)?;
            }
        }
        self.task.check()?;
        self.network.check(self.task.inputs)?;
        self.training.check()?;
        if let Some(kernel) = &self.kernel {
            kernel.check(self.network.kind)?;
        }
        if self.training.loss == Loss::BinaryCrossEntropy
            && let Initialisation::Aligned(_) = self.network.initialisation
        {
            tracing::debug!(
                "the aligned start is aligned for the squared error, not for cross-entropy"
            );
        }
        if self.training.precision == Precision::Bfloat16
            && self.network.kind == NetworkKind::Linear
        {
            bail!(
                "training.precision bfloat16 is for mlp and cnn: use float32 or float64 for linear networks"
            );
        }
        Ok(())
    }
}

/// A name that is a folder's on every system.
fn ensure_file_name(key: &str, name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty()
            && !name.starts_with('.')
            && name.len() <= 100
            && name.chars().all(allowed),
        "{key} names a folder: use letters, digits, '-', '_' and '.', not '{name}'"
    );
    Ok(())
}
