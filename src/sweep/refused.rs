//! What a command would lose of runs that are there already, and whether it may.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};

use super::differences::differences;
use super::keeper::final_path;
use super::options::{Existing, Options};
use super::roster::{Run, unfinished_paths};
use super::saved::step_and_roster;
use crate::config::{Config, resolve_conditions};
use crate::record::{self, DatasetRecord, Record, Status};

/// A command was refused before it changed anything: the reason and the ways on.
#[derive(Debug)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The images that a run saw, with the file that tells.
pub type SeenImages = (PathBuf, Run, Option<DatasetRecord>);

const WAYS_ON: &str = "keep and continue them with --resume, replace them with --overwrite, or keep the new ones apart by \
                       another folder (--out; `ocs train` and `ocs sweep` take --set name=... too)";

/// Makes sure that there is nothing of these runs yet.
pub fn ensure_free(asked: &BTreeMap<Run, Config>, options: &Options) -> Result<()> {
    let folder = &options.folder;
    let is_begun = |(condition, seed): &&Run| {
        !options.begins_anew(condition, *seed) && !options.leaves_alone(condition, *seed)
    };
    let paths = asked.keys().filter(is_begun);
    let paths = paths.map(|(condition, seed)| record::path_of(folder, condition, *seed));
    // A link that leads nowhere is there, too.
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok() || final_path(path).exists();
    let there: Vec<PathBuf> = paths.filter(is_there).collect();
    ensure!(
        there.is_empty(),
        Refused(format!(
            "{} holds {} of these {} runs already, such as {}: {WAYS_ON}",
            folder.display(),
            there.len(),
            asked.len(),
            there[0].display()
        ))
    );
    for path in unfinished_paths(folder) {
        let Ok((step, roster)) = step_and_roster(&path) else { continue };
        ensure!(
            !roster.0.iter().filter(is_begun).any(|run| asked.contains_key(run)),
            Refused(format!(
                "{} holds unfinished work ({}, done up to step {step}): {WAYS_ON}",
                folder.display(),
                roster.words()
            ))
        );
    }
    Ok(())
}

/// Makes sure that the config of a run folder will tell of all runs that lie there: those that are not asked for must be of this
/// one, but for conditions, seeds and values of the same grid, or of a shorter one where runs are extended.
pub fn ensure_one_config(
    config: &Config,
    asked: &BTreeMap<Run, Config>,
    options: &Options,
) -> Result<()> {
    let folder = &options.folder;
    let Some((there, now)) = record::other_config(folder, config) else { return Ok(()) };
    if options.existing == Existing::Resume && now.is_longer_than(&there) {
        return Ok(());
    }
    // Runs that are asked for are looked at one by one, or replaced.
    let other = record::runs_of(folder).into_iter().find(|run| !asked.contains_key(run));
    let Some((condition, seed)) = other else { return Ok(()) };
    let extend = if now.is_longer_than(&there) { "extend those with --resume, " } else { "" };
    bail!(Refused(format!(
        "{} holds runs of another config ({}), such as {}, which this command leaves there, and one folder is of one config (but \
         for its conditions, seeds and values of its grid): {extend}keep the new runs apart by another name or folder (--set \
         name=..., --out), or move the others away",
        folder.display(),
        differences_of_folders(&there, &now)?.join(", "),
        record::path_of(folder, &condition, seed).display()
    )))
}

/// Keys that differ, and which ones the grids vary.
fn differences_of_folders(there: &Config, now: &Config) -> Result<Vec<String>> {
    let mut found = differences(there, now)?;
    if there.grid != now.grid {
        found.retain(|difference| !difference.starts_with("grid"));
        let keys = |config: &Config| match &config.grid.keys().collect::<Vec<_>>()[..] {
            [] => "nothing".to_owned(),
            keys => keys.join(", "),
        };
        found.push(format!("grid varied {}, varies {}", keys(there), keys(now)));
    }
    Ok(found)
}

/// Makes sure that what these runs replace takes no others with it.
pub fn ensure_replaceable(asked: &BTreeMap<Run, Config>, options: &Options) -> Result<()> {
    for path in unfinished_paths(&options.folder) {
        let Ok((step, roster)) = step_and_roster(&path) else { continue };
        let (replaced, others): (Vec<Run>, Vec<Run>) =
            roster.0.into_iter().partition(|run| asked.contains_key(run));
        let Some((condition, seed)) = others.first().filter(|_| !replaced.is_empty()) else {
            continue;
        };
        let path = record::path_of(&options.folder, condition, *seed);
        let is_over =
            record::read_json::<Record>(&path).is_ok_and(|it| it.status != Status::Running);
        ensure!(
            is_over,
            Refused(format!(
                "--overwrite would lose the work of '{condition}', seed {seed}, which trains in one stack with runs that it \
                 replaces (step {step}): finish them first with --resume, or replace it as well"
            ))
        );
    }
    Ok(())
}

/// Makes sure that runs which stay beside those of a config, of other seeds, are of the same config: runs of a condition are
/// drawn and judged together. Others may be behind while runs are extended. Returns the images of one of each condition.
pub fn ensure_comparable(config: &Config, options: &Options) -> Result<Vec<SeenImages>> {
    let extends = options.existing == Existing::Resume;
    let mut seen = Vec::new();
    for (condition, resolved) in resolve_conditions(config)? {
        if !config.seeds.iter().any(|seed| options.does(&condition, *seed)) {
            continue;
        }
        let others = record::seeds_of(&options.folder, &condition);
        let others = others.into_iter().filter(|seed| !config.seeds.contains(seed));
        // One that cannot be read is told by whoever reads it.
        let mut readable = others.filter_map(|seed| {
            let path = record::path_of(&options.folder, &condition, seed);
            record::read_json::<Record>(&path).ok().map(|record| (path, record))
        });
        let Some((path, record)) = readable.next() else { continue };
        let but_seeds = |config: &Config| Config { seeds: Vec::new(), ..config.clone() };
        let differences = differences(&but_seeds(&record.config), &but_seeds(&resolved))?;
        ensure!(
            differences.is_empty()
                || record.is_of(&resolved)
                || (extends && resolved.is_longer_than(&record.config)),
            Refused(format!(
                "{} is of another config ({}), and runs of one condition must differ in their seeds alone to be drawn \
                 together: keep the new ones apart by another name or folder (--set name=..., --out), or delete the older",
                path.display(),
                differences.join(", ")
            ))
        );
        seen.push((path, (condition, record.seed), record.dataset));
    }
    Ok(seen)
}

/// Whether a run that is left alone diverged.
///
/// # Errors
///
/// If it is of another config, but for steps that were raised since.
pub fn is_diverged(path: &Path, config: &Config) -> Result<bool> {
    let Ok(record) = record::read_json::<Record>(path) else { return Ok(false) };
    let differences = differences(&record.config, config)?;
    if differences.is_empty() || config.is_longer_than(&record.config) {
        return Ok(record.status.diverged_in_words().is_some());
    }
    Err(refusal(path, &anyhow!("its config is another: {}", differences.join(", "))))
}

/// What cannot be kept or continued at a path, with the ways on.
pub fn refusal(path: &Path, reason: &anyhow::Error) -> anyhow::Error {
    let folder = path.with_extension("checkpoint");
    let with_it = match folder.exists() {
        true => format!(" and {}", folder.display()),
        false => String::new(),
    };
    anyhow!(Refused(format!(
        "{} cannot be kept or continued: {reason:#}. Replace all runs of this command with --overwrite, delete this \
         one{with_it}, or keep the new ones apart by another name or folder (--set name=..., --out)",
        path.display()
    )))
}
