//! Do networks trained on images visit the OCS first? Four networks by four pairs of biases and preprocessing, then the
//! top level's true negative rate of each, and one condition without biases in detail.

use crate::plot::axis::Axis;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve, median_phase};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::{END, ONSET, footer_notes, mark_phase, phase_in_words, seeds};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::{base_rates, ocs_floors, thresholds};
use crate::plot::scales::{clock_axis, clock_range, fraction_axis, rate_axis, response_axis};
use crate::plot::style::{
    AT_OCS, LETTER_SIZE, NOTE_SIZE, PAGE_WIDTH, TEXT_SIZE, THRESHOLD, TITLE_SIZE, level_look, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{DatasetRecord, Record, RunFolder, unpublished};

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
/// Wide enough for the numbers at the ends of neighbouring axes.
const GAP: f64 = 14.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 3.0 * GAP) / 4.0;
const PAGE_HEIGHT: f64 = 638.0;
const GRID_TOP: f64 = 70.0;
const GRID_HEIGHT: f64 = 62.0;
const GRID_STEP: f64 = GRID_HEIGHT + 12.0;
/// Top and height of the row of true negative rates, and of the row below.
const RATES: (f64, f64) = (405.0, 71.0);
const DETAIL: (f64, f64) = (526.0, 71.0);
/// From a row's panels up to the middle of its heading.
const HEADING: f64 = 18.0;

/// The figure for one data set.
pub fn figure(runs: &RunFolder, dataset: &str) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let shown: Vec<&Record> = NETWORKS
        .iter()
        .flat_map(|(network, _)| COLUMNS.iter().map(move |(rest, ..)| (network, rest)))
        .flat_map(|(network, rest)| runs.of(&format!("{network}-{rest}")))
        .collect();
    let shown = accounts(&shown);
    let step = clock_axis(clock_range(&shown, Clock::Step), Clock::Step);
    let fraction = fraction_axis(&shown, &step);
    let are_published = unpublished(&runs.records).is_empty();
    top_of_page(&mut canvas, &DatasetRecord::name_of(dataset, are_published));
    for (row, (network, _)) in NETWORKS.iter().enumerate() {
        for (column, (rest, ..)) in COLUMNS.iter().enumerate() {
            let records = runs.of(&format!("{network}-{rest}"));
            let (x, y) = (step.clone(), fraction.clone());
            let panel = Panel { frame: cell(row, column), x, y };
            crossing(&mut canvas, &records, &panel, (row, column));
        }
    }
    let rate = rate_axis(&shown, &step, "graded TNR, level 1");
    rates(&mut canvas, runs, (&step, &rate));
    detail(&mut canvas, &runs.of(IN_DETAIL.0), &step);
    let notes =
        format!("Lines: median over seeds, bands: their range. {}.", footer_notes(&runs.records));
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
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
        Entry::new(Sample::Upright(ONSET), "onset (no phase)"),
        Entry::new(Sample::Upright(END), "end (no phase)"),
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
    heading(canvas, ('a', "Crossings"), (12.0, 41.0), PAGE_WIDTH, &entries);
    for (column, (_, title, _)) in COLUMNS.iter().enumerate() {
        let at = (cell(0, column).centre().0, GRID_TOP - 13.0);
        canvas.text(Text::new(*title, at, Anchor::Middle, TITLE_SIZE).bold());
    }
    for (row, (_, name)) in NETWORKS.iter().enumerate() {
        let at = (17.0, cell(row, 0).centre().1);
        canvas.text(Text::new(*name, at, Anchor::Middle, TITLE_SIZE).bold().upward());
    }
}

/// `M` falling and `V` rising; which crosses its threshold first decides.
fn crossing(
    canvas: &mut Canvas,
    records: &[&Record],
    panel: &Panel,
    (row, column): (usize, usize),
) {
    let shown = Shown { x: row + 1 == NETWORKS.len(), y: column == 0 };
    let Some(record) = records.first() else {
        panel.note(canvas, "not run");
        panel.axes(canvas, shown);
        return;
    };
    mark_phase(canvas, panel, &median_phase(records, Clock::Step));
    let named = column + 1 == COLUMNS.len();
    thresholds(canvas, panel, record.config.phase_threshold, named);
    let runs = accounts(records);
    seeds(canvas, panel, &runs, look(0), Account::mean_output_error);
    seeds(canvas, panel, &runs, look(1), Account::input_dependence);
    let at = (panel.frame.centre().0, panel.frame.top - 3.5);
    canvas.text(Text::new(verdict(records), at, Anchor::Middle, NOTE_SIZE));
    panel.axes(canvas, shown);
}

fn accounts<'a>(records: &[&'a Record]) -> Vec<Account<'a>> {
    records.iter().map(|record| Account::of_run(record, Clock::Step)).collect()
}

