//! Runs that are there already: what a command would lose, and whether it may.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tch::Device;

use super::options::{Existing, Options};
use crate::config::{Config, resolve_conditions};
use crate::record::{self, Algorithms, DatasetRecord, Record, Status};
use crate::train::{Checkpoint, device};

/// A command was refused before it changed anything: the reason and the ways on.
#[derive(Debug)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A run that is kept or continued.
#[derive(Debug)]
pub struct Earlier {
    path: PathBuf,
    pub condition: String,
    /// Whether nothing of it is left to train.
    pub is_complete: bool,
    dataset: Option<DatasetRecord>,
}

/// Looks at all records that a config's runs would write, before anything is changed and before data are read. Returns
/// those that are kept or continued.
///
/// # Errors
///
/// `Refused` if one would be lost.
pub fn ensure_nothing_is_lost(config: &Config, options: &Options) -> Result<Vec<Earlier>> {
    ensure_comparable(config, options)?;
    let (mut total, mut there) = (0, Vec::new());
    for (condition, resolved) in resolve_conditions(config)? {
        for &seed in config.seeds.iter().filter(|seed| options.does(&condition, **seed)) {
            total += 1;
            let path = record::path_of(&options.folder, &condition, seed);
            // A link that leads nowhere is there, too.
            let begins_anew = options.anew.contains(&(condition.clone(), seed));
            if !begins_anew && path.symlink_metadata().is_ok() {
                let config = Config { seeds: vec![seed], ..resolved.clone() };
                if options.leaves_alone(&condition, seed) {
                    ensure_same_config(&path, &config)?;
                    continue;
                }
                there.push((path, condition.clone(), config));
            }
        }
    }
    let Some((first, ..)) = there.first() else { return Ok(Vec::new()) };
    match options.existing {
        Existing::Overwrite => Ok(Vec::new()),
        Existing::Refuse => Err(anyhow!(Refused(format!(
            "{} holds {} of these {total} runs already, such as {}: keep and continue them with --resume, replace \
             them with --overwrite, or keep the new ones apart by another name or folder (--set name=..., --out)",
            options.folder.display(),
            there.len(),
            first.display()
        )))),
        Existing::Resume => keep(there, options),
    }
}

/// Makes sure that runs which stay beside those of a config, of other seeds, are of the same config: runs of a condition are
/// drawn and judged together.
fn ensure_comparable(config: &Config, options: &Options) -> Result<()> {
    for (condition, resolved) in resolve_conditions(config)? {
        let others = record::seeds_of(&options.folder, &condition);
        let other = others.into_iter().find(|seed| !config.seeds.contains(seed));
        let Some(path) = other.map(|seed| record::path_of(&options.folder, &condition, seed))
        else {
            continue;
        };
        // One that cannot be read is told by whoever reads it.
        let Ok(record) = record::read_json::<Record>(&path) else { continue };
        let but_seeds = |config: &Config| Config { seeds: Vec::new(), ..config.clone() };
        let differences = differences(&but_seeds(&record.config), &but_seeds(&resolved))?;
        ensure!(
            differences.is_empty(),
            Refused(format!(
                "{} is of another config ({}), and runs of one condition must differ in their seeds alone to be drawn \
                 together: keep the new ones apart by another name or folder (--set name=..., --out), or delete the older",
                path.display(),
                differences.join(", ")
            ))
        );
    }
    Ok(())
}

/// Makes sure that a run which is left as it is was of this config, if it can be read.
fn ensure_same_config(path: &Path, config: &Config) -> Result<()> {
    let Ok(record) = record::read_json::<Record>(path) else { return Ok(()) };
    let differences = differences(&record.config, config)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(refusal(path, &anyhow!("its config is another: {}", differences.join(", "))))
}

