//! Does the first response mirror the label distribution? A column for each tree: responses in the middle of the phase
//! against base rates, the crossing with biases and without, and base rates and responses label by label.

use crate::plot::axis::Axis;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock};
use crate::plot::legend::{Entry, Sample, footer, heading};
use crate::plot::page::{crossing_entries, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::thresholds;
use crate::plot::scales::{clock_axis, clock_range, fraction_axis};
use crate::plot::style::{
    BLUE, Colour, Dash, GREY, LETTER_SIZE, Look, Marker, NOTE_SIZE, PAGE_WIDTH, POINT_RADIUS,
    Stroke, TEXT_SIZE, THEORY, THRESHOLD, TITLE_SIZE, VERMILION, level_look, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder, TheoryRecord};

/// Conditions' beginnings, and titles.
const TREES: [(&str, &str); 3] =
    [("even", "Even tree"), ("uneven", "Uneven tree"), ("ragged", "Ragged tree")];

const PAGE_HEIGHT: f64 = 552.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 30.0;
const GAP: f64 = 20.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 2.0 * GAP) / 3.0;
/// Top and height of each row of panels.
const ROWS: [(f64, f64); 4] = [(66.0, 124.0), (246.0, 70.0), (344.0, 70.0), (459.0, 56.0)];
const SPACING: f64 = 4.5;
const IDENTITY: Stroke = Stroke::broken(GREY, 0.6, Dash::Dashed);
/// Bars of base rates.
const BARS: Colour = Colour(0xC8, 0xC8, 0xC8);
const ALL: Look = Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc };
const INPUT: Look = Look { colour: VERMILION, dash: Dash::Solid, marker: Marker::Triangle };

/// What one column shows.
struct Column<'a> {
    none: Option<&'a Record>,
    input: Option<&'a Record>,
    all: Option<&'a Record>,
    theories: [Option<&'a TheoryRecord>; 2],
    /// The tree with equal frequencies.
    uniform: Option<&'a TheoryRecord>,
}

impl<'a> Column<'a> {
    fn new(runs: &'a RunFolder, tree: &str) -> Column<'a> {
        let run = |bias: &str| runs.of(&format!("{tree}-{bias}")).first().copied();
        let theory = |bias: &str| runs.theory_of(&format!("{tree}-{bias}"));
        Column {
            none: run("none"),
            input: run("input"),
            all: run("all"),
            theories: [theory("all"), theory("none")],
            uniform: runs.theory_of(&format!("uniform-{tree}")),
        }
    }

    fn accounts(&self) -> Vec<Account<'a>> {
        let runs = [self.none, self.all].into_iter().flatten();
        runs.map(|record| Account::of_run(record, Clock::Time)).collect()
    }
}

