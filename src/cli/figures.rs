//! `ocs plot` and `ocs claims`: both read records and train nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::reproduce::conditions_of;
use super::train::tell_claims;
use super::{Success, misuse, output};
use crate::config::Experiment;
use crate::experiment::{self, Verdict};
use crate::plot;
use crate::record::RunFolder;

/// Draws a figure from records as PNG (300 dpi) and SVG. An experiment's stem draws the experiment's figure from
/// RUNS/STEM; a folder of runs draws the figure of the experiment that its config names, or else M, V, distances and
/// true negative rates of each condition.
#[derive(Args)]
pub struct Plot {
    /// An experiment (`ocs reproduce --help` lists them), or a folder such as runs/my_config
    target: String,
    /// Folder of all runs, for a stem
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    runs: PathBuf,
    /// Folder for the figure
    #[arg(long, default_value = "plots", value_name = "FOLDER")]
    out: PathBuf,
    /// Draw the general figure even if the config names an experiment
    #[arg(long)]
    general: bool,
}

/// The experiment of a stem.
pub fn experiment_of(stem: &str) -> Option<Experiment> {
    Experiment::ALL.into_iter().find(|experiment| experiment.stem() == stem)
}

/// The stems, for messages.
pub fn stems() -> String {
    Experiment::ALL.map(Experiment::stem).join(", ")
}

impl Plot {
    pub fn run(self) -> Result<Success> {
        let given = Path::new(&self.target);
        let folder = match experiment_of(&self.target) {
            Some(_) if !given.is_dir() => self.runs.join(&self.target),
            Some(_) | None if given.is_dir() => given.to_owned(),
            Some(_) | None => {
                let error = anyhow::anyhow!(
                    "'{}' is no folder of runs and no experiment ({})",
                    self.target,
                    stems()
                );
                return Err(misuse(error));
            }
        };
        let runs = RunFolder::read(&folder)?;
        let named = runs
            .records
            .first()
            .and_then(|record| record.config.experiment)
            .filter(|_| !self.general);
        let name = folder
            .file_name()
            .map_or("runs".to_owned(), |name| name.to_string_lossy().into_owned());
        let paths = match experiment_of(&self.target).or(named) {
            Some(experiment) if !self.general => {
                let shown = conditions_of(experiment)?;
                ensure!(
                    runs.records.iter().any(|record| shown.contains(&record.condition)),
                    "{} holds no condition of {}: draw the general figure with --general",
                    folder.display(),
                    experiment.stem()
                );
                plot::draw(experiment, &runs, &self.out)?
            }
            Some(_) | None => plot::draw_run(&runs.records, &self.out, &name)?,
        };
        for path in paths {
            output::line(&path.display().to_string())?;
        }
        Ok(Success::Full)
    }
}

/// Decides claims from the records of experiments and prints them with their numbers. Nothing is trained or written.
#[derive(Args)]
pub struct Claims {
    /// Experiments [default: all that have records]
    stems: Vec<String>,
    /// Folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    runs: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The experiments that are named, or all.
pub fn chosen(stems: &[String]) -> Result<Vec<Experiment>> {
    if stems.is_empty() {
        return Ok(Experiment::ALL.to_vec());
    }
    stems
        .iter()
        .map(|stem| {
            experiment_of(stem)
                .with_context(|| {
                    format!("'{stem}' is no experiment: choose from {}", self::stems())
                })
                .map_err(misuse)
        })
        .collect()
}

impl Claims {
    pub fn run(self) -> Result<Success> {
        let mut claims = Vec::new();
        for experiment in chosen(&self.stems)? {
            let folder = self.runs.join(experiment.stem());
            if self.stems.is_empty() && !folder.is_dir() {
                continue;
            }
            claims.extend(experiment::claims(experiment, &RunFolder::read(&folder)?)?);
        }
        if claims.is_empty() {
            bail!(
                "{} holds no runs of an experiment: run `ocs reproduce` first",
                self.runs.display()
            );
        }
        if self.json {
            output::json(&claims)?;
        } else {
            let mut rows =
                vec![["experiment", "verdict", "claim", "measured"].map(str::to_owned).to_vec()];
            rows.extend(claims.iter().map(|claim| {
                vec![
                    claim.experiment.clone(),
                    claim.verdict.word().to_owned(),
                    claim.sentence.clone(),
                    claim.measured.words(),
                ]
            }));
            output::line(&output::table(&rows))?;
        }
        let failed: Vec<_> =
            claims.iter().filter(|claim| claim.verdict == Verdict::Fails).cloned().collect();
        tell_claims(&failed);
        Ok(if failed.is_empty() { Success::Full } else { Success::Partial })
    }
}
