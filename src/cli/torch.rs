//! `ocs export RUN --torch FOLDER`.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::run_folder;
use crate::config::did_you_mean;
use crate::derived::Derived;
use crate::export::{FILES, TorchExport, write_network};
use crate::file;
use crate::record::{self, Record, Status};
use crate::sweep::{At, Cores, Tasks, Weights, limit_threads};

/// A run of a folder: its condition and its seed.
type Run = (String, u64);

/// What `--torch` was told.
pub struct Torch<'a> {
    /// A folder of runs.
    pub run: &'a Path,
    /// Where the networks go.
    pub folder: &'a Path,
    /// These conditions and seeds alone; empty = all.
    pub conditions: &'a [String],
    pub seeds: &'a [u64],
    /// The moment of training; `None`: the newest.
    pub at: Option<At>,
    /// Whether an earlier export gives way.
    pub overwrite: bool,
    /// Folder of data sets.
    pub data: PathBuf,
}

impl Torch<'_> {
    /// The runs that are asked for, in the order of their folder.
    ///
    /// # Errors
    ///
    /// If a condition or a seed is not there.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let all: Vec<Run> =
            record::record_paths(self.run)?.iter().filter_map(|path| run_at(path)).collect();
        for condition in self.conditions {
            let known = all.iter().map(|(name, _)| &**name);
            ensure!(
                known.clone().any(|name| name == condition),
                "--condition {condition}: {} has no such condition{}",
                self.run.display(),
                did_you_mean(condition, known)
            );
        }
        for seed in self.seeds {
            ensure!(
                all.iter().any(|(_, known)| known == seed),
                "--seed {seed}: {} has no run of that seed",
                self.run.display()
            );
        }
        let is_asked = |(condition, seed): &Run| {
            (self.conditions.is_empty() || self.conditions.contains(condition))
                && (self.seeds.is_empty() || self.seeds.contains(seed))
        };
        let asked: Vec<Run> = all.into_iter().filter(is_asked).collect();
        ensure!(
            !asked.is_empty(),
            "{} has no run of these conditions and seeds",
            self.run.display()
        );
        Ok(asked)
    }

    /// Makes sure, before anything is read, that the folder can be made.
    ///
    /// # Errors
    ///
    /// If something else is there.
    pub fn ensure_place(&self) -> Result<()> {
        let folder = self.folder.display();
        ensure!(!self.folder.is_file(), "--torch {folder} is a file: name a folder");
        let is_empty = |folder: &Path| {
            std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
        };
        if self.folder.symlink_metadata().is_err() || is_empty(self.folder) {
            return Ok(());
        }
        ensure!(
            self.overwrite,
            "--torch {folder}: {}; give --overwrite, or another name",
            Error::from(ErrorKind::AlreadyExists)
        );
        if let Some(foreign) = foreign(self.folder, 2) {
            bail!(
                "--torch {folder} holds what no earlier export wrote, {}, and --overwrite would replace all of it: name another folder, or \
                 move that away",
                foreign.display()
            );
        }
        Ok(())
    }

    /// Writes every network: into the folder itself where one is asked for, else into CONDITION/SEED. Of several those without
    /// weights are told with the reason; says how many were written.
    ///
    /// # Errors
    ///
    /// If no run has weights, or data are not there; names the file. Nothing is written then.
    pub fn write(&self, runs: &[Run]) -> Result<usize> {
        limit_threads(&Cores::of_this_process());
        let name = run_folder::name_of(self.run)?;
        let mut tasks = Tasks::keeping(&self.data, &Derived::of_user());
        let mut n_written = 0;
        let written = file::make_folder(self.folder, self.overwrite, |folder| {
            for (condition, seed) in runs {
                let weights = match self.at {
                    None => Weights::newest(self.run, condition, *seed),
                    Some(at) => Weights::kept(self.run, condition, *seed, at),
                };
                let weights = match weights {
                    Err(error) if runs.len() > 1 => {
                        tracing::error!("{error:#}");
                        continue;
                    }
                    weights => weights?,
                };
                let into = match runs {
                    [_] => folder.to_owned(),
                    _ => folder.join(condition).join(seed.to_string()),
                };
                std::fs::create_dir_all(&into)?;
                self.write_one(&name, &weights, &mut tasks, &into)?;
                n_written += 1;
            }
            ensure!(n_written > 0, "{} has no run with weights", self.run.display());
            Ok(())
        });
        written.map_err(|error| match error.is::<Error>() {
            true => error.context(format!("cannot write {}", self.folder.display())),
            false => error,
        })?;
        Ok(n_written)
    }

    fn write_one(
        &self,
        run: &str,
        weights: &Weights,
        tasks: &mut Tasks,
        into: &Path,
    ) -> Result<()> {
        let Weights { record, step, .. } = weights;
        let stretch = weights.stretch()?;
        let task = weights.task(&stretch, tasks)?;
        let (steps, condition, seed) =
            (record.config.total_steps(), &*record.condition, record.seed);
        if *step < steps && self.at.is_none() {
            tracing::warn!(condition, seed, "unfinished: weights after {step} of {steps} updates");
        }
        let export = TorchExport {
            run,
            record,
            step: *step,
            stretch: &stretch,
            task: &task,
            weights: &weights.to_bytes()?,
            responses: self.responses_at(record, *step)?,
        };
        write_network(&export, into)
    }

    /// Responses to each evaluation sample, where those of this step were recorded.
    fn responses_at(&self, record: &Record, step: u64) -> Result<Option<Vec<f64>>> {
        let path = record::path_of(self.run, &record.condition, record.seed);
        let moment = record.curves.step.iter().position(|&seen| seen == step);
        if let (Some(array), Some(moment), false) =
            (record.arrays.get("responses"), moment, record.status == Status::Running)
        {
            return array.read_row(&path, "responses", moment).map(Some);
        }
        let series =
            record.series.get("responses").filter(|series| series.step.last() == Some(&step));
        Ok(series.and_then(|series| series.last().iter().copied().collect()))
    }
}

/// The first that is found of what no export wrote: a folder is a network's, or holds folders of CONDITION/SEED, so many deep.
fn foreign(folder: &Path, depth: usize) -> Option<PathBuf> {
    let is_network = folder.join("about.json").is_file() && folder.join("model.py").is_file();
    if !is_network && (depth == 0 || !folder.is_dir()) {
        return Some(folder.to_owned());
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_entry = |entry: std::fs::DirEntry| match is_network {
        true => {
            let is_own = entry.file_name().to_str().is_some_and(|name| FILES.contains(&name));
            (!is_own).then(|| entry.path())
        }
        false => foreign(&entry.path(), depth - 1),
    };
    entries.filter_map(of_entry).next()
}

fn run_at(path: &Path) -> Option<Run> {
    let condition = path.parent()?.file_name()?.to_str()?.to_owned();
    Some((condition, path.file_stem()?.to_str()?.parse().ok()?))
}
