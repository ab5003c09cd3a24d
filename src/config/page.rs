//! The web page on which people learn the tree.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// How the page of `ocs human task` shows things, and where its data go. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PageConfig {
    /// Draws shapes and words, and with a participant's id which stands for what, and the order of trials.
    pub seed: u64,
    /// How long the right answer is seen, in seconds; `null` = until the participant goes on.
    pub feedback_time: Option<f64>,
    /// Until when an answer must be confirmed, in seconds; `null` = no limit.
    pub deadline: Option<f64>,
    /// Between trials, in seconds.
    pub pause: f64,
    /// Whether each word has a key, and Enter confirms; Tab and the space bar work in any case.
    pub keyboard: bool,
    /// A sentence below the instructions, such as on what is paid for right answers; `null` = none.
    pub bonus: Option<String>,
    /// Markdown file of what the participant agrees to on the first day; `null` = nothing is asked. Relative paths begin at the config.
    pub consent: Option<PathBuf>,
    /// Markdown file of the instructions; `null` = those of the program.
    pub instructions: Option<PathBuf>,
    /// Markdown file of what is told after the last day; `null` = thanks.
    pub debrief: Option<PathBuf>,
    /// Folder with a picture (svg, png, jpg, webp or gif) for each item, in the order of their names; `null` = drawn shapes.
    pub stimuli: Option<PathBuf>,
    /// Words for the labels; `null` = made-up ones.
    pub words: Option<Vec<String>>,
    /// download | jatos | server: to the participant's own disk, to JATOS, or to `ocs human serve`.
    pub save: Save,
}

/// Where a session's data go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Save {
    /// Two files, JSON and CSV, that the browser downloads.
    Download,
    /// The JATOS server that shows the page.
    Jatos,
    /// The server that gave the page: `ocs human serve`.
    Server,
}

impl Default for PageConfig {
    fn default() -> Self {
        PageConfig {
            seed: 0,
            feedback_time: Some(2.0),
            deadline: None,
            pause: 0.4,
            keyboard: true,
            bonus: None,
            consent: None,
            instructions: None,
            debrief: None,
            stimuli: None,
            words: None,
            save: Save::Download,
        }
    }
}

/// A longer word has no room on a button of a narrow screen.
const LONGEST_WORD: usize = 40;

/// A longer time is a slip of the pen, such as milliseconds.
const LONGEST: f64 = 600.0;

impl PageConfig {
    /// Ranges, and words that can be told apart.
    pub(super) fn check(&self) -> Result<()> {
        let times = [
            ("feedback_time", self.feedback_time, 0.1),
            ("deadline", self.deadline, 0.5),
            ("pause", Some(self.pause), 0.0),
        ];
        for (key, time, least) in times {
            let Some(time) = time else { continue };
            ensure!(
                (least..=LONGEST).contains(&time),
                "human.page.{key} must be {least} to {LONGEST} seconds, not {time}"
            );
        }
        let Some(words) = &self.words else { return Ok(()) };
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (index, word) in words.iter().enumerate() {
            ensure!(!word.trim().is_empty(), "human.page.words: word {} is empty", index + 1);
            ensure!(
                word.chars().count() <= LONGEST_WORD && !word.contains(char::is_control),
                "human.page.words: word {} has more than {LONGEST_WORD} letters, or a line's end: a button has room for one short line",
                index + 1
            );
            let looks = word.nfkc().collect::<String>().trim().to_lowercase();
            if let Some(other) = seen.insert(looks, word) {
                bail!(
                    "human.page.words has {other:?} and {word:?}: participants could not tell the labels apart"
                );
            }
        }
        Ok(())
    }
}
