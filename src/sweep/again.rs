//! Runs that failed or diverged and are asked for again: which begin anew, and which go on from what is whole of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::finished::last_of;
use super::keeper::final_path;
use super::roster::{Run, unfinished_paths};
use super::saved::read_newest;
use super::state::{RunState, State};
use crate::record;

/// What is to become of runs that ended otherwise than complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    /// They begin anew: from what diverged, or lacks a checkpoint that is whole, nothing goes on.
    pub anew: BTreeSet<Run>,
    /// They go on from their checkpoints, whatever their records say.
    pub mended: BTreeSet<Run>,
}

/// How runs that failed or diverged are done again.
pub fn again<'a>(folder: &Path, states: impl IntoIterator<Item = &'a RunState>) -> Again {
    let mut again = Again::default();
    let mut states = states.into_iter().peekable();
    // A stack is of many runs: each is read once.
    let of_stacks: BTreeSet<Run> = match states.peek() {
        None => BTreeSet::new(),
        Some(_) => unfinished_paths(folder)
            .iter()
            .filter_map(|path| Some(read_newest(path).ok()?.saved.roster().0))
            .flatten()
            .collect(),
    };
    let is_kept = |run: &Run| {
        let own = final_path(&record::path_of(folder, &run.0, run.1));
        of_stacks.contains(run) || last_of(&own, run).is_ok()
    };
    for RunState { condition, seed, state } in states {
        let run = (condition.clone(), *seed);
        match state {
            State::Failed(_) if is_kept(&run) => again.mended.insert(run),
            State::Failed(_) | State::Diverged(_) => again.anew.insert(run),
            State::Complete | State::Unfinished { .. } | State::Running(_) | State::Waiting => {
                false
            }
        };
    }
    again
}
