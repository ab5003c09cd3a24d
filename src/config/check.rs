//! Ranges and combinations. Every error names the key, the value and what is allowed.

use std::collections::HashSet;

use anyhow::{Result, bail, ensure};
use serde_yaml::Value;

use super::name::{ensure_condition_name, ensure_label, ensure_name};
use super::own::tree_of;
use super::tree::{MOST_ITEMS, MOST_LABELS, MOST_LEVELS};
use super::{
    Bias, Config, Initialisation, Inputs, KernelConfig, NetworkKind, Precision, ProbeKind,
    TargetScale, TaskConfig, TrainingConfig, Tree, rounding,
};

/// More observations would not fit into memory.
const MOST_OBSERVATIONS: usize = 100_000;
/// Larger weights diverge at the first step.
const MOST_SCALE: f64 = 1000.0;
/// More conditions, seeds, or runs of all together, would take longer to list than to wait for.
pub(super) const MOST_CONDITIONS: usize = 1000;
pub(super) const MOST_SEEDS: usize = 100_000;
const MOST_RUNS: usize = 1_000_000;
/// A larger kernel would not fit into memory, nor be diagonalised a dozen times today.
const MOST_KERNEL_SAMPLES: usize = 4096;
const MOST_KERNEL_TIMES: usize = 1000;

pub(super) fn ensure_positive(key: &str, value: f64) -> Result<()> {
    ensure!(value.is_finite() && value > 0.0, "{key} must be positive and finite, not {value}");
    Ok(())
}

pub(super) fn ensure_not_negative(key: &str, value: f64) -> Result<()> {
    ensure!(value.is_finite() && value >= 0.0, "{key} must be 0 or more and finite, not {value}");
    Ok(())
}

pub(super) fn ensure_fraction(key: &str, value: f64) -> Result<()> {
    ensure!((0.0..1.0).contains(&value), "{key} must be at least 0 and below 1, not {value}");
    Ok(())
}

/// A scale of initial weights.
pub(super) fn ensure_scale(key: &str, value: f64) -> Result<()> {
    ensure!(
        value > 0.0 && value <= MOST_SCALE,
        "network.{key} must be positive and at most {MOST_SCALE}, not {value}"
    );
    Ok(())
}

impl TaskConfig {
    /// Writes out the default tree: of images of one's own that of their names, else eight items.
    fn fill_in_tree(&mut self) {
        let Some(own) = self.inputs.own() else {
            self.branching = Some(vec![2, 2, 2]);
            return;
        };
        let chosen = match &self.classes {
            Some(_) => self.class_names(),
            None => own.names.clone(),
        };
        self.tree = Some(tree_of(&chosen));
    }

    /// Images of one's own are there, and as large as networks need them.
    fn check_own(&self) -> Result<()> {
        let Some(own) = self.inputs.own() else { return Ok(()) };
        ensure!(
            own.found.is_some(),
            "task.inputs lacks what was found at {}: read the config from a file",
            own.path.display()
        );
        Ok(())
    }

    /// Number of items: leaves of the tree, or vectors that are drawn.
    pub fn n_items(&self) -> usize {
        if let Some(n_drawn) = self.n_drawn() {
            return n_drawn;
        }
        match (&self.tree, &self.branching) {
            (Some(tree), _) => tree.leaves().len(),
            (None, Some(branching)) => {
                branching.iter().fold(1, |n: usize, &factor| n.saturating_mul(factor))
            }
            (None, None) => 8,
        }
    }

    /// Whether no item is more frequent than another.
    pub(super) fn items_come_equally_often(&self) -> bool {
        let frequencies = self.frequencies.as_deref().unwrap_or_default();
        frequencies.windows(2).all(|pair| pair[0] == pair[1])
    }

    fn check(&self) -> Result<()> {
        self.check_own()?;
        self.check_drawn()?;
        self.check_components()?;
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
        self.check_classes(n_items)?;
        self.check_placed(n_items)
    }

    /// Where items stand in the tree, and by what their targets are scaled.
    fn check_placed(&self, n_items: usize) -> Result<()> {
        if let Some(permutation) = &self.permutation {
            ensure!(
                self.has_tree(),
                "task.permutation places items in a tree, but task.targets draws others: leave one out"
            );
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            ensure!(
                sorted.iter().copied().eq(0..n_items),
                "task.permutation must list the leaves 0 to {}, each once",
                n_items - 1
            );
        }
        if let Some(TargetScale { mean, contrasts }) = self.target_scale {
            for (key, factor) in [("mean", mean), ("contrasts", contrasts)] {
                ensure!(
                    factor != 0.0 && factor.abs() <= MOST_SCALE,
                    "task.target_scale.{key} must be between -{MOST_SCALE} and {MOST_SCALE}, and not 0; it is {factor}"
                );
            }
        }
        Ok(())
    }

