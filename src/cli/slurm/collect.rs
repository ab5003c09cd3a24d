//! `ocs slurm collect`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::arguments::{ComputeArguments, path};
use super::super::figures::{Plot, claims_table};
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::super::train::{tell_claims, write_theories};
use super::survey::Survey;
use crate::claim::Verdict;
use crate::record::{self, RunFolder};
use crate::studies;
use crate::sweep::{Options, RunState, State};

/// Looks which runs are there. If none is missing: asks theory about them where it covers them, draws the figure as `ocs plot`
/// does, and decides the claims of the experiment that the config names (RUN/claims.json). Else names what is missing, with exit
/// status 1; a submission's last job does this by itself.
#[derive(Args)]
pub struct Collect {
    /// A run folder, such as runs/my_config
    #[arg(value_parser = path())]
    run: PathBuf,
    /// Folder for the figure
    #[arg(long, default_value = "plots", value_name = "FOLDER", value_parser = path())]
    plots: PathBuf,
    /// Draw what is there, even if runs are missing
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    compute: ComputeArguments,
}

impl Collect {
    pub fn run(self) -> Result<Success> {
        let survey = Survey::of(&self.run).map_err(misuse)?;
        let missing = missing(&survey.states);
        let n_runs = survey.states.len();
        output::line(&format!("{} of {n_runs} runs are there", n_runs - missing.len()))?;
        if !missing.is_empty() {
            let mut rows = vec![["missing", "why"].map(str::to_owned).to_vec()];
            rows.extend(missing.iter().cloned());
            output::line(&output::table(&rows))?;
            let run = self.run.display();
            if !self.anyway || missing.len() == n_runs {
                tracing::error!(
                    "nothing was drawn or decided: see `ocs slurm status {run}`, then `ocs slurm resubmit {run}`, or draw what \
                     is there with --anyway"
                );
                return Ok(Success::Partial);
            }
        }
        let decided = self.draw_and_decide(&survey)?;
        Ok(if missing.is_empty() { decided } else { Success::Partial })
    }

    fn draw_and_decide(&self, survey: &Survey) -> Result<Success> {
        let study = studies::of(&survey.config)?;
        let theory_of_images = study.is_some_and(|study| study.theory_of_images);
        let options = self.compute.unwatched_options(&self.run)?;
        write_theories(&survey.config, &Options { theory_of_images, ..options }, &|_| true)?;
        Plot::of_run(&self.run, &self.plots).run()?;
        let diverged = survey.states.iter().any(|run| matches!(run.state, State::Diverged(_)));
        let Some(study) = study else {
            return Ok(if diverged { Success::Partial } else { Success::Full });
        };
        let claims = study.decide(&RunFolder::read(&self.run)?.distinct())?;
        record::write_json(&self.run.join("claims.json"), &claims)?;
        output::line(&claims_table(&claims))?;
        let failed: Vec<_> =
            claims.iter().filter(|claim| claim.verdict == Verdict::Fails).cloned().collect();
        tell_claims(&failed);
        Ok(if failed.is_empty() && !diverged { Success::Full } else { Success::Partial })
    }
}

/// A row for each run without a record of its end: the run, and how far it is. A diverged run has ended.
fn missing(states: &[RunState]) -> Vec<Vec<String>> {
    let why = |state: &State| match state {
        State::Complete | State::Diverged(_) => None,
        State::Unfinished { step, steps } => Some(format!("step {step} of {steps}")),
        State::Running(holder) => Some(format!("{holder} is at it")),
        State::Failed(sentence) => Some(format!("failed: {sentence}")),
        State::Waiting => Some("not begun".to_owned()),
    };
    let row =
        |run: &RunState| Some(vec![format!("{}/{}", run.condition, run.seed), why(&run.state)?]);
    states.iter().filter_map(row).collect()
}
