//! Shipped configs by their names: `ocs train ocs_linear` needs no file.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::{self, Config, Experiment, Override};

/// Folder in which an experiment's config is looked for before the one that is built in.
const CONFIGS: &str = "configs";

/// The config that was shipped with this program.
pub fn built_in(experiment: Experiment) -> &'static str {
    match experiment {
        Experiment::OcsLinear => include_str!("../../configs/ocs_linear.yaml"),
        Experiment::OcsModes => include_str!("../../configs/ocs_modes.yaml"),
        Experiment::OcsInitScale => include_str!("../../configs/ocs_init_scale.yaml"),
        Experiment::OcsDepth => include_str!("../../configs/ocs_depth.yaml"),
        Experiment::OcsCorrelation => include_str!("../../configs/ocs_correlation.yaml"),
        Experiment::OcsFrequencies => include_str!("../../configs/ocs_frequencies.yaml"),
        Experiment::OcsLoss => include_str!("../../configs/ocs_loss.yaml"),
        Experiment::OcsGram => include_str!("../../configs/ocs_gram.yaml"),
        Experiment::OcsKernel => include_str!("../../configs/ocs_kernel.yaml"),
        Experiment::OcsMnist => include_str!("../../configs/ocs_mnist.yaml"),
        Experiment::OcsCifar10 => include_str!("../../configs/ocs_cifar10.yaml"),
        Experiment::OcsClasses => include_str!("../../configs/ocs_classes.yaml"),
    }
}

/// Names of the conditions that an experiment's figure shows.
pub fn conditions_of(experiment: Experiment) -> Result<Vec<String>> {
    let config = config::parse(built_in(experiment), experiment.stem(), &[])?;
    Ok(config.conditions.0.into_iter().map(|(name, _)| name).collect())
}

/// The experiment of a stem.
pub fn experiment_of(stem: &str) -> Option<Experiment> {
    Experiment::ALL.into_iter().find(|experiment| experiment.stem() == stem)
}

/// The stems, for messages.
pub fn stems() -> String {
    Experiment::ALL.map(Experiment::stem).join(", ")
}

/// Where a config's text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In this program.
    BuiltIn(Experiment),
    /// On standard input, for `-`.
    Input,
}

impl Source {
    /// What a CONFIG of the command line means: a file; `-`; or an experiment's stem, whose config is taken from the folder
    /// `configs` where that has one, as by `ocs reproduce`.
    ///
    /// # Errors
    ///
    /// If it is none of these; names the nearest.
    pub fn of(given: &Path) -> Result<Self> {
        if given == Path::new("-") {
            return Ok(Source::Input);
        }
        if given.exists() && !given.is_dir() {
            return Ok(Source::File(given.to_owned()));
        }
        if let Some(experiment) = given.to_str().and_then(experiment_of) {
            let file = Path::new(CONFIGS).join(experiment.stem()).with_extension("yaml");
            return Ok(if file.exists() {
                Source::File(file)
            } else {
                Source::BuiltIn(experiment)
            });
        }
        if given.is_dir() {
            bail!("{} is a folder: give a config's file, or one of {}", given.display(), stems());
        }
        let stem = given.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let near = match config::nearest(&stem, Experiment::ALL.map(Experiment::stem)) {
            Some(stem) => format!(": did you mean {stem}, which is built in?"),
            None => format!(": give a file, or one that is built in ({})", stems()),
        };
        bail!("cannot read the config {}, there is no such file{near}", given.display())
    }

    /// The config's text.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is too long for a config.
    pub fn text(&self) -> Result<String> {
        match self {
            Source::File(path) => config::text_of(path),
            Source::BuiltIn(experiment) => Ok(built_in(*experiment).to_owned()),
            Source::Input => {
                let mut bytes = Vec::new();
                let most = config::MOST_BYTES as u64 + 1;
                std::io::stdin()
                    .lock()
                    .take(most)
                    .read_to_end(&mut bytes)
                    .context("cannot read the config on standard input")?;
                config::decode(bytes).context("standard input is not a valid config")
            }
        }
    }

    /// Reads, overrides and checks the config.
    ///
    /// # Errors
    ///
    /// Says the source, the key and what is allowed.
    pub fn load(&self, overrides: &[Override]) -> Result<Config> {
        match self {
            Source::File(path) => config::load(path, overrides),
            Source::BuiltIn(experiment) => {
                tracing::info!("{} is the config that is built in", experiment.stem());
                config::parse(built_in(*experiment), experiment.stem(), overrides)
                    .with_context(|| format!("{} is not a valid config", experiment.stem()))
            }
            Source::Input => config::parse(&self.text()?, "stdin", overrides)
                .context("standard input is not a valid config"),
        }
    }
}
