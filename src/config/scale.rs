//! How much of an experiment is run: a look, what its figure shows, or all that its question asks for.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{MOST_SEEDS, ensure_positive};
use super::overrides::{Conditions, Overrides, is_fixed};

/// How much of an experiment `ocs reproduce` runs. Records, figures and claims are marked with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Fewer seeds and steps, as a config's `quick` says.
    Quick,
    /// The config as it stands.
    #[default]
    Default,
    /// What is heavier, as a config's `full` says.
    Full,
}

impl Scale {
    /// The folder below RUNS and PLOTS that keeps this scale's results apart; by default they lie there themselves.
    pub fn folder(self) -> Option<&'static str> {
        match self {
            Scale::Quick => Some("quick"),
            Scale::Default => None,
            Scale::Full => Some("full"),
        }
    }

    /// Its results' folder in that of all.
    pub fn below(self, folder: &Path) -> PathBuf {
        self.folder().map_or_else(|| folder.to_owned(), |name| folder.join(name))
    }

    /// The scale whose folder is called so; any other is that of the default.
    pub fn of_folder(name: &str) -> Scale {
        let mut apart = [Scale::Quick, Scale::Full].into_iter();
        apart.find(|scale| scale.folder() == Some(name)).unwrap_or(Scale::Default)
    }

    /// What figures and claims say of runs at this scale; nothing by default.
    pub fn mark(self) -> Option<&'static str> {
        match self {
            Scale::Quick => Some("quick run: fewer seeds and steps"),
            Scale::Default => None,
            Scale::Full => Some("full run"),
        }
    }
}

/// How `ocs reproduce --quick` shortens an experiment; figures and claims are marked as quick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quick {
    /// Only the first so many seeds.
    pub seeds: usize,
    /// Factor on `training.steps`, in (0, 1].
    pub steps: f64,
    /// Factor on `training.learning_rate`.
    pub learning_rate: f64,
    /// Images: training samples, in place of `task.samples.train`; `null` = as many.
    pub train_samples: Option<usize>,
    /// Images: evaluation samples, in place of `task.samples.test`; `null` = as many.
    pub test_samples: Option<usize>,
}

impl Default for Quick {
    fn default() -> Self {
        Quick { seeds: 1, steps: 0.5, learning_rate: 1.0, train_samples: None, test_samples: None }
    }
}

/// What `ocs reproduce --full` adds to an experiment; figures and claims are marked as full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Full {
    /// So many seeds: those listed, and the next numbers after the largest; `null` = those listed.
    pub seeds: Option<usize>,
    /// Factor on `training.steps`, at least 1.
    pub steps: f64,
    /// Factor on `training.learning_rate`.
    pub learning_rate: f64,
    /// Dotted keys and their values, which have the last word over conditions too: `{task.samples.train: null}` = all.
    pub set: Overrides,
    /// Further conditions, written as in `conditions`.
    pub conditions: Conditions,
}

impl Default for Full {
    fn default() -> Self {
        Full {
            seeds: None,
            steps: 1.0,
            learning_rate: 1.0,
            set: Overrides::default(),
            conditions: Conditions::default(),
        }
    }
}

impl Quick {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.seeds >= 1, "quick.seeds must be at least 1, not 0");
        ensure!(
            self.steps > 0.0 && self.steps <= 1.0,
            "quick.steps must be in (0, 1], not {}",
            self.steps
        );
        ensure!(self.train_samples != Some(0), "quick.train_samples must be at least 1, or null");
        ensure!(self.test_samples != Some(0), "quick.test_samples must be at least 1, or null");
        ensure_positive("quick.learning_rate", self.learning_rate)
    }
}

impl Full {
    /// Checks the section's own ranges; `seeds` are the config's.
    pub(super) fn check(&self, seeds: &[u64]) -> Result<()> {
        if let Some(count) = self.seeds {
            ensure!(count <= MOST_SEEDS, "full.seeds must be at most {MOST_SEEDS}, not {count}");
            ensure!(
                count >= seeds.len(),
                "full.seeds must be at least the {} of seeds, not {count}",
                seeds.len()
            );
            let last = seeds.iter().max().copied().unwrap_or(0);
            ensure!(
                last.checked_add(count as u64).is_some(),
                "full.seeds cannot go on after seed {last}: list smaller seeds"
            );
        }
        ensure!(
            self.steps >= 1.0 && self.steps <= 1e6,
            "full.steps must be in [1, 1e6], not {}",
            self.steps
        );
        for entry in &self.set.0 {
            ensure!(
                !is_fixed(&entry.key),
                "full.set cannot set '{}': it is for keys of task, network, training, kernel and phase_threshold",
                entry.key
            );
        }
        ensure_positive("full.learning_rate", self.learning_rate)
    }
}
