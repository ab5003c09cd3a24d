//! The folder of one config's runs: `CONDITION/SEED.json`, theory's answers beside them, and the config that ran.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::distinct::distinct_runs;
use super::files::{read_checked, write_atomically};
use super::{GramRecord, Record, TheoryRecord};
use crate::config::{Conditions, Config, Grid, names_of_cells};

/// Where a run's record lies: `folder/condition/seed.json`.
pub fn path_of(folder: &Path, condition: &str, seed: u64) -> PathBuf {
    folder.join(condition).join(format!("{seed}.json"))
}

/// Seeds of a condition that have a record, in their order.
pub fn seeds_of(folder: &Path, condition: &str) -> Vec<u64> {
    let entries = std::fs::read_dir(folder.join(condition)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let records = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut seeds: Vec<u64> = records.filter_map(|path| stem_of(&path).parse().ok()).collect();
    seeds.sort_unstable();
    seeds
}

/// What theory's answer for a further seed of a condition is called.
pub fn condition_of_seed(condition: &str, seed: u64) -> String {
    format!("{condition}-seed-{seed}")
}

/// Where a run folder keeps the config of its runs, with all its conditions in their order.
pub fn config_path(folder: &Path) -> PathBuf {
    folder.join("config.yaml")
}

/// Writes a config, every default written out, beside the folders of its conditions. One that is there and differs in
/// conditions, seeds and values of its grid alone is of other runs of the same question, as tasks of a cluster have them: theirs are kept in it.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_config(folder: &Path, config: &Config) -> Result<()> {
    let path = config_path(folder);
    let mut all = config.clone();
    // Runs that are extended have other steps than they had, and theirs are they still.
    let is_alike = |there: &Config| but_runs(&config.with_end_of(there)) == but_runs(there);
    if let Some(there) = kept_config(folder).filter(is_alike) {
        let now = |name: &String| config.conditions.0.iter().find(|(other, _)| other == name);
        all.conditions = there.conditions;
        for (name, entries) in &mut all.conditions.0 {
            if let Some((_, changed)) = now(name) {
                entries.clone_from(changed);
            }
        }
        let known: Vec<String> = all.conditions.0.iter().map(|(name, _)| name.clone()).collect();
        let added = config.conditions.0.iter().filter(|(name, _)| !known.contains(name));
        all.conditions.0.extend(added.cloned());
        all.grid = there.grid.with_more(&config.grid);
        all.seeds.extend(there.seeds.iter().filter(|seed| !config.seeds.contains(seed)));
        all.seeds.sort_unstable();
    }
    write_atomically(&path, serde_yaml::to_string(&all)?.as_bytes())
}

/// The config that a run folder keeps, if it can be read.
pub fn kept_config(folder: &Path) -> Option<Config> {
    let text = std::fs::read_to_string(config_path(folder)).ok()?;
    serde_yaml::from_str(&text).ok()
}

/// What configs of runs that may lie in one folder have in common.
fn but_runs(config: &Config) -> Config {
    Config {
        seeds: Vec::new(),
        conditions: Conditions::default(),
        grid: config.grid.without_values(),
        ..config.clone()
    }
}

/// The config that a folder keeps and this one, both without what differs between runs of one folder (conditions, seeds, values
/// of the grid), if they differ.
pub fn other_config(folder: &Path, config: &Config) -> Option<(Config, Config)> {
    let (there, now) = (but_runs(&kept_config(folder)?), but_runs(config));
    (there != now).then_some((there, now))
}

/// Condition and seed of every record in a run folder.
pub fn runs_of(folder: &Path) -> Vec<(String, u64)> {
    let run = |path: PathBuf| {
        let seed = stem_of(&path).parse().ok()?;
        Some((path.parent()?.file_name()?.to_str()?.to_owned(), seed))
    };
    json_files(folder).unwrap_or_default().into_iter().filter_map(run).collect()
}

