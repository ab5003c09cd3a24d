//! `ocs plot` and `ocs claims`: both read records and train nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};

use super::arguments::path;
use super::outcome::{Success, misuse};
use super::overlaid::{self, Overlaid};
use super::train::tell_claims;
use super::{output, run_folder};
use crate::claim::{Claim, Verdict};
use crate::config::did_you_mean;
use crate::export::names_of_folders;
use crate::plot::{self, Format};
use crate::record::{Record, RunFolder, unpublished};
use crate::studies::{self, Study, all_stems};

/// Draws a figure from records as PNG (300 dpi) and SVG. An experiment's stem draws the experiment's figure from
/// RUNS/STEM; a folder of runs draws the figure of the experiment that its config names, or else M, V, distances and
/// true negative rates of each condition, eight to a page. --overlay draws conditions, or several folders of runs, in one panel
/// for each quantity.
///
/// The figure is named after the run folder, OUT/NAME.png and .svg (NAME-1, NAME-2, ... if it has several pages), and
/// replaces an older one of that name. A run folder with an experiment's name becomes OUT/NAME-plot.png: OUT/STEM.png is
/// written by `ocs reproduce` alone, whose --resume draws it again without training. With --overlay it is NAME-overlay, or
/// ONE-OTHER-overlay of two folders.
#[derive(Args)]
pub struct Plot {
    /// Experiments (`ocs reproduce --help` lists them), or folders such as runs/my_config; a figure of each, but with --overlay
    #[arg(required = true, value_name = "RUN", value_parser = path())]
    targets: Vec<PathBuf>,
    /// Folder of all runs, for a stem
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    runs: PathBuf,
    /// Folder for the figure
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Draw the general figure even if the config names an experiment
    #[arg(long, conflicts_with = "overlay")]
    general: bool,
    /// Only these conditions, in the general figure or with --overlay (repeatable); of a grid, all cells that have these parts:
    /// none,learning_rate=0.1
    #[arg(long = "condition", value_name = "NAME")]
    conditions: Vec<String>,
    /// Another name for the figure than the run folder's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Kinds of files, as in png,svg,pdf
    #[arg(long, value_name = "KINDS", value_enum, value_delimiter = ',', default_values = ["png", "svg"])]
    format: Vec<Kind>,
    #[command(flatten)]
    overlaid: Overlaid,
}

/// A kind of file, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Png,
    Svg,
    Pdf,
}

impl Plot {
    /// Of a whole run folder, as `ocs plot RUN --out OUT` draws it.
    pub fn of_run(run: &Path, out: &Path) -> Self {
        Plot {
            targets: vec![run.to_owned()],
            runs: PathBuf::from("runs"),
            out: out.to_owned(),
            general: false,
            conditions: Vec::new(),
            name: None,
            format: vec![Kind::Png, Kind::Svg],
            overlaid: Overlaid::default(),
        }
    }

    pub fn run(self) -> Result<Success> {
        ensure_folder("--out", &self.out).map_err(misuse)?;
        self.overlaid.check().map_err(misuse)?;
        let several = self.targets.len() > 1 && !self.overlaid.overlay;
        if several && self.name.is_some() {
            return Err(misuse(anyhow!(
                "--name names one figure, and {} runs have one each: name them one by one, or draw them in one with --overlay",
                self.targets.len()
            )));
        }
        let mut folders = Vec::new();
        for target in &self.targets {
            let folder = self.folder(target);
            if folder == *target {
                run_folder::ensure_run(&folder, DRAW).map_err(misuse)?;
            }
            let name = run_folder::name_of(&folder).map_err(misuse)?;
            folders.push((name, folder));
        }
        let mut runs = Vec::new();
        for (_, folder) in &folders {
            runs.push(RunFolder::read(folder)?.distinct());
        }
        self.choose_conditions(&mut runs).map_err(misuse)?;
        let drawn = self.drawn(&folders, &runs)?;
        for path in &drawn {
            output::line(&path.display().to_string())?;
        }
        for path in left_over(&drawn) {
            tracing::warn!(
                "{} is of an earlier drawing, which may show something else: name it in --format too, give the figure another --name, \
                 or delete it",
                path.display()
            );
        }
        Ok(Success::Full)
    }

