//! `ocs plot` and `ocs claims`: both read records and train nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::arguments::path;
use super::outcome::{Success, misuse};
use super::train::tell_claims;
use super::{output, run_folder};
use crate::claim::{Claim, Verdict};
use crate::config::did_you_mean;
use crate::plot;
use crate::record::{RunFolder, unpublished};
use crate::studies::{self, Study, all_stems};

/// Draws a figure from records as PNG (300 dpi) and SVG. An experiment's stem draws the experiment's figure from
/// RUNS/STEM; a folder of runs draws the figure of the experiment that its config names, or else M, V, distances and
/// true negative rates of each condition, eight to a page.
///
/// The figure is named after the run folder, OUT/NAME.png and .svg (NAME-1, NAME-2, ... if it has several pages), and
/// replaces an older one of that name. A run folder with an experiment's name becomes OUT/NAME-plot.png: OUT/STEM.png is
/// written by `ocs reproduce` alone, whose --resume draws it again without training.
#[derive(Args)]
pub struct Plot {
    /// An experiment (`ocs reproduce --help` lists them), or a folder such as runs/my_config
    #[arg(value_parser = path())]
    target: PathBuf,
    /// Folder of all runs, for a stem
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    runs: PathBuf,
    /// Folder for the figure
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Draw the general figure even if the config names an experiment
    #[arg(long)]
    general: bool,
    /// Only these conditions, in the general figure
    #[arg(long = "condition", value_name = "NAME")]
    conditions: Vec<String>,
    /// Another name for the figure than the run folder's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl Plot {
    /// Of a whole run folder, as `ocs plot RUN --out OUT` draws it.
    pub fn of_run(run: &Path, out: &Path) -> Self {
        Plot {
            target: run.to_owned(),
            runs: PathBuf::from("runs"),
            out: out.to_owned(),
            general: false,
            conditions: Vec::new(),
            name: None,
        }
    }

    pub fn run(self) -> Result<Success> {
        ensure_folder("--out", &self.out).map_err(misuse)?;
        let folder = self.folder();
        if folder == self.target {
            run_folder::ensure_run(&folder, DRAW).map_err(misuse)?;
        }
        let name = self.name(&folder).map_err(misuse)?;
        let mut runs = RunFolder::read(&folder)?.distinct();
        self.choose_conditions(&mut runs).map_err(misuse)?;
        let paths = match self.study(&runs)? {
            Some(study) => {
                let shown = study.conditions()?;
                ensure!(
                    runs.records.iter().any(|record| shown.contains(&record.condition)),
                    "{} holds no condition of {}: draw the general figure with --general",
                    folder.display(),
                    study.stem
                );
                plot::draw(&(study.page)(&runs), &runs.records, &self.out, &name)?
            }
            None => plot::draw_run(&runs.records, &self.out, &name)?,
        };
        for path in paths {
            output::line(&path.display().to_string())?;
        }
        Ok(Success::Full)
    }

    /// A stem means RUNS/STEM, unless a folder of that name is there.
    fn folder(&self) -> PathBuf {
        match self.stem() {
            Some(study) if !self.target.is_dir() => self.runs.join(study.stem),
            Some(_) | None => self.target.clone(),
        }
    }

    fn stem(&self) -> Option<&'static Study> {
        self.target.to_str().and_then(studies::find)
    }

    /// Whose figure is drawn; `None` for the general one.
    fn study(&self, runs: &RunFolder) -> Result<Option<&'static Study>> {
        // Cells of a grid are no conditions of an experiment.
        let has_cells = runs.records.iter().any(|record| record.cell.is_some());
        if self.general || !self.conditions.is_empty() || has_cells {
            return Ok(None);
        }
        match (self.stem(), runs.records.first()) {
            (Some(study), _) => Ok(Some(study)),
            (None, Some(record)) => studies::of(&record.config),
            (None, None) => Ok(None),
        }
    }

    /// The figure's name, which is never a stem's own.
    fn name(&self, folder: &Path) -> Result<String> {
        match &self.name {
            Some(name) => {
                ensure!(
                    studies::find(name).is_none(),
                    "--name {name}: that figure is written by `ocs reproduce {name}` alone, choose another name"
                );
                let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
                ensure!(is_plain, "--name names a file in --out, without folder: not '{name}'");
                Ok(name.clone())
            }
            None => {
                let name = run_folder::name_of(folder)?;
                Ok(if studies::find(&name).is_some() { format!("{name}-plot") } else { name })
            }
        }
    }

    fn choose_conditions(&self, runs: &mut RunFolder) -> Result<()> {
        let mut known: Vec<&str> = runs.records.iter().map(|run| &*run.condition).collect();
        known.dedup();
        for name in &self.conditions {
            ensure!(
                known.contains(&name.as_str()),
                "--condition {name}: the conditions are {}{}",
                known.join(", "),
                did_you_mean(name, known.iter().copied())
            );
        }
        if !self.conditions.is_empty() {
            runs.records.retain(|record| self.conditions.contains(&record.condition));
        }
        Ok(())
    }
}

const DRAW: run_folder::Use =
    run_folder::Use { verb: "draw", command: "ocs plot", has_condition: true };

/// Makes sure that an option names a folder, there or not.
pub fn ensure_folder(option: &str, folder: &Path) -> Result<()> {
    let is_figure =
        ["png", "svg"].map(std::ffi::OsStr::new).map(Some).contains(&folder.extension());
    ensure!(
        folder.is_dir() || !(folder.exists() || is_figure),
        "{option} names a folder, and {} is a file: name the folder that it is in (`ocs plot --name` names the figure)",
        folder.display()
    );
    Ok(())
}

/// Decides claims from the records of experiments and prints them with their numbers. Nothing is trained or written.
#[derive(Args)]
pub struct Claims {
    /// Experiments [default: all that have records]
    stems: Vec<String>,
    /// Folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    runs: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The experiments that are named, or all.
pub fn chosen(stems: &[String]) -> Result<Vec<&'static Study>> {
    if stems.is_empty() {
        return Ok(studies::ALL.to_vec());
    }
    stems
        .iter()
        .map(|stem| {
            studies::find(stem)
                .with_context(|| {
                    let near = did_you_mean(stem, studies::stems());
                    format!("'{stem}' is no experiment: choose from {}{near}", all_stems())
                })
                .map_err(misuse)
        })
        .collect()
}

/// A row for each claim.
pub fn claims_table(claims: &[Claim]) -> String {
    let mut rows = vec![["experiment", "verdict", "claim", "measured"].map(str::to_owned).to_vec()];
    rows.extend(claims.iter().map(|claim| {
        vec![
            claim.experiment.clone(),
            claim.verdict.word().to_owned(),
            claim.sentence.clone(),
            claim.measured.words(),
        ]
    }));
    output::table(&rows)
}

impl Claims {
    pub fn run(self) -> Result<Success> {
        let mut claims = Vec::new();
        for study in chosen(&self.stems)? {
            let folder = self.runs.join(study.stem);
            if self.stems.is_empty() && !folder.is_dir() {
                continue;
            }
            let runs = RunFolder::read(&folder)?.distinct();
            for name in unpublished(&runs.records) {
                tracing::warn!("{}: trained on {name}", study.stem);
            }
            claims.extend(study.decide(&runs)?);
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
            output::line(&claims_table(&claims))?;
        }
        let failed: Vec<_> =
            claims.iter().filter(|claim| claim.verdict == Verdict::Fails).cloned().collect();
        tell_claims(&failed);
        Ok(if failed.is_empty() { Success::Full } else { Success::Partial })
    }
}
