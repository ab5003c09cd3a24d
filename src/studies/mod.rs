//! One room a question: its config, what it asks of theory, its claims and its figure. `ALL` is the table of them, the only place
//! that knows every stem.
//!
//! A study sees configs, records, metrics, theory, claims and plots; never training, networks or data. Those who train it
//! (`cli`) ask this table.

mod bias_free_relu;
mod images;
mod ocs_cifar10;
mod ocs_classes;
mod ocs_correlation;
mod ocs_depth;
mod ocs_frequencies;
mod ocs_gram;
mod ocs_init_scale;
mod ocs_kernel;
mod ocs_linear;
mod ocs_loss;
mod ocs_mnist;
mod ocs_modes;
mod ocs_sequence;

use anyhow::{Context, Result};

use crate::claim::Claim;
use crate::config::{self, Config, Inputs, did_you_mean, resolve_conditions};
use crate::plot::Page;
use crate::record::{RunFolder, condition_of_seed};

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
    pub also_predict: fn(&Config) -> Result<Vec<(String, Config)>>,
    /// Its claims, without its stem: ask `decide`. Fails if records that a claim needs are missing.
    claims: fn(&RunFolder) -> Result<Vec<Claim>>,
    /// Its figure. Conditions that were not run leave panels that say so.
    pub page: fn(&RunFolder) -> Page,
}

/// All studies, in the order in which `ocs reproduce` runs them.
pub static ALL: [&Study; 14] = [
    &ocs_linear::STUDY,
    &ocs_modes::STUDY,
    &ocs_init_scale::STUDY,
    &ocs_depth::STUDY,
    &ocs_correlation::STUDY,
    &ocs_frequencies::STUDY,
    &ocs_loss::STUDY,
    &ocs_gram::STUDY,
    &ocs_kernel::STUDY,
    &ocs_mnist::STUDY,
    &ocs_cifar10::STUDY,
    &ocs_classes::STUDY,
    &ocs_sequence::STUDY,
    &bias_free_relu::STUDY,
];

/// The stems of all studies.
pub fn stems<'a>() -> impl Iterator<Item = &'a str> {
    ALL.iter().map(|study| study.stem)
}

/// The stems in one line, for messages.
pub fn all_stems() -> String {
    stems().collect::<Vec<_>>().join(", ")
}

/// The study of a stem.
pub fn find(stem: &str) -> Option<&'static Study> {
    ALL.into_iter().find(|study| study.stem == stem)
}

/// The study whose claims and figure a config names.
///
/// # Errors
///
/// If there is none of that name.
pub fn of(config: &Config) -> Result<Option<&'static Study>> {
    let Some(stem) = &config.experiment else { return Ok(None) };
    let found = find(stem).with_context(|| {
        let near = did_you_mean(stem, stems());
        format!(
            "key 'experiment': '{stem}' is no experiment, choose from {}, or null{near}",
            all_stems()
        )
    });
    found.map(Some)
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
fn nothing_more(_config: &Config) -> Result<Vec<(String, Config)>> {
    Ok(Vec::new())
}

/// The conditions that `wanted` names with every seed but the first.
fn other_seeds(config: &Config, wanted: fn(&str) -> bool) -> Result<Vec<(String, Config)>> {
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
