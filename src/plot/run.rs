//! Runs that belong to no experiment: three panels for each condition, as many pages as it takes.

use std::collections::HashMap;

use super::curve::Clock;
use super::names::shortened;
use super::over_time::Subject;
use super::page::{Measure, Page, Panel, TEXT_ROOM};
use super::run_words::{
    of_few_moments, shown, state_in_words, verdict_in_words, why_empty, why_undecided,
};
use super::style::{LETTER_SIZE, NOTE_SIZE, TEXT_SIZE};
use super::symbols;
use super::text::text_width;
use crate::record::{Record, Status};

/// So many conditions on a page leave panels that can be read.
const MOST_ROWS: usize = 8;

/// One condition with its seeds.
struct Condition<'a> {
    name: String,
    records: Vec<&'a Record>,
}

/// Conditions in the order of their records, under names that fit.
fn conditions(records: &[Record]) -> Vec<Condition<'_>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let place = *places.entry(&record.condition).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(record);
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for group in &groups {
        *counts.entry(group[0].display_name()).or_default() += 1;
    }
    let names: Vec<String> = groups
        .iter()
        .map(|group| match (group[0].display_name(), &*group[0].condition) {
            (label, name) if counts[&label] > 1 && label != name => format!("{label} ({name})"),
            (label, _) => label,
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = shortened(&names, |name| text_width(name, TEXT_SIZE, true), TEXT_ROOM);
    names.into_iter().zip(groups).map(|(name, records)| Condition { name, records }).collect()
}

/// The figure: `M` and `V`, distances, and true negative rates, a row for each condition. All pages share the axis of time.
pub fn pages(records: &[Record]) -> Vec<Page> {
    let conditions = conditions(records);
    let n_pages = conditions.len().div_ceil(MOST_ROWS).max(1);
    // As many on each page, so that none is nearly empty.
    let rows = conditions.len().div_ceil(n_pages).max(1);
    let times = records.iter().flat_map(|record| &record.curves.time).copied();
    // A later stretch is as long as an earlier one only where time is evenly spaced.
    let has_stretches = records.iter().any(|record| !record.stretches.is_empty());
    let time = if has_stretches { Measure::even_time() } else { Measure::time() };
    let time = match records.iter().any(|record| record.config.changes_its_rate()) {
        true => time.titled("time t = sum of η"),
        false => time,
    };
    let time = time.including(times);
    let pages = (0..n_pages).map(|index| {
        let title = title(records, (index, n_pages));
        let shown = conditions.chunks(rows).nth(index).unwrap_or_default();
        let page = shown.iter().fold(Page::new(title), |page, condition| {
            page.plain(&*condition.name, words(&condition.records), panels(condition, &time))
        });
        let several = shown.iter().any(|condition| condition.records.len() > 1);
        let page = page.key(symbols::CROSSING.into_iter().chain([symbols::D, symbols::TNR]));
        let seeds = if several { "Lines: median over seeds, bands: their range." } else { "" };
        let all: Vec<&Record> = shown.iter().flat_map(|it| it.records.iter().copied()).collect();
        page.notes(format!("{seeds} {}", of_few_moments(&all)).trim())
    });
    pages.collect()
}

fn title(records: &[Record], (index, n_pages): (usize, usize)) -> String {
    let name = records.first().map_or("", |record| &*record.config.name);
    let number = match n_pages {
        1 => String::new(),
        _ => format!(", page {} of {n_pages}", index + 1),
    };
    let width = |text: &str| text_width(text, LETTER_SIZE, true);
    format!("{}{number}", shortened(&[name], width, TEXT_ROOM - width(&number))[0])
}

fn panels(condition: &Condition, time: &Measure) -> [Panel; 3] {
    let shown = shown(&condition.records);
    // What little such a run shows may lie beyond every axis.
    let is_short = shown.iter().any(|record| record.status != Status::Complete);
    let words = if is_short { state_in_words(&condition.records) } else { String::new() };
    let subject = Subject::of_seeds(&shown, Clock::Time);
    let has_diverged = |record: &&Record| matches!(record.status, Status::Diverged { .. });
    let subject = if shown.iter().any(has_diverged) { subject.without_phase() } else { subject };
    let panels = [subject.crossing(), subject.distances(), subject.true_negative_rates()];
    let has_levels = condition.records.iter().any(|record| !record.levels.is_empty());
    let [crossing, distances, rates] = panels.map(|panel| {
        let panel = panel.across(time.clone()).apart().saying(&*words);
        panel.missing(why_empty(&condition.records))
    });
    let rates =
        if has_levels { rates } else { rates.missing("a task without a tree has no levels") };
    [crossing, distances, rates]
}

/// What a condition's runs came to; why a verdict is open has what room is left.
fn words(records: &[&Record]) -> String {
    let shown = shown(records);
    let width = |text: &str| text_width(text, NOTE_SIZE, false);
    let words = [verdict_in_words(&shown), state_in_words(records)];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    let words = shortened(&[&words.join("; ")], width, TEXT_ROOM).concat();
    let before = format!("{words}; ");
    match why_undecided(&shown) {
        // What became of it is said already.
        why if why.is_empty()
            || shown.iter().all(|run| run.status.diverged_in_words().is_some()) =>
        {
            words
        }
        why => before.clone() + &shortened(&[&why], width, TEXT_ROOM - width(&before)).concat(),
    }
}
