//! How a task that is told of its time limit goes back into the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::slurm::{Client, Unanswered};

/// What Slurm says of this process.
#[derive(Clone)]
pub struct InSlurm {
    /// What `scontrol requeue` is given.
    pub target: String,
    /// How often this task was restarted.
    pub restarts: u32,
}

impl InSlurm {
    /// From the environment; `None` outside of a job.
    pub fn here() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let restarts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
        let target = target(
            variable("SLURM_ARRAY_JOB_ID"),
            variable("SLURM_ARRAY_TASK_ID"),
            variable("SLURM_JOB_ID"),
        )?;
        Some(InSlurm { target, restarts: restarts.unwrap_or(0) })
    }
}

/// Of an array never the bare id: that of its last task is the array's, and requeueing it would requeue every task, those that
/// are done too.
fn target(array: Option<String>, index: Option<String>, job: Option<String>) -> Option<String> {
    match (array, index) {
        (Some(array), Some(index)) => Some(format!("{array}_{index}")),
        _ => job,
    }
}

/// A flag that SIGUSR1 sets, by which Slurm tells that the time limit is near; other signals end the task for good.
pub fn limit_is_near() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, flag.clone())
        .context("cannot watch for SIGUSR1")?;
    Ok(flag)
}

/// Whether such a flag is set.
pub fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// So long a controller that does not answer is asked again: it may be restarted, and the time limit is not far.
const PATIENCE: Duration = Duration::from_secs(100);
const BETWEEN_TRIES: Duration = Duration::from_secs(3);

/// Puts a task back into the queue.
///
/// # Errors
///
/// If Slurm refuses, or does not answer for a while.
pub fn requeue(client: Client, target: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let error = match client.requeue(target) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_down = matches!(error.downcast_ref(), Some(Unanswered::Down(_)));
        if !is_down || start.elapsed() > PATIENCE {
            return Err(error.context(format!(
                "{target} could not be put back into the queue; its checkpoints are written, `ocs slurm resubmit` goes on from \
                 them"
            )));
        }
        tracing::warn!("{error:#}; trying again");
        std::thread::sleep(BETWEEN_TRIES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_of_an_array_is_never_requeued_by_the_bare_id() {
        let some = |text: &str| Some(text.to_owned());
        // The last task of an array: its own id is the array's.
        assert_eq!(target(some("7"), some("3"), some("7")).as_deref(), Some("7_3"));
        assert_eq!(target(None, None, some("9")).as_deref(), Some("9"));
        assert_eq!(target(None, None, None), None);
    }
}
