//! One room a question: its config, what it asks of theory, its claims and its figure. `ALL` is the table of them, the only place
//! that knows every stem.
//!
//! A study sees configs, records, metrics, theory, claims and plots; never training, networks or data. Those who train it
//! (`cli`) ask this table.

mod bias_free_relu;
mod early_linear;
mod images;
mod ocs_architectures;
mod ocs_cifar10;
mod ocs_classes;
mod ocs_correlation;
mod ocs_depth;
mod ocs_frequencies;
mod ocs_gram;
mod ocs_human;
mod ocs_init_scale;
mod ocs_kernel;
mod ocs_linear;
mod ocs_loss;
mod ocs_mnist;
mod ocs_modes;
mod ocs_sequence;
mod pc_bias;
mod pc_bias_images;
mod prior_knowledge;
mod study;

use anyhow::{Context, Result};

use crate::config::{Config, did_you_mean};

pub use study::Study;
pub(crate) use study::{nothing_more, other_seeds};

/// All studies, in the order in which `ocs reproduce` runs them.
pub static ALL: [&Study; 20] = [
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
    &ocs_architectures::STUDY,
    &ocs_classes::STUDY,
    &ocs_sequence::STUDY,
    &bias_free_relu::STUDY,
    &prior_knowledge::STUDY,
    &early_linear::STUDY,
    &pc_bias::STUDY,
    &pc_bias_images::STUDY,
    &ocs_human::STUDY,
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
