//! `ocs slurm resubmit`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::super::arguments::{ProgramArguments, path};
use super::super::outcome::{Success, misuse};
use super::submit::{Order, submit};
use super::survey::Survey;
use crate::slurm::{Compute, Profile};

/// Submits again what is missing of the latest submission, and only that; runs go on from their checkpoints. Failed and diverged
/// runs are left out unless --retry is given. Refused while jobs are queued or running.
#[derive(Args)]
pub struct Resubmit {
    /// A run folder, such as runs/my_config
    #[arg(value_parser = path())]
    run: PathBuf,
    /// Another profile than the latest submission's, such as one with more time
    #[arg(long, value_name = "PROFILE", value_parser = path())]
    slurm: Option<PathBuf>,
    /// Do failed and diverged runs again, too
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    programs: ProgramArguments,
    /// Print the script and the tasks, submit nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Resubmit {
    pub fn run(self) -> Result<Success> {
        let survey = Survey::of(&self.run).map_err(misuse)?;
        let (_, latest) = survey.submissions.last().context("a survey has a submission")?;
        let profile = match &self.slurm {
            Some(path) => Profile::load(path).map_err(misuse)?,
            None => latest.profile.clone(),
        };
        submit(&Order {
            config: survey.config,
            folder: self.run,
            profile,
            compute: Compute { any_program: self.programs.is_any(), ..latest.compute.clone() },
            retry: self.retry,
            dry_run: self.dry_run,
            json: self.json,
        })
    }
}
