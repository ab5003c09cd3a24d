//! Tasks whose targets are no labels of a tree: which keys go together.

use anyhow::{Result, ensure};

use super::drawn::{Sine, Targets};
use super::tree::MOST_ITEMS;
use super::{Inputs, TaskConfig};

impl TaskConfig {
    /// Whether targets are the labels of a tree.
    pub fn has_tree(&self) -> bool {
        self.targets.is_none()
    }

    /// Number of inputs that are drawn or laid out, each an item of its own, with those that are only judged; `None` for other
    /// inputs.
    pub(super) fn n_drawn(&self) -> Option<usize> {
        if let Some(Targets::Contrasts(contrasts)) = &self.targets {
            return Some(contrasts.n_items());
        }
        match self.inputs {
            Inputs::Gaussian => {
                let gaussian = self.gaussian.clone().unwrap_or_default();
                let learned = gaussian.count.saturating_mul(if gaussian.mirrored { 2 } else { 1 });
                Some(learned.saturating_add(gaussian.held_out))
            }
            Inputs::Circle => Some(self.circle.clone().unwrap_or_default().count),
            _ => None,
        }
    }

    /// Writes out the parameters of inputs that are drawn.
    pub(super) fn fill_in_drawn(&mut self) {
        if self.inputs == Inputs::Gaussian {
            self.gaussian.get_or_insert_default();
        }
        if self.inputs == Inputs::Circle {
            self.circle.get_or_insert_default();
        }
    }

    /// Inputs that are drawn go with targets that are numbers; either has keys of its own.
    pub(super) fn check_drawn(&self) -> Result<()> {
        let inputs = self.inputs.name();
        for (key, is_set, owner) in [
            ("gaussian", self.gaussian.is_some(), Inputs::Gaussian),
            ("circle", self.circle.is_some(), Inputs::Circle),
        ] {
            ensure!(
                !is_set || self.inputs == owner,
                "task.{key} is set, but task.inputs is {inputs}: set task.inputs to {key}, or task.{key} to null"
            );
        }
        let n_drawn = self.n_drawn();
        let Some(targets) = &self.targets else {
            ensure!(
                n_drawn.is_none(),
                "task.inputs is {inputs}, of which no tree tells targets: set task.targets, such as {{linear: {{norm: 1}}}}"
            );
            ensure!(
                self.seed.is_none(),
                "task.seed draws inputs and targets, but those of task.inputs {inputs} are not drawn: set it to null"
            );
            return Ok(());
        };
        ensure!(
            self.tree.is_none() && self.branching.is_none(),
            "task.targets {} and a tree exclude each other: set task.branching and task.tree to null, or task.targets",
            targets.name()
        );
        ensure!(
            self.frequencies.is_none(),
            "task.frequencies weighs the items of a tree, but task.targets is {}: set one of them to null",
            targets.name()
        );
        let Some(n_drawn) = n_drawn else {
            anyhow::bail!(
                "task.targets {} is for task.inputs gaussian or circle, not {inputs}: set task.inputs, or task.targets to null",
                targets.name()
            )
        };
        // Before there are inputs: whose they are decides how many.
        targets.check(self.inputs, self.n_drawn_inputs())?;
        ensure!(
            (2..=MOST_ITEMS).contains(&n_drawn),
            "task.{inputs}.count makes {n_drawn} items: it must make 2 to {MOST_ITEMS}"
        );
        ensure!(
            self.seed.is_none() || !matches!(targets, Targets::Contrasts(_)),
            "task.seed draws inputs and targets, but task.targets contrasts are not drawn: set it to null"
        );
        if let (Inputs::Gaussian, Some(gaussian)) = (self.inputs, &self.gaussian) {
            gaussian.check()?;
        }
        if let Some(Targets::Sine(Sine { frequency })) = &self.targets {
            // Every point stands at a zero of the sine: there is nothing to learn.
            ensure!(
                !(2 * u64::from(*frequency)).is_multiple_of(n_drawn as u64),
                "task.targets.sine.frequency {frequency} is zero at all {n_drawn} points of the circle: change it, or \
                 task.circle.count"
            );
        }
        Ok(())
    }

    /// Values of an input that is drawn or laid out.
    fn n_drawn_inputs(&self) -> usize {
        match (&self.targets, self.inputs) {
            (Some(Targets::Contrasts(contrasts)), _) => contrasts.n_items(),
            (_, Inputs::Gaussian) => self.gaussian.clone().unwrap_or_default().dimension,
            _ => 2,
        }
    }
}
