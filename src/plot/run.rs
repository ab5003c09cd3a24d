//! Runs that belong to no experiment: three panels for each condition, as many pages as it takes.

use std::collections::HashMap;

use super::axis::Axis;
use super::canvas::{Canvas, Rectangle};
use super::curve::{Account, Clock, Curve, median_phase};
use super::legend::{Entry, Sample, footer, legend};
use super::names::shortened;
use super::page::{END, ONSET, footer_notes, mark_phase, seeds};
use super::panel::{Panel, Shown};
use super::reference::{ocs_floors, thresholds};
use super::run_words::{state_in_words, verdict_in_words, why_empty, why_undecided};
use super::scales::{clock_axis, clock_range, distance_axis, fraction_axis, rate_axis};
use super::style::{
    AT_OCS, Look, NOTE_SIZE, PAGE_WIDTH, POINT_RADIUS, TEXT_SIZE, THRESHOLD, TITLE_SIZE,
    level_look, look,
};
use super::text::{Anchor, Text, text_width};
use crate::record::{Record, Status};

const LEFTS: [f64; 3] = [44.0, 206.0, 368.0];
const WIDTH: f64 = 124.0;
/// Left and right end of what stands above the panels.
const MARGINS: (f64, f64) = (12.0, PAGE_WIDTH - 12.0);
/// 9.7 inches: with its margins a page of A4, and nearly one of letter paper.
const PAGE_HEIGHT: f64 = 698.0;
/// So many conditions on a page leave panels that can be read.
const MOST_ROWS: usize = 8;
/// Height of a condition's panels where there is room.
const HEIGHT: f64 = 76.0;
/// Above a condition's panels: its name, and below that what it came to.
const ABOVE: f64 = 24.0;
/// Below the last panels: numbers and title of their axis, and the footer.
const BELOW: f64 = 42.0;

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
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for group in &groups {
        *counts.entry(group[0].display_name()).or_default() += 1;
    }
    let names: Vec<String> = groups
        .iter()
        .map(|group| match (group[0].display_name(), &*group[0].condition) {
            (label, name) if counts[label] > 1 && label != name => format!("{label} ({name})"),
            (label, _) => label.to_owned(),
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let room = MARGINS.1 - LEFTS[0];
    let names = shortened(&names, |name| text_width(name, TEXT_SIZE, true), room);
    names.into_iter().zip(groups).map(|(name, records)| Condition { name, records }).collect()
}

/// The figure: `M` and `V`, distances, and true negative rates, a row for each condition. All pages share the axis of time.
pub fn pages(records: &[Record]) -> Vec<Canvas> {
    let conditions = conditions(records);
    let n_pages = conditions.len().div_ceil(MOST_ROWS).max(1);
    // As many on each page, so that none is nearly empty.
    let rows = conditions.len().div_ceil(n_pages).max(1);
    let accounts = accounts(&records.iter().collect::<Vec<_>>());
    let time = clock_axis(clock_range(&accounts, Clock::Time), Clock::Time);
    let pages = (0..n_pages).map(|index| {
        let shown = conditions.chunks(rows).nth(index).unwrap_or_default();
        page(records, shown, (index, n_pages), rows, &time)
    });
    pages.collect()
}

fn page(
    records: &[Record],
    conditions: &[Condition],
    (index, n_pages): (usize, usize),
    rows: usize,
    time: &Axis,
) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, 0.0);
    let name = records.first().map_or("", |record| &*record.config.name);
    let number = match n_pages {
        1 => String::new(),
        _ => format!(", page {} of {n_pages}", index + 1),
    };
    let width = |text: &str| text_width(text, TITLE_SIZE, true);
    let room = MARGINS.1 - MARGINS.0 - width(&number);
    let title = format!("{}{number}", shortened(&[name], width, room)[0]);
    canvas.text(Text::centred(title, (MARGINS.0, 12.0), Anchor::Start, TITLE_SIZE).bold());
    let top = explanation(&mut canvas, records) + 8.0;
    let row = ((PAGE_HEIGHT - top - BELOW) / rows as f64).min(HEIGHT + ABOVE);
    for (index, condition) in conditions.iter().enumerate() {
        let top = top + index as f64 * row + ABOVE;
        let frames = LEFTS.map(|left| Rectangle { left, top, width: WIDTH, height: row - ABOVE });
        draw(&mut canvas, condition, &frames, time, index + 1 == conditions.len());
    }
    canvas.height = top + conditions.len() as f64 * row + BELOW;
    let several = conditions.iter().any(|condition| condition.records.len() > 1);
    let bands = if several { "Lines: median over seeds, bands: their range. " } else { "" };
    let notes = format!("{bands}{}.", footer_notes(records));
    let middle = canvas.height - 12.0;
    footer(&mut canvas, middle, MARGINS, &notes);
    canvas
}

