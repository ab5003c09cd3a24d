//! One file per question. The only place where networks, theory and metrics meet; the outcome is records and claims.

mod bench;
mod claim;
mod earlier;
mod gram;
mod images;
mod job;
mod judges;
mod keeping;
mod kernel;
mod memory;
mod ocs_cifar10;
mod ocs_classes;
mod ocs_depth;
mod ocs_init_scale;
mod ocs_correlation;
mod ocs_frequencies;
mod ocs_gram;
mod ocs_kernel;
mod ocs_linear;
mod ocs_loss;
mod ocs_mnist;
mod ocs_modes;
mod room;
mod run;
mod tasks;
mod theory;
mod verdicts;
mod workers;

use anyhow::Result;

use crate::config::{Config, Experiment, Inputs};
use crate::record::RunFolder;

pub use bench::time_steps;
pub use claim::{Claim, Measurement, Verdict, to_markdown};
pub use earlier::{Existing, Refused, ensure_nothing_is_lost};
pub use gram::gram_of;
pub use keeping::is_keeping;
pub use memory::{ensure_gram_fits, ensure_runs_fit, ensure_theory_fits};
pub use run::{Event, Interrupted, Options, Plan, Summary, plan, train_all};
pub use tasks::Tasks;
pub use theory::{theory_of, write_theories};
pub use workers::{affordable, limit_threads};

/// Conditions that an experiment asks theory about besides those that it trains: finer steps of what it varies, or ranges
/// in which training would take too long. Their answers stand as `condition/theory.json` among the runs.
///
/// # Errors
///
/// If the config lacks what they are made from.
pub fn theory_only(experiment: Experiment, config: &Config) -> Result<Vec<(String, Config)>> {
    match experiment {
        Experiment::OcsInitScale => ocs_init_scale::theory_only(config),
        Experiment::OcsCorrelation => ocs_correlation::theory_only(config),
        Experiment::OcsFrequencies => ocs_frequencies::theory_only(config),
        Experiment::OcsGram => ocs_gram::theory_only(config),
        Experiment::OcsClasses => ocs_classes::theory_only(config),
        Experiment::OcsLinear
        | Experiment::OcsModes
        | Experiment::OcsDepth
        | Experiment::OcsLoss
        | Experiment::OcsKernel
        | Experiment::OcsMnist
        | Experiment::OcsCifar10 => Ok(Vec::new()),
    }
}

/// Data sets that an experiment does without where they cannot be had, and reports so.
pub fn optional_inputs(experiment: Experiment) -> &'static [Inputs] {
    match experiment {
        Experiment::OcsGram => &[ocs_gram::OPTIONAL],
        Experiment::OcsLinear
        | Experiment::OcsModes
        | Experiment::OcsInitScale
        | Experiment::OcsDepth
        | Experiment::OcsCorrelation
        | Experiment::OcsFrequencies
        | Experiment::OcsLoss
        | Experiment::OcsKernel
        | Experiment::OcsMnist
        | Experiment::OcsCifar10
        | Experiment::OcsClasses => &[],
    }
}

/// The claims of an experiment, decided from its records.
///
/// # Errors
///
/// If records that a claim needs are missing.
pub fn claims(experiment: Experiment, runs: &RunFolder) -> Result<Vec<Claim>> {
    match experiment {
        Experiment::OcsLinear => ocs_linear::claims(runs),
        Experiment::OcsModes => ocs_modes::claims(runs),
        Experiment::OcsInitScale => ocs_init_scale::claims(runs),
        Experiment::OcsDepth => ocs_depth::claims(runs),
        Experiment::OcsCorrelation => ocs_correlation::claims(runs),
        Experiment::OcsFrequencies => ocs_frequencies::claims(runs),
        Experiment::OcsLoss => ocs_loss::claims(runs),
        Experiment::OcsGram => ocs_gram::claims(runs),
        Experiment::OcsKernel => ocs_kernel::claims(runs),
        Experiment::OcsMnist => ocs_mnist::claims(runs),
        Experiment::OcsCifar10 => ocs_cifar10::claims(runs),
        Experiment::OcsClasses => ocs_classes::claims(runs),
    }
}