    fn check_tree(&self) -> Result<()> {
        if let Some(branching) = &self.branching {
            ensure!(
                self.tree.is_none(),
                "task.branching and task.tree exclude each other: give one of them"
            );
            check_branching(branching)?;
        }
        if let Some(tree) = &self.tree {
            ensure!(
                !tree.has_an_empty_node(),
                "task.tree has an empty list: every node needs a child"
            );
            let leaves = tree.leaves();
            ensure!(
                (2..=MOST_ITEMS).contains(&leaves.len()),
                "task.tree has {} items: it needs 2 to {MOST_ITEMS}",
                leaves.len()
            );
            self.check_leaves(tree, leaves)?;
        }
        Ok(())
    }

    /// Leaves are items. Who writes classes there is told how to say both.
    fn check_leaves(&self, tree: &Tree, leaves: Vec<usize>) -> Result<()> {
        let mut sorted = leaves.clone();
        sorted.sort_unstable();
        if sorted.iter().enumerate().all(|(index, &leaf)| index == leaf) {
            return Ok(());
        }
        sorted.dedup();
        let is_short = leaves.len() <= 32;
        let last = leaves.len() - 1;
        let numbered = tree.numbered();
        if self.inputs.are_images() && is_short && sorted.len() == leaves.len() {
            bail!(
                "task.tree's leaves must be the items 0 to {last}, each once; which classes they stand for is said by task.classes: \
                 write tree: {numbered} and classes: {leaves:?}"
            );
        }
        let instead = if is_short { format!(": write tree: {numbered}") } else { String::new() };
        bail!("task.tree's leaves must be the items 0 to {last}, each once{instead}");
    }

    fn check_classes(&self, n_items: usize) -> Result<()> {
        let Some(classes) = &self.classes else { return Ok(()) };
        // Of one vector per item they mean nothing until inputs are images, which all have as many.
        let n_classes = if self.inputs.are_images() { self.inputs.n_classes() } else { 10 };
        ensure!(
            classes.len() == n_items,
            "task.classes lists {} classes, but the tree has {n_items} items: list one class for each item",
            classes.len()
        );
        for (index, &class) in classes.iter().enumerate() {
            ensure!(
                class < n_classes,
                "task.classes lists class {class}, but {} has classes 0 to {}",
                self.inputs.name(),
                n_classes - 1
            );
            ensure!(!classes[..index].contains(&class), "task.classes lists class {class} twice");
        }
        Ok(())
    }
}

fn check_branching(branching: &[usize]) -> Result<()> {
    ensure!(
        !branching.is_empty(),
        "task.branching is empty: give children per node, such as [2, 2, 2]"
    );
    ensure!(
        branching.len() <= MOST_LEVELS,
        "task.branching lists {} levels: a tree has at most {MOST_LEVELS}",
        branching.len()
    );
    ensure!(!branching.contains(&0), "task.branching has a 0: every node needs a child");
    let n_items = branching.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor));
    ensure!(
        n_items.is_some_and(|n| (2..=MOST_ITEMS).contains(&n)),
        "task.branching {branching:?} must make 2 to {MOST_ITEMS} items"
    );
    // No overflow: a level has at most as many labels as there are items, and there are few levels.
    let (_, n_labels) = branching
        .iter()
        .fold((1, 0), |(nodes, labels), &factor| (nodes * factor, labels + nodes * factor));
    ensure!(
        n_labels <= MOST_LABELS,
        "task.branching {branching:?} makes {n_labels} labels: at most {MOST_LABELS}"
    );
    Ok(())
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
        self.optimiser.check(self.learning_rate)?;
        if let Some(norm) = self.gradient_clipping {
            ensure_positive("training.gradient_clipping", norm)?;
        }
        self.schedule.check(self.steps)
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
            !network.is_linear(),
            "kernel is for network.kind mlp and cnn: of linear networks `ocs gram` tells, or set kernel to null"
        );
        Ok(())
    }
}