/// Everything that a run folder holds.
#[derive(Debug, Clone, Default)]
pub struct RunFolder {
    /// All runs, in their config's order of conditions, then by seed.
    pub records: Vec<Record>,
    /// Theory's answers, one for each condition that theory covers.
    pub theories: Vec<TheoryRecord>,
    /// Gram matrices, one for each condition with images that theory covers.
    pub grams: Vec<GramRecord>,
}

impl RunFolder {
    /// The same without runs that are another one again.
    pub fn distinct(self) -> RunFolder {
        RunFolder { records: distinct_runs(self.records), ..self }
    }

    /// Reads every `condition/seed.json`, `condition/theory.json` and `condition/gram.json` below `folder`. Conditions that
    /// `folder/config.yaml` lacks come last, by name, as all do where there is no such file.
    ///
    /// # Errors
    ///
    /// If there is no record, or one cannot be read.
    pub fn read(folder: &Path) -> Result<RunFolder> {
        let mut records = Vec::new();
        for path in json_files(folder)? {
            if stem_of(&path).parse::<u64>().is_ok() {
                records.push(read_checked(&path)?);
            }
        }
        RunFolder::of_records(folder, records)
    }

    /// The same of records that were read from `folder` already.
    ///
    /// # Errors
    ///
    /// If there is no record, or what lies beside them cannot be read.
    pub fn of_records(folder: &Path, records: Vec<Record>) -> Result<RunFolder> {
        ensure!(
            !records.is_empty(),
            "{} holds no records: run `ocs train` or `ocs reproduce` first",
            folder.display()
        );
        let mut runs = RunFolder { records, ..RunFolder::default() };
        for path in json_files(folder)? {
            match stem_of(&path) {
                "theory" => runs.theories.push(read_checked(&path)?),
                "gram" => runs.grams.push(read_checked(&path)?),
                // Other files may lie there: backups, notes, what a file system adds.
                _ => {}
            }
        }
        runs.sort(&order_of_conditions(folder)?);
        runs.ensure_comparable(folder)?;
        Ok(runs)
    }

    fn sort(&mut self, order: &[String]) {
        let ranks: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
        let rank = |condition: &str| ranks.get(condition).copied().unwrap_or(order.len());
        let place = |condition: &str| (rank(condition), condition.to_owned());
        self.records.sort_by_cached_key(|record| (place(&record.condition), record.seed));
        self.theories.sort_by_cached_key(|theory| place(&theory.condition));
        self.grams.sort_by_cached_key(|gram| place(&gram.condition));
    }

    /// Seeds of one condition must differ in nothing else, neither in their config nor in the images that lay where it says. One
    /// that diverged has done all that a longer config asks for.
    fn ensure_comparable(&self, folder: &Path) -> Result<()> {
        for runs in self.records.chunk_by(|a, b| a.condition == b.condition) {
            // What the others are held against: the longest.
            let Some(first) = runs.iter().max_by_key(|run| run.config.total_steps()) else {
                continue;
            };
            for other in runs {
                let both = || {
                    let path = |run: &Record| path_of(folder, &run.condition, run.seed);
                    format!("{} and {}", path(other).display(), path(first).display())
                };
                ensure!(
                    other.is_of(&first.config),
                    "{} come from different configs: delete the older, or train all seeds again",
                    both()
                );
                let images = |run: &Record| run.dataset.as_ref().map(|it| it.checksum.clone());
                ensure!(
                    images(other) == images(first),
                    "{} saw different images, which changed in their place in between (the records' `dataset.checksum`): train \
                     all seeds again (--overwrite)",
                    both()
                );
            }
        }
        Ok(())
    }

    /// Records of one condition, by seed.
    pub fn of(&self, condition: &str) -> Vec<&Record> {
        self.records.iter().filter(|record| record.condition == condition).collect()
    }

    /// Theory of one condition.
    pub fn theory_of(&self, condition: &str) -> Option<&TheoryRecord> {
        self.theories.iter().find(|theory| theory.condition == condition)
    }

    /// Theory of one run: of its condition, from its seed's initial weights.
    pub fn theory_of_run(&self, record: &Record) -> Option<&TheoryRecord> {
        let of_seed = condition_of_seed(&record.condition, record.seed);
        self.theories.iter().find(|theory| {
            (theory.condition == record.condition || theory.condition == of_seed)
                && theory.config.seeds.first() == Some(&record.seed)
        })
    }

