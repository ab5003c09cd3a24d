//! `ocs train`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::arguments::{ComputeArguments, ConfigArguments, ExistingArguments, path};
use super::outcome::{Success, misuse, refused};
use super::output;
use super::progress::Progress;
use super::summary::{RunSummary, Table, records_of};
use super::tensorboard::TensorBoardArguments;
use crate::claim::{Claim, Verdict};
use crate::config::{Config, cells, resolve_conditions};
use crate::record::Record;
use crate::studies;
use crate::sweep::{self, Event, Existing, OnFailure, Options, Summary, Tasks};

/// Trains every condition of a config with every seed, and with every combination of what --grid varies. Each run leaves `OUT/NAME/CONDITION/SEED.json` (config, metrics
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
    #[command(flatten)]
    tensorboard: TensorBoardArguments,
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
            config.check_runs().map_err(misuse)?;
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

impl Train {
    pub fn run(self) -> Result<Success> {
        let config = self.config.load()?;
        let folder = self.out.join(&config.name);
        let options = self.compute.options(&folder, Existing::Refuse)?;
        let options = self.existing.apply(options);
        super::arguments::warn_of_slow_precision(&config, options.device)?;
        let board = self.tensorboard.open(&config, &options)?;
        let trained = train_runs(&config, &options, "", &|_| true, &|event| board.tell(event));
        let closed = board.close();
        let summary = trained?;
        closed?;
        tell_diverged(&summary);
        tell(&config, &options, self.json)?;
        tracing::info!(folder = %folder.display(), complete = summary.complete, "records written");
        Ok(if summary.diverged.is_empty() { Success::Full } else { Success::Partial })
    }
}

/// The runs of a config, as a table or as JSON.
fn tell(config: &Config, options: &Options, as_json: bool) -> Result<()> {
    let cells = cells(config)?;
    let mut table = Table::new(&cells, false);
    let mut runs = Vec::new();
    for cell in &cells {
        let records = records_of(cell, config, options, &|name, seed| options.does(name, seed))?;
        if as_json {
            runs.extend(records.iter().map(|record| RunSummary::of(record, &options.folder)));
        } else {
            table.push(cell, &records, "");
        }
    }
    if as_json {
        return output::json(&runs);
    }
    table.tell_reasons();
    output::line(&table.text())
}

/// Trains and reads back the records of exactly this config's runs. Diverged runs are told as errors; `part` is said before
/// news of the progress.
pub fn train(config: &Config, options: &Options, part: &str) -> Result<(Vec<Record>, Summary)> {
    let summary = train_runs(config, options, part, &|_| true, &|_| {})?;
    tell_diverged(&summary);
    let mut records = Vec::new();
    for cell in cells(config)? {
        records.extend(records_of(&cell, config, options, &|name, seed| options.does(name, seed))?);
    }
    Ok((records, summary))
}

/// Trains this config's runs, with theory beside the cells of which it is asked, told as `part`; what happens is told to
/// `also_tell` besides.
pub fn train_runs(
    config: &Config,
    options: &Options,
    part: &str,
    asks_theory: &dyn Fn(&str) -> bool,
    also_tell: &(dyn Fn(&Event) + Sync),
) -> Result<Summary> {
    warn_of_equal_seeds(config)?;
    let theory_of_images = studies::of(config)?.is_some_and(|study| study.theory_of_images);
    let options = &Options { theory_of_images, ..options.clone() };
    let runs = sweep::plan(config, options).and_then(sweep::Plan::open).map_err(refused)?;
    let summary = {
        let progress = Progress::new(part, &config.name);
        let written = write_theories(config, options, asks_theory);
        match options.on_failure {
            OnFailure::Stop => written?,
            OnFailure::Mark => {
                if let Err(error) = written {
                    tracing::warn!("theory is not written for all cells: {error:#}");
                }
            }
        }
        runs.train(&|event| {
            also_tell(&event);
            progress.tell(event);
        })?
    };
    Ok(summary)
}

fn tell_diverged(summary: &Summary) {
    for sentence in &summary.diverged {
        tracing::error!("{sentence}");
    }
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
///
/// # Errors
///
/// If data cannot be read, or an answer not be written.
pub fn write_theories(
    config: &Config,
    options: &Options,
    is_asked: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let mut conditions = resolve_conditions(config)?;
    let does = |name: &str| config.seeds.iter().any(|seed| options.does(name, *seed));
    conditions.retain(|(name, _)| does(name) && is_asked(name));
    if let Some(study) = studies::of(config)? {
        conditions.extend((study.also_predict)(config)?);
    }
    let Options { folder, data, derived, theory_of_images, .. } = options;
    sweep::write_theories(
        &conditions,
        folder,
        &mut Tasks::keeping(data, derived),
        *theory_of_images,
        &mut |condition, reason| {
            tracing::debug!(condition, "no theory: {reason:#}");
        },
    )?;
    Ok(())
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
            Verdict::Refuted => tracing::info!(
                measured,
                criterion = claim.criterion,
                "prediction refuted: {}",
                claim.sentence
            ),
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
