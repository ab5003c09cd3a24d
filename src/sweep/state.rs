//! How far each run of a config is, by what lies in its folder alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use super::lock::{Claim, claims, claims_at_a_glance};
use super::roster::{Run, unfinished_paths};
use super::saved::step_and_roster;
use crate::config::{Config, resolve_conditions};
use crate::file;
use crate::record::{self, FailureRecord, Status};

/// One run and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// Name of the condition (with a grid, of the cell).
    pub condition: String,
    /// The run's seed.
    pub seed: u64,
    /// How far it is.
    pub state: State,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// All its steps are done.
    Complete,
    /// Begun, and nobody is at it: done up to `step` of `steps`.
    Unfinished {
        /// Updates done, as far as its record says.
        step: u64,
        /// Updates to do in all.
        steps: u64,
    },
    /// A process is at it; who, in words.
    Running(String),
    /// Its loss was not finite; the reason.
    Diverged(String),
    /// It ended in an error; the error.
    Failed(String),
    /// Nothing of it was done.
    Waiting,
}

impl State {
    /// As tables and JSON say it.
    pub fn word(&self) -> &'static str {
        match self {
            State::Complete => "complete",
            State::Unfinished { .. } => "unfinished",
            State::Running(_) => "running",
            State::Diverged(_) => "diverged",
            State::Failed(_) => "failed",
            State::Waiting => "waiting",
        }
    }

    /// How far, who is at it, or the reason; nothing of those that are complete or wait.
    pub fn why(&self) -> Option<String> {
        match self {
            State::Complete | State::Waiting => None,
            State::Unfinished { step, steps } => Some(format!("step {step} of {steps}")),
            State::Running(words) | State::Diverged(words) | State::Failed(words) => {
                Some(words.clone())
            }
        }
    }
}

/// How many runs are in each state, in the order of `State`: `3 complete, 1 failed`.
pub fn states_in_words<'a>(states: impl Iterator<Item = &'a State>) -> String {
    const WORDS: [&str; 6] = ["complete", "unfinished", "running", "diverged", "failed", "waiting"];
    let words: Vec<&str> = states.map(State::word).collect();
    let counts = WORDS.map(|word| (word, words.iter().filter(|other| **other == word).count()));
    let present: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    present.join(", ")
}

/// How far every run of a config is, in the order of conditions, then of seeds.
///
/// # Errors
///
/// If the config's conditions cannot be resolved. A file that cannot be read makes its run a failed one.
pub fn states(config: &Config, folder: &Path) -> Result<Vec<RunState>> {
    states_among(config, folder, &|_| true, &claims(folder))
}

/// The same for those who look on: nothing is written.
///
/// # Errors
///
/// Those of `states`.
pub fn states_at_a_glance(config: &Config, folder: &Path) -> Result<Vec<RunState>> {
    states_among(config, folder, &|_| true, &claims_at_a_glance(folder))
}

/// How far these runs of a config are, for the process that does them: what it claims itself is told as if nobody were at it.
/// No other run's record is read.
///
/// # Errors
///
/// Those of `states`.
pub fn states_for(config: &Config, folder: &Path, runs: &BTreeSet<Run>) -> Result<Vec<RunState>> {
    let (pid, host) = (std::process::id(), file::host_name());
    let mut claims = claims(folder);
    claims.retain(|claim| (claim.pid, &claim.host) != (pid, &host));
    states_among(config, folder, &|run| runs.contains(run), &claims)
}

fn states_among(
    config: &Config,
    folder: &Path,
    is_asked: &dyn Fn(&Run) -> bool,
    claims: &[Claim],
) -> Result<Vec<RunState>> {
    let mut states = Vec::new();
    let holders: BTreeMap<&Run, &Claim> =
        claims.iter().flat_map(|claim| claim.runs.iter().map(move |run| (run, claim))).collect();
    let checkpoints = steps_of_checkpoints(folder);
    for (condition, resolved) in resolve_conditions(config)? {
        for &seed in &config.seeds {
            let run = (condition.clone(), seed);
            if !is_asked(&run) {
                continue;
            }
            let state = state_of(folder, &condition, seed, resolved.total_steps());
            let state = match (state, checkpoints.get(&run).copied()) {
                (State::Unfinished { steps, .. }, Some(step)) => State::Unfinished { step, steps },
                (State::Waiting, Some(step)) => {
                    State::Unfinished { step, steps: resolved.total_steps() }
                }
                (state, _) => state,
            };
            let state = match (state, holders.get(&run)) {
                (State::Unfinished { .. } | State::Waiting, Some(claim)) => {
                    State::Running(claim.words())
                }
                (state, _) => state,
            };
            states.push(RunState { condition: condition.clone(), seed, state });
        }
    }
    Ok(states)
}

/// The same, with those failed of which something was found that cannot be used.
pub fn with_broken(mut states: Vec<RunState>, broken: &BTreeMap<Run, String>) -> Vec<RunState> {
    for run in &mut states {
        if let Some(reason) = broken.get(&(run.condition.clone(), run.seed)) {
            run.state = State::Failed(reason.clone());
        }
    }
    states
}

/// The furthest step of each run that is in a checkpoint.
fn steps_of_checkpoints(folder: &Path) -> BTreeMap<Run, u64> {
    let mut steps = BTreeMap::new();
    for path in unfinished_paths(folder) {
        // One that is damaged, or gone meanwhile, tells nothing.
        let Ok((step, roster)) = step_and_roster(&path) else { continue };
        for run in roster.0 {
            let furthest = steps.entry(run).or_insert(step);
            *furthest = step.max(*furthest);
        }
    }
    steps
}

/// What tells of a record how far it is; the rest may be megabytes.
#[derive(Deserialize)]
struct Begun {
    status: Status,
    curves: Steps,
}

#[derive(Deserialize)]
struct Steps {
    step: Vec<u64>,
}

fn state_of(folder: &Path, condition: &str, seed: u64, steps: u64) -> State {
    let path = record::path_of(folder, condition, seed);
    // A link that leads nowhere is there, too.
    let begun: Option<Result<Begun>> =
        path.symlink_metadata().is_ok().then(|| record::read_json(&path));
    let failure = FailureRecord::read(folder, condition, seed);
    // A record that was found to be another than was written is none, whatever it says.
    if let Ok(Some(FailureRecord { sentence, record: Some(digest), .. })) = &failure
        && record::digest_of_record(folder, condition, seed).as_ref() == Some(digest)
    {
        return State::Failed(sentence.clone());
    }
    if let Some(Ok(Begun { status: Status::Complete, curves })) = &begun {
        // More steps may be asked for now than it was asked for then.
        return match curves.step.last().copied().unwrap_or(0) {
            step if step < steps => State::Unfinished { step, steps },
            _ => State::Complete,
        };
    }
    match failure {
        Ok(None) => {}
        Ok(Some(failure)) => return State::Failed(failure.sentence),
        Err(error) => return State::Failed(format!("{error:#}")),
    }
    match begun {
        None => State::Waiting,
        Some(Err(error)) => State::Failed(format!("{error:#}")),
        Some(Ok(Begun { status, curves })) => match status.diverged_in_words() {
            Some(sentence) => State::Diverged(sentence),
            None => State::Unfinished { step: curves.step.last().copied().unwrap_or(0), steps },
        },
    }
}
