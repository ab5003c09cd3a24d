//! What became of each run: its own files first, then the queue, then accounting.

use std::collections::BTreeMap;

use serde::Serialize;

use super::client::{Ended, Listed, Queue};
use super::plan::RunId;
use crate::sweep::{RunState, State};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// All its steps are done.
    Complete,
    /// A process or a job is at it.
    Running,
    /// A job will be.
    Waiting,
    /// It ended in an error, or its loss was not finite.
    Failed,
    /// It is not done, and no job is there to do it.
    Lost,
    /// Slurm did not say whether a job is there to do it.
    Unknown,
}

impl Standing {
    /// All of them, in the order in which they are told.
    pub const ALL: [Standing; 6] = [
        Standing::Complete,
        Standing::Running,
        Standing::Waiting,
        Standing::Failed,
        Standing::Lost,
        Standing::Unknown,
    ];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Complete => "complete",
            Standing::Running => "running",
            Standing::Waiting => "waiting",
            Standing::Failed => "failed",
            Standing::Lost => "lost",
            Standing::Unknown => "unknown",
        }
    }
}

/// One run, how it stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    /// Name of its condition.
    pub condition: String,
    /// Its seed.
    pub seed: u64,
    /// How it stands.
    pub standing: Standing,
    /// Who is at it, what it waits for, or why it failed or was lost; empty for complete ones.
    pub reason: String,
    /// Its task, as `17_3`, if it was submitted.
    pub job: Option<String>,
}

/// All runs of a submission or of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    /// Each run.
    pub runs: Vec<RunStatus>,
    /// Why Slurm's part of the answer is missing, where it is.
    pub slurm: Option<String>,
}

impl StatusReport {
    /// How many runs stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.runs.iter().filter(|run| run.standing == standing).count()
    }
}

/// Where a run was submitted last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlace {
    /// Name of the array's job.
    pub name: String,
    /// Id of the array, if Slurm said it.
    pub id: Option<String>,
    /// Index in the array.
    pub index: usize,
}

/// Puts together what files, queue and accounting say. `listed` is `None` if the queue did not answer, `ended` if
/// accounting did not.
pub fn standings(
    states: &[RunState],
    places: &BTreeMap<RunId, TaskPlace>,
    listed: Option<&[Listed]>,
    ended: Option<&[Ended]>,
) -> Vec<RunStatus> {
    let queue: Option<BTreeMap<(&str, Option<usize>), &Listed>> = listed.map(|listed| {
        // The last of a name and index is the latest: a script may be submitted twice by hand.
        listed.iter().map(|task| ((task.name.as_str(), task.index), task)).collect()
    });
    let accounted: BTreeMap<(&str, Option<usize>), &Ended> = ended
        .unwrap_or_default()
        .iter()
        .map(|task| ((task.job.as_str(), task.index), task))
        .collect();
    let of = |run: &RunState| {
        let id = RunId { condition: run.condition.clone(), seed: run.seed };
        let place = places.get(&id);
        let task = place.and_then(|place| {
            queue.as_ref()?.get(&(place.name.as_str(), Some(place.index))).copied()
        });
        let job_id = task.map(|task| task.job.clone()).or_else(|| place?.id.clone());
        let remembered = job_id
            .as_deref()
            .zip(place)
            .and_then(|(job, place)| accounted.get(&(job, Some(place.index))).copied());
        let (standing, reason) = standing(&run.state, place, queue.is_some(), task, remembered);
        let job = place.zip(job_id).map(|(place, job)| format!("{job}_{}", place.index));
        RunStatus { condition: run.condition.clone(), seed: run.seed, standing, reason, job }
    };
    states.iter().map(of).collect()
}

fn standing(
    state: &State,
    place: Option<&TaskPlace>,
    queue_answered: bool,
    task: Option<&Listed>,
    remembered: Option<&Ended>,
) -> (Standing, String) {
    match state {
        State::Complete => return (Standing::Complete, String::new()),
        State::Running(holder) => return (Standing::Running, holder.clone()),
        State::Unfinished { .. } | State::Waiting | State::Failed(_) | State::Diverged(_) => {}
    }
    // A failure may be of an earlier life, while a job is there to try again.
    if let Some(task) = task {
        match Queue::of(&task.state) {
            Queue::Runs => {
                return (Standing::Running, with_step(state, &format!("on {}", task.node)));
            }
            Queue::Waits => return (Standing::Waiting, with_step(state, &waits_for(task))),
            Queue::Ended => {}
        }
    }
    match state {
        State::Failed(sentence) | State::Diverged(sentence) => {
            return (Standing::Failed, sentence.clone());
        }
        State::Complete | State::Running(_) | State::Unfinished { .. } | State::Waiting => {}
    }
    if place.is_none() {
        return (Standing::Lost, with_step(state, "it is in no submission"));
    }
    let end = task.map(|task| (task.state.as_str(), task.reason.as_str()));
    let end = remembered.map(|ended| (ended.state.as_str(), ended.exit.as_str())).or(end);
    match end {
        Some((word, more)) => match Queue::of(word) {
            // Accounting lags by some seconds.
            Queue::Waits | Queue::Runs if !queue_answered => {
                (Standing::Unknown, with_step(state, "Slurm does not answer"))
            }
            Queue::Waits | Queue::Runs | Queue::Ended => {
                (Standing::Lost, with_step(state, &end_in_words(word, more)))
            }
        },
        None if queue_answered => {
            (Standing::Lost, with_step(state, "its job is not in the queue any more"))
        }
        None => (Standing::Unknown, with_step(state, "Slurm does not answer")),
    }
}

