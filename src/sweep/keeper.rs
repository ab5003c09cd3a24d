//! The checkpoint of a stack: of all its runs or of none.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::lock::Lock;
use super::roster::{Roster, previous};
use super::saved::{Entry, bytes_of, remove};
use crate::file;
use crate::record;

/// Gathers what the runs of a stack give at one step, and writes it as one file.
pub struct Keeper<'a> {
    folder: &'a Path,
    /// What the runs are held by.
    lock: &'a Lock,
    roster: &'a Roster,
    /// Whether a checkpoint of these runs lies there from before.
    goes_on: bool,
    /// The last step of all runs.
    steps: u64,
    gathered: RefCell<Gathered>,
}

#[derive(Default)]
struct Gathered {
    step: u64,
    entries: Vec<Entry>,
    /// Records' files of runs under way: what people see before the end.
    views: Vec<Option<PathBuf>>,
    is_written: bool,
}

impl<'a> Keeper<'a> {
    /// Of runs of a run folder that end after `steps` updates.
    pub fn new(
        (folder, lock): (&'a Path, &'a Lock),
        roster: &'a Roster,
        goes_on: bool,
        steps: u64,
    ) -> Self {
        Keeper { folder, lock, roster, goes_on, steps, gathered: RefCell::default() }
    }

    /// Whether another process took the runs over: nothing can be kept any more.
    pub fn is_lost(&self) -> bool {
        self.lock.is_lost()
    }

    /// Takes what one run gives; they come in the order of the roster.
    pub fn add(&self, step: u64, entry: Entry, view: Option<&Path>) {
        let mut gathered = self.gathered.borrow_mut();
        if gathered.entries.len() == self.roster.0.len() {
            *gathered = Gathered { is_written: gathered.is_written, ..Gathered::default() };
        }
        gathered.step = step;
        gathered.entries.push(entry);
        gathered.views.push(view.map(Path::to_owned));
    }

    /// Writes what was given: first the checkpoint, then the records that people see.
    ///
    /// # Errors
    ///
    /// Names the file; the checkpoint before stays. `Lost` if another process is at the runs now.
    pub fn write(&self) -> Result<()> {
        self.lock.ensure_held()?;
        let mut gathered = self.gathered.borrow_mut();
        let path = self.roster.path(self.folder);
        let is_last = gathered.step == self.steps;
        // What a single run leaves at its end is a checkpoint itself.
        if is_last && self.roster.0.len() == 1 && !gathered.is_written && !self.goes_on {
            return Ok(());
        }
        let bytes = bytes_of(self.roster, gathered.step, &gathered.entries)?;
        file::replace_keeping(&path, &previous(&path), &bytes).with_context(|| cannot(&path))?;
        gathered.is_written = true;
        for (view, entry) in gathered.views.iter().zip(&gathered.entries) {
            let Some(view) = view else { continue };
            file::replace_unsafely(view, &entry.record).with_context(|| cannot(view))?;
        }
        Ok(())
    }

    /// Writes what a run that did all its steps leaves: its checkpoint first, which holds the record too, then its record.
    ///
    /// # Errors
    ///
    /// Names the file. `Lost` if another process is at the runs now.
    pub fn leave(&self, index: usize, path: &Path) -> Result<()> {
        self.lock.ensure_held()?;
        let gathered = self.gathered.borrow();
        let entry = gathered.entries.get(index).context("a run that ended left no checkpoint")?;
        let own = Roster(vec![self.roster.0[index].clone()]);
        let checkpoint = final_path(path);
        let bytes = bytes_of(&own, gathered.step, std::slice::from_ref(entry))?;
        file::replace(&checkpoint, &bytes).with_context(|| cannot(&checkpoint))?;
        record::write_atomically(path, &entry.record)
    }

    /// Removes the stack's checkpoint: each run has left its own.
    ///
    /// # Errors
    ///
    /// Names the file. `Lost` if another process is at the runs now.
    pub fn close(&self) -> Result<()> {
        self.lock.ensure_held()?;
        let path = self.roster.path(self.folder);
        remove(&path)?;
        // Others may have theirs in it.
        let _ = path.parent().map(std::fs::remove_dir);
        Ok(())
    }
}

/// Where the checkpoint of a run that is over lies, beside its record at `path`.
pub fn final_path(path: &Path) -> PathBuf {
    path.with_extension("checkpoint").join("tensors.safetensors")
}

fn cannot(path: &Path) -> String {
    format!("cannot write {}: make room, or choose another --out", path.display())
}