/// What the looks mean. Returns the middle of its last line.
fn explanation(canvas: &mut Canvas, records: &[Record]) -> f64 {
    let line = |index: usize| Sample::LineAndBand(look(index).stroke(1.0));
    let n_levels = records.iter().map(|record| record.levels.len()).max().unwrap_or(0);
    let mut entries = vec![
        Entry::new(line(0), "M / ‖ȳ‖ (left), distance to OCS (middle)"),
        Entry::new(line(1), "√(V / V of targets) (left), distance to targets (middle)"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset (not shaded)"),
        Entry::new(Sample::Upright(END), "end (not shaded)"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ];
    entries.extend((0..n_levels).map(|level| {
        let stroke = level_look(level).stroke(1.0);
        Entry::new(Sample::LineAndBand(stroke), format!("level {}", level + 1))
    }));
    entries.push(Entry::new(Sample::Line(AT_OCS), "value at the OCS"));
    legend(canvas, (MARGINS.0, 26.0), MARGINS.1, &entries)
}

fn accounts<'a>(records: &[&'a Record]) -> Vec<Account<'a>> {
    records.iter().map(|record| Account::of_run(record, Clock::Time)).collect()
}

/// Complete runs; where there are none, those that were observed after step 0, as far as they went. One run that diverged
/// at its first step must not hide those that did not.
fn shown<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    let of = |wanted: &dyn Fn(&Record) -> bool| -> Vec<&'a Record> {
        records.iter().copied().filter(|record| wanted(record)).collect()
    };
    let was_observed = |record: &Record| record.curves.time.iter().any(|time| *time > 0.0);
    let complete = of(&|record| record.status == Status::Complete && was_observed(record));
    if complete.is_empty() { of(&was_observed) } else { complete }
}

fn draw(
    canvas: &mut Canvas,
    Condition { name, records }: &Condition,
    frames: &[Rectangle; 3],
    time: &Axis,
    last: bool,
) {
    let top = frames[0].top;
    let title = Text::new(name, (LEFTS[0], top - 12.5), Anchor::Start, TEXT_SIZE);
    canvas.text(title.bold());
    let shown = shown(records);
    let note = Text::new(words(records, &shown), (LEFTS[0], top - 4.0), Anchor::Start, NOTE_SIZE);
    canvas.text(note);
    let runs = accounts(&shown);
    let heights = [
        fraction_axis(&runs, time),
        distance_axis(&runs, time),
        rate_axis(&runs, time, "graded TNR"),
    ];
    let panel =
        |index: usize| Panel { frame: frames[index], x: time.clone(), y: heights[index].clone() };
    let panels = [panel(0), panel(1), panel(2)];
    match shown.first() {
        Some(record) => curves(canvas, &panels, record, &shown, &runs),
        None => {
            for panel in &panels {
                panel.note(canvas, &why_empty(records));
            }
        }
    }
    for panel in &panels {
        panel.axes(canvas, Shown { x: last, y: true });
    }
}

/// What a condition's runs came to; why a verdict is open has what room is left.
fn words(records: &[&Record], shown: &[&Record]) -> String {
    let width = |text: &str| text_width(text, NOTE_SIZE, false);
    let room = MARGINS.1 - LEFTS[0];
    let words = [verdict_in_words(shown), state_in_words(records)];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    let words = shortened(&[&words.join("; ")], width, room).concat();
    let before = format!("{words}; ");
    match why_undecided(shown) {
        why if why.is_empty() => words,
        why => before.clone() + &shortened(&[&why], width, room - width(&before)).concat(),
    }
}

fn curves(
    canvas: &mut Canvas,
    panels: &[Panel; 3],
    record: &Record,
    shown: &[&Record],
    runs: &[Account],
) {
    let phase = median_phase(shown, Clock::Time);
    for panel in panels {
        mark_phase(canvas, panel, &phase);
    }
    let [fraction, distance, rate] = panels;
    thresholds(canvas, fraction, record.config.phase_threshold, false);
    line(canvas, fraction, runs, look(0), Account::mean_output_error);
    line(canvas, fraction, runs, look(1), Account::input_dependence);
    line(canvas, distance, runs, look(0), Account::distance_to_ocs);
    line(canvas, distance, runs, look(1), Account::distance_to_targets);
    ocs_floors(canvas, rate, &runs[0], false);
    for level in (0..runs[0].levels().len()).rev() {
        line(canvas, rate, runs, level_look(level), |run| run.true_negative_rate(level));
    }
}

/// Median and band of several seeds; a dot where there is one place alone, through which no line goes.
fn line<'a>(
    canvas: &mut Canvas,
    panel: &Panel,
    runs: &[Account<'a>],
    look: Look,
    of: impl Fn(&Account<'a>) -> Curve,
) {
    seeds(canvas, panel, runs, look, &of);
    let alone = |curve: &Curve| curve.points.iter().filter(|point| point.0 > 0.0).count() == 1;
    for curve in runs.iter().map(&of).filter(alone) {
        for (x, y) in curve.points {
            if let Some(y) = y {
                panel.dot(canvas, (x, y), look, POINT_RADIUS);
            }
        }
    }
}