/// The phase in words; where seeds disagree, how many have one.
fn verdict(records: &[&Record]) -> String {
    let with = records.iter().filter(|record| record.phase.is_there()).count();
    let undecided = records.iter().filter(|record| record.phase.exists.is_none()).count();
    if undecided > 0 && undecided < records.len() {
        format!("phase in {with} of {} seeds, undecided in {undecided}", records.len())
    } else if with > 0 && with < records.len() {
        format!("phase in {with} of {} seeds", records.len())
    } else {
        phase_in_words(&median_phase(records, Clock::Step))
    }
}

/// The top level's true negative rate of all networks, a panel for each column of the grid.
fn rates(canvas: &mut Canvas, runs: &RunFolder, (step, rate): (&Axis, &Axis)) {
    let named = NETWORKS
        .iter()
        .enumerate()
        .map(|(index, (_, name))| Entry::new(Sample::LineAndBand(look(index).stroke(1.0)), *name));
    let at_ocs = Entry::new(Sample::Line(AT_OCS), "value at the OCS");
    let entries: Vec<Entry> = named.chain([at_ocs]).collect();
    let at = (12.0, RATES.0 - HEADING);
    heading(canvas, ('b', "Top level's true negative rate"), at, PAGE_WIDTH, &entries);
    for (column, (rest, _, title)) in COLUMNS.iter().enumerate() {
        let (top, height) = RATES;
        let frame = Rectangle { top, height, ..cell(0, column) };
        let panel = Panel { frame, x: step.clone(), y: rate.clone() };
        canvas.text(Text::new(*title, (frame.centre().0, top - 4.0), Anchor::Middle, TEXT_SIZE));
        let networks: Vec<Vec<Account>> = NETWORKS
            .iter()
            .map(|(network, _)| accounts(&runs.of(&format!("{network}-{rest}"))))
            .collect();
        match networks.iter().flatten().next() {
            Some(account) => {
                if let Some(floor) = account.ocs_floor(0) {
                    panel.horizontal(canvas, floor, AT_OCS);
                }
            }
            None => panel.note(canvas, "not run"),
        }
        for (index, runs) in networks.iter().enumerate() {
            seeds(canvas, &panel, runs, look(index), |run| run.true_negative_rate(0));
        }
        panel.axes(canvas, Shown { x: true, y: column == 0 });
    }
}

/// Mean responses by label, and true negative rates by level, of one condition.
fn detail(canvas: &mut Canvas, records: &[&Record], step: &Axis) {
    let (top, height) = DETAIL;
    let bottom = top + height;
    let left = Rectangle::between(LEFT, top, cell(0, 1).right() - 20.0, bottom);
    let right = Rectangle::between(cell(0, 2).left + 20.0, top, cell(0, 3).right(), bottom);
    detail_heading(canvas, records.first().map_or(0, |record| record.levels.len()));
    for (frame, name) in [(left, "mean response by label"), (right, "true negative rate by level")]
    {
        canvas.text(Text::new(name, (frame.centre().0, top - 4.0), Anchor::Middle, TEXT_SIZE));
    }
    let runs = accounts(records);
    let responses: Vec<Curve> = runs
        .iter()
        .flat_map(|run| (0..run.ocs().len()).map(|label| run.mean_response(label)))
        .collect();
    let mean = Panel { frame: left, x: step.clone(), y: response_axis(&responses, step) };
    let rate = Panel { frame: right, x: step.clone(), y: rate_axis(&runs, step, "graded TNR") };
    let phase = median_phase(records, Clock::Step);
    for panel in [&mean, &rate] {
        if runs.is_empty() {
            panel.note(canvas, "not run");
        } else {
            mark_phase(canvas, panel, &phase);
        }
    }
    if let Some(account) = runs.first() {
        base_rates(canvas, &mean, account, true);
        ocs_floors(canvas, &rate, account, true);
        for level in (0..account.levels().len()).rev() {
            let look = level_look(level);
            for label in account.labels_of(level) {
                seeds(canvas, &mean, &runs, look, |run| run.mean_response(label));
            }
            seeds(canvas, &rate, &runs, look, |run| run.true_negative_rate(level));
        }
    }
    mean.axes(canvas, Shown { x: true, y: true });
    rate.axes(canvas, Shown { x: true, y: true });
}

fn detail_heading(canvas: &mut Canvas, n_levels: usize) {
    let named = (0..n_levels).map(|level| {
        let stroke = level_look(level).stroke(1.0);
        Entry::new(Sample::Line(stroke), format!("level {}", level + 1))
    });
    let at_ocs = Entry::new(Sample::Line(AT_OCS), "value at the OCS");
    let entries: Vec<Entry> = named.chain([at_ocs]).collect();
    heading(canvas, ('c', IN_DETAIL.1), (12.0, DETAIL.0 - HEADING), PAGE_WIDTH, &entries);
}
