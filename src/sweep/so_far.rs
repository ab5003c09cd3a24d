//! What is known of a run from outside: of another process's, or of a cluster's. Nothing is written, nothing is claimed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;

use super::lock::claims_at_a_glance;
use super::roster::{Run, previous, unfinished_paths};
use super::saved::{Saved, step_and_roster};
use crate::record::{self, Record, Status, read_checked};

/// The newest that a run folder says of a run: its record, or that in a checkpoint where this is further on; `None` before
/// anything is there.
///
/// # Errors
///
/// If its record cannot be read; names the file. A checkpoint that is damaged, or of another version, tells nothing.
pub fn record_so_far(folder: &Path, condition: &str, seed: u64) -> Result<Option<Record>> {
    let path = record::path_of(folder, condition, seed);
    let kept: Option<Record> = path.exists().then(|| read_checked(&path)).transpose()?;
    if kept.as_ref().is_some_and(|record| record.status != Status::Running) {
        return Ok(kept);
    }
    let run: Run = (condition.to_owned(), seed);
    let mut newest = kept;
    for path in unfinished_paths(folder) {
        let known = newest.as_ref().and_then(|record| record.curves.step.last().copied());
        let is_news = |&(step, _): &(u64, _)| known.is_none_or(|known| step > known);
        let Some((_, roster)) = step_and_roster(&path).ok().filter(is_news) else { continue };
        if !roster.0.contains(&run) {
            continue;
        }
        let saved = Saved::read(&path).or_else(|_| Saved::read(&previous(&path)));
        let members = saved.map(|saved| saved.members).unwrap_or_default();
        let of_run = members.into_iter().find(|member| member.run == run);
        let Some(record) = of_run.map(|member| member.record) else { continue };
        if known.is_none_or(|known| record.curves.step.last() > Some(&known)) {
            newest = Some(record);
        }
    }
    Ok(newest)
}

/// Files that `record_so_far` may read, with when they were written: while these are the same, so is its answer.
pub fn files_of_run(folder: &Path, condition: &str, seed: u64) -> Vec<(PathBuf, SystemTime)> {
    let record = record::path_of(folder, condition, seed);
    let newest = unfinished_paths(folder);
    let before: Vec<PathBuf> = newest.iter().map(|path| previous(path)).collect();
    let written = |path: PathBuf| Some((path.metadata().ok()?.modified().ok()?, path));
    let files = std::iter::once(record).chain(newest).chain(before).filter_map(written);
    files.map(|(when, path)| (path, when)).collect()
}

/// Who is at a run, in words; `None` if nobody is, as far as files tell.
pub fn who_is_at(folder: &Path, condition: &str, seed: u64) -> Option<String> {
    let run: Run = (condition.to_owned(), seed);
    let claims = claims_at_a_glance(folder);
    claims.iter().find(|claim| claim.runs.contains(&run)).map(super::lock::Claim::words)
}
