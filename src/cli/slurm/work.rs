//! `ocs slurm work`: one task of a submission, as its batch script asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::super::arguments::{ComputeArguments, ProgramArguments, path};
use super::super::outcome::{Success, misuse, refused};
use super::super::progress::Progress;
use super::super::signals::interrupted_flag;
use super::super::watchdog;
use super::requeue::{InSlurm, is_set, limit_is_near, requeue};
use crate::config::{Config, resolve_conditions};
use crate::record::FailureRecord;
use crate::slurm::{self, Client, Life, RunId, Verdict, may_go_on, note_life};
use crate::sweep::{
    self, Event, Existing, Interrupted, OnFailure, Options, RunState, State, Summary,
};

/// Trains the runs of one task: complete ones are kept, begun ones continued. On SIGUSR1 (the time limit is near) they write
/// their checkpoints and the task goes back into the queue; on SIGTERM (cancelled, preempted, the node goes down) they write
/// them and it ends, since Slurm requeues what it shall.
#[derive(Args)]
pub struct Work {
    /// The submission's folder, RUN/slurm/N
    #[arg(value_parser = path())]
    submission: PathBuf,
    /// Number of the task in tasks.json
    #[arg(long)]
    task: usize,
    /// Begin runs anew that diverged in an earlier submission
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    compute: ComputeArguments,
    #[command(flatten)]
    programs: ProgramArguments,
}

/// A condition and a seed.
type Run = (String, u64);
/// Updates by run.
type Steps = BTreeMap<Run, u64>;

/// So long a task waits for whoever is at its runs: longer than a claim lasts that is not renewed.
const LONGEST_WAIT: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How far this life of a task came.
#[derive(Clone, Default)]
struct Lived {
    /// Updates that its runs had behind them when it began.
    begun: Arc<Mutex<Steps>>,
    /// Whether a run was begun or continued: before that data are read, and nothing can be got on with.
    trains: Arc<AtomicBool>,
}

/// What a task does and where it stands.
struct Task {
    /// That of the submission, with no other cells than those of the task: there may be thousands.
    config: Config,
    run: PathBuf,
    runs: BTreeSet<Run>,
}

impl Work {
    pub fn run(self) -> Result<Success> {
        let near = limit_is_near()?;
        // From here on: a signal that comes while the task waits ends it, too.
        let interrupted = interrupted_flag()?;
        let task = Arc::new(self.task().map_err(misuse)?);
        let life = Lived::default();
        let restarts = InSlurm::here().map_or(0, |slurm| slurm.restarts);
        let at_end = self.at_end(&task, &near, &life);
        watchdog::before_leaving(Box::new(at_end.clone()));
        let result = self.live(&task, restarts, &life, &interrupted);
        if result.as_ref().is_err_and(|error| error.is::<Interrupted>()) {
            at_end();
        }
        result
    }

    /// What is done when a signal ends the task, by whoever is first: it goes back into the queue if its time limit is near.
    fn at_end(
        &self,
        task: &Arc<Task>,
        near: &Arc<AtomicBool>,
        life: &Lived,
    ) -> impl Fn() + Clone + Send + Sync + 'static {
        let (task, near, life) = (task.clone(), near.clone(), life.clone());
        let (submission, index, slurm) = (self.submission.clone(), self.task, InSlurm::here());
        // The watchdog waits here for what is under way, and does it no second time.
        let is_done = Arc::new(Mutex::new(false));
        move || {
            let mut is_done = is_done.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut *is_done, true) {
                return;
            }
            let began = is_set(&life.trains);
            let begun = life.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let done = match slurm.as_ref().filter(|_| is_set(&near)) {
                Some(slurm) if began => task.go_on_later(&slurm.target, &begun),
                // Too short a time to come to a step in is noticed when that happens again and again.
                Some(slurm) => requeue(Client::from_environment(), &slurm.target),
                None if began => Ok(()),
                None => {
                    let restarts = slurm.as_ref().map_or(0, |slurm| slurm.restarts);
                    slurm::excuse_life(&submission, index, restarts)
                }
            };
            // Told here: the other thread may end the process as soon as this one is through.
            if let Err(error) = done {
                tracing::error!("{error:#}");
            }
        }
    }

    /// From the start of the task to its end.
    fn live(
        &self,
        task: &Task,
        restarts: u32,
        life: &Lived,
        interrupted: &AtomicBool,
    ) -> Result<Success> {
        task.wait_for_others(interrupted)?;
        let begun = task.steps(&BTreeMap::new())?;
        let steps = sum(&begun);
        let n_runs = task.runs.len();
        tracing::info!(runs = n_runs, steps, SLURM_RESTART_COUNT = restarts, "task {}", self.task);
        *life.begun.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        let this = Life::now(restarts, steps);
        if let Verdict::Stuck(why) = note_life(&self.submission, self.task, this)? {
            bail!(why);
        }
        Ok(outcome(&self.train(task, restarts, life)?))
    }

    fn task(&self) -> Result<Task> {
        let submission = &self.submission;
        let tasks = slurm::tasks_of(submission)?;
        let runs = tasks.0.get(self.task).with_context(|| {
            format!(
                "{} has no task {}: there are {}",
                submission.display(),
                self.task,
                tasks.0.len()
            )
        })?;
        let run = submission.parent().and_then(Path::parent);
        let run = run.with_context(|| format!("{} is not RUN/slurm/N", submission.display()))?;
        let conditions: BTreeSet<&str> = runs.iter().map(|run| &*run.condition).collect();
        let config = slurm::config_of(submission)?;
        Ok(Task {
            config: config.narrowed_to(&|cell| conditions.contains(cell)),
            run: run.to_owned(),
            runs: runs.iter().map(|RunId { condition, seed }| (condition.clone(), *seed)).collect(),
        })
    }

    /// Trains; `life` gets what its runs have behind them once failed and diverged ones are there to be done again.
    fn train(&self, task: &Task, restarts: u32, life: &Lived) -> Result<Summary> {
        let mut options = self.compute.options(&task.run, Existing::Resume)?;
        options.on_failure = OnFailure::Mark;
        options.any_program = self.programs.is_any();
        let ended = task.ended()?;
        let again = sweep::again(&task.run, &ended);
        if self.retry && restarts == 0 {
            (options.anew, options.mended) = (again.anew, again.mended);
        } else {
            // What ended before this task was restarted would do so again; one that failed is tried, if that is asked for.
            let is_left = |run: &&RunState| !self.retry || matches!(run.state, State::Diverged(_));
            let left = ended.iter().filter(is_left);
            options.left_alone = left.map(|run| (run.condition.clone(), run.seed)).collect();
        }
        let options = Options { only: Some(task.runs.clone()), ..options };
        let runs = sweep::plan(&task.config, &options).map_err(refused);
        let runs = runs.and_then(sweep::Plan::open);
        let summary = match runs {
            Ok(runs) => {
                let steps = task.steps(&BTreeMap::new())?;
                *life.begun.lock().unwrap_or_else(PoisonError::into_inner) = steps;
                let progress = Progress::new("", &task.config.name);
                runs.train(&|event| {
                    if let Event::Started { .. } = event {
                        life.trains.store(true, Ordering::Relaxed);
                    }
                    progress.tell(event);
                })?
            }
            // Somebody asks for the reason later, and the log may be gone.
            Err(error) => {
                task.mark(&error)?;
                return Err(error);
            }
        };
        for sentence in &summary.diverged {
            tracing::error!("{sentence}");
        }
        Ok(summary)
    }
}

