//! `ocs human simulate`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::source::{Changes, Loaded};
use crate::human::{Learner, ensure_place, simulated};

/// More participants than ever took part.
const MOST: usize = 10_000;
/// More numbers than fit into memory.
const MOST_RESPONSES: usize = 1 << 30;

/// Let a learner answer in the place of people, trial by trial, and write what `ocs human analyse` reads.
///
/// The learner says how likely each label is marked at each trial; whether it is, is drawn, for each label by itself:
///
///   ideal      what the claim says: at first marks nothing, then learns the label frequencies (half by 1/18 of all
///              trials), and only then the tree, level by level from the top (half by 0.3 to 0.7 of all trials)
///   no-phase   the control: learns each item by itself and as a whole, at its own time, from marking nothing
///              straight to its labels (half by 0.5 of all trials, in the median)
///   random     marks each label at chance
///   FILE       the record of a run, SEED.json, or a condition's folder of them, which participants take in turn:
///              its first step is the first trial, its last the last, responses are probabilities
///
/// Participants of ideal and no-phase differ in pace (a factor of 1.3) and lapse in 2 % of responses. Days, blocks and
/// trials are those of the config's human section. Nobody's name is made up: they are simulated-1, simulated-2, ..
///
/// Example:
///
///   ocs human simulate ocs_linear --learner ideal --participants 20 --out simulated
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Simulate {
    /// A YAML file, or an experiment such as ocs_linear
    #[arg(value_parser = path())]
    config: PathBuf,
    #[command(flatten)]
    changes: Changes,
    /// ideal | no-phase | random | FILE
    #[arg(long)]
    learner: String,
    /// How many
    #[arg(long, value_name = "N")]
    participants: usize,
    /// Folder to write
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Of all that is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace the folder if an earlier import or simulation wrote it
    #[arg(long)]
    overwrite: bool,
}

impl Simulate {
    pub fn run(self) -> Result<Success> {
        let loaded = self.changes.load(&self.config)?;
        ensure_place(&self.out, self.overwrite).map_err(misuse)?;
        ensure_few(&loaded, self.participants).map_err(misuse)?;
        let learner = Learner::of(&self.learner, &loaded.taught).map_err(misuse)?;
        let data =
            simulated(&learner, &loaded.taught, &loaded.human(), self.participants, self.seed);
        let n_trials = data.about.trials;
        data.write(&self.out, self.overwrite)?;
        tracing::info!(folder = %self.out.display(), participants = self.participants, trials = n_trials, "written");
        Ok(Success::Full)
    }
}

/// Makes sure that a study fits into memory.
pub fn ensure_few(loaded: &Loaded, participants: usize) -> Result<()> {
    ensure!(
        (1..=MOST).contains(&participants),
        "--participants must be 1 to {MOST}, not {participants}"
    );
    let human = loaded.human();
    let per_block = human.trials_of_block(loaded.taught.n_items());
    let responses = [human.days, human.blocks, per_block, loaded.taught.n_labels()]
        .into_iter()
        .fold(participants, usize::saturating_mul);
    ensure!(
        responses <= MOST_RESPONSES,
        "{participants} participants would give {responses} responses, more than {MOST_RESPONSES}: take fewer, or fewer human.trials"
    );
    Ok(())
}
