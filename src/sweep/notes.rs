//! What a checkpoint keeps of those who watch a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metrics::PhaseWatch;
use crate::probes::State;

/// What a checkpoint keeps of those who watch.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Notes {
    /// Without probes that keep anything.
    Phases(Vec<PhaseWatch>),
    /// With the notes of probes, by name.
    WithProbes { phases: Vec<PhaseWatch>, probes: BTreeMap<String, Value> },
}

impl Notes {
    pub fn of(phases: &[PhaseWatch], states: &[(&str, State)]) -> Self {
        let phases = phases.to_vec();
        let kept = states.iter().filter(|(_, state)| !state.notes.is_null());
        let probes: BTreeMap<String, Value> =
            kept.map(|(name, state)| ((*name).to_owned(), state.notes.clone())).collect();
        if probes.is_empty() { Notes::Phases(phases) } else { Notes::WithProbes { phases, probes } }
    }

    pub fn of_probe(&self, name: &str) -> Value {
        match self {
            Notes::Phases(_) => Value::Null,
            Notes::WithProbes { probes, .. } => probes.get(name).cloned().unwrap_or_default(),
        }
    }

    /// Of the stretch that the run is in.
    pub fn phases(&self) -> Vec<PhaseWatch> {
        match self {
            Notes::Phases(phases) | Notes::WithProbes { phases, .. } => phases.clone(),
        }
    }
}
