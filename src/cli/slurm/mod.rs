//! `ocs slurm`: what becomes of runs that `ocs sweep --slurm` gave to a cluster.

mod cancel;
mod collect;
mod requeue;
mod resubmit;
mod status;
mod submit;
mod survey;
mod work;

use anyhow::Result;
use clap::Subcommand;

use super::outcome::Success;

pub use submit::{Order, compute_of, submit};

/// Look after runs on a cluster: `ocs sweep --slurm PROFILE` submits them.
#[derive(Subcommand)]
pub enum Slurm {
    /// Tell how each run stands: complete, running, waiting, failed or lost
    Status(status::Status),
    /// Look what is missing; if nothing is, draw the figure and decide claims
    Collect(collect::Collect),
    /// Cancel all jobs of a run folder; what was done is kept
    Cancel(cancel::Cancel),
    /// Submit again what is missing, from its checkpoints
    Resubmit(resubmit::Resubmit),
    /// Do one task of a submission; batch scripts call this
    #[command(hide = true)]
    Work(work::Work),
}

impl Slurm {
    pub fn run(self) -> Result<Success> {
        match self {
            Slurm::Status(status) => status.run(),
            Slurm::Collect(collect) => collect.run(),
            Slurm::Cancel(cancel) => cancel.run(),
            Slurm::Resubmit(resubmit) => resubmit.run(),
            Slurm::Work(work) => work.run(),
        }
    }
}
