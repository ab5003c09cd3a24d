//! Label smoothing, and which losses go with which tasks.

use anyhow::{Result, ensure};

use super::check::ensure_fraction;
use super::{Loss, Targets, TaskConfig, TrainingConfig};

/// What labels are mixed with before they are targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothing {
    /// epsilon, above 0 and below 1.
    pub share: f64,
    /// Whether the labels of a level are against each other: they are mixed with equal chances of all `n`, `1/n`, else each label
    /// by itself with `1/2`.
    pub among_levels: bool,
}

impl Smoothing {
    /// The value that a label on a level of `n_labels` is mixed with.
    pub fn chance(self, n_labels: usize) -> f64 {
        if self.among_levels { 1.0 / n_labels as f64 } else { 0.5 }
    }

    /// What becomes of a label's value, or of a mean of such values.
    pub fn of(self, value: f64, n_labels: usize) -> f64 {
        (1.0 - self.share) * value + self.share * self.chance(n_labels)
    }

    /// The value that became this one.
    pub fn undone(self, smoothed: f64, n_labels: usize) -> f64 {
        (smoothed - self.share * self.chance(n_labels)) / (1.0 - self.share)
    }
}

/// Whether there is no smoothing, which records do not mention.
pub(super) fn is_none(share: &f64) -> bool {
    *share == 0.0
}

impl TrainingConfig {
    /// How labels are smoothed, if they are.
    pub fn smoothing(&self) -> Option<Smoothing> {
        let among_levels = self.loss == Loss::SoftmaxCrossEntropy;
        let smoothing = Smoothing { share: self.label_smoothing, among_levels };
        (!is_none(&self.label_smoothing)).then_some(smoothing)
    }

    /// Losses ask for targets of their kind.
    pub(super) fn check_loss(&self, task: &TaskConfig) -> Result<()> {
        let loss = self.loss.name();
        ensure_fraction("training.label_smoothing", self.label_smoothing)?;
        ensure!(
            is_none(&self.label_smoothing) || task.has_tree(),
            "training.label_smoothing is {}, but task.targets are numbers, no labels: leave one of them out",
            self.label_smoothing
        );
        if !self.loss.is_of_logits() {
            return Ok(());
        }
        ensure!(
            task.target_scale.is_none(),
            "task.target_scale makes targets that are no probabilities, as {loss} needs them: set training.loss to half-squared-error, \
             or leave it out"
        );
        let are_labels = matches!(&task.targets, Some(Targets::Sign(sign)) if sign.are_labels());
        ensure!(
            task.targets.is_none() || (are_labels && self.loss == Loss::BinaryCrossEntropy),
            "task.targets are numbers, no probabilities, as {loss} needs them: set training.loss to half-squared-error, leave them \
             out, or teach binary-cross-entropy the labels 0 and 1, {{sign: {{amplitude: 0.5, offset: 0.5}}}}"
        );
        match &task.tree {
            Some(tree) if self.loss == Loss::SoftmaxCrossEntropy => tree.ensure_level(loss),
            _ => Ok(()),
        }
    }
}
