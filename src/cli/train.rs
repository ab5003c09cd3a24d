//! `ocs train`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::arguments::{ComputeArguments, ConfigArguments, ExistingArguments, path};
use super::outcome::{Success, misuse, refused};
use super::output;
use super::progress::Progress;
use crate::claim::{Claim, Measurement, Verdict};
use crate::config::{Config, resolve_conditions};
use crate::metrics::{Phase, PhaseVerdict};
use crate::record::{self, Record, Status};
use crate::studies;
use crate::sweep::{self, Options, Summary};

/// Trains every condition of a config with every seed. Each run leaves `OUT/NAME/CONDITION/SEED.json` (config, metrics
/// at log-spaced steps, onset and end of the OCS phase) and `SEED.checkpoint/` (weights as safetensors). Ctrl-C writes
/// checkpoints; --resume goes on from there. Runs that are there already are never replaced unasked: give --resume,
/// --overwrite, or another name or folder. `OUT/NAME/config.yaml` holds the config with all its defaults.
#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    config: SeededConfigArguments,
    #[command(flatten)]
    compute: ComputeArguments,
    #[command(flatten)]
    existing: ExistingArguments,
    /// Folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Print a summary of every run as JSON
    #[arg(long)]
    json: bool,
}

/// A config, what to change in it, and its seeds.
#[derive(Args)]
pub struct SeededConfigArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Seeds instead of the config's: 0..10 (without 10), or 0,3,5
    #[arg(long, value_name = "SEEDS", value_parser = parse_seeds)]
    seeds: Option<Seeds>,
}

impl SeededConfigArguments {
    pub fn load(&self) -> Result<Config> {
        let mut config = self.config.load()?;
        if let Some(Seeds(seeds)) = &self.seeds {
            config.seeds.clone_from(seeds);
            config.check().map_err(misuse)?;
        }
        advise(&config)?;
        Ok(config)
    }
}

/// Warns of what is allowed and takes days: full batches of a whole set of images.
fn advise(config: &Config) -> Result<()> {
    /// Fewer images than this take a step in some seconds.
    const MANY: usize = 5000;
    let is_slow = |resolved: &Config| {
        resolved.task.inputs.are_images()
            && !resolved.network.kind.is_linear()
            && resolved.training.batch_size.is_none()
            && resolved.task.samples.train.is_none_or(|samples| samples > MANY)
    };
    let slow = resolve_conditions(config)?.into_iter().find(|(_, resolved)| is_slow(resolved));
    if let Some((condition, resolved)) = slow {
        tracing::warn!(
            condition,
            "each of {} steps sees all training images (training.batch_size: full): set training.batch_size, such as 64, or \
             task.samples.train, unless full batches are the question",
            resolved.total_steps()
        );
    }
    Ok(())
}

/// Seeds, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seeds(Vec<u64>);

const MOST_SEEDS: u64 = 100_000;

fn parse_seeds(text: &str) -> Result<Seeds> {
    let number = |text: &str| {
        text.trim()
            .parse::<u64>()
            .with_context(|| format!("'{text}' is no seed: write 0..10 or 0,3,5"))
    };
    let seeds = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            ensure!(
                to.saturating_sub(from) <= MOST_SEEDS,
                "'{text}' holds more than {MOST_SEEDS} seeds"
            );
            (from..to).collect()
        }
        None => text.split(',').map(number).collect::<Result<Vec<u64>>>()?,
    };
    ensure!(!seeds.is_empty(), "'{text}' holds no seed: write 0..10 (without 10) or 0,3,5");
    Ok(Seeds(seeds))
}

#[derive(Serialize)]
struct RunSummary {
    condition: String,
    seed: u64,
    /// Bytes that are no text are replaced: JSON holds text alone.
    record: String,
    status: Status,
    phase: Phase,
    smallest_top_level_true_negative_rate: Option<f64>,
    final_loss: Option<f64>,
    wall_time: f64,
}

impl Train {
    pub fn run(self) -> Result<Success> {
        let config = self.config.load()?;
        let folder = self.out.join(&config.name);
        let options = self.compute.options(&folder, self.existing.existing())?;
        super::arguments::warn_of_slow_precision(&config, options.device)?;
        let (records, summary) = train(&config, &options, "")?;
        if self.json {
            output::json(
                &records.iter().map(|record| summarise(record, &folder)).collect::<Vec<_>>(),
            )?;
        } else {
            output::line(&table(&config, &records)?)?;
        }
        tracing::info!(folder = %folder.display(), complete = summary.complete, "records written");
        Ok(if summary.diverged.is_empty() { Success::Full } else { Success::Partial })
    }
}

/// Trains and reads back the records of exactly this config's runs. Diverged runs are told as errors; `part` is said before
/// news of the progress.
pub fn train(config: &Config, options: &Options, part: &str) -> Result<(Vec<Record>, Summary)> {
    warn_of_equal_seeds(config)?;
    let theory_of_images = studies::of(config)?.is_some_and(|study| study.theory_of_images);
    let options = &Options { theory_of_images, ..options.clone() };
    let runs = sweep::plan(config, options).map_err(refused)?.open()?;
    let summary = {
        let progress = Progress::new(part, &config.name);
        write_theories(config, options)?;
        runs.train(&|event| progress.tell(event))?
    };
    for sentence in &summary.diverged {
        tracing::error!("{sentence}");
    }
    let mut records = Vec::new();
    for (condition, _) in resolve_conditions(config)? {
        for &seed in config.seeds.iter().filter(|seed| options.does(&condition, **seed)) {
            records.push(record::read_json(&record::path_of(&options.folder, &condition, seed))?);
        }
    }
    Ok((records, summary))
}

