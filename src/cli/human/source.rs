//! The config of an experiment with people, and a folder of their data.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::super::arguments::path;
use super::super::outcome::misuse;
use super::super::stems;
use crate::config::{Config, Exclude, HumanConfig, Override, did_you_mean};
use crate::human::{HumanData, Taught};

/// Which tree.
#[derive(Args)]
pub struct Experiment {
    /// The config whose tree was taught: a YAML file, or an experiment such as ocs_linear
    #[arg(long, value_name = "CONFIG", value_parser = path())]
    pub config: PathBuf,
    #[command(flatten)]
    pub changes: Changes,
}

/// What to change in a config.
#[derive(Args)]
pub struct Changes {
    /// Change a key of the config, such as --set human.trials=40
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<Override>,
    /// Only these conditions, where others have another tree
    #[arg(long = "condition", value_name = "NAME")]
    pub conditions: Vec<String>,
}

/// A config and its tree.
pub struct Loaded {
    pub config: Config,
    pub taught: Taught,
}

impl Changes {
    /// Reads a config.
    pub fn load(&self, given: &Path) -> Result<Loaded> {
        self.loaded(given).map_err(misuse)
    }

    fn loaded(&self, given: &Path) -> Result<Loaded> {
        let mut config = stems::Source::of(given)?.load(&self.overrides)?;
        for name in &self.conditions {
            let mut known = config.conditions.0.iter().map(|(name, _)| name.as_str());
            ensure!(
                known.any(|known| known == name),
                "--condition {name}: {} has no such condition{}",
                given.display(),
                did_you_mean(name, config.conditions.0.iter().map(|(name, _)| name.as_str()))
            );
        }
        if !self.conditions.is_empty() {
            config.conditions.0.retain(|(name, _)| self.conditions.contains(name));
        }
        let taught = Taught::of(&config).with_context(|| given.display().to_string())?;
        Ok(Loaded { config, taught })
    }
}

impl Experiment {
    pub fn load(&self) -> Result<Loaded> {
        self.changes.load(&self.config)
    }
}

impl Loaded {
    /// The `human` section, with its defaults.
    pub fn human(&self) -> HumanConfig {
        self.config.human.clone().unwrap_or_default()
    }

    /// Trials of a block: what was typed, or the config's.
    pub fn block(&self, typed: Option<usize>) -> usize {
        typed.unwrap_or_else(|| self.human().trials_of_block(self.taught.n_items()))
    }

    /// Reads a folder of data, and the rules by which participants are left out.
    pub fn data(&self, folder: &Path) -> Result<(HumanData, Exclude)> {
        let data = HumanData::read(folder, &self.taught)?;
        let own = self.human().exclude;
        let imported = &data.about.exclude;
        let late = [
            ("duplicates", own.duplicates.is_some() && imported.duplicates.is_none()),
            ("unknown_items", own.unknown_items && !imported.unknown_items),
            ("unknown_labels", own.unknown_labels && !imported.unknown_labels),
        ];
        for (rule, is_late) in late {
            if is_late {
                tracing::warn!(
                    "exclude.{rule} leaves trials out when data are imported, and {} was imported without it: to have it act, import \
                     again with this config",
                    folder.display()
                );
            }
        }
        let places = ["the data as they were imported (data.json)", "the config"];
        let exclude = imported.and(&own, places).map_err(misuse)?;
        for who in &exclude.participants {
            if !data.trials.participants.contains(who) {
                let known = data.trials.participants.iter().map(String::as_str);
                tracing::warn!(
                    "exclude.participants names '{who}', who is not in the data{}",
                    did_you_mean(who, known)
                );
            }
        }
        Ok((data, exclude))
    }
}
