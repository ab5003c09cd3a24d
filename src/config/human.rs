//! The experiment with people: how long it is, and whose data are left out.

use anyhow::{Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::ensure_fraction;
use super::page::PageConfig;

/// More days, blocks or trials than these are a slip of the pen.
const MOST_DAYS: usize = 1000;
const MOST_TRIALS: usize = 1_000_000;

/// What people do: on each of some days some blocks of trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HumanConfig {
    /// Days of the experiment.
    pub days: usize,
    /// Blocks of trials on each day.
    pub blocks: usize,
    /// Trials of a block, in which items come equally often, or by `task.frequencies`; `null` = five of each item.
    pub trials: Option<usize>,
    /// Rules by which data are left out of an analysis; what no rule names is reported, and kept. Absent = none.
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
    /// The page of `ocs human task`. Absent = as by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageConfig>,
}

impl Default for HumanConfig {
    fn default() -> Self {
        HumanConfig { days: 3, blocks: 6, trials: None, exclude: Exclude::default(), page: None }
    }
}

/// Which data are left out. Trials are left out when files are read, participants when their data are analysed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exclude {
    /// Of rows of one participant, day and trial, all but the first | last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Kept>,
    /// Trials whose item is none of the tree's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown_items: bool,
    /// Trials in which a label was marked that is none of the tree's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown_labels: bool,
    /// These participants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<String>,
    /// Participants who give one and the same response in every trial.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub constant_responders: bool,
    /// Participants some of whose rows stand in another order than their trials' numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub out_of_order: bool,
    /// Participants who missed more than this share of their trials, in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<f64>,
    /// Participants with fewer trials than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fewer_trials_than: Option<u64>,
}

/// Which of several rows of one trial stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The one that was read first.
    First,
    /// The one that was read last.
    Last,
}

impl Exclude {
    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        *self == Exclude::default()
    }

    /// The rules of both, where they do not say two different things.
    ///
    /// # Errors
    ///
    /// Names the rule that both have, and differently; `places` are the files of the two.
    pub fn and(&self, other: &Exclude, places: [&str; 2]) -> Result<Exclude> {
        fn one<T: PartialEq + Clone>(
            rule: &str,
            pair: (&Option<T>, &Option<T>),
            [first, second]: [&str; 2],
        ) -> Result<Option<T>> {
            if let (Some(one), Some(other)) = pair {
                ensure!(
                    one == other,
                    "exclude.{rule} is one thing in {first} and another in {second}: import again, or say it in one of them"
                );
            }
            Ok(pair.0.clone().or_else(|| pair.1.clone()))
        }
        let mut participants = self.participants.clone();
        participants.extend(other.participants.iter().cloned());
        participants.sort();
        participants.dedup();
        Ok(Exclude {
            duplicates: one("duplicates", (&self.duplicates, &other.duplicates), places)?,
            unknown_items: self.unknown_items || other.unknown_items,
            unknown_labels: self.unknown_labels || other.unknown_labels,
            participants,
            constant_responders: self.constant_responders || other.constant_responders,
            out_of_order: self.out_of_order || other.out_of_order,
            missed: one("missed", (&self.missed, &other.missed), places)?,
            fewer_trials_than: one(
                "fewer_trials_than",
                (&self.fewer_trials_than, &other.fewer_trials_than),
                places,
            )?,
        })
    }

    /// Ranges; `key` is where the rules stand.
    ///
    /// # Errors
    ///
    /// Names the rule.
    pub fn check(&self, key: &str) -> Result<()> {
        match self.missed {
            Some(share) => ensure_fraction(&format!("{key}.missed"), share),
            None => Ok(()),
        }
    }
}

impl HumanConfig {
    /// Trials of a block for a tree of so many items.
    pub fn trials_of_block(&self, n_items: usize) -> usize {
        /// How often each item comes in a block.
        const EACH: usize = 5;
        self.trials.unwrap_or(EACH * n_items)
    }

    /// Ranges.
    pub(super) fn check(&self) -> Result<()> {
        let within = |key: &str, value: usize, most: usize| {
            ensure!((1..=most).contains(&value), "human.{key} must be 1 to {most}, not {value}");
            Ok(())
        };
        within("days", self.days, MOST_DAYS)?;
        within("blocks", self.blocks, MOST_TRIALS)?;
        within("trials", self.trials.unwrap_or(1), MOST_TRIALS)?;
        let all = self.days.saturating_mul(self.blocks).saturating_mul(self.trials.unwrap_or(1));
        ensure!(
            all <= MOST_TRIALS,
            "human asks for {all} trials of each participant: at most {MOST_TRIALS} can be simulated"
        );
        if let Some(page) = &self.page {
            page.check()?;
        }
        self.exclude.check("human.exclude")
    }
}