/// Mean responses in the middle of a run's phase.
fn in_the_middle(record: Option<&Record>) -> Option<Vec<f64>> {
    let record = record?;
    record.curves.mean_response_at(record.phase.middle()?)
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let columns: Vec<Column> = TREES.iter().map(|(tree, _)| Column::new(runs, tree)).collect();
    let title = "Does the first response mirror the label distribution? Items come unequally often";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    headings(&mut canvas, runs);
    let accounts: Vec<Account> = columns.iter().flat_map(Column::accounts).collect();
    let last = clock_range(&accounts, Clock::Time).1;
    let time = clock_axis((last / 100.0, last), Clock::Time);
    let fraction = fraction_axis(&accounts, &time);
    for (index, column) in columns.iter().enumerate() {
        let at = (frame(index, ROWS[0]).centre().0, ROWS[0].0 - 5.0);
        canvas.text(Text::new(TREES[index].1, at, Anchor::Middle, TITLE_SIZE).bold());
        let frame = |row: usize| frame(index, ROWS[row]);
        scatter(&mut canvas, column, frame(0), index == 0);
        let last = index + 1 == columns.len();
        for (row, record) in [(1, column.all), (2, column.none)] {
            let panel = Panel { frame: frame(row), x: time.clone(), y: fraction.clone() };
            crossing(&mut canvas, record, column.theories[row - 1], &panel, last);
            panel.axes(&mut canvas, Shown { x: row == 2, y: index == 0 });
        }
        bars(&mut canvas, column, frame(3), index == 0);
    }
    let notes = format!(
        "Aligned starts. Responses: mean over items, at the geometric mean of onset and end. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn frame(column: usize, (top, height): (f64, f64)) -> Rectangle {
    Rectangle { left: LEFT + column as f64 * (WIDTH + GAP), top, width: WIDTH, height }
}

fn headings(canvas: &mut Canvas, runs: &RunFolder) {
    let n_levels = runs.records.iter().map(|record| record.levels.len()).max().unwrap_or(0);
    let mut entries: Vec<Entry> = (0..n_levels)
        .map(|level| Entry::new(Sample::Marker(level_look(level)), format!("level {}", level + 1)))
        .collect();
    let grey = Look { colour: GREY, ..level_look(0) };
    entries.push(Entry::new(Sample::Open(grey), "were frequencies equal"));
    entries.push(Entry::new(Sample::Line(IDENTITY), "response = base rate"));
    heading(
        canvas,
        ('a', "Mid-phase responses, biases in all layers"),
        (12.0, 31.0),
        PAGE_WIDTH,
        &entries,
    );
    let at = |row: usize, lift: f64| (12.0, ROWS[row].0 - lift);
    heading(canvas, ('b', "All biases"), at(1, 22.0), PAGE_WIDTH, &crossing_entries());
    heading(canvas, ('c', "No biases"), at(2, 17.0), PAGE_WIDTH, &[]);
    let bars = Look { colour: BARS, dash: Dash::Solid, marker: Marker::Square };
    let entries = [
        Entry::new(Sample::Marker(bars), "base rate"),
        Entry::new(Sample::Marker(ALL), "response, biases in all layers"),
        Entry::new(Sample::Marker(INPUT), "response, input bias alone"),
    ];
    heading(canvas, ('d', "Label by label"), at(3, 10.0), PAGE_WIDTH, &entries);
}

/// Response in the middle of the phase against base rate; open, what equal frequencies would make of it.
fn scatter(canvas: &mut Canvas, column: &Column, frame: Rectangle, first: bool) {
    const MOST: f64 = 0.65;
    let (x, y) = (Axis::linear(0.0, MOST, "base rate ȳ"), Axis::linear(0.0, MOST, "response"));
    let panel = Panel { frame, x, y };
    let place = |x: f64, y: f64| panel.place(x, y);
    if let (Some(from), Some(to)) = (place(0.0, 0.0), place(MOST, MOST)) {
        canvas.line(from, to, IDENTITY);
    }
    match (column.all, in_the_middle(column.all)) {
        (Some(record), Some(responses)) => {
            let account = Account::of_run(record, Clock::Time);
            for level in 0..record.levels.len() {
                let look = level_look(level);
                for label in account.labels_of(level) {
                    let rate = record.ocs[label];
                    let uniform = column.uniform.and_then(|theory| theory.ocs.get(label));
                    if let Some(at) = uniform.and_then(|uniform| place(rate, *uniform)) {
                        canvas.open_marker(look.marker, at, POINT_RADIUS, look.colour);
                    }
                    if let Some(at) = responses.get(label).and_then(|y| place(rate, *y)) {
                        canvas.marker(look.marker, at, POINT_RADIUS, look.colour);
                    }
                }
            }
        }
        (Some(_), None) => panel.note(canvas, "no phase"),
        (None, _) => panel.note(canvas, "not run"),
    }
    panel.axes(canvas, Shown { x: true, y: first });
}

fn crossing(
    canvas: &mut Canvas,
    record: Option<&Record>,
    theory: Option<&TheoryRecord>,
    panel: &Panel,
    last: bool,
) {
    let Some(record) = record else {
        panel.note(canvas, "not run");
        return;
    };
    mark_phase(canvas, panel, &record.phase);
    thresholds(canvas, panel, record.config.phase_threshold, last);
    let run = Account::of_run(record, Clock::Time);
    panel.dots(canvas, &run.mean_output_error(), look(0), SPACING);
    panel.dots(canvas, &run.input_dependence(), look(1), SPACING);
    if let Some(theory) = theory.map(Account::of_theory) {
        panel.curve(canvas, &theory.mean_output_error(), THEORY);
        panel.curve(canvas, &theory.input_dependence(), THEORY);
    }
    let at = (panel.frame.centre().0, panel.frame.top - 3.5);
    canvas.text(Text::new(phase_in_words(&record.phase), at, Anchor::Middle, NOTE_SIZE));
}

/// Base rates as bars, responses as markers, level by level.
fn bars(canvas: &mut Canvas, column: &Column, frame: Rectangle, first: bool) {
    let n_labels = column.all.map_or(1, |record| record.ocs.len()) as f64;
    let panel =
        Panel { frame, x: Axis::linear(0.0, n_labels, ""), y: Axis::linear(0.0, 0.65, "response") };
    if let Some(record) = column.all {
        for (label, &rate) in record.ocs.iter().enumerate() {
            let left = label as f64;
            if let (Some((left, top)), Some((right, bottom))) =
                (panel.place(left + 0.15, rate), panel.place(left + 0.85, 0.0))
            {
                canvas.fill(Rectangle::between(left, top, right, bottom), BARS);
            }
        }
        for (run, look, across) in [(column.all, ALL, 0.35), (column.input, INPUT, 0.65)] {
            for (label, response) in in_the_middle(run).into_iter().flatten().enumerate() {
                if let Some(at) = panel.place(label as f64 + across, response) {
                    canvas.marker(look.marker, at, 1.6, look.colour);
                }
            }
        }
        name_levels(canvas, &panel, &record.levels);
    } else {
        panel.note(canvas, "not run");
    }
    // Labels have no values: only the vertical axis has ticks.
    panel.y_axis(canvas, first);
    canvas.frame(frame);
}

fn name_levels(canvas: &mut Canvas, panel: &Panel, levels: &[usize]) {
    let mut label = 0;
    for (level, count) in levels.iter().enumerate() {
        let middle = panel.place(label as f64 + *count as f64 / 2.0, 0.0);
        if let Some((x, bottom)) = middle {
            let name = format!("{}", level + 1);
            let at = (x, bottom + 8.0);
            canvas.text(Text::new(name, at, Anchor::Middle, TEXT_SIZE));
        }
        label += count;
        if level + 1 < levels.len() {
            panel.vertical(canvas, label as f64, THRESHOLD);
        }
    }
    let at = (panel.frame.centre().0, panel.frame.bottom() + 17.0);
    canvas.text(Text::new("labels, by level", at, Anchor::Middle, TEXT_SIZE));
}