/// Makes sure that runs can be kept or continued.
fn keep(there: Vec<(PathBuf, String, Config)>, options: &Options) -> Result<Vec<Earlier>> {
    let (mut earlier, mut revisions) = (Vec::new(), Vec::new());
    for (path, condition, config) in there {
        let record = read(&path, &config, options).map_err(|reason| refusal(&path, &reason))?;
        if record.status == Status::Complete && record.revision != env!("OCS_REVISION") {
            revisions.push(record.revision);
        }
        let is_complete = record.status == Status::Complete;
        earlier.push(Earlier { path, condition, is_complete, dataset: record.dataset });
    }
    if let Some(first) = revisions.first() {
        tracing::warn!(
            "keeping {} complete runs of another revision of this program, such as {first}: --overwrite makes them anew",
            revisions.len()
        );
    }
    Ok(earlier)
}

/// Makes sure that a run's images are those of now.
///
/// # Errors
///
/// `Refused` if they are not.
pub fn ensure_same_data(earlier: &Earlier, now: Option<&DatasetRecord>) -> Result<()> {
    let said = |data: Option<&DatasetRecord>| match data {
        None => "none".to_owned(),
        Some(data) => format!(
            "{} with {} training and {} evaluation samples, SHA-256 {:.12}...",
            data.name, data.train_samples, data.test_samples, data.checksum
        ),
    };
    let before = earlier.dataset.as_ref();
    if before == now {
        return Ok(());
    }
    let reason = anyhow!("its images were others: {}, now {}", said(before), said(now));
    Err(refusal(&earlier.path, &reason))
}

/// The record of an earlier run, if a run of this config can be kept or continued from it.
///
/// # Errors
///
/// The reason why not.
pub fn read(path: &Path, config: &Config, options: &Options) -> Result<Record> {
    let record: Record = record::read_checked(path)?;
    let differences = differences(&record.config, config)?;
    ensure!(differences.is_empty(), "its config is another: {}", differences.join(", "));
    let device = device::name(options.device);
    ensure!(
        (&record.device, record.threads) == (&device, options.threads),
        "it ran on {} with {} threads, not on {device} with {} (--device, --threads)",
        record.device,
        record.threads,
        options.threads
    );
    // On a CPU both are the same algorithms.
    ensure!(
        options.device == Device::Cpu || record.algorithms == Some(options.algorithms),
        "it ran {} --fast, not {} it",
        if record.algorithms == Some(Algorithms::Deterministic) { "without" } else { "with" },
        if options.algorithms == Algorithms::Deterministic { "without" } else { "with" }
    );
    if record.status != Status::Complete {
        let checkpoint = read_checkpoint(path)?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.ensure_fits(record.seed, config.total_steps())?;
        }
    }
    Ok(record)
}

/// The checkpoint beside a record; `None` if a run ended before its first.
///
/// # Errors
///
/// If it is damaged.
pub fn read_checkpoint(path: &Path) -> Result<Option<Checkpoint>> {
    let folder = path.with_extension("checkpoint");
    folder.exists().then(|| Checkpoint::read(&folder)).transpose()
}

fn refusal(path: &Path, reason: &anyhow::Error) -> anyhow::Error {
    anyhow!(Refused(format!(
        "{} cannot be kept or continued: {reason:#}. Replace all runs of this command with --overwrite, delete this \
         one, or keep the new ones apart by another name or folder (--set name=..., --out)",
        path.display()
    )))
}

/// Keys that differ, with both values: `training.steps was 300, is 400`.
fn differences(before: &Config, now: &Config) -> Result<Vec<String>> {
    fn compare(key: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
        match (before, now) {
            (Value::Object(before), Value::Object(now)) => {
                let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
                keys.sort();
                keys.dedup();
                for name in keys {
                    let of = |map: &serde_json::Map<String, Value>| {
                        map.get(name).cloned().unwrap_or(Value::Null)
                    };
                    let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                    compare(&key, &of(before), &of(now), found);
                }
            }
            _ if before != now => found.push(format!("{key} was {before}, is {now}")),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let value = |config: &Config| serde_json::to_value(config).context("a config is a map");
    compare("", &value(before)?, &value(now)?, &mut found);
    Ok(found)
}
