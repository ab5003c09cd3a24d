//! `ocs human power`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::analyse::{block_size, warn_of_what_cannot_be_told};
use super::simulate::ensure_few;
use super::source::Changes;
use crate::human::{self, Learner, Studies};

/// Simulate many studies: how often is a visit to the OCS found where there is one (power), and where there is none (false
/// positives)?
///
/// Each study is simulated as by `ocs human simulate`, with seeds SEED, SEED + 1, .., and tested as by `ocs human analyse`. Printed is
/// the share of studies in which each test holds, with 95 % of it (Wilson).
///
/// Examples:
///
///   ocs human power ocs_linear --learner ideal
///   ocs human power ocs_linear --learner no-phase --participants 20 --studies 1000
///   ocs human power ocs_linear --learner ideal --shuffled
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Power {
    /// A YAML file, or an experiment such as ocs_linear
    #[arg(value_parser = path())]
    config: PathBuf,
    #[command(flatten)]
    changes: Changes,
    /// ideal | no-phase | random | FILE, as of `ocs human simulate`
    #[arg(long)]
    learner: String,
    /// Participants of a study, of as many sizes as you like
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = [10, 20, 40])]
    participants: Vec<usize>,
    /// Studies of each size
    #[arg(long, value_name = "N", default_value_t = 200)]
    studies: usize,
    /// Trials of a block of the analysis [default: the config's human.trials, or five of each item]
    #[arg(long, value_name = "N", value_parser = block_size)]
    block: Option<usize>,
    /// Of the first study
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Deal each participant's trials to other times first, as a control
    #[arg(long)]
    shuffled: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    learner: String,
    shuffled: bool,
    block: usize,
    sizes: Vec<human::Power>,
}

impl Power {
    pub fn run(self) -> Result<Success> {
        let loaded = self.changes.load(&self.config)?;
        for &participants in &self.participants {
            ensure_few(&loaded, participants).map_err(misuse)?;
        }
        if self.studies == 0 || self.studies > 1_000_000 {
            return Err(misuse(anyhow::anyhow!(
                "--studies must be 1 to 1000000, not {}",
                self.studies
            )));
        }
        ensure!(!self.participants.is_empty(), "--participants names no size");
        let learner = Learner::of(&self.learner, &loaded.taught).map_err(misuse)?;
        let human = loaded.human();
        warn_of_what_cannot_be_told(loaded.block(self.block), &loaded.taught);
        let studies = Studies {
            learner: &learner,
            taught: &loaded.taught,
            human: &human,
            studies: self.studies,
            block: loaded.block(self.block),
            seed: self.seed,
            shuffled: self.shuffled,
        };
        let sizes: Vec<human::Power> =
            self.participants.iter().map(|&participants| watched(&studies, participants)).collect();
        if self.json {
            let (learner, block) = (learner.name(), studies.block);
            output::json(&Answer { learner, shuffled: self.shuffled, block, sizes })?;
        } else {
            output::line(&table(&sizes))?;
        }
        Ok(Success::Full)
    }
}

/// Simulates studies of one size behind a bar, which a terminal alone shows; a log has a line after them.
fn watched(studies: &Studies, participants: usize) -> human::Power {
    let bar = ProgressBar::new(studies.studies as u64);
    let style = ProgressStyle::with_template("{msg}: {bar:16} {pos} of {len} studies, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(format!("{participants} participants"));
    let power = studies.power(participants, || bar.inc(1));
    bar.finish_and_clear();
    let (n_studies, took) = (studies.studies, HumanDuration(bar.elapsed()));
    tracing::info!("{participants} participants: {n_studies} studies in {took}");
    power
}

fn table(sizes: &[human::Power]) -> String {
    let mut rows = vec![vec!["test".to_owned()]];
    rows[0].extend(sizes.iter().map(|size| format!("{} participants", size.participants)));
    let tests = sizes.first().map_or(&[][..], |size| &size.tests);
    for (at, test) in tests.iter().enumerate() {
        let mut row = vec![test.id.to_owned()];
        row.extend(sizes.iter().map(|size| {
            let test = &size.tests[at];
            let undecided = match test.undecided {
                0.0 => String::new(),
                share => format!(", {share:.3} undecided"),
            };
            match (test.share, test.interval) {
                (Some(share), Some([low, high])) => {
                    format!("{share:.3} ({low:.3} to {high:.3}{undecided})")
                }
                _ => "undecided".to_owned(),
            }
        }));
        rows.push(row);
    }
    output::table(&rows)
}
