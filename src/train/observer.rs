//! Who watches training, and what they may ask for.

use anyhow::Result;

use super::checkpoint::Checkpoint;
use super::passed::Passed;
use super::snapshot::{Snapshot, Wants};

/// Who watches a run.
pub trait Observer {
    /// What it wants to see in the snapshot of a step.
    fn wants(&self, _step: u64) -> Wants {
        Wants::default()
    }

    /// Whether the snapshot of a step is to hold the network's weights, under their names in checkpoints.
    fn wants_weights(&self, _step: u64) -> bool {
        false
    }

    /// Sees a snapshot, and says whether to go on.
    fn see(&mut self, snapshot: Snapshot) -> Result<Continue>;

    /// Sees steps that no snapshot will tell of, because a checkpoint is taken behind them.
    fn pass(&mut self, _passed: &[Passed]) {}

    /// Is asked before every step, so that a run can be saved or stopped between two distant observations.
    fn before_step(&mut self) -> Result<Continue> {
        Ok(Continue::Yes)
    }

    /// Is given a checkpoint that it, or the observer of another run of the same stack, asked for, also of a run that has
    /// `ended`: the others' bytes hang on it.
    fn keep(&mut self, _checkpoint: Checkpoint, _ended: Option<Outcome>) -> Result<()> {
        Ok(())
    }

    /// Every run of the stack was given its checkpoint: they are one, and kept at once. The first run is told.
    fn kept_all(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A function of snapshots watches to the end and keeps nothing.
impl<F: FnMut(Snapshot)> Observer for F {
    fn see(&mut self, snapshot: Snapshot) -> Result<Continue> {
        self(snapshot);
        Ok(Continue::Yes)
    }
}

/// What an observer asks for next; of several requests the largest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Continue {
    /// Train on.
    Yes,
    /// Train on, after writing a checkpoint.
    AfterCheckpoint,
    /// Write a checkpoint and stop: somebody wants this process to end.
    No,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Every step was done.
    Complete,
    /// The observer stopped it.
    Stopped,
    /// The loss was no longer finite.
    Diverged {
        /// The observation at which it was noticed.
        step: u64,
        /// Loss of the observation before.
        last_finite_loss: f64,
    },
}
