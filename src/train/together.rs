//! Training, from the first step of a stack to its end.

use std::collections::VecDeque;

use anyhow::{Result, ensure};
use tch::Device;

use super::checkpoint::Checkpoint;
use super::choice::stack;
use super::member::{Lesson, Member};
use super::observations::Observations;
use super::observer::{Observer, Outcome};
use super::runs::Runs;
use super::shared::Shared;
use super::stack::{Stack, Watched};
use crate::config::Config;
use crate::task::Task;

/// Trains one network with one seed on one task, shown to `observer`. `resumed` continues from a checkpoint.
///
/// # Errors
///
/// If the network cannot be built for this task, the batch is larger than the training set, the checkpoint is not of
/// this run, or the observer fails.
pub fn train(
    config: &Config,
    task: &Task,
    seed: u64,
    device: Device,
    resumed: Option<&Checkpoint>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    ensure!(config.phases.is_empty(), "a config with phases learns several tasks");
    let shared = Shared::default();
    let lessons = vec![Lesson::only(config, task, &shared)];
    let member = Member { lessons, seed, resumed, ended: None, observer };
    Ok(train_together(vec![member], device, false)?.remove(0))
}

/// Trains runs that `runs_can_be_stacked` (or a single one) and that stand at the same step, and tells how each ended. If
/// `aside`, another thread answers what is observed while these train on, with the same numbers; observers then see
/// a snapshot some steps late.
///
/// # Errors
///
/// As for `train`; nothing is trained then.
pub fn train_together(members: Vec<Member>, device: Device, aside: bool) -> Result<Vec<Outcome>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let stack = stack(&members, device, Watched::AtEachStep)?;
    std::thread::scope(|scope| {
        let observations = if aside {
            let numbers: usize = stack.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
            Observations::aside(scope, numbers * size_of::<f64>())
        } else {
            Observations::AtOnce(VecDeque::new())
        };
        Runs::new(members).train(stack, observations)
    })
}

/// Runs between two steps that nobody watches: for measuring what steps cost.
pub struct Unwatched(Box<dyn Stack>);

impl Unwatched {
    /// Runs of one stack, as `train_together` takes them, at their first step.
    ///
    /// # Errors
    ///
    /// As for `train`.
    pub fn new(members: &[Member], device: Device) -> Result<Self> {
        Ok(Unwatched(stack(members, device, Watched::No)?))
    }

    /// So many updates; returns when the device has done them.
    pub fn descend(&mut self, steps: u64) {
        for _ in 0..steps {
            self.0.descend();
        }
        self.0.wait();
    }
}
