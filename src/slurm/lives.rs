//! How often a task was started, and whether that led anywhere: what is requeued for ever shall end with a reason.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::file;

/// One start of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// How often Slurm had restarted it before.
    pub restarts: u32,
    /// The node.
    pub host: String,
    /// When: UTC, as `2026-11-26T20:05:49Z`.
    pub when: String,
    /// Updates that all runs of the task had behind them.
    pub steps: u64,
    /// Whether it was told to end (cancelled, preempted) before it came to train, which says nothing of the task; else absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_to_end: bool,
}

impl Life {
    /// Begun now, on this machine.
    pub fn now(restarts: u32, steps: u64) -> Self {
        Life {
            restarts,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            when: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            steps,
            told_to_end: false,
        }
    }
}

/// Whether a task may be started or requeued once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It gets on.
    Goes,
    /// It does not; why, and what to do.
    Stuck(String),
}

/// So many lives in a row may begin at one step: a node that fails while it starts is no fault of the task.
const MOST_AT_ONE_STEP: usize = 5;

fn path(submission: &Path, task: usize) -> PathBuf {
    submission.join("lives").join(format!("{task}.json"))
}

/// Notes a start, and tells whether the lives so far led anywhere.
///
/// # Errors
///
/// If the file of lives can neither be read nor written; names it.
pub fn note_life(submission: &Path, task: usize, life: Life) -> Result<Verdict> {
    let path = path(submission, task);
    let mut lives = read(&path)?;
    // Submitted again by hand, it begins anew.
    if life.restarts == 0 {
        lives.clear();
    }
    lives.push(life);
    write(&path, &lives)?;
    Ok(of_lives(&lives))
}

/// Notes that the life of so many restarts was told to end before it came to train.
///
/// # Errors
///
/// As `note_life`.
pub fn excuse_life(submission: &Path, task: usize, restarts: u32) -> Result<()> {
    let path = path(submission, task);
    let mut lives = read(&path)?;
    // One that was told even earlier was not noted.
    let Some(last) = lives.last_mut().filter(|last| last.restarts == restarts) else {
        return Ok(());
    };
    last.told_to_end = true;
    write(&path, &lives)
}

fn read(path: &Path) -> Result<Vec<Life>> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged: delete it", path.display())),
        Err(_) => Ok(Vec::new()),
    }
}

fn write(path: &Path, lives: &[Life]) -> Result<()> {
    let text = serde_json::to_vec(lives)?;
    file::replace(path, &text).with_context(|| format!("cannot write {}", path.display()))
}

fn of_lives(lives: &[Life]) -> Verdict {
    let Some(last) = lives.last() else { return Verdict::Goes };
    let of_last_step = lives.iter().rev().take_while(|life| life.steps == last.steps);
    let at_one_step = of_last_step.filter(|life| !life.told_to_end).count();
    if at_one_step <= MOST_AT_ONE_STEP {
        return Verdict::Goes;
    }
    Verdict::Stuck(format!(
        "started {at_one_step} times at step {} without a step more, on {}: see its log and `sacct -D` for what ends it, then \
         `ocs slurm resubmit`",
        last.steps, last.host
    ))
}

/// Whether a task that was told of its time limit may requeue itself: it must have done a step since it was started.
pub fn may_go_on(steps_at_start: u64, steps: u64) -> Verdict {
    if steps > steps_at_start {
        return Verdict::Goes;
    }
    Verdict::Stuck(format!(
        "no step was done beyond step {steps} before the time limit drew near, so it would be requeued for ever: give `time` in \
         the profile more, or share a task among fewer runs (cells_per_task)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(restarts: u32, steps: u64) -> Life {
        Life { steps, host: "n1".to_owned(), ..Life::now(restarts, steps) }
    }

    #[test]
    fn a_task_that_gets_on_may_be_restarted_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        for restarts in 0..50 {
            let verdict = note_life(folder.path(), 3, life(restarts, u64::from(restarts))).unwrap();
            assert_eq!(verdict, Verdict::Goes);
        }
        assert_eq!(may_go_on(7, 8), Verdict::Goes);
    }

    #[test]
    fn a_task_that_does_not_get_on_ends_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts: Vec<Verdict> = (0..7)
            .map(|restarts| note_life(folder.path(), 0, life(restarts, 12)).unwrap())
            .collect();
        assert!(verdicts[..5].iter().all(|verdict| *verdict == Verdict::Goes));
        assert!(matches!(&verdicts[5], Verdict::Stuck(why) if why.contains("6 times at step 12")));
        // A seventh life, of which all but the last two were told to end while they read data.
        for restarts in 0..7 {
            let verdict = note_life(folder.path(), 1, life(restarts, 12)).unwrap();
            assert_eq!(verdict, Verdict::Goes);
            if restarts < 5 {
                excuse_life(folder.path(), 1, restarts).unwrap();
            }
        }
        // Another submission of the same script.
        assert_eq!(note_life(folder.path(), 0, life(0, 12)).unwrap(), Verdict::Goes);
        assert!(matches!(may_go_on(12, 12), Verdict::Stuck(_)));
    }
}
