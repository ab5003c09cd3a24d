//! What was decided of experiments, as `ocs reproduce` keeps it.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::record;

/// All claims in PLOTS, with what they were decided from; `claims.json`, of which CLAIMS.md is the readable form.
#[derive(Default, Serialize, Deserialize)]
pub struct Decided {
    pub experiments: Vec<DecidedExperiment>,
}

/// Those of one experiment.
#[derive(Serialize, Deserialize)]
pub struct DecidedExperiment {
    pub stem: String,
    pub origin: String,
    pub claims: Vec<Claim>,
}

impl Decided {
    /// What lies in a folder of figures and claims; nothing before anything was decided.
    ///
    /// # Errors
    ///
    /// If it cannot be read; names the file.
    pub fn read(plots: &Path) -> Result<Decided> {
        let path = plots.join("claims.json");
        if path.exists() { record::read_json(&path) } else { Ok(Decided::default()) }
    }
}
