//! `ocs human analyse`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::figure::Figure;
use super::source::Experiment;
use crate::human::{Analysis, Band, Clock, Crossing, Options, Taught, analyse};

/// Judge participants block by block, and test whether they visit the OCS first.
///
/// A block is N trials of one day, one after the other (the last of a day may have fewer). Rates, level accuracy and mean responses
/// are those of the judge of networks. M^2, V, D_ocs and D_target are estimates without bias of what the judge says of response
/// probabilities: the plain values would be too large, by the variance of few marks. They can be below 0, and are null where an item
/// was not shown, or none twice.
///
/// --json prints {"participants": [{"participant", "excluded": null | reason, "blocks": [{"day", "first_trial", "trials",
/// "true_negative_rate": [level ..], "true_positive_rate": [..], "mean_response": [label ..], "mean_output_error_squared",
/// "input_dependence", "distance_to_ocs", "distance_to_targets"}], "phase", "dip"}], "group": {"true_negative_rate": [{"mean", "low",
/// "high", "levels"} ..] a block: the top level's, and all levels', "blocks", .., "tests": [{"id", "statistic", "p", "interval",
/// "holds", "says"}]}}; docs/human.md has all of it. Intervals are 95 % by bootstrap over participants, 2,000 times.
///
/// Example:
///
///   ocs human analyse people --config ocs_linear --block 40
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Analyse {
    /// What `ocs human import` or `simulate` wrote
    #[arg(value_name = "FOLDER", value_parser = path())]
    folder: PathBuf,
    #[command(flatten)]
    experiment: Experiment,
    /// Trials of a block [default: the config's human.trials, or five of each item]
    #[arg(long, value_name = "N", value_parser = block_size)]
    block: Option<usize>,
    /// Of all that is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Deal each participant's trials to other times first: a control, which shows no visit
    #[arg(long)]
    shuffled: bool,
    /// Draw a figure: FILE.png, FILE.svg or FILE.pdf
    #[arg(long, value_name = "FILE", value_parser = path())]
    figure: Option<PathBuf>,
    /// Draw networks beside people: a folder of runs (RUN), whose conditions are lines each, or one condition of it (RUN/CONDITION);
    /// ends of the phases are one moment. Repeatable
    #[arg(long, value_name = "RUN", value_parser = path(), requires = "figure")]
    networks: Vec<PathBuf>,
    /// How the figure spaces trials
    #[arg(long, value_enum, default_value_t = Spacing::Log)]
    clock: Spacing,
    /// Replace FILE if it is there
    #[arg(long, requires = "figure")]
    overwrite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// As it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Spacing {
    Log,
    Linear,
}

/// Reads a number of trials.
pub fn block_size(text: &str) -> Result<usize> {
    let size = text.parse().ok().filter(|size| *size >= 1);
    size.ok_or_else(|| anyhow::anyhow!("'{text}' is no number of trials: write 40"))
}

impl Analyse {
    pub fn run(self) -> Result<Success> {
        let loaded = self.experiment.load()?;
        let figure = self
            .figure
            .as_deref()
            .map(|file| Figure::of(file, &self.networks, &loaded.taught, self.overwrite));
        let figure = figure.transpose().map_err(misuse)?;
        let (data, exclude) = loaded.data(&self.folder)?;
        let block = loaded.block(self.block);
        warn_of_what_cannot_be_told(block, &loaded.taught);
        let options = Options { block, seed: self.seed, shuffled: self.shuffled, exclude };
        let analysis = analyse(&data, &loaded.config, &loaded.taught, &options);
        if let Some(figure) = &figure {
            let clock = match self.clock {
                Spacing::Log => Clock::Logarithmic,
                Spacing::Linear => Clock::Linear,
            };
            figure.draw(&analysis, &loaded.taught, clock)?;
        }
        if self.json {
            output::json(&analysis)?;
        } else {
            output::line(&in_words(&analysis))?;
        }
        Ok(Success::Full)
    }
}

