//! Shipped configs by their names: `ocs train ocs_linear` needs no file.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::{self, Config, Override};
use crate::studies::{self, Study, all_stems};

/// Folder in which an experiment's config is looked for before the one that is built in.
const CONFIGS: &str = "configs";

/// Where a config's text stands.
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In this program.
    BuiltIn(&'static Study),
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
        if let Some(study) = given.to_str().and_then(studies::find) {
            let file = Path::new(CONFIGS).join(study.stem).with_extension("yaml");
            return Ok(if file.exists() { Source::File(file) } else { Source::BuiltIn(study) });
        }
        if given.is_dir() {
            bail!(
                "{} is a folder: give a config's file, or one of {}",
                given.display(),
                all_stems()
            );
        }
        let stem = given.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let near = match config::nearest(&stem, studies::stems()) {
            Some(stem) => format!(": did you mean {stem}, which is built in?"),
            None => format!(": give a file, or one that is built in ({})", all_stems()),
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
            Source::BuiltIn(study) => Ok(study.config.to_owned()),
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
        self.load_conditions(overrides, &[])
    }

    /// As `load`, with these conditions alone, all if there is none.
    ///
    /// # Errors
    ///
    /// As `load`, or if there is no condition of such a name.
    pub fn load_conditions(&self, overrides: &[Override], chosen: &[String]) -> Result<Config> {
        let of_known_study = |config: Config| studies::of(&config).map(|_| config);
        match self {
            Source::File(path) => of_known_study(config::load_conditions(path, overrides, chosen)?)
                .with_context(|| format!("{} is not a valid config", path.display())),
            Source::BuiltIn(study) => {
                tracing::info!("{} is the config that is built in", study.stem);
                config::parse_conditions(study.config, study.stem, overrides, chosen)
                    .and_then(of_known_study)
                    .with_context(|| format!("{} is not a valid config", study.stem))
            }
            Source::Input => config::parse_conditions(&self.text()?, "stdin", overrides, chosen)
                .and_then(of_known_study)
                .context("standard input is not a valid config"),
        }
    }
}
