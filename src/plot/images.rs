//! Do networks trained on images visit the OCS first? Four networks by four pairs of biases and preprocessing, then the
//! top level's true negative rate of each, and one condition without biases in detail.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rectangle, Text};
use super::curve::{Account, Clock, median_phase};
use super::legend::{Entry, Sample, footer, heading, legend};
use super::page::{END, ONSET, clock_range, footer_notes, mark_phase, phase_in_words, seeds};
use super::panel::{Panel, Shown};
use super::style::{
    Dash, GREY, LETTER_SIZE, NOTE_SIZE, PAGE_WIDTH, Stroke, TEXT_SIZE, THRESHOLD, TITLE_SIZE,
    level_look, look,
};
use crate::record::{Record, RunFolder};

/// Start of the condition's name, and the network that it stands for.
const NETWORKS: [(&str, &str); 4] =
    [("linear", "Linear"), ("mlp", "ReLU MLP"), ("cnn-relu", "ReLU CNN"), ("cnn-tanh", "tanh CNN")];
/// End of the condition's name, and what it stands for.
const COLUMNS: [(&str, &str, &str); 4] = [
    ("all-raw", "Biases, raw", "with biases, raw"),
    ("all-centred", "Biases, centred", "with biases, centred"),
    ("none-raw", "No biases, raw", "no biases, raw"),
    ("none-centred", "No biases, centred", "no biases, centred"),
];
/// The condition that is shown in detail.
const IN_DETAIL: (&str, &str) = ("cnn-relu-none-raw", "ReLU CNN, no biases, raw images");

const LEFT: f64 = 50.0;
const RIGHT: f64 = 28.0;
const GAP: f64 = 10.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 3.0 * GAP) / 4.0;
const PAGE_HEIGHT: f64 = 648.0;
const GRID_TOP: f64 = 68.0;
const GRID_HEIGHT: f64 = 66.0;
const GRID_STEP: f64 = GRID_HEIGHT + 7.0;
/// Top and height of the row of true negative rates, and of the row below.
const RATES: (f64, f64) = (412.0, 72.0);
const DETAIL: (f64, f64) = (532.0, 70.0);
/// From a row's panels up to the middle of its heading.
const HEADING: f64 = 10.0;