impl Config {
    /// Writes out the defaults that depend on other keys.
    pub(super) fn fill_in_defaults(&mut self) {
        self.task.fill_in_drawn();
        if self.task.has_tree() && self.task.tree.is_none() && self.task.branching.is_none() {
            self.task.fill_in_tree();
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
        ensure_name("name", &self.name)?;
        for (name, _) in &self.conditions.0 {
            ensure_condition_name("the name of a condition", name)?;
        }
        if let Some(label) = &self.label {
            ensure_label(label)?;
        }
        ensure!(
            self.phase_threshold > 0.0 && self.phase_threshold < 1.0,
            "phase_threshold must be above 0 and below 1, not {}",
            self.phase_threshold
        );
        rounding::check_threshold(self.phase_threshold, self.training.precision)?;
        self.grid.check(self.conditions.0.len())?;
        self.check_runs()?;
        self.quick.check()?;
        if let Some(full) = &self.full {
            full.check(&self.seeds)?;
            for (name, _) in &full.conditions.0 {
                ensure_condition_name("the name of a condition in full", name)?;
            }
        }
        self.task.check()?;
        self.network.check(&self.task)?;
        for (index, probe) in self.probes.iter().enumerate() {
            let is_new = !self.probes[..index].contains(probe);
            ensure!(is_new, "probes lists {} twice", probe.name());
        }
        ensure!(
            !self.probes.contains(&ProbeKind::Representations)
                || !self.network.kind.is_linear()
                || (self.network.bias == Bias::None && !self.task.inputs.are_images()),
            "probes lists representations, which of linear networks are told without biases on one vector per item: leave it out, set \
             network.bias to none and task.inputs to one-hot, correlated, gaussian or circle, or network.kind to mlp or cnn"
        );
        ensure!(
            !self.probes.contains(&ProbeKind::Parity) || !self.task.has_tree(),
            "probes lists parity, which is for task.targets, not for a tree's labels: leave it out"
        );
        ensure!(
            !self.probes.contains(&ProbeKind::Parity)
                || self.task.gaussian.as_ref().is_none_or(|gaussian| gaussian.held_out == 0),
            "probes lists parity, which tells of what is learned, but task.gaussian.held_out has others judged: leave one out"
        );
        self.check_batches_of_items()?;
        self.check_components()?;
        if self.probes.contains(&ProbeKind::LinearTwin) {
            self.check_linear_twin()?;
        }
        if self.probes.contains(&ProbeKind::Components) {
            self.check_components_probe()?;
        }
        self.training.check()?;
        self.training.check_loss(&self.task)?;
        self.check_batches()?;
        self.check_frozen()?;
        rounding::check(&self.task, &self.network, &self.training)?;
        if let Some(kernel) = &self.kernel {
            kernel.check(self.network.kind)?;
        }
        if let Some(human) = &self.human {
            self.check_human(human)?;
        }
        if self.training.loss.is_of_logits()
            && let Initialisation::Aligned(_) = self.network.initialisation
        {
            tracing::debug!(
                "the aligned start is aligned for the squared error, not for cross-entropy"
            );
        }
        if self.training.precision == Precision::Bfloat16 && self.network.kind.is_linear() {
            bail!(
                "training.precision bfloat16 is for mlp and cnn: use float32 or float64 for linear networks"
            );
        }
        self.check_phases()?;
        let stretches: Vec<Config> =
            self.stretches()?.into_iter().map(|stretch| stretch.config).collect();
        self.check_keeping(&stretches)
    }

    /// How many runs, and that none is asked for twice.
    pub(crate) fn check_runs(&self) -> Result<()> {
        ensure!(!self.seeds.is_empty(), "seeds is empty: give at least one, such as [0]");
        let (seeds, conditions) = (self.seeds.len(), self.conditions.0.len().max(1));
        ensure!(seeds <= MOST_SEEDS, "seeds lists {seeds}: at most {MOST_SEEDS}");
        let mut seen = HashSet::with_capacity(seeds);
        for seed in &self.seeds {
            ensure!(seen.insert(seed), "seeds lists {seed} twice");
        }
        ensure!(
            conditions <= MOST_CONDITIONS,
            "conditions has {conditions} entries: at most {MOST_CONDITIONS}, share them out over several configs"
        );
        let of_grid = match self.grid.n_combinations() {
            1 => String::new(),
            combinations => format!(" of {combinations} cells each"),
        };
        ensure!(
            seeds * conditions * self.grid.n_combinations() <= MOST_RUNS,
            "{conditions} conditions{of_grid} with {seeds} seeds each are more than {MOST_RUNS} runs: give fewer"
        );
        let mut labels = HashSet::new();
        for (name, entries) in &self.conditions.0 {
            // The last word of a condition on its label, or that of all.
            let own = entries.iter().rev().find(|entry| entry.key == "label");
            let label = match own.map(|entry| &entry.value) {
                None => self.label.clone(),
                Some(Value::String(label)) => Some(label.clone()),
                // Read as its digits.
                Some(Value::Number(number)) => Some(number.to_string()),
                Some(_) => None,
            };
            if let Some(label) = label {
                ensure!(
                    labels.insert(label.clone()),
                    "condition '{name}' has the label '{label}' of another: give each its own"
                );
            }
        }
        Ok(())
    }
}
