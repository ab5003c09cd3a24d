//! What runs came to: a table with a row for each cell (and stretch), or JSON with an entry for each run.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::output;
use crate::claim::Measurement;
use crate::config::{Cell, Config, short_keys, value_in_words};
use crate::metrics::{Phase, PhaseVerdict};
use crate::record::{self, CellRecord, PhaseAt, Record, Status};
use crate::sweep::Options;

/// One run, as JSON tells it.
#[derive(Serialize)]
pub struct RunSummary {
    condition: String,
    /// The condition and the values of a cell of a grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<CellRecord>,
    seed: u64,
    /// Bytes that are no text are replaced: JSON holds text alone.
    record: String,
    status: Status,
    phase: Phase,
    smallest_top_level_true_negative_rate: Option<f64>,
    final_loss: Option<f64>,
    wall_time: f64,
    /// One for each stretch of training, where there are several; those above are of the first, or of all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stretches: Vec<StretchSummary>,
}

/// One stretch of a run. Its phase's times are those since it began.
#[derive(Serialize)]
struct StretchSummary {
    label: String,
    first_step: u64,
    start_time: f64,
    phase: Phase,
    smallest_top_level_true_negative_rate: Option<f64>,
    final_loss: Option<f64>,
}

impl RunSummary {
    pub fn of(record: &Record, folder: &Path) -> Self {
        let curves = &record.curves;
        let parts = record.stretches.iter().zip(Part::all_of(record));
        let stretch = |(stretch, part): (&record::StretchRecord, Part)| StretchSummary {
            label: stretch.label.clone(),
            first_step: stretch.first_step,
            start_time: stretch.start_time,
            phase: stretch.phase.clone(),
            smallest_top_level_true_negative_rate: part.smallest_rate,
            final_loss: part.final_loss,
        };
        RunSummary {
            condition: record.condition.clone(),
            cell: record.cell.clone(),
            seed: record.seed,
            record: record::path_of(folder, &record.condition, record.seed)
                .to_string_lossy()
                .into_owned(),
            status: record.status.clone(),
            phase: record.phase.clone(),
            smallest_top_level_true_negative_rate: curves.smallest_top_level_true_negative_rate(),
            final_loss: curves.loss.last().copied(),
            wall_time: record.wall_time,
            stretches: parts.map(stretch).collect(),
        }
    }
}

/// What a row tells of one run: of its only stretch, or of one of several.
struct Part<'a> {
    phase: &'a Phase,
    others: &'a [PhaseAt],
    smallest_rate: Option<f64>,
    final_loss: Option<f64>,
}

impl<'a> Part<'a> {
    /// Those of a run, in their order. A stretch that was not reached has no phase and no loss.
    fn all_of(record: &'a Record) -> Vec<Part<'a>> {
        let verdicts: Vec<(&Phase, &[PhaseAt])> = match &record.stretches[..] {
            [] => vec![(&record.phase, &record.phase_sensitivity)],
            several => several.iter().map(|s| (&s.phase, &*s.phase_sensitivity)).collect(),
        };
        let curves = &record.curves;
        let part = |((phase, others), moments): ((_, _), std::ops::Range<usize>)| {
            let rates =
                curves.true_negative_rate.first().and_then(|rates| rates.get(moments.clone()));
            Part {
                phase,
                others,
                smallest_rate: rates
                    .into_iter()
                    .flatten()
                    .flatten()
                    .copied()
                    .min_by(f64::total_cmp),
                final_loss: curves.loss.get(moments).and_then(<[f64]>::last).copied(),
            }
        };
        verdicts.into_iter().zip(record.moments_of_stretches()).map(part).collect()
    }
}

/// The records of a cell's runs that are there.
///
/// # Errors
///
/// If one of those that must be there is not, or cannot be read.
pub fn records_of(
    cell: &Cell,
    config: &Config,
    options: &Options,
    must_be_there: &dyn Fn(&str, u64) -> bool,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for &seed in &config.seeds {
        if must_be_there(&cell.name, seed) {
            records.push(record::read_json(&record::path_of(&options.folder, &cell.name, seed))?);
        }
    }
    Ok(records)
}

/// A table in the making: medians would hide a seed, so ranges are told.
pub struct Table {
    has_conditions: bool,
    has_stretches: bool,
    has_states: bool,
    rows: Vec<Vec<String>>,
    /// Why runs have no phase, or are undecided, each once.
    reasons: Vec<String>,
}

impl Table {
    /// Of what runs came to; `has_states` if rows tell how far they are.
    pub fn new(cells: &[Cell], has_states: bool) -> Self {
        let mut table = Table::of_cells(cells);
        table.has_states = has_states;
        table.has_stretches = cells.iter().any(|cell| cell.config.phases.len() > 1);
        let Table { has_stretches, rows, .. } = &mut table;
        let heading = &mut rows[0];
        heading.extend(has_states.then(|| "state".to_owned()));
        heading.extend(has_stretches.then(|| "stretch".to_owned()));
        let rest = [
            "runs",
            "phase",
            "at 0.05, 0.2",
            "onset",
            "end",
            "ln(end/onset)",
            "min TNR level 1",
            "final loss",
        ];
        heading.extend(rest.map(str::to_owned));
        table
    }