    /// Draws the figure, or one for each folder; returns the files.
    fn drawn(&self, folders: &[(String, PathBuf)], runs: &[RunFolder]) -> Result<Vec<PathBuf>> {
        let formats = self.formats();
        if self.overlaid.overlay {
            let names: Vec<String> = folders.iter().map(|(name, _)| name.clone()).collect();
            let name = match &self.name {
                Some(name) => plain(name).map_err(misuse)?.to_owned(),
                None => overlaid::name_of_figure(&names),
            };
            let named: Vec<(String, &Path)> =
                folders.iter().map(|(name, folder)| (name.clone(), &**folder)).collect();
            let named: Vec<(String, &RunFolder)> =
                names_of_folders(&named).into_iter().zip(runs).collect();
            let (page, records) =
                plot::overlay_figure(&named, &self.overlaid.settings()).map_err(misuse)?;
            return plot::draw_as(&formats, &page, &records, &self.out, &name);
        }
        let mut paths = Vec::new();
        for (((_, folder), target), runs) in folders.iter().zip(&self.targets).zip(runs) {
            let name = self.name(folder).map_err(misuse)?;
            paths.extend(match self.study(target, runs)? {
                Some(study) => {
                    let shown = study.conditions()?;
                    ensure!(
                        runs.records.iter().any(|record| shown.contains(&record.condition)),
                        "{} holds no condition of {}: draw the general figure with --general",
                        folder.display(),
                        study.stem
                    );
                    plot::draw_as(&formats, &(study.page)(runs), &runs.records, &self.out, &name)?
                }
                None => plot::draw_run_as(&formats, &runs.records, &self.out, &name)?,
            });
        }
        Ok(paths)
    }

    /// Kinds of files, each once.
    fn formats(&self) -> Vec<Format> {
        let mut formats: Vec<Format> = Vec::new();
        for kind in &self.format {
            let format = match kind {
                Kind::Png => Format::Png,
                Kind::Svg => Format::Svg,
                Kind::Pdf => Format::Pdf,
            };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    }

    /// A stem means RUNS/STEM, unless a folder of that name is there.
    fn folder(&self, target: &Path) -> PathBuf {
        match stem(target) {
            Some(study) if !target.is_dir() => self.runs.join(study.stem),
            Some(_) | None => target.to_owned(),
        }
    }

    /// Whose figure is drawn; `None` for the general one.
    fn study(&self, target: &Path, runs: &RunFolder) -> Result<Option<&'static Study>> {
        // Cells of a grid are no conditions of an experiment.
        let has_cells = runs.records.iter().any(|record| record.cell.is_some());
        if self.general || !self.conditions.is_empty() || has_cells {
            return Ok(None);
        }
        match (stem(target), runs.records.first()) {
            (Some(study), _) => Ok(Some(study)),
            (None, Some(record)) => studies::of(&record.config),
            (None, None) => Ok(None),
        }
    }

    /// The figure's name, which is never a stem's own.
    fn name(&self, folder: &Path) -> Result<String> {
        match &self.name {
            Some(name) => Ok(plain(name)?.to_owned()),
            None => {
                let name = run_folder::name_of(folder)?;
                Ok(if studies::find(&name).is_some() { format!("{name}-plot") } else { name })
            }
        }
    }

    /// Leaves the conditions that are named; each must be one of some run.
    fn choose_conditions(&self, runs: &mut [RunFolder]) -> Result<()> {
        let all = || runs.iter().flat_map(|runs| &runs.records);
        let mut known: Vec<&str> = Vec::new();
        for record in all() {
            if !known.contains(&&*record.condition) {
                known.push(&record.condition);
            }
        }
        for name in &self.conditions {
            ensure!(
                all().any(|record| is_called(record, name)),
                "--condition {name}: the conditions are {}{}",
                known.join(", "),
                did_you_mean(name, known.iter().copied())
            );
        }
        if self.conditions.is_empty() {
            return Ok(());
        }
        for (folder, target) in runs.iter_mut().zip(&self.targets) {
            folder.records.retain(|record| self.conditions.iter().any(|it| is_called(record, it)));
            ensure!(
                !folder.records.is_empty(),
                "{} has none of the conditions that --condition names: leave it out",
                target.display()
            );
        }
        Ok(())
    }
}

/// Files of other kinds, by the names of those that were drawn.
fn left_over(drawn: &[PathBuf]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for path in drawn {
        for kind in Kind::value_variants().iter().filter_map(ValueEnum::to_possible_value) {
            let other = path.with_extension(kind.get_name());
            if !drawn.contains(&other) && !left.contains(&other) && other.is_file() {
                left.push(other);
            }
        }
    }
    left
}

/// Whether a record is of a condition, or of a cell in whose name all parts of this one are: `none,learning_rate=0.1`.
fn is_called(record: &Record, name: &str) -> bool {
    let parts = || record.condition.split(',');
    let has = |part: &str| parts().any(|own| own == part);
    record.condition == name || (record.cell.is_some() && name.split(',').all(has))
}

fn stem(target: &Path) -> Option<&'static Study> {
    target.to_str().and_then(studies::find)
}

/// A figure's name that was given: a file's, and no stem.
fn plain(name: &str) -> Result<&str> {
    ensure!(
        studies::find(name).is_none(),
        "--name {name}: that figure is written by `ocs reproduce {name}` alone, choose another name"
    );
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    ensure!(is_plain, "--name names a file in --out, without folder: not '{name}'");
    Ok(name)
}

const DRAW: run_folder::Use =
    run_folder::Use { verb: "draw", command: "ocs plot", has_condition: true };

/// Makes sure that an option names a folder, there or not.
pub fn ensure_folder(option: &str, folder: &Path) -> Result<()> {
    let is_figure =
        ["png", "svg", "pdf"].map(std::ffi::OsStr::new).map(Some).contains(&folder.extension());
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
