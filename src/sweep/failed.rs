//! Runs that end in an error, and what is left of them: a marker, and an event.

use anyhow::Error;

use super::options::{Event, Options};
use crate::record::FailureRecord;

/// A run that cannot be done.
#[derive(Debug)]
pub struct Failed {
    pub condition: String,
    pub seed: u64,
    /// The error in one line.
    pub sentence: String,
}

impl Failed {
    pub fn of(condition: &str, seed: u64, error: &Error) -> Self {
        let words = format!("{error:#}");
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        // Who it was is said by who tells it.
        let who = in_words(condition, seed);
        let sentence = line.strip_prefix(&who).map_or(line.clone(), str::to_owned);
        Failed { condition: condition.to_owned(), seed, sentence }
    }

    /// Leaves a marker, tells of it, and returns a sentence. Where not even a marker can be written, that is told besides.
    pub fn mark(&self, options: &Options, tell: &(dyn Fn(Event) + Sync)) -> String {
        let Failed { condition, seed, sentence } = self;
        let failure = FailureRecord::now(sentence.clone());
        if let Err(error) = failure.write(&options.folder, condition, *seed) {
            tracing::warn!(condition, seed, "the failure cannot be noted: {error:#}");
        }
        tell(Event::Failed { condition, seed: *seed, reason: sentence });
        format!("{}{sentence}", in_words(condition, *seed))
    }
}

fn in_words(condition: &str, seed: u64) -> String {
    format!("condition '{condition}', seed {seed}: ")
}
