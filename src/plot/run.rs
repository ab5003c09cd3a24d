//! Runs that belong to no experiment: three panels for each condition.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rectangle, Text};
use super::curve::{Account, Clock, Curve, median_phase};
use super::legend::{Entry, Sample, footer, legend};
use super::page::{clock_range, footer_notes, mark_phase, phase_in_words, seeds, value_range};
use super::panel::{Panel, Shown};
use super::style::{
    Dash, GREY, NOTE_SIZE, PAGE_WIDTH, Stroke, TEXT_SIZE, THRESHOLD, TITLE_SIZE, level_look, look,
};
use crate::record::Record;

const LEFTS: [f64; 3] = [44.0, 206.0, 368.0];
const WIDTH: f64 = 124.0;
const HEIGHT: f64 = 76.0;
const TOP: f64 = 62.0;
const ROW: f64 = HEIGHT + 22.0;
/// A page of more conditions than this could not be printed.
const MOST_CONDITIONS: usize = 12;
const SMALLEST_DISTANCE: f64 = 1e-6;

/// The figure: `M` and `V`, distances, and true negative rates, a row for each condition.
pub fn figure(records: &[Record]) -> Canvas {
    let mut names: Vec<&str> = records.iter().map(|record| &*record.condition).collect();
    names.sort_unstable();
    names.dedup();
    let left_out = names.len().saturating_sub(MOST_CONDITIONS);
    names.truncate(MOST_CONDITIONS);
    let height = TOP + names.len() as f64 * ROW + 36.0;
    let mut canvas = Canvas::new(PAGE_WIDTH, height);
    let accounts = records.iter().map(|record| Account::of_run(record, Clock::Time));
    let (from, to) = clock_range(accounts, Clock::Time);
    let time = Axis::logarithmic(from, to, "time t = η · step");
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
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ];
    entries.extend((0..n_levels).map(|level| {
        let stroke = level_look(level).stroke(1.0);
        Entry::new(Sample::LineAndBand(stroke), format!("level {}", level + 1))
    }));
    let floor = Stroke::broken(GREY, 0.8, Dash::Dotted);
    entries.push(Entry::new(Sample::Line(floor), "value at the OCS"));
    legend(canvas, (12.0, 26.0), PAGE_WIDTH - 12.0, &entries);
}

fn condition(canvas: &mut Canvas, runs: &[&Record], time: &Axis, top: f64, last: bool) {
    let phase = median_phase(runs, Clock::Time);
    let Some(record) = runs.first() else { return };
    let title = Text::new(&*record.condition, (LEFTS[0], top - 4.0), Anchor::Start, TEXT_SIZE);
    let after = (title.bold().bounds().right() + 8.0, top - 4.0);
    let title = Text::new(&*record.condition, (LEFTS[0], top - 4.0), Anchor::Start, TEXT_SIZE);
    canvas.text(title.bold());
    canvas.text(Text::new(phase_in_words(&phase), after, Anchor::Start, NOTE_SIZE));
    let runs: Vec<Account> = runs.iter().map(|run| Account::of_run(run, Clock::Time)).collect();
    let curves: Vec<Curve> =
        runs.iter().flat_map(|run| [run.distance_to_ocs(), run.distance_to_targets()]).collect();
    let (low, high) = value_range(curves.iter(), time.low, time.high);
    let axes = [
        Axis::linear(-0.03, 1.1, "fraction"),
        Axis::logarithmic((low / 1.6).max(SMALLEST_DISTANCE), high * 1.8, "D / V of targets"),
        Axis::linear(0.45, 1.03, "graded TNR"),
    ];
    for (index, y) in axes.into_iter().enumerate() {
        let frame = Rectangle { left: LEFTS[index], top, width: WIDTH, height: HEIGHT };
        let panel = Panel { frame, x: time.clone(), y };
        mark_phase(canvas, &panel, &phase);
        match index {
            0 => {
                let threshold = record.config.phase_threshold;
                panel.horizontal(canvas, threshold, THRESHOLD);
                panel.horizontal(canvas, threshold.sqrt(), THRESHOLD);
                seeds(canvas, &panel, &runs, look(0), Account::mean_output_error);
                seeds(canvas, &panel, &runs, look(1), Account::input_dependence);
            }
            1 => {
                seeds(canvas, &panel, &runs, look(0), Account::distance_to_ocs);
                seeds(canvas, &panel, &runs, look(1), Account::distance_to_targets);
            }
            _ => rates(canvas, &panel, &runs),
        }
        panel.axes(canvas, Shown { x: last, y: true });
    }
}

fn rates(canvas: &mut Canvas, panel: &Panel, runs: &[Account]) {
    let Some(account) = runs.first() else { return };
    for level in 0..account.levels().len() {
        if let Some(floor) = account.ocs_floor(level) {
            let stroke = Stroke::broken(level_look(level).colour, 0.8, Dash::Dotted);
            panel.horizontal(canvas, floor, stroke);
        }
    }
    for level in (0..account.levels().len()).rev() {
        let look = level_look(level);
        seeds(canvas, panel, runs, look, |run| run.true_negative_rate(level));
    }
}
