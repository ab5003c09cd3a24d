//! What people can be taught.

use anyhow::{Result, ensure};

use super::{Config, HumanConfig};

impl Config {
    /// The `human` section, and the task that it is of.
    pub(super) fn check_human(&self, human: &HumanConfig) -> Result<()> {
        let task = &self.task;
        ensure!(
            task.has_tree(),
            "human asks people for labels of a tree, but task.targets are numbers: leave one of them out"
        );
        ensure!(
            task.target_scale.is_none(),
            "human asks people for labels that are there or not, but task.target_scale makes other targets: leave one of them out"
        );
        ensure!(
            task.labels.is_none(),
            "human asks people for labels of the tree, but task.labels are drawn at random: leave one of them out"
        );
        human.check()
    }
}
