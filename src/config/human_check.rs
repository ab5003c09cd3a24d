//! What people can be taught.

use anyhow::{Result, ensure};

use super::{Config, HumanConfig};

/// Nobody learns more, and pictures and words for more could not be told apart.
const MOST_ITEMS: usize = 1000;

impl Config {
    /// The `human` section, and the task that it is of.
    pub(super) fn check_human(&self, human: &HumanConfig) -> Result<()> {
        self.ensure_people_can_learn()?;
        human.check()
    }

    /// People mark labels of one tree, which are there or not.
    ///
    /// # Errors
    ///
    /// If something else is to be learned; names the key.
    pub fn ensure_people_can_learn(&self) -> Result<()> {
        let task = &self.task;
        ensure!(
            task.has_tree(),
            "people learn the labels of a tree, but task.targets are numbers: give a config with task.branching or task.tree"
        );
        ensure!(
            task.n_items() <= MOST_ITEMS,
            "people would learn {} items, and at most {MOST_ITEMS} are taken: give a smaller tree",
            task.n_items()
        );
        ensure!(
            task.target_scale.is_none(),
            "people mark labels that are there or not, but task.target_scale makes other targets: leave it out"
        );
        ensure!(
            task.labels.is_none(),
            "people learn the labels of the tree, but task.labels are drawn at random: leave it out"
        );
        for stretch in self.stretches()? {
            ensure!(
                stretch.config.task == *task,
                "people learn one tree from the first day to the last, but phases change the task: leave phases out"
            );
        }
        Ok(())
    }
}
