//! `ocs human`: data of people, read, checked, judged as networks are, and simulated.

mod analyse;
mod export;
mod import;
mod power;
mod simulate;
mod source;

use anyhow::Result;
use clap::Subcommand;

use super::outcome::Success;

/// Read and analyse what people did on a tree of labels, with the metrics that judge networks; or simulate it
#[derive(Subcommand)]
pub enum Human {
    /// Read files of trials into a folder that `ocs human analyse` reads
    Import(import::Import),
    /// Judge participants block by block, and test whether they visit the OCS first
    Analyse(analyse::Analyse),
    /// Let a learner answer in the place of people
    Simulate(simulate::Simulate),
    /// Simulate many studies: how often is a visit to the OCS found where there is one, and where there is none?
    Power(power::Power),
    /// Write one row a trial and label, for mixed models in R or Python
    Export(export::Export),
}

impl Human {
    pub fn run(self) -> Result<Success> {
        match self {
            Human::Import(import) => import.run(),
            Human::Analyse(analyse) => analyse.run(),
            Human::Simulate(simulate) => simulate.run(),
            Human::Power(power) => power.run(),
            Human::Export(export) => export.run(),
        }
    }
}