fn waits_for(task: &Listed) -> String {
    let held = task.reason.to_lowercase().contains("held") || task.state.contains("HOLD");
    let id = task.index.map_or(task.job.clone(), |index| format!("{}_{index}", task.job));
    if held {
        format!("held by Slurm ({}): `scontrol release {id}` lets it go", task.reason)
    } else {
        format!("in the queue ({})", task.reason)
    }
}

fn end_in_words(state: &str, more: &str) -> String {
    let more =
        if ["", "None", "0:0"].contains(&more) { String::new() } else { format!(", {more}") };
    let words = match state.split_whitespace().next().unwrap_or_default() {
        "COMPLETED" => "its task ended without it: see the log",
        "FAILED" => "its task failed: see the log",
        "CANCELLED" => "its task was cancelled",
        "TIMEOUT" => "its task reached the time limit and did not requeue itself: see the log",
        "NODE_FAIL" => "its node failed",
        "OUT_OF_MEMORY" => "its task ran out of memory: raise `memory` in the profile",
        "PREEMPTED" => "its task was preempted and not requeued",
        "BOOT_FAIL" => "its node did not start",
        "DEADLINE" => "its task's deadline passed",
        _ => "its task is there no more",
    };
    format!("{words} ({state}{more})")
}

fn with_step(state: &State, words: &str) -> String {
    match state {
        State::Unfinished { step, steps } => format!("{words}; step {step} of {steps} is kept"),
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, state: State) -> RunState {
        RunState { condition: "c".to_owned(), seed, state }
    }

    fn places(n: u64) -> BTreeMap<RunId, TaskPlace> {
        let place = |seed: u64| {
            let run = RunId { condition: "c".to_owned(), seed };
            (
                run,
                TaskPlace { name: "x".to_owned(), id: Some("17".to_owned()), index: seed as usize },
            )
        };
        (0..n).map(place).collect()
    }

    fn listed(index: usize, state: &str, reason: &str) -> Listed {
        Listed {
            name: "x".to_owned(),
            job: "17".to_owned(),
            index: Some(index),
            state: state.to_owned(),
            node: "n1".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn told(statuses: &[RunStatus]) -> Vec<(Standing, &str)> {
        statuses.iter().map(|run| (run.standing, run.reason.as_str())).collect()
    }

    #[test]
    fn a_runs_own_files_are_believed_before_the_queue() {
        let states = [
            run(0, State::Complete),
            run(1, State::Running("pid 3 on n2".to_owned())),
            run(2, State::Failed("no data".to_owned())),
        ];
        let queue = [
            listed(0, "RUNNING", ""),
            listed(1, "FAILED", "NonZeroExitCode"),
            listed(2, "FAILED", ""),
        ];
        let all = standings(&states, &places(3), Some(&queue), None);
        assert_eq!(
            told(&all),
            [
                (Standing::Complete, ""),
                (Standing::Running, "pid 3 on n2"),
                (Standing::Failed, "no data")
            ]
        );
        assert_eq!(all[2].job.as_deref(), Some("17_2"));
    }

    #[test]
    fn a_failure_of_an_earlier_life_gives_way_to_a_job_that_tries_again() {
        let states = [
            run(0, State::Failed("no data".to_owned())),
            run(1, State::Diverged("inf".to_owned())),
        ];
        let queue = [listed(0, "PENDING", "Resources"), listed(1, "RUNNING", "None")];
        let all = standings(&states, &places(2), Some(&queue), None);
        assert_eq!(
            told(&all),
            [(Standing::Waiting, "in the queue (Resources)"), (Standing::Running, "on n1")]
        );
    }

    #[test]
    fn what_no_job_will_do_is_lost_with_the_reason_that_slurm_gives() {
        let unfinished = || State::Unfinished { step: 7, steps: 9 };
        let states = [
            run(0, unfinished()),
            run(1, State::Waiting),
            run(2, State::Waiting),
            run(9, State::Waiting),
        ];
        let queue = [listed(0, "TIMEOUT", "TimeLimit")];
        let ended = [Ended {
            job: "17".to_owned(),
            index: Some(1),
            state: "OUT_OF_MEMORY".to_owned(),
            exit: "0:125".to_owned(),
        }];
        let all = standings(&states, &places(3), Some(&queue), Some(&ended));
        assert!(all.iter().all(|run| run.standing == Standing::Lost));
        assert!(
            all[0].reason.contains("TIMEOUT") && all[0].reason.ends_with("step 7 of 9 is kept")
        );
        assert!(all[1].reason.contains("OUT_OF_MEMORY, 0:125"));
        assert_eq!(all[2].reason, "its job is not in the queue any more");
        assert_eq!(all[3].reason, "it is in no submission");
    }

    #[test]
    fn without_an_answer_of_slurm_only_files_are_believed() {
        let states = [
            run(0, State::Complete),
            run(1, State::Waiting),
            run(2, State::Failed("x".to_owned())),
        ];
        let all = standings(&states, &places(3), None, None);
        let standings: Vec<Standing> = all.iter().map(|run| run.standing).collect();
        assert_eq!(standings, [Standing::Complete, Standing::Unknown, Standing::Failed]);
    }

    #[test]
    fn a_held_job_says_how_to_let_it_go() {
        let queue = [listed(0, "PENDING", "launch failed requeued held")];
        let all = standings(&[run(0, State::Waiting)], &places(1), Some(&queue), None);
        assert_eq!(all[0].standing, Standing::Waiting);
        assert!(all[0].reason.contains("scontrol release 17_0"));
    }
}