/// The figure for one data set.
pub fn figure(runs: &RunFolder, dataset: &str) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let shown = |record: &&Record| {
        NETWORKS.iter().any(|(network, _)| {
            COLUMNS.iter().any(|(rest, ..)| record.condition == format!("{network}-{rest}"))
        })
    };
    let accounts = runs.records.iter().filter(shown);
    let accounts = accounts.map(|record| Account::of_run(record, Clock::Step));
    let (from, to) = clock_range(accounts, Clock::Step);
    let step = Axis::logarithmic(from, to, "step");
    top_of_page(&mut canvas, dataset);
    for (row, (network, _)) in NETWORKS.iter().enumerate() {
        for (column, (rest, ..)) in COLUMNS.iter().enumerate() {
            let records = runs.of(&format!("{network}-{rest}"));
            crossing(&mut canvas, &records, &step, (row, column));
        }
    }
    rates(&mut canvas, runs, &step);
    detail(&mut canvas, runs, &step);
    let notes =
        format!("Lines: median over seeds, bands: their range. {}.", footer_notes(&runs.records));
    footer(&mut canvas, PAGE_HEIGHT - 16.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn cell(row: usize, column: usize) -> Rectangle {
    Rectangle {
        left: LEFT + column as f64 * (WIDTH + GAP),
        top: GRID_TOP + row as f64 * GRID_STEP,
        width: WIDTH,
        height: GRID_HEIGHT,
    }
}

fn top_of_page(canvas: &mut Canvas, dataset: &str) {
    let title = format!(
        "Do networks trained on {dataset} visit the optimal constant solution (OCS) first?"
    );
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let entries = [
        Entry::new(Sample::Shade, "OCS phase, onset to end (medians)"),
        Entry::new(Sample::Upright(ONSET), "onset"),
        Entry::new(Sample::Upright(END), "end, where there is no phase"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds of onset and end"),
    ];
    legend(canvas, (12.0, 27.0), PAGE_WIDTH, &entries);
    let entries = [
        Entry::new(Sample::LineAndBand(look(0).stroke(1.0)), "mean-output error, M / ‖ȳ‖"),
        Entry::new(
            Sample::LineAndBand(look(1).stroke(1.0)),
            "input dependence, √(V / V of targets)",
        ),
    ];
    heading(canvas, ('a', "Crossings"), (12.0, 42.0), PAGE_WIDTH, &entries);
    for (column, (_, title, _)) in COLUMNS.iter().enumerate() {
        let at = (cell(0, column).centre().0, GRID_TOP - 5.0);
        canvas.text(Text::new(*title, at, Anchor::Middle, TITLE_SIZE).bold());
    }
    for (row, (_, name)) in NETWORKS.iter().enumerate() {
        let at = (17.0, cell(row, 0).centre().1);
        canvas.text(Text::new(*name, at, Anchor::Middle, TITLE_SIZE).bold().upward());
    }
}

/// `M` falling and `V` rising; which crosses its threshold first decides.
fn crossing(canvas: &mut Canvas, records: &[&Record], step: &Axis, (row, column): (usize, usize)) {
    let y = Axis::linear(-0.03, 1.1, "fraction");
    let panel = Panel { frame: cell(row, column), x: step.clone(), y };
    let shown = Shown { x: row + 1 == NETWORKS.len(), y: column == 0 };
    let Some(record) = records.first() else {
        panel.note(canvas, "not run");
        panel.axes(canvas, shown);
        return;
    };
    let phase = median_phase(records, Clock::Step);
    mark_phase(canvas, &panel, &phase);
    let threshold = record.config.phase_threshold;
    for height in [threshold, threshold.sqrt()] {
        panel.horizontal(canvas, height, THRESHOLD);
        if column + 1 == COLUMNS.len() {
            let name = format!("{height:.3}");
            panel.name_height(canvas, height, name.trim_end_matches('0'));
        }
    }
    let runs = accounts(records);
    seeds(canvas, &panel, &runs, look(0), Account::mean_output_error);
    seeds(canvas, &panel, &runs, look(1), Account::input_dependence);
    let at = (panel.frame.left + 4.0, panel.frame.top + 0.47 * panel.frame.height);
    canvas.text(Text::centred(verdict(records), at, Anchor::Start, NOTE_SIZE));
    panel.axes(canvas, shown);
}

fn accounts<'a>(records: &[&'a Record]) -> Vec<Account<'a>> {
    records.iter().map(|record| Account::of_run(record, Clock::Step)).collect()
}

/// The phase in words; where seeds disagree, how many have one.
fn verdict(records: &[&Record]) -> String {
    let with = records.iter().filter(|record| record.phase.exists).count();
    if with == 0 {
        "no phase".to_owned()
    } else if with < records.len() {
        format!("phase in {with} of {} seeds", records.len())
    } else {
        phase_in_words(&median_phase(records, Clock::Step))
    }
}

/// The top level's true negative rate of all networks, a panel for each column of the grid.
fn rates(canvas: &mut Canvas, runs: &RunFolder, step: &Axis) {
    let mut entries: Vec<Entry> = NETWORKS
        .iter()
        .enumerate()
        .map(|(index, (_, name))| {
            Entry::new(Sample::LineAndBand(look(index).stroke(1.0)), (*name).to_owned())
        })
        .collect();
    let floor = Stroke::broken(GREY, 0.8, Dash::Dotted);
    entries.push(Entry::new(Sample::Line(floor), "value at the OCS"));
    let at = (12.0, RATES.0 - HEADING - 11.0);
    heading(canvas, ('b', "Top level's true negative rate"), at, PAGE_WIDTH, &entries);
    for (column, (rest, _, title)) in COLUMNS.iter().enumerate() {
        let (top, height) = RATES;
        let frame = Rectangle { top, height, ..cell(0, column) };
        let panel =
            Panel { frame, x: step.clone(), y: Axis::linear(0.45, 1.03, "graded TNR, level 1") };
        let at = (frame.centre().0, top - 4.0);
        canvas.text(Text::new(*title, at, Anchor::Middle, TEXT_SIZE));
        let networks: Vec<Vec<&Record>> =
            NETWORKS.iter().map(|(network, _)| runs.of(&format!("{network}-{rest}"))).collect();
        match networks.iter().flatten().next() {
            Some(record) => floor_of(canvas, &panel, record, 0, column + 1 == COLUMNS.len()),
            None => panel.note(canvas, "not run"),
        }
        for (index, records) in networks.iter().enumerate() {
            seeds(canvas, &panel, &accounts(records), look(index), |run| run.true_negative_rate(0));
        }
        panel.axes(canvas, Shown { x: true, y: column == 0 });
    }
}

