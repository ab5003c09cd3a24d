//! `--tensorboard`: event files beside the records, written while runs train.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::arguments::path;
use super::outcome::misuse;
use crate::config::Config;
use crate::export::EventFile;
use crate::record::{self, Record};
use crate::sweep::{Event, Existing, Options, RunState, State};

/// Where event files go.
#[derive(Args)]
pub struct TensorBoardArguments {
    /// Write event files for TensorBoard while runs train, FOLDER/NAME/CONDITION/SEED: metrics of every observation, but no
    /// responses to single items. Runs that go on have theirs written anew, with every moment once; those of runs of another folder
    /// are left alone
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    tensorboard: Option<PathBuf>,
}

/// Event files of the runs of a config; none if they were not asked for.
pub struct TensorBoard<'a> {
    /// Of this config, and where its records lie.
    folders: Option<(PathBuf, &'a Path)>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    files: HashMap<(String, u64), EventFile>,
    failure: Option<anyhow::Error>,
}

impl TensorBoardArguments {
    /// Where the event files of a config's runs go.
    ///
    /// # Errors
    ///
    /// If files of other runs would be replaced unasked, or the folder cannot be written.
    pub fn open<'a>(&self, config: &Config, options: &'a Options) -> Result<TensorBoard<'a>> {
        let Some(folder) = &self.tensorboard else {
            return Ok(TensorBoard { folders: None, told: Mutex::default() });
        };
        let folder = folder.join(&config.name);
        let mut there = None;
        for (condition, _) in crate::config::resolve_conditions(config)? {
            let of_seed = |seed: &u64| EventFile::path(&folder_of(&folder, &condition, *seed));
            there = there.or_else(|| config.seeds.iter().map(of_seed).find(|path| path.exists()));
        }
        if let (Some(path), Existing::Refuse) = (&there, options.existing) {
            return Err(misuse(anyhow::anyhow!(
                "{} is there already: go on with --resume, replace its run with --overwrite, or choose another folder with \
                 --tensorboard",
                path.display()
            )));
        }
        let owner = Owner::of(&folder, &options.folder);
        owner.ensure_ours(there.as_deref()).map_err(misuse)?;
        record::ensure_writable(&folder)?;
        owner.write()?;
        let folders = Some((folder, &*options.folder));
        Ok(TensorBoard { folders, told: Mutex::default() })
    }
}

fn folder_of(folder: &Path, condition: &str, seed: u64) -> PathBuf {
    folder.join(condition).join(seed.to_string())
}

/// Beside event files: the folder of the runs that they are of. Another folder may have runs of the same names.
struct Owner {
    file: PathBuf,
    runs: String,
}

impl Owner {
    fn of(events: &Path, runs: &Path) -> Owner {
        Owner { file: events.join("runs.txt"), runs: format!("{}\n", whole(runs).display()) }
    }

    /// Makes sure that event files are of these runs; `there` is one of them that would be written anew.
    fn ensure_ours(&self, there: Option<&Path>) -> Result<()> {
        let found = match std::fs::read(&self.file) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", self.file.display()));
            }
        };
        let remedy = "choose another folder with --tensorboard, or remove this one: event files are written anew from records";
        let folder = self.file.parent().unwrap_or(Path::new("."));
        match (found, there) {
            (Some(found), _) => ensure!(
                found == self.runs,
                "{} holds event files of the runs in {}, not of those in {}: {remedy}",
                folder.display(),
                found.trim_end(),
                self.runs.trim_end()
            ),
            (None, Some(there)) => anyhow::bail!(
                "{} is there, and no {} says of which runs it is: {remedy}",
                there.display(),
                self.file.display()
            ),
            (None, None) => {}
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        record::write_atomically(&self.file, self.runs.as_bytes())
    }
}

/// A path from the root, also of a folder that is not there yet.
fn whole(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = absolute.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match known {
        // By components: what is joined to nothing ends in a slash.
        Some((above, known)) => {
            let rest = absolute.strip_prefix(above).unwrap_or(&absolute);
            known.join(rest).components().collect()
        }
        None => absolute,
    }
}

impl TensorBoard<'_> {
    /// Writes what an event adds. A file that cannot be written stops no training: `close` tells of it.
    pub fn tell(&self, event: &Event) {
        match event {
            Event::Observed { condition, seed, curves, .. } => {
                self.with(condition, *seed, |file| file.tell(curves.evaluation, curves.training));
            }
            Event::Finished { record } => self.all_of(record),
            Event::Kept { condition, seed, .. } => self.keep(condition, *seed),
            Event::Planned { .. } | Event::Started { .. } | Event::Failed { .. } => {}
        }
    }

    /// Writes the event files of runs that are complete already, from their records.
    pub fn keep_complete(&self, states: &[RunState]) {
        let complete = states.iter().filter(|run| run.state == State::Complete);
        complete.for_each(|run| self.keep(&run.condition, run.seed));
    }

    fn keep(&self, condition: &str, seed: u64) {
        let Some((_, records)) = &self.folders else { return };
        match record::read_json(&record::path_of(records, condition, seed)) {
            Ok(record) => self.all_of(&record),
            Err(error) => {
                self.told().failure.get_or_insert(error);
            }
        }
    }

    /// Writes all of a run that is over.
    fn all_of(&self, record: &Record) {
        self.with(&record.condition, record.seed, |file| {
            file.tell(&record.curves, record.training_curves.as_ref())?;
            file.flush()
        });
        self.told().files.remove(&(record.condition.clone(), record.seed));
    }

    fn with(&self, condition: &str, seed: u64, work: impl FnOnce(&mut EventFile) -> Result<()>) {
        let Some((folder, _)) = &self.folders else { return };
        let mut told = self.told();
        let Told { files, failure } = &mut *told;
        if failure.is_some() {
            return;
        }
        let file = files
            .entry((condition.to_owned(), seed))
            .or_insert_with(|| EventFile::new(&folder_of(folder, condition, seed)));
        if let Err(error) = work(file) {
            tracing::warn!("{error:#}; training goes on without event files");
            *failure = Some(error);
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// If something could not be written, now or before.
    pub fn close(&self) -> Result<()> {
        let mut told = self.told();
        match told.failure.take() {
            Some(error) => Err(error.context("records are whole, event files are not")),
            None => told.files.values_mut().try_for_each(EventFile::flush),
        }
    }
}
