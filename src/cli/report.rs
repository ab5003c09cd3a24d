//! `ocs report`: one page for whoever has no ocs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::arguments::path;
use super::decided::{Decided, DecidedExperiment};
use super::outcome::{Success, misuse};
use super::output;
use super::run_folder::{self, Use};
use crate::config::{Config, Scale};
use crate::record::{self, RunFolder};
use crate::report::{self, Figure, Section, Settings};
use crate::slurm::shell_word;
use crate::studies::{self, Study};
use crate::{export, plot};

/// Writes one page that needs no other file, no network and no script: of each experiment, or folder of runs, the question, the
/// figure, claims with numbers and verdicts, what its conditions differ in, how long it took and on what, the command that makes it
/// again, and a glossary. Without RUN it tells of all experiments that PLOTS/claims.json has; `ocs reproduce` writes that by itself.
#[derive(Args)]
pub struct Report {
    /// Folders of runs, as in runs/my_config, or experiments (ocs_linear means RUNS/ocs_linear)
    #[arg(value_name = "RUN", value_parser = path())]
    targets: Vec<PathBuf>,
    /// The page [default: PLOTS/index.html; of RUNs PLOTS/report.html]. A report that is there is written anew, any other file is left
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Option<PathBuf>,
    /// Folder of figures and claims
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    plots: PathBuf,
    /// Folder of all runs [default: runs; where PLOTS is a folder `quick` or `full`, as `ocs reproduce` makes them, that in runs]
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    runs: Option<PathBuf>,
}

const REPORT: Use = Use { verb: "report", command: "ocs report", has_condition: false };
const TITLE: &str = "What do networks learn first?";

impl Report {
    pub fn run(self) -> Result<Success> {
        let name = if self.targets.is_empty() { "index.html" } else { "report.html" };
        let out = self.out.clone().unwrap_or_else(|| self.plots.join(name));
        ensure_ours(&out).map_err(misuse)?;
        let scale = Scale::of_folder(&run_folder::name_of(&self.plots).unwrap_or_default());
        let runs = self.runs.clone().unwrap_or_else(|| scale.below(Path::new("runs")));
        if self.targets.is_empty() {
            ensure!(
                !Decided::read(&self.plots)?.experiments.is_empty(),
                "{} has no claims of experiments: run `ocs reproduce` first, or name folders of runs",
                self.plots.display()
            );
            write_all(&out, &self.plots, &runs, scale)?;
        } else {
            let folders: Vec<PathBuf> = self
                .targets
                .iter()
                .map(|target| run_folder::run_of(target, &runs, REPORT))
                .collect::<Result<_>>()
                .map_err(misuse)?;
            let named: Vec<(String, &Path)> = folders
                .iter()
                .map(|folder| Ok((run_folder::name_of(folder)?, &**folder)))
                .collect::<Result<_>>()?;
            let titles = export::names_of_folders(&named).into_iter();
            let sections = titles.zip(&folders).map(|(title, folder)| section_of(folder, title));
            write(&out, sections.collect::<Result<Vec<_>>>()?)?;
        }
        output::line(&out.display().to_string())?;
        Ok(Success::Full)
    }
}

/// Makes sure that a page may be written: nothing is there, or a report.
///
/// # Errors
///
/// If something else is.
pub fn ensure_ours(path: &Path) -> Result<()> {
    match std::fs::read(path) {
        Ok(bytes) => ensure!(
            report::is_report(&String::from_utf8_lossy(&bytes)),
            "{} is there and is no report of ocs: choose another file with --out",
            path.display()
        ),
        Err(_) if path.is_dir() => bail!("{} is a folder: name a file in it", path.display()),
        Err(_) => {}
    }
    Ok(())
}

/// Writes the page of all experiments that were decided; `scale` is what `ocs reproduce` was asked for. A figure or a config that
/// cannot be read is left out, and told.
///
/// # Errors
///
/// If claims cannot be read, or the page not be written; names the file.
pub fn write_all(out: &Path, plots: &Path, runs: &Path, scale: Scale) -> Result<()> {
    let option = scale.folder().map(|name| format!(" --{name}")).unwrap_or_default();
    let mut sections = Vec::new();
    for DecidedExperiment { stem, origin, claims } in Decided::read(plots)?.experiments {
        let Some(study) = studies::find(&stem) else { continue };
        let left_out =
            |what: anyhow::Error| tracing::warn!("the page lacks a part of {stem}: {what:#}");
        let figure = figure_in(plots, &stem).map_err(left_out).ok().flatten();
        let config = config_of(study, runs, scale).map_err(left_out).ok();
        let command = format!("ocs reproduce {stem}{option}");
        let decided = (claims, &*origin);
        sections.push(Section::of_study(
            study,
            figure.as_deref(),
            decided,
            config.as_ref(),
            command,
        )?);
    }
    write(out, sections)
}

/// The figure of an experiment, if it was drawn.
fn figure_in(plots: &Path, stem: &str) -> Result<Option<Vec<u8>>> {
    let path = plots.join(stem).with_extension("png");
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The config that an experiment's runs had; without runs that which it has by itself.
fn config_of(study: &Study, runs: &Path, scale: Scale) -> Result<Config> {
    let folder = runs.join(study.stem);
    if let Some(config) = record::kept_config(&folder) {
        return Ok(config);
    }
    let kept = record::config_path(&folder);
    ensure!(!kept.exists(), "{} is no config of this version", kept.display());
    let config = study.built_in()?;
    let scale = config.scale(scale);
    config.at(scale)
}

fn write(out: &Path, sections: Vec<Section>) -> Result<()> {
    record::write_atomically(out, report::html(TITLE, sections)?.as_bytes())
}

/// A folder of runs, with the figure and the claims of its experiment where it has all that they need.
fn section_of(folder: &Path, title: String) -> Result<Section> {
    let runs = RunFolder::read(folder)?;
    let (n, runs) = (runs.records.len(), runs.distinct());
    let first = runs.records.first().context("a folder of runs has records")?;
    let study = if first.cell.is_some() { None } else { studies::of(&first.config)? };
    // Runs of some conditions, or of another config, are none of the experiment's.
    let decided = study.and_then(|study| Some((study, study.decide(&runs).ok()?)));
    let alt = |page: usize| format!("Figure of the runs in {title}, page {page}");
    let figures: Vec<Figure> = match &decided {
        Some((study, _)) => {
            vec![Figure::png(&alt(1), &plot::png(&(study.page)(&runs), &runs.records)?)]
        }
        None => {
            let pages = plot::run_pngs(&runs.records)?;
            pages.iter().zip(1..).map(|(bytes, page)| Figure::png(&alt(page), bytes)).collect()
        }
    };
    let word = |path: &Path| shell_word(&path.to_string_lossy());
    let plotted = if decided.is_some() { "" } else { " --general" };
    let config = record::kept_config(folder);
    Ok(Section {
        id: title.clone(),
        title,
        question: decided.as_ref().map(|(study, _)| study.question.to_owned()),
        source: decided.as_ref().map(|(study, _)| study.source.to_owned()),
        figures,
        claims: decided.map(|(_, claims)| claims).unwrap_or_default(),
        runs: report::rows_of(&runs.records),
        settings: config.as_ref().map(Settings::of).transpose()?,
        origin: report::origin_of(&runs.records, n),
        commands: vec![
            "# trains the same runs in another folder".to_owned(),
            format!("ocs train {} --out AGAIN", word(&record::config_path(folder))),
            "# draws the figure of these".to_owned(),
            format!("ocs plot {}{plotted}", word(folder)),
        ],
    })
}
