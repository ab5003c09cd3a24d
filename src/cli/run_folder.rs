//! Which folder of runs is meant? What is near one, or holds several, is told with what to type instead.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

use crate::config::did_you_mean;
use crate::record::config_path;
use crate::studies;

/// Folders of runs lie so deep below the one that was named: `.` holds `runs/quick/STEM`.
const DEPTH: usize = 3;
/// So many runs are listed.
const MOST_LISTED: usize = 12;

/// What is to be done with a folder of runs, as messages say it.
#[derive(Clone, Copy)]
pub struct Use {
    /// `draw`, `export`.
    pub verb: &'static str,
    /// `ocs plot`.
    pub command: &'static str,
    /// Whether the command takes --condition.
    pub has_condition: bool,
}

/// The folder of runs that is meant: an experiment's stem means RUNS/STEM, unless a folder of that name is there.
///
/// # Errors
///
/// Those of `ensure_run`.
pub fn run_of(target: &Path, runs: &Path, what: Use) -> Result<PathBuf> {
    match target.to_str().and_then(studies::find) {
        Some(study) if !target.is_dir() => {
            let folder = runs.join(study.stem);
            ensure!(
                is_run(&folder),
                "{} holds no runs of {}: run `ocs reproduce {}` first, or say where they are (--runs runs/quick for quick ones)",
                runs.display(),
                study.stem,
                study.stem
            );
            Ok(folder)
        }
        Some(_) | None => ensure_run(target, what).map(|()| target.to_owned()),
    }
}

/// The same for those who look on: a run that has no record yet is one.
///
/// # Errors
///
/// Those of `ensure_run`.
pub fn begun_run_of(target: &Path, runs: &Path, what: Use) -> Result<PathBuf> {
    let stem = target.to_str().and_then(studies::find).map(|study| runs.join(study.stem));
    let named = [Some(target.to_owned()), stem].into_iter().flatten();
    let mut begun = named.filter(|folder| config_path(folder).is_file());
    begun.next().map_or_else(|| run_of(target, runs, what), Ok)
}

/// Makes sure that `folder` holds a run: `CONDITION/SEED.json`.
///
/// # Errors
///
/// Says what lies there instead, and which run can be drawn.
pub fn ensure_run(folder: &Path, Use { verb, command, has_condition }: Use) -> Result<()> {
    if is_run(folder) {
        return Ok(());
    }
    ensure_exists(folder)?;
    let shown = folder.display();
    // `.` has no parents by name.
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some((run, condition)) = run_around(folder).or_else(|| run_around(&whole)) {
        let run = run.display();
        let alone = match has_condition {
            true => {
                format!(", or this condition alone with `{command} {run} --condition {condition}`")
            }
            false => String::new(),
        };
        return Err(anyhow!(
            "{shown} is a part of the run {run}: {verb} it with `{command} {run}`{alone}"
        ));
    }
    ensure!(
        folder.is_dir(),
        "{shown} is a file, not a folder of runs: `ocs train` says where it leaves its records, such as runs/my_config"
    );
    let runs = runs_below(folder, DEPTH);
    let Some(first) = runs.first() else {
        return Err(anyhow!(
            "{shown} holds no records: run `ocs train` or `ocs reproduce` first, or name a folder such as runs/my_config"
        ));
    };
    let first = first.display();
    Err(match runs.len() {
        1 => anyhow!(
            "{shown} is not itself a folder of one run: {verb} its run with `{command} {first}`"
        ),
        _ => anyhow!(
            "{shown} holds several runs ({}): name one, as in `{command} {first}`",
            listed(&runs)
        ),
    })
}

fn ensure_exists(folder: &Path) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let runs = if parent.is_dir() { runs_below(parent, 1) } else { Vec::new() };
    let there = match runs.len() {
        0 => String::new(),
        _ => format!("; {} holds {}", parent.display(), listed(&runs)),
    };
    let given = folder.display().to_string();
    let paths = runs.iter().filter_map(|run| run.to_str());
    let near = did_you_mean(&given, paths.chain(studies::stems()));
    Err(anyhow!(
        "{given} is no folder of runs and no experiment ({}){there}{near}",
        studies::all_stems()
    ))
}

/// The run that a path lies in, and the name of the condition.
fn run_around(path: &Path) -> Option<(&Path, String)> {
    let condition_and_run = path.ancestors().zip(path.ancestors().skip(1)).take(DEPTH);
    condition_and_run.filter(|(condition, _)| holds_records(condition)).find_map(
        |(condition, run)| Some((run, condition.file_name()?.to_string_lossy().into_owned())),
    )
}

/// Folders of runs below `folder`, sorted.
fn runs_below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    folders_below(folder, depth, &is_run)
}

/// The same, and those that keep a config and have no record yet; `folder` itself too.
pub fn all_runs(folder: &Path) -> Vec<PathBuf> {
    let is_one = |folder: &Path| is_run(folder) || config_path(folder).is_file();
    if is_one(folder) {
        return vec![folder.to_owned()];
    }
    folders_below(folder, DEPTH, &is_one)
}

fn folders_below(folder: &Path, depth: usize, is_run: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    for below in subfolders(folder) {
        if is_run(&below) {
            runs.push(below);
        } else if depth > 1 {
            runs.extend(folders_below(&below, depth - 1, is_run));
        }
    }
    runs
}

fn is_run(folder: &Path) -> bool {
    subfolders(folder).iter().any(|condition| holds_records(condition))
}

/// Whether a folder is a condition's: it holds `SEED.json`.
fn holds_records(folder: &Path) -> bool {
    let is_record = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "json")
            && path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()).is_some()
    };
    std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().any(|entry| is_record(&entry.path())))
}

/// Folders directly below one, sorted; none where it cannot be read. Hidden ones hold no runs.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
        .collect();
    folders.sort();
    folders
}

fn listed(runs: &[PathBuf]) -> String {
    let names: Vec<String> =
        runs.iter().take(MOST_LISTED).map(|run| run.display().to_string()).collect();
    match runs.len().saturating_sub(MOST_LISTED) {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names.join(", ")),
    }
}

/// The name of a folder, also of `.` and of `runs/x/..`.
///
/// # Errors
///
/// If the folder is the root, which has no name.
pub fn name_of(folder: &Path) -> Result<String> {
    let whole;
    let name = match folder.file_name() {
        Some(name) => name,
        None => {
            whole = folder
                .canonicalize()
                .with_context(|| format!("cannot look into {}", folder.display()))?;
            whole
                .file_name()
                .context("a figure is named after its run folder, and / has no name")?
        }
    };
    Ok(name.to_string_lossy().into_owned())
}