fn outcome(summary: &Summary) -> Success {
    let Summary { complete, diverged, failed } = summary;
    tracing::info!(complete, diverged = diverged.len(), failed = failed.len(), "task done");
    if diverged.is_empty() && failed.is_empty() { Success::Full } else { Success::Partial }
}

impl Task {
    /// States of its own runs; those that this process is at are not running by that.
    fn states(&self) -> Result<Vec<(Run, State)>> {
        let states = sweep::states_for(&self.config, &self.run, &self.runs)?;
        Ok(states.into_iter().map(|run| ((run.condition, run.seed), run.state)).collect())
    }

    /// Updates that each of its runs has behind it; of those that somebody is at, what `before` says.
    fn steps(&self, before: &Steps) -> Result<Steps> {
        let cells = resolve_conditions(&self.config)?;
        let mut steps = Steps::new();
        for (run, state) in self.states()? {
            let whole = || cells.iter().find(|(name, _)| *name == run.0);
            let done = match state {
                State::Unfinished { step, .. } => step,
                State::Complete | State::Diverged(_) | State::Failed(_) => {
                    whole().map_or(0, |(_, config)| config.total_steps())
                }
                State::Running(_) => before.get(&run).copied().unwrap_or(0),
                State::Waiting => 0,
            };
            steps.insert(run, done);
        }
        Ok(steps)
    }

    /// Runs that diverged or failed.
    fn ended(&self) -> Result<Vec<RunState>> {
        let mut states = sweep::states_for(&self.config, &self.run, &self.runs)?;
        states.retain(|run| matches!(run.state, State::Diverged(_) | State::Failed(_)));
        Ok(states)
    }

    /// Waits while somebody is at its runs: after a node failed, this task's own earlier life, whose claim ends when it is not
    /// renewed. One that stays is told by whoever is refused. A signal ends the waiting.
    fn wait_for_others(&self, interrupted: &AtomicBool) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < LONGEST_WAIT {
            ensure!(!is_set(interrupted), Interrupted);
            let states = self.states()?;
            let holder = states.iter().find_map(|(_, state)| match state {
                State::Running(holder) => Some(holder),
                State::Complete
                | State::Unfinished { .. }
                | State::Diverged(_)
                | State::Failed(_)
                | State::Waiting => None,
            });
            let Some(holder) = holder else { return Ok(()) };
            tracing::info!(
                "waiting for {holder}: an earlier life of this task on another node, most likely"
            );
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Ok(())
    }

    /// Leaves the reason beside each of its runs that is not done.
    fn mark(&self, error: &anyhow::Error) -> Result<()> {
        let failure = FailureRecord::now(format!("{error:#}"));
        for ((condition, seed), state) in self.states()? {
            if matches!(state, State::Unfinished { .. } | State::Waiting) {
                failure.write(&self.run, &condition, seed)?;
            }
        }
        Ok(())
    }

    /// Puts the task back into the queue, if its runs got on since it started.
    fn go_on_later(&self, target: &str, begun: &Steps) -> Result<()> {
        let (before, now) = (sum(begun), sum(&self.steps(begun)?));
        if let Verdict::Stuck(why) = may_go_on(before, now) {
            let error = anyhow::anyhow!(why);
            self.mark(&error)?;
            return Err(error);
        }
        // Slurm ends this process as it answers.
        tracing::info!(
            gained = now - before,
            "the time limit is near and checkpoints are written: {target} goes back into the queue"
        );
        requeue(Client::from_environment(), target)
    }
}

/// Updates of all runs.
fn sum(steps: &Steps) -> u64 {
    steps.values().fold(0, |sum, steps| sum.saturating_add(*steps))
}
