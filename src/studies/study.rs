//! What makes a study.

use anyhow::Result;

use crate::claim::Claim;
use crate::config::{self, Config, Inputs, resolve_conditions};
use crate::plot::Page;
use crate::record::{RunFolder, condition_of_seed};

/// Conditions with their own configs.
pub type NamedConfigs = Vec<(String, Config)>;

/// One question, with what decides and shows its answer.
pub struct Study {
    /// Names its config, its run folder and its figure.
    pub stem: &'static str,
    /// What is asked, in a sentence.
    pub question: &'static str,
    /// Which paper, and what of it.
    pub source: &'static str,
    /// The config that is built in, `configs/STEM.yaml`.
    pub config: &'static str,
    /// Data sets that it does without where they cannot be had, and reports so.
    pub optional_inputs: &'static [Inputs],
    /// Whether it asks theory about images, which costs the decomposition of their second moments.
    pub theory_of_images: bool,
    /// Conditions that it asks theory about besides those that it trains: finer steps of what it varies, or ranges in which
    /// training would take too long. Their answers stand as `condition/theory.json` among the runs. Fails if the config
    /// lacks what they are made from.
    pub also_predict: fn(&Config) -> Result<NamedConfigs>,
    /// Its claims, without its stem: ask `decide`. Fails if records that a claim needs are missing.
    pub(super) claims: fn(&RunFolder) -> Result<Vec<Claim>>,
    /// Its figure. Conditions that were not run leave panels that say so.
    pub page: fn(&RunFolder) -> Page,
}

impl Study {
    /// The config that is built in.
    ///
    /// # Errors
    ///
    /// Says the key and what is allowed.
    pub fn built_in(&self) -> Result<Config> {
        config::parse(self.config, self.stem, &[])
    }

    /// Its claims, decided from records.
    ///
    /// # Errors
    ///
    /// If records that a claim needs are missing.
    pub fn decide(&self, runs: &RunFolder) -> Result<Vec<Claim>> {
        let mut claims = (self.claims)(runs)?;
        for claim in &mut claims {
            self.stem.clone_into(&mut claim.experiment);
        }
        Ok(claims)
    }

    /// Names of the conditions that its figure shows.
    ///
    /// # Errors
    ///
    /// As for `built_in`.
    pub fn conditions(&self) -> Result<Vec<String>> {
        Ok(self.built_in()?.conditions.0.into_iter().map(|(name, _)| name).collect())
    }
}

/// For studies that ask theory about the conditions that they train, and no more.
pub fn nothing_more(_config: &Config) -> Result<Vec<(String, Config)>> {
    Ok(Vec::new())
}

/// The conditions that `wanted` names with every seed but the first.
pub fn other_seeds(config: &Config, wanted: fn(&str) -> bool) -> Result<Vec<(String, Config)>> {
    let mut conditions = Vec::new();
    for (condition, resolved) in resolve_conditions(config)? {
        if !wanted(&condition) {
            continue;
        }
        for &seed in config.seeds.iter().skip(1) {
            let config = Config { seeds: vec![seed], ..resolved.clone() };
            conditions.push((condition_of_seed(&condition, seed), config));
        }
    }
    Ok(conditions)
}
