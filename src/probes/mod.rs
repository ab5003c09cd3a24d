//! What is watched along training: who judges responses, and probes, which turn what they see into series of the record.
//!
//! A probe that is new is a file here, a variant of `config::ProbeKind`, and a row in `probes_of`.

mod ends;
mod judges;
mod kernel;
mod parity;
mod spectra;

use std::sync::Arc;

use anyhow::{Result, ensure};
use ndarray::Array2;
use serde_json::Value;

use crate::config::{Config, ProbeKind};
use crate::record::Record;
use crate::task::Task;
use crate::train::{Snapshot, Wants};

use ends::{LayerWeights, Responses};
pub use judges::Judges;
use kernel::Kernels;
use parity::Parity;
use spectra::Spectra;

/// Watches one run, and leaves what it saw in its record.
pub trait Probe {
    /// What it needs to see besides responses.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// Sees a moment, and appends to the record. Moments after a checkpoint that a run goes on from were forgotten by the record
    /// (`Record::truncate_after`), and are seen again.
    ///
    /// # Errors
    ///
    /// If it cannot make sense of what it sees.
    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()>;

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

/// The probes of a run, with their names: those that its config lists, and tangent kernels if it asks for them.
pub fn probes_of(config: &Config, task: &Arc<Task>) -> Vec<(&'static str, Box<dyn Probe>)> {
    let mut probes: Vec<(&'static str, Box<dyn Probe>)> = Vec::new();
    if let Some(kernel) = config.kernel {
        probes.push(("kernel", Box::new(Kernels::new(kernel, config, task))));
    }
    let steps = config.training.steps;
    for kind in &config.probes {
        let probe: Option<Box<dyn Probe>> = match kind {
            ProbeKind::LayerSpectra => Some(Box::new(Spectra)),
            ProbeKind::LayerWeights => Some(Box::new(LayerWeights { steps })),
            ProbeKind::Responses => Some(Box::new(Responses { steps })),
            ProbeKind::Parity => {
                Parity::new(config, task).map(|parity| Box::new(parity) as Box<dyn Probe>)
            }
        };
        probes.extend(probe.map(|probe| (kind.name(), probe)));
    }
    probes
}
