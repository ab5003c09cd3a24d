//! `ocs slurm cancel`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::survey::{Survey, live_jobs};
use crate::slurm::Client;

/// Cancels all jobs of a run folder's submissions. Running tasks write their checkpoints first; `ocs slurm resubmit` goes on
/// from there.
#[derive(Args)]
pub struct Cancel {
    /// A run folder, such as runs/my_config
    #[arg(value_parser = path())]
    run: PathBuf,
}

impl Cancel {
    pub fn run(self) -> Result<Success> {
        let survey = Survey::of(&self.run).map_err(misuse)?;
        let client = Client::from_environment();
        let live = live_jobs(&survey.listed(client)?);
        if live.is_empty() {
            output::line("no job is queued or running")?;
            return Ok(Success::Full);
        }
        client.cancel(&live)?;
        let jobs: Vec<&str> = live.iter().map(String::as_str).collect();
        output::line(&format!("cancelled {}", jobs.join(", ")))?;
        Ok(Success::Full)
    }
}
