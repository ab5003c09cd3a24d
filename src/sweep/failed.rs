//! Runs that end in an error, and what is left of them: a marker, and an event.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Error, Result};

use super::options::{Event, Options};
use super::roster::Run;
use crate::record::{FailureRecord, digest_of_record};

/// A run that cannot be done.
#[derive(Debug)]
pub struct Failed {
    pub condition: String,
    pub seed: u64,
    /// The error in one line.
    pub sentence: String,
    /// Whether its record, or what lies beside it, is to blame.
    is_broken: bool,
}

impl Failed {
    pub fn of(condition: &str, seed: u64, error: &Error) -> Self {
        let words = format!("{error:#}");
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        // Who it was is said by who tells it.
        let who = in_words(condition, seed);
        let sentence = line.strip_prefix(&who).map_or(line.clone(), str::to_owned);
        Failed { condition: condition.to_owned(), seed, sentence, is_broken: false }
    }

    /// A run that is there and of which something cannot be used.
    pub fn broken((condition, seed): &Run, reason: &str) -> Self {
        let sentence = reason.to_owned();
        Failed { condition: condition.clone(), seed: *seed, sentence, is_broken: true }
    }

    /// Leaves a marker, tells of it, and returns a sentence. Where not even a marker can be written, that is told besides.
    pub fn mark(&self, options: &Options, tell: &(dyn Fn(Event) + Sync)) -> String {
        let Failed { condition, seed, sentence, is_broken } = self;
        let mut failure = FailureRecord::now(sentence.clone());
        if *is_broken {
            failure.record = digest_of_record(&options.folder, condition, *seed);
        }
        if let Err(error) = failure.write(&options.folder, condition, *seed) {
            tracing::warn!(condition, seed, "the failure cannot be noted: {error:#}");
        }
        tell(Event::Failed { condition, seed: *seed, reason: sentence });
        format!("{}{sentence}", in_words(condition, *seed))
    }
}

/// Leaves a marker beside each run of which something cannot be used, for whoever is asked to do it again.
///
/// # Errors
///
/// If one cannot be written; names it.
pub fn note_broken(folder: &Path, broken: &BTreeMap<Run, String>) -> Result<()> {
    for ((condition, seed), reason) in broken {
        let mut failure = FailureRecord::now(reason.clone());
        failure.record = digest_of_record(folder, condition, *seed);
        failure.write(folder, condition, *seed)?;
    }
    Ok(())
}

fn in_words(condition: &str, seed: u64) -> String {
    format!("condition '{condition}', seed {seed}: ")
}
