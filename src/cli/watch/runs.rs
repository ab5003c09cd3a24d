//! Which runs a folder has, and the newest of the chosen one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::frame::Shown;
use crate::config::{did_you_mean, resolve_conditions};
use crate::record::{self, Status};
use crate::sweep::{record_so_far, who_is_at};

/// Runs of a folder, one of them chosen.
pub struct Runs {
    pub folder: PathBuf,
    /// Condition and seed of each: those of the folder's config, then others that have records.
    runs: Vec<(String, u64)>,
    chosen: usize,
}

impl Runs {
    /// The first that has a record is chosen, else the first.
    pub fn of(folder: &Path) -> Result<Runs> {
        let mut runs = Vec::new();
        if let Some(config) = record::kept_config(folder) {
            for (condition, _) in resolve_conditions(&config)? {
                runs.extend(config.seeds.iter().map(|&seed| (condition.clone(), seed)));
            }
        }
        for path in record::record_paths(folder)? {
            let condition = path.parent().and_then(Path::file_name).map(|it| it.to_string_lossy());
            let seed = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if let (Some(condition), Some(seed)) = (condition, seed) {
                let run = (condition.into_owned(), seed);
                if !runs.contains(&run) {
                    runs.push(run);
                }
            }
        }
        ensure!(!runs.is_empty(), "{} holds no runs", folder.display());
        let has_record =
            |(condition, seed): &(String, u64)| record::path_of(folder, condition, *seed).exists();
        let chosen = runs.iter().position(has_record).unwrap_or(0);
        Ok(Runs { folder: folder.to_owned(), runs, chosen })
    }

    /// Chooses the first run with this condition and seed, as far as they are given.
    ///
    /// # Errors
    ///
    /// If there is none; names those that there are.
    pub fn choose(&mut self, condition: Option<&str>, seed: Option<u64>) -> Result<()> {
        let mut names: Vec<&str> = self.runs.iter().map(|(name, _)| &**name).collect();
        names.dedup();
        if let Some(name) = condition {
            ensure!(
                names.contains(&name),
                "--condition {name}: the conditions are {}{}",
                names.join(", "),
                did_you_mean(name, names.iter().copied())
            );
        }
        if condition.is_none() && seed.is_none() {
            return Ok(());
        }
        let of_condition =
            |(name, _): &&(String, u64)| condition.is_none_or(|wanted| wanted == name);
        let seeds = || {
            let all = self.runs.iter().filter(of_condition).map(|(_, seed)| seed.to_string());
            all.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let fits = |run: &(String, u64)| of_condition(&run) && seed.is_none_or(|it| it == run.1);
        let found = self.runs.iter().position(fits);
        self.chosen = found.with_context(|| {
            format!("--seed {}: the seeds are {}", seed.unwrap_or(0), seeds().join(", "))
        })?;
        Ok(())
    }

    /// Chooses the next run, or the one before.
    pub fn turn(&mut self, forwards: bool) {
        let n = self.runs.len();
        self.chosen = (self.chosen + if forwards { 1 } else { n - 1 }) % n;
    }

    /// The chosen run.
    pub fn chosen(&self) -> (&str, u64) {
        let (condition, seed) = &self.runs[self.chosen];
        (condition, *seed)
    }

    /// What is known of the chosen run now.
    ///
    /// # Errors
    ///
    /// If its record cannot be read.
    pub fn look(&self) -> Result<Shown> {
        let (condition, seed) = self.chosen();
        let record = record_so_far(&self.folder, condition, seed)?;
        let is_over = record.as_ref().is_some_and(|record| record.status != Status::Running);
        let who = if is_over { None } else { who_is_at(&self.folder, condition, seed) };
        Ok(Shown { record, who, ..self.unseen() })
    }

    /// The chosen run before anything is known of it.
    pub fn unseen(&self) -> Shown {
        let (condition, seed) = self.chosen();
        Shown {
            run: format!("{}, '{condition}', seed {seed}", self.folder.display()),
            place: (self.chosen + 1, self.runs.len()),
            record: None,
            who: None,
        }
    }
}
