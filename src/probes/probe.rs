//! What watches a run.

use anyhow::{Result, ensure};
use ndarray::Array2;
use serde_json::Value;

use crate::record::{ArrayBeside, Record};
use crate::train::{Snapshot, Wants};

/// Watches one run, and leaves what it saw in its record.
pub trait Probe {
    /// What it needs to see at a step besides responses.
    fn wants(&self, _step: u64) -> Wants {
        Wants::default()
    }

    /// Sees a moment, and appends to the record. Moments after a checkpoint that a run goes on from were forgotten by the record
    /// (`Record::truncate_after`), and are seen again.
    ///
    /// # Errors
    ///
    /// If it cannot make sense of what it sees.
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()>;

    /// Arrays with a row for each moment that would outgrow the record, and lie beside it; asked once.
    fn arrays(&self) -> Vec<ArrayBeside> {
        Vec::new()
    }

    /// What each of them has of a moment, in their order; asked after `see`. They are written as training goes, and those of
    /// moments after a checkpoint are forgotten as the record's are.
    ///
    /// # Errors
    ///
    /// As of `see`.
    fn rows(&mut self, _moment: &Snapshot) -> Result<Vec<Vec<f64>>> {
        Ok(Vec::new())
    }

    /// What it keeps between two moments.
    fn state(&self) -> State {
        State::default()
    }

    /// Takes back what it kept when a checkpoint was written.
    ///
    /// # Errors
    ///
    /// If that is not what `state` gave.
    fn resume(&mut self, state: State) -> Result<()> {
        ensure!(state == State::default(), "the checkpoint keeps what no probe kept");
        Ok(())
    }
}

/// What a probe keeps between two moments, in checkpoints.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Numbers and words; `null` if none.
    pub notes: Value,
    /// Tables, too large to be written out.
    pub tables: Vec<(String, Array2<f64>)>,
}
