//! Runs that belong to no experiment: three panels for each condition.

use super::axis::Axis;
use super::canvas::{Canvas, Rectangle};
use super::curve::{Account, Clock, median_phase};
use super::legend::{Entry, Sample, footer, legend};
use super::page::{END, ONSET, footer_notes, mark_phase, phase_in_words, seeds};
use super::panel::{Panel, Shown};
use super::reference::{ocs_floors, thresholds};
use super::scales::{clock_axis, clock_range, distance_axis, fraction_axis, rate_axis};
use super::style::{
    AT_OCS, NOTE_SIZE, PAGE_WIDTH, TEXT_SIZE, THRESHOLD, TITLE_SIZE, level_look, look,
};
use super::text::{Anchor, Text};
use crate::record::Record;

const LEFTS: [f64; 3] = [44.0, 206.0, 368.0];
const WIDTH: f64 = 124.0;
const HEIGHT: f64 = 76.0;
const TOP: f64 = 62.0;
const ROW: f64 = HEIGHT + 22.0;
/// A page of more conditions than this could not be printed.
const MOST_CONDITIONS: usize = 12;

/// The figure: `M` and `V`, distances, and true negative rates, a row for each condition.
pub fn figure(records: &[Record]) -> Canvas {
    let mut names: Vec<&str> = records.iter().map(|record| &*record.condition).collect();
    names.sort_unstable();
    names.dedup();
    let left_out = names.len().saturating_sub(MOST_CONDITIONS);
    names.truncate(MOST_CONDITIONS);
    let height = TOP + names.len() as f64 * ROW + 20.0;
    let mut canvas = Canvas::new(PAGE_WIDTH, height);
    let accounts: Vec<Account> =
        records.iter().map(|record| Account::of_run(record, Clock::Time)).collect();
    let time = clock_axis(clock_range(&accounts, Clock::Time), Clock::Time);
    top_of_page(&mut canvas, records);
    for (row, name) in names.iter().enumerate() {
        let runs: Vec<&Record> =
            records.iter().filter(|record| record.condition == *name).collect();
        let top = TOP + row as f64 * ROW;
        condition(&mut canvas, &runs, &time, top, row + 1 == names.len());
    }
    let more = match left_out {
        0 => String::new(),
        more => format!("; {more} more conditions are not shown"),
    };
    let notes = format!("{}{more}", footer_notes(records));
    footer(&mut canvas, height - 10.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn top_of_page(canvas: &mut Canvas, records: &[Record]) {
    let name = records.first().map_or("", |record| &*record.config.name);
    canvas.text(Text::centred(name, (12.0, 12.0), Anchor::Start, TITLE_SIZE).bold());
    let line = |index: usize| Sample::LineAndBand(look(index).stroke(1.0));
    let n_levels = records.iter().map(|record| record.levels.len()).max().unwrap_or(0);
    let mut entries = vec![
        Entry::new(line(0), "M / ‖ȳ‖ (left), distance to OCS (middle)"),
        Entry::new(line(1), "√(V / V of targets) (left), distance to targets (middle)"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset (no phase)"),
        Entry::new(Sample::Upright(END), "end (no phase)"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ];
    entries.extend((0..n_levels).map(|level| {
        let stroke = level_look(level).stroke(1.0);
        Entry::new(Sample::LineAndBand(stroke), format!("level {}", level + 1))
    }));
    entries.push(Entry::new(Sample::Line(AT_OCS), "value at the OCS"));
    legend(canvas, (12.0, 26.0), PAGE_WIDTH - 12.0, &entries);
}

fn condition(canvas: &mut Canvas, records: &[&Record], time: &Axis, top: f64, last: bool) {
    let Some(record) = records.first() else { return };
    let phase = median_phase(records, Clock::Time);
    let at = (LEFTS[0], top - 4.0);
    let title = Text::new(&*record.condition, at, Anchor::Start, TEXT_SIZE).bold();
    let after = (title.bounds().right() + 8.0, at.1);
    canvas.text(title);
    canvas.text(Text::new(phase_in_words(&phase), after, Anchor::Start, NOTE_SIZE));
    let runs: Vec<Account> =
        records.iter().map(|record| Account::of_run(record, Clock::Time)).collect();
    let heights = [
        fraction_axis(&runs, time),
        distance_axis(&runs, time),
        rate_axis(&runs, time, "graded TNR"),
    ];
    let panels = [0, 1, 2].map(|index| {
        let frame = Rectangle { left: LEFTS[index], top, width: WIDTH, height: HEIGHT };
        Panel { frame, x: time.clone(), y: heights[index].clone() }
    });
    for panel in &panels {
        mark_phase(canvas, panel, &phase);
    }
    let [fraction, distance, rate] = &panels;
    thresholds(canvas, fraction, record.config.phase_threshold, false);
    seeds(canvas, fraction, &runs, look(0), Account::mean_output_error);
    seeds(canvas, fraction, &runs, look(1), Account::input_dependence);
    seeds(canvas, distance, &runs, look(0), Account::distance_to_ocs);
    seeds(canvas, distance, &runs, look(1), Account::distance_to_targets);
    ocs_floors(canvas, rate, &runs[0], false);
    for level in (0..runs[0].levels().len()).rev() {
        seeds(canvas, rate, &runs, level_look(level), |run| run.true_negative_rate(level));
    }
    for panel in &panels {
        panel.axes(canvas, Shown { x: last, y: true });
    }
}
