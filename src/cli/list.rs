//! `ocs list`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, anyhow, ensure};
use chrono::{DateTime, Local, SecondsFormat, Utc};
use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;

use super::arguments::path;
use super::decided::Decided;
use super::outcome::{Success, misuse};
use super::output;
use super::run_folder::all_runs;
use crate::record;
use crate::studies;
use crate::sweep::{State, states_at_a_glance, states_in_words};

/// Where runs lie; before the first one it is not there.
const RUNS: &str = "runs";

/// Lists the folders of runs below RUNS, with how far their runs are (complete, unfinished, running, diverged, failed, waiting), the
/// experiment that their config names, when something was written last, and what they take on the disk; then the experiments, with
/// their questions, the verdicts on their claims by PLOTS/claims.json, and their figures. Nothing is written.
#[derive(Args)]
pub struct List {
    /// Folder of all runs, or of one
    #[arg(default_value = RUNS, value_name = "RUNS", value_parser = path())]
    runs: PathBuf,
    /// Folder of figures and claims
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    plots: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A folder of runs.
#[derive(Serialize)]
struct Run {
    folder: String,
    /// The experiment that its config names.
    experiment: Option<String>,
    /// What that asks.
    question: Option<&'static str>,
    /// How many runs are in each state; `null` where its config cannot be read.
    states: Option<BTreeMap<&'static str, usize>>,
    /// The same in words.
    #[serde(skip)]
    words: String,
    /// When a file of it was written last: UTC, as `2026-11-26T20:05:49Z`.
    changed: Option<String>,
    #[serde(skip)]
    changed_at: Option<SystemTime>,
    bytes: u64,
}

/// An experiment.
#[derive(Serialize)]
struct Experiment {
    stem: &'static str,
    question: &'static str,
    /// How many of its claims have each verdict; `null` where none was decided.
    claims: Option<BTreeMap<&'static str, usize>>,
    /// Its figure, if it is there.
    figure: Option<String>,
}

#[derive(Serialize)]
struct Listing {
    runs: Vec<Run>,
    experiments: Vec<Experiment>,
}

impl List {
    pub fn run(self) -> Result<Success> {
        ensure!(!self.runs.is_file(), misuse_of_file(&self.runs));
        if !self.runs.exists() && self.runs != Path::new(RUNS) {
            return Err(misuse(anyhow!(
                "{} is not there: name a folder of runs",
                self.runs.display()
            )));
        }
        let runs = all_runs(&self.runs).iter().map(|folder| Run::of(folder)).collect();
        let listing = Listing { runs, experiments: self.experiments()? };
        if self.json {
            output::json(&listing)?;
        } else {
            output::line(&self.text(&listing))?;
        }
        Ok(Success::Full)
    }

    fn experiments(&self) -> Result<Vec<Experiment>> {
        let decided = Decided::read(&self.plots)?;
        let experiment = |study: &&'static studies::Study| {
            let found = decided.experiments.iter().find(|other| other.stem == study.stem);
            let figure = self.plots.join(study.stem).with_extension("png");
            Experiment {
                stem: study.stem,
                question: study.question,
                claims: found
                    .map(|found| counted(found.claims.iter().map(|it| it.verdict.of_several()))),
                figure: figure.exists().then(|| figure.display().to_string()),
            }
        };
        Ok(studies::ALL.iter().map(experiment).collect())
    }

    fn text(&self, Listing { runs, experiments }: &Listing) -> String {
        let heading = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut of_runs: Vec<Vec<String>> =
            vec![heading(&["run", "experiment", "state", "changed", "size"])];
        of_runs.extend(runs.iter().map(|run| {
            let changed = run.changed_at.map(DateTime::<Local>::from);
            vec![
                run.folder.clone(),
                run.experiment.clone().unwrap_or_else(|| "-".to_owned()),
                run.words.clone(),
                changed.map_or("-".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string()),
                HumanBytes(run.bytes).to_string(),
            ]
        }));
        let mut of_experiments: Vec<Vec<String>> =
            vec![heading(&["experiment", "claims", "figure", "question"])];
        of_experiments.extend(experiments.iter().map(|experiment| {
            let claims = experiment.claims.as_ref().map(in_words);
            vec![
                experiment.stem.to_owned(),
                claims.unwrap_or_else(|| "-".to_owned()),
                experiment.figure.clone().unwrap_or_else(|| "-".to_owned()),
                experiment.question.to_owned(),
            ]
        }));
        let of_runs = match runs.len() {
            0 => format!("{} holds no runs: `ocs train CONFIG` makes some", self.runs.display()),
            _ => output::table(&of_runs),
        };
        format!("{of_runs}\n\n{}", output::table(&of_experiments))
    }
}

fn misuse_of_file(path: &Path) -> anyhow::Error {
    misuse(anyhow::anyhow!("{} is a file: name a folder of runs, such as runs", path.display()))
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_insert(0) += 1);
    counts
}

fn in_words(counts: &BTreeMap<&str, usize>) -> String {
    let words: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    words.join(", ")
}

impl Run {
    fn of(folder: &Path) -> Run {
        let config = record::kept_config(folder);
        let states = config.as_ref().map(|config| states_at_a_glance(config, folder));
        let states = states.and_then(Result::ok);
        let experiment = config.and_then(|config| config.experiment);
        let (changed_at, bytes) = changed_and_bytes(folder);
        Run {
            folder: folder.display().to_string(),
            question: experiment.as_deref().and_then(studies::find).map(|study| study.question),
            experiment,
            words: match &states {
                Some(states) => states_in_words(states.iter().map(|run| &run.state)),
                None => "its config.yaml cannot be read".to_owned(),
            },
            states: states.map(|states| counted(states.iter().map(|run| State::word(&run.state)))),
            changed: changed_at
                .map(|at| DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Secs, true)),
            changed_at,
            bytes,
        }
    }
}

/// When a file of a folder was written last, and the bytes of all; links are not followed.
fn changed_and_bytes(folder: &Path) -> (Option<SystemTime>, u64) {
    let (mut changed, mut bytes) = (None, 0);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(data) = entry.metadata() else { continue };
        if data.is_dir() {
            let (within, of_folder) = changed_and_bytes(&entry.path());
            (changed, bytes) = (changed.max(within), bytes + of_folder);
        } else {
            (changed, bytes) = (changed.max(data.modified().ok()), bytes + data.len());
        }
    }
    (changed, bytes)
}