/// Tells of conditions whose seeds draw nothing: their runs are one run, however many there are.
fn warn_of_equal_seeds(config: &Config) -> Result<()> {
    let equal: Vec<String> = resolve_conditions(config)?
        .into_iter()
        .filter(|(_, resolved)| config.seeds.len() > 1 && !resolved.seeds_draw_something())
        .map(|(condition, _)| condition)
        .collect();
    if !equal.is_empty() {
        tracing::warn!(
            "the {} seeds of {} make one and the same run: an aligned start in full batch draws nothing. Give one seed, or another network.initialisation",
            config.seeds.len(),
            equal.join(", ")
        );
    }
    Ok(())
}

/// Theory beside the runs, where it covers them.
fn write_theories(config: &Config, options: &Options) -> Result<()> {
    let mut conditions = resolve_conditions(config)?;
    conditions.retain(|(name, _)| config.seeds.iter().any(|seed| options.does(name, *seed)));
    if let Some(study) = studies::of(config)? {
        conditions.extend((study.also_predict)(config)?);
    }
    let Options { folder, data, theory_of_images, .. } = options;
    sweep::write_theories(
        &conditions,
        folder,
        data,
        *theory_of_images,
        &mut |condition, reason| {
            tracing::debug!(condition, "no theory: {reason:#}");
        },
    )?;
    Ok(())
}

fn summarise(record: &Record, folder: &Path) -> RunSummary {
    RunSummary {
        condition: record.condition.clone(),
        seed: record.seed,
        record: record::path_of(folder, &record.condition, record.seed)
            .to_string_lossy()
            .into_owned(),
        status: record.status.clone(),
        phase: record.phase.clone(),
        smallest_top_level_true_negative_rate: record
            .curves
            .smallest_top_level_true_negative_rate(),
        final_loss: record.curves.loss.last().copied(),
        wall_time: record.wall_time,
    }
}

/// A row for each condition: medians would hide a seed, so ranges are told.
fn table(config: &Config, records: &[Record]) -> Result<String> {
    let heading = [
        "condition",
        "runs",
        "phase",
        "at 0.05, 0.2",
        "onset",
        "end",
        "ln(end/onset)",
        "min TNR level 1",
        "final loss",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (condition, resolved) in resolve_conditions(config)? {
        let of: Vec<&Record> =
            records.iter().filter(|record| record.condition == condition).collect();
        let range = |value: &dyn Fn(&Record) -> Option<f64>| {
            let values: Vec<Option<f64>> = of.iter().map(|record| value(record)).collect();
            let Measurement { min, max, .. } = Measurement::of("", &values);
            // As they are shown: what differs by rounding is one number.
            let (least, most) = (output::number(min), output::number(max));
            if least == most { least } else { format!("{least}..{most}") }
        };
        rows.push(vec![
            resolved.display_name(&condition).to_owned(),
            n_runs(&of),
            PhaseVerdict::tally(of.iter().map(|record| record.phase.verdict)),
            other_thresholds(&of),
            range(&|record| record.phase.onset),
            range(&|record| record.phase.end),
            range(&|record| record.phase.log_ratio),
            range(&|record| record.curves.smallest_top_level_true_negative_rate()),
            range(&|record| record.curves.loss.last().copied()),
        ]);
    }
    Ok(output::table(&rows))
}

/// `5`, or `5 (1 distinct)`.
fn n_runs(records: &[&Record]) -> String {
    let distinct =
        record::distinct_runs(records.iter().map(|&record| record.clone()).collect()).len();
    if distinct == records.len() {
        distinct.to_string()
    } else {
        format!("{} ({distinct} distinct)", records.len())
    }
}

/// The verdicts at the other thresholds, `=` where they are the same as at the config's own.
fn other_thresholds(records: &[&Record]) -> String {
    let own = PhaseVerdict::tally(records.iter().map(|record| record.phase.verdict));
    let n_others = records.iter().map(|record| record.phase_sensitivity.len()).max().unwrap_or(0);
    let at = |index: usize| {
        let at = records.iter().filter_map(|record| record.phase_sensitivity.get(index));
        let words = PhaseVerdict::tally(at.map(|at| at.phase.verdict));
        if words == own { "same".to_owned() } else { words }
    };
    let all: Vec<String> = (0..n_others).map(at).collect();
    if all.iter().all(|words| words == "same") { "same".to_owned() } else { all.join("; ") }
}

/// Tells every claim, failed ones as errors.
pub fn tell_claims(claims: &[Claim]) {
    for claim in claims {
        let measured = claim.measured.words();
        match claim.verdict {
            Verdict::Holds => tracing::info!(measured, "holds: {}", claim.sentence),
            Verdict::Fails => {
                tracing::error!(measured, criterion = claim.criterion, "FAILS: {}", claim.sentence);
            }
            Verdict::Reported => {
                tracing::info!(measured, "reported: {}", claim.sentence)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_or_lists() {
        assert_eq!(parse_seeds("0..3").unwrap().0, [0, 1, 2]);
        assert_eq!(parse_seeds("7").unwrap().0, [7]);
        assert_eq!(parse_seeds("0, 3,5").unwrap().0, [0, 3, 5]);
        for wrong in ["", "3..3", "a", "1..b", "-1", "0..1000000"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }
}