/// A dotted line at the rate that the OCS has at a level.
fn floor_of(canvas: &mut Canvas, panel: &Panel, record: &Record, level: usize, named: bool) {
    if let Some(floor) = Account::of_run(record, Clock::Step).ocs_floor(level) {
        let colour = if level == 0 { GREY } else { level_look(level).colour };
        panel.horizontal(canvas, floor, Stroke::broken(colour, 0.8, Dash::Dotted));
        if named {
            panel.name_height(canvas, floor, format!("{floor:.3}").trim_end_matches('0'));
        }
    }
}

/// Mean responses by label, and true negative rates by level, of one condition.
fn detail(canvas: &mut Canvas, runs: &RunFolder, step: &Axis) {
    let records = runs.of(IN_DETAIL.0);
    let (top, height) = DETAIL;
    let right_half = cell(0, 2).left + 14.0;
    let right = cell(0, 3).right();
    let mean = Rectangle::between(LEFT, top, cell(0, 1).right() - 14.0, top + height);
    let rate = Rectangle::between(right_half, top, right, top + height);
    let n_levels = records.first().map_or(0, |record| record.levels.len());
    let mut entries: Vec<Entry> = (0..n_levels)
        .map(|level| {
            let stroke = level_look(level).stroke(1.0);
            Entry::new(Sample::Line(stroke), format!("level {}", level + 1))
        })
        .collect();
    let dotted = Stroke::broken(GREY, 0.8, Dash::Dotted);
    entries.push(Entry::new(Sample::Line(dotted), "the OCS"));
    let middle = top - HEADING;
    let title = format!("{}: {}", IN_DETAIL.1, "means over samples");
    heading(canvas, ('c', &title), (12.0, middle - 11.0), PAGE_WIDTH, &entries);
    for (frame, name) in [(mean, "mean response by label"), (rate, "true negative rate by level")] {
        let at = (frame.centre().0, top - 4.0);
        canvas.text(Text::new(name, at, Anchor::Middle, TEXT_SIZE));
    }
    let mean = Panel { frame: mean, x: step.clone(), y: Axis::linear(-0.02, 0.66, "response") };
    let rate = Panel { frame: rate, x: step.clone(), y: Axis::linear(0.45, 1.03, "graded TNR") };
    match records.first() {
        Some(record) => levels(canvas, (&mean, &rate), record, &records),
        None => {
            mean.note(canvas, "not run");
            rate.note(canvas, "not run");
        }
    }
    mean.axes(canvas, Shown { x: true, y: true });
    rate.axes(canvas, Shown { x: true, y: true });
}

fn levels(
    canvas: &mut Canvas,
    (mean, rate): (&Panel, &Panel),
    record: &Record,
    records: &[&Record],
) {
    let phase = median_phase(records, Clock::Step);
    mark_phase(canvas, mean, &phase);
    mark_phase(canvas, rate, &phase);
    let account = Account::of_run(record, Clock::Step);
    for level in 0..account.levels().len() {
        let look = level_look(level);
        let mut rates: Vec<f64> = account.labels_of(level).map(|k| account.ocs()[k]).collect();
        rates.dedup();
        for value in &rates {
            mean.horizontal(canvas, *value, Stroke::broken(look.colour, 0.8, Dash::Dotted));
        }
        floor_of(canvas, rate, record, level, true);
    }
    let runs = accounts(records);
    for level in (0..account.levels().len()).rev() {
        let look = level_look(level);
        for label in account.labels_of(level) {
            seeds(canvas, mean, &runs, look, |run| run.mean_response(label));
        }
        seeds(canvas, rate, &runs, look, |run| run.true_negative_rate(level));
    }
}