    /// Of what is to be done.
    pub fn of_plan(cells: &[Cell]) -> Self {
        let mut table = Table::of_cells(cells);
        table.rows[0].extend(["steps", "runs", "to do"].map(str::to_owned));
        table
    }

    fn of_cells(cells: &[Cell]) -> Self {
        let keys = cells.first().map(|cell| short_keys(&cell.values)).unwrap_or_default();
        let has_conditions = keys.is_empty() || cells.iter().any(|cell| cell.condition.is_some());
        let condition = has_conditions.then(|| "condition".to_owned());
        let heading = condition.into_iter().chain(keys).collect();
        Table {
            has_conditions,
            has_stretches: false,
            has_states: false,
            rows: vec![heading],
            reasons: Vec::new(),
        }
    }

    /// A row of a cell's runs, or one for each stretch.
    pub fn push(&mut self, cell: &Cell, records: &[Record], states: &str) {
        let of_runs: Vec<Vec<Part>> = records.iter().map(Part::all_of).collect();
        let n_parts = of_runs.iter().map(Vec::len).max().unwrap_or(1);
        for index in 0..n_parts {
            let parts: Vec<&Part> = of_runs.iter().filter_map(|parts| parts.get(index)).collect();
            let mut row = self.setting(cell);
            row.extend(self.has_states.then(|| states.to_owned()));
            if self.has_stretches {
                let stretch = records.iter().find_map(|record| record.stretches.get(index));
                row.push(stretch.map_or("-", |stretch| &*stretch.label).to_owned());
            }
            row.push(n_runs(records));
            row.extend(measured(&parts));
            self.rows.push(row);
            for phase in parts.iter().map(|part| part.phase) {
                let reason = format!("{}: {}", phase.verdict.word(), phase.why);
                if phase.verdict != PhaseVerdict::Phase && !self.reasons.contains(&reason) {
                    self.reasons.push(reason);
                }
            }
        }
    }

    /// A row of how far a cell's runs are, and how many of them are to be done.
    pub fn push_plan(&mut self, cell: &Cell, states: &str, to_do: usize) {
        let mut row = self.setting(cell);
        row.extend([cell.config.total_steps().to_string(), states.to_owned(), to_do.to_string()]);
        self.rows.push(row);
    }

    /// A cell's condition and its values.
    fn setting(&self, cell: &Cell) -> Vec<String> {
        let name = cell.condition.as_deref().unwrap_or(&cell.name);
        let condition = self.has_conditions.then(|| cell.config.display_name(name).to_owned());
        let values = cell.values.0.iter().map(|entry| value_in_words(&entry.value));
        condition.into_iter().chain(values).collect()
    }

    pub fn text(&self) -> String {
        output::table(&self.rows)
    }

    /// Says why runs have no phase, or why that is undecided, as far as a few lines hold it.
    pub fn tell_reasons(&self) {
        const MOST: usize = 4;
        for reason in self.reasons.iter().take(MOST) {
            tracing::info!("{reason}");
        }
        if self.reasons.len() > MOST {
            tracing::info!("{} reasons more: phase.why of each record", self.reasons.len() - MOST);
        }
    }
}

fn measured(parts: &[&Part]) -> Vec<String> {
    let range = |value: &dyn Fn(&Part) -> Option<f64>| {
        let values: Vec<Option<f64>> = parts.iter().map(|part| value(part)).collect();
        let Measurement { min, max, .. } = Measurement::of("", &values);
        // As they are shown: what differs by rounding is one number.
        let (least, most) = (output::number(min), output::number(max));
        if least == most { least } else { format!("{least}..{most}") }
    };
    vec![
        PhaseVerdict::tally(parts.iter().map(|part| part.phase.verdict)),
        other_thresholds(parts),
        range(&|part| part.phase.onset),
        range(&|part| part.phase.end),
        range(&|part| part.phase.log_ratio),
        range(&|part| part.smallest_rate),
        range(&|part| part.final_loss),
    ]
}

/// `5`, or `5 (1 distinct)`.
fn n_runs(records: &[Record]) -> String {
    let distinct = record::distinct_runs(records.to_vec()).len();
    if distinct == records.len() {
        distinct.to_string()
    } else {
        format!("{} ({distinct} distinct)", records.len())
    }
}

/// The verdicts at the other thresholds, `=` where they are the same as at the config's own.
fn other_thresholds(parts: &[&Part]) -> String {
    let own = PhaseVerdict::tally(parts.iter().map(|part| part.phase.verdict));
    let n_others = parts.iter().map(|part| part.others.len()).max().unwrap_or(0);
    let at = |index: usize| {
        let at = parts.iter().filter_map(|part| part.others.get(index));
        let words = PhaseVerdict::tally(at.map(|at| at.phase.verdict));
        if words == own { "same".to_owned() } else { words }
    };
    let all: Vec<String> = (0..n_others).map(at).collect();
    if all.iter().all(|words| words == "same") { "same".to_owned() } else { all.join("; ") }
}
