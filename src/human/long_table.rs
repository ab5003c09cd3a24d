//! One row a trial and label, for mixed models: `lme4` in R, `statsmodels` in Python.

use std::io::Write;

use anyhow::Result;

use super::folder::HumanData;
use super::oddities::excluded;
use super::tree::Taught;
use crate::config::Exclude;

/// Columns.
pub const COLUMNS: [&str; 12] = [
    "participant",
    "excluded",
    "day",
    "block",
    "trial",
    "time",
    "item",
    "label",
    "level",
    "base_rate",
    "target",
    "response",
];

/// Writes the table. Blocks of `size` trials count from 1 on each day, `time` counts a participant's trials from 1; labels and levels
/// count from 1, items from 0, as in the data; a missing response is empty.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_long<W: Write>(
    data: &HumanData,
    taught: &Taught,
    size: usize,
    exclude: &Exclude,
    writer: W,
) -> Result<()> {
    let trials = &data.trials;
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(COLUMNS)?;
    let level_of = |label: usize| {
        taught.levels.iter().position(|columns| columns.contains(&label)).map_or(0, |at| at + 1)
    };
    let levels: Vec<String> =
        (0..taught.n_labels()).map(|label| level_of(label).to_string()).collect();
    let rates: Vec<String> = taught.ocs.iter().map(f64::to_string).collect();
    let named = |names: &[String], number: usize, first: usize| {
        names.get(number).cloned().unwrap_or_else(|| (number + first).to_string())
    };
    for own in trials.of_participants() {
        let is_excluded = excluded(trials, own.clone(), &data.about.odd, exclude).is_some();
        let (mut day, mut of_day) = (None, 0);
        for (time, index) in own.enumerate() {
            let trial = trials.trials[index];
            of_day = if day == Some(trial.day) { of_day + 1 } else { 0 };
            day = Some(trial.day);
            let item = trial.item as usize;
            let first = [
                trials.participants[trial.participant as usize].clone(),
                u8::from(is_excluded).to_string(),
                trial.day.to_string(),
                (of_day / size + 1).to_string(),
                trial.trial.to_string(),
                (time + 1).to_string(),
                named(&data.about.item_names, item, 0),
            ];
            for (label, response) in trials.responses(index).iter().enumerate() {
                let response = if response.is_nan() { String::new() } else { response.to_string() };
                let target = taught.targets[[item, label]].to_string();
                let name = named(&data.about.label_names, label, 1);
                let rest = [&name, &levels[label], &rates[label], &target, &response];
                writer.write_record(first.iter().chain(rest))?;
            }
        }
    }
    writer.flush()?;
    Ok(())
}