/// Not every tree has base rates that differ, or rates that can dip.
pub fn warn_of_tree(taught: &Taught) {
    if let Some(why) = taught.undecidable() {
        tracing::warn!("whether people visit the OCS first cannot be decided on this tree: {why}");
    }
}

/// V needs each item once and one of them twice, and a tree must tell.
pub fn warn_of_what_cannot_be_told(block: usize, taught: &Taught) {
    warn_of_tree(taught);
    let items = taught.n_items();
    if block <= items {
        tracing::warn!(
            "blocks of {block} trials are too short to tell whether responses differ between {items} items: each must come, and one of \
             them twice; whether people visit the OCS first cannot be decided (take a --block of {} or more)",
            2 * items
        );
    } else {
        let rarest = taught.frequencies.iter().copied().fold(f64::INFINITY, f64::min);
        if (block as f64) * rarest < 2.0 {
            tracing::warn!(
                "the rarest item comes less than twice in a block of {block} trials: where it comes once, its noise is taken to be the others', \
                 and M^2, V and distances are biased if it is learned later (take a --block of {:.0} or more)",
                (2.0 / rarest).ceil()
            );
        }
    }
}

fn number(value: Option<f64>) -> String {
    output::number(value)
}

fn banded(band: &Band) -> String {
    match (band.low, band.high) {
        (Some(low), Some(high)) => format!("{} ({low:.3} to {high:.3})", number(band.mean)),
        _ => number(band.mean),
    }
}

fn trials(crossing: &Crossing) -> String {
    let told = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
    match (crossing.low, crossing.high) {
        (None, None) => told(crossing.value),
        (low, high) => format!("{} ({} to {})", told(crossing.value), told(low), told(high)),
    }
}

/// Tables for people who read.
fn in_words(analysis: &Analysis) -> String {
    let words = |row: &[&str]| row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let group = &analysis.group;
    let mut people = vec![words(&["participant", "blocks", "onset", "end", "dip of TNR_1", ""])];
    for one in &analysis.participants {
        let dip = one.dip.as_ref().map_or("-".to_owned(), |dip| {
            format!("{:.3} ({:.3} to {:.3})", dip.value, dip.low, dip.high)
        });
        people.push(vec![
            one.participant.replace(char::is_control, " "),
            one.blocks.len().to_string(),
            trials(&one.phase.onset),
            trials(&one.phase.end),
            dip,
            one.excluded.as_ref().map_or(String::new(), |why| format!("left out: {why}")),
        ]);
    }
    people.push(vec![
        format!("group of {}", group.participants),
        group.blocks.len().to_string(),
        trials(&group.phase.onset),
        trials(&group.phase.end),
        banded(&group.dip),
        String::new(),
    ]);
    let mut blocks =
        vec![words(&["day", "block", "participants", "TNR_1", "M^2", "V", "D_ocs", "D_target"])];
    for (at, block) in group.blocks.iter().enumerate() {
        blocks.push(vec![
            block.day.to_string(),
            block.block.to_string(),
            block.participants.to_string(),
            banded(&group.true_negative_rate[at].top),
            number(group.mean_output_error_squared[at].mean),
            number(group.input_dependence[at].mean),
            number(group.distance_to_ocs[at].mean),
            number(group.distance_to_targets[at].mean),
        ]);
    }
    let mut tests = vec![words(&["test", "statistic", "95 %", "p", "holds"])];
    for test in &group.tests {
        let interval =
            test.interval.map_or("-".to_owned(), |[low, high]| format!("{low:.3} to {high:.3}"));
        let holds = match test.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        tests.push(vec![
            test.id.to_owned(),
            number(test.statistic),
            interval,
            number(test.p),
            holds.to_owned(),
        ]);
    }
    let who = analysis
        .simulated
        .as_ref()
        .map_or(String::new(), |learner| format!("No people: simulated by {learner}.\n\n"));
    let shuffled =
        if analysis.shuffled { "Control: trials are dealt to other times.\n\n" } else { "" };
    [
        format!("{who}{shuffled}{}", output::table(&people)),
        output::table(&blocks),
        output::table(&tests),
    ]
    .join("\n\n")
}
