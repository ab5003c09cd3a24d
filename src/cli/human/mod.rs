//! `ocs human`: the task for people, and their data, read, checked, judged as networks are, and simulated.

mod analyse;
mod export;
mod figure;
mod import;
mod power;
mod serve;
mod simulate;
mod source;
mod task;

use anyhow::Result;
use clap::Subcommand;

use super::outcome::Success;

/// Let people learn the tree of a config in a browser; analyse what they did with the metrics that judge networks; or simulate it
#[derive(Subcommand)]
pub enum Human {
    /// Write the experiment as a web page
    Task(task::Task),
    /// Show it in a laboratory, and keep what participants do
    Serve(serve::Serve),
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
            Human::Task(task) => task.run(),
            Human::Serve(serve) => serve.run(),
            Human::Import(import) => import.run(),
            Human::Analyse(analyse) => analyse.run(),
            Human::Simulate(simulate) => simulate.run(),
            Human::Power(power) => power.run(),
            Human::Export(export) => export.run(),
        }
    }
}