    /// The Gram matrix of one condition's inputs.
    pub fn gram_of(&self, condition: &str) -> Option<&GramRecord> {
        self.grams.iter().find(|gram| gram.condition == condition)
    }
}

/// Names of conditions as the run folder's config lists them; none without that file. Keys that this version does not
/// know do not matter here.
fn order_of_conditions(folder: &Path) -> Result<Vec<String>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Ordered {
        conditions: Conditions,
        grid: Grid,
    }
    let path = config_path(folder);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let config: Option<Ordered> = serde_yaml::from_str(&text).with_context(|| {
        format!(
            "{} does not say the order of conditions: delete it to have them by name",
            path.display()
        )
    })?;
    let Ordered { conditions, grid } = config.unwrap_or_default();
    let names: Vec<&str> = conditions.0.iter().map(|(name, _)| &**name).collect();
    if names.is_empty() && grid.is_empty() {
        return Ok(Vec::new());
    }
    Ok(names_of_cells(&names, &grid))
}

/// Records in a folder of runs, in their config's order of conditions, then by seed; those of conditions that it lacks come last.
///
/// # Errors
///
/// If the folder, or the order of its conditions, cannot be read.
pub fn record_paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let order = order_of_conditions(folder)?;
    let place = |path: &PathBuf| {
        let condition = path.parent().and_then(Path::file_name).unwrap_or_default().to_owned();
        let rank = order.iter().position(|name| condition == name.as_str()).unwrap_or(order.len());
        (rank, condition, stem_of(path).parse::<u64>().ok())
    };
    let mut paths = json_files(folder)?;
    paths.retain(|path| stem_of(path).parse::<u64>().is_ok());
    paths.sort_by_cached_key(place);
    Ok(paths)
}

/// Theory's answers in a folder of runs, by the names of their conditions.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn theory_paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = json_files(folder)?;
    paths.retain(|path| stem_of(path) == "theory");
    Ok(paths)
}

/// Every `condition/NAME.json`.
fn json_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for condition in subfolders(folder)? {
        for entry in std::fs::read_dir(&condition)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

fn stem_of(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    ensure!(
        folder.exists(),
        "there are no runs in {}: run `ocs train` or `ocs reproduce` first, or say where they are (quick ones are in runs/quick)",
        folder.display()
    );
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the order that a run folder's config gives them.
    fn order(config: Option<&str>) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = config {
            std::fs::write(config_path(folder.path()), text).unwrap();
        }
        order_of_conditions(folder.path())
    }

    #[test]
    fn conditions_keep_the_order_of_the_config_that_ran_not_of_their_names() {
        let text = "name: mine\nof_another_version: 3\nconditions: {z: {}, b: {network.bias: all}, a: null}\n";
        assert_eq!(order(Some(text)).unwrap(), ["z", "b", "a"]);
        for nothing in [None, Some(""), Some("name: mine"), Some("conditions:")] {
            assert!(order(nothing).unwrap().is_empty(), "{nothing:?}");
        }
        let error = format!("{:#}", order(Some("conditions: [a, b]")).unwrap_err());
        assert!(error.contains("config.yaml") && error.contains("delete it"), "{error}");

        let gram = |condition: &str| GramRecord {
            condition: condition.to_owned(),
            task: Config::default().task,
            samples: 1,
            features: 1,
            eigenvalues: Vec::new(),
            ones_overlap: 1.0,
            ratio: None,
            projection_cv: None,
        };
        let grams = ["y", "a", "b", "x", "z"].map(gram).to_vec();
        let mut runs = RunFolder { grams, ..RunFolder::default() };
        runs.sort(&["z", "b", "a"].map(str::to_owned));
        let sorted: Vec<&str> = runs.grams.iter().map(|gram| &*gram.condition).collect();
        assert_eq!(sorted, ["z", "b", "a", "x", "y"], "those that the config lacks come last");
    }
}
