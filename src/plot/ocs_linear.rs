//! Do linear networks with biases visit the OCS first? A column for each choice of biases: the crossing that defines the
//! phase, the distances, the true negative rates, every label's response to item 1; below, all responses at four moments.

use super::axis::{Axis, number};
use super::canvas::{Anchor, Canvas, Rectangle, Text};
use super::curve::{Account, Clock, Curve, Spread, median_phase};
use super::heat_map::{colour_bar, heat_map};
use super::legend::{Entry, Sample, footer, heading, legend};
use super::page::{END, ONSET, clock_range, footer_notes, mark_phase, phase_in_words, value_range};
use super::panel::{Panel, Shown};
use super::style::{
    Dash, GREY, LETTER_SIZE, Look, NOTE_SIZE, PAGE_WIDTH, Stroke, TEXT_SIZE, THEORY, THRESHOLD,
    TITLE_SIZE, level_look, look,
};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder, TheoryRecord};

/// Condition and title of each column; the same with `-random` start small and random.
const COLUMNS: [(&str, &str); 4] = [
    ("none", "No biases"),
    ("input", "Input bias"),
    ("output", "Output bias"),
    ("all", "Biases in all layers"),
];
/// The condition whose responses are shown as heat maps.
const SHOWN_IN_FULL: &str = "all";

const LEFT: f64 = 46.0;
const RIGHT: f64 = 36.0;
const GAP: f64 = 10.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 3.0 * GAP) / 4.0;
const PAGE_HEIGHT: f64 = 662.0;
/// Top and height of each row of panels.
const ROWS: [(f64, f64); 5] =
    [(66.0, 84.0), (172.0, 78.0), (272.0, 66.0), (360.0, 84.0), (499.0, 104.0)];
/// From a row's panels up to the middle of its heading.
const HEADING: f64 = 10.0;
/// Distance between dots on paper.
const SPACING: f64 = 4.5;
/// Distances below this share of `V_target` are numerical noise.
const SMALLEST_DISTANCE: f64 = 1e-6;

/// What one column shows.
struct Column<'a> {
    title: &'a str,
    aligned: Option<&'a Record>,
    random: Vec<&'a Record>,
    theory: Option<&'a TheoryRecord>,
    phase: Phase,
}

impl<'a> Column<'a> {
    fn new(runs: &'a RunFolder, (condition, title): (&str, &'a str)) -> Column<'a> {
        let records = runs.of(condition);
        let random = runs.of(&format!("{condition}-random"));
        let phase = median_phase(if records.is_empty() { &random } else { &records }, Clock::Time);
        // Aligned starts differ between seeds by rounding only.
        let aligned = records.first().copied();
        Column { title, aligned, random, theory: runs.theory_of(condition), phase }
    }

    fn aligned(&self) -> Option<Account<'a>> {
        self.aligned.map(|record| Account::of_run(record, Clock::Time))
    }

    fn accounts(&self) -> Vec<Account<'a>> {
        let random = self.random.iter().map(|record| Account::of_run(record, Clock::Time));
        let theory = self.theory.map(Account::of_theory);
        self.aligned().into_iter().chain(random).chain(theory).collect()
    }

    /// Band of the random starts, dots of the aligned one, line of the theory.
    fn draw(
        &self,
        canvas: &mut Canvas,
        panel: &Panel,
        look: Look,
        of: impl Fn(&Account<'a>) -> Curve,
    ) {
        let random: Vec<Curve> =
            self.random.iter().map(|run| of(&Account::of_run(run, Clock::Time))).collect();
        let spread = Spread::of(&random);
        panel.band(canvas, &spread, look.colour);
        let pale = Stroke::solid(look.colour.paler(0.45), 0.6);
        panel.curve(canvas, &spread.middle(), pale);
        if let Some(account) = self.aligned() {
            panel.dots(canvas, &of(&account), look, SPACING);
        }
        if let Some(theory) = self.theory {
            panel.curve(canvas, &of(&Account::of_theory(theory)), THEORY);
        }
    }
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let columns: Vec<Column> = COLUMNS.iter().map(|names| Column::new(runs, *names)).collect();
    top_of_page(&mut canvas, &columns);
    let (from, to) = time_range(&columns);
    for (index, column) in columns.iter().enumerate() {
        let frames: Vec<Rectangle> = ROWS.iter().map(|row| frame(index, *row)).collect();
        let time = Axis::logarithmic(from, to, "time t = η · step");
        let last = index + 1 == columns.len();
        crossing(&mut canvas, column, (frames[0], &time), index == 0, last);
        distances(&mut canvas, &columns, index, (frames[1], &time));
        rejection(&mut canvas, column, (frames[2], &time), index == 0, last);
        responses(&mut canvas, column, (frames[3], &time), index == 0, last);
    }
    headings(&mut canvas, runs);
    moments(&mut canvas, runs);
    let notes = format!(
        "Dots and theory: aligned start. Bands: small random start. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 16.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn frame(column: usize, (top, height): (f64, f64)) -> Rectangle {
    Rectangle { left: LEFT + column as f64 * (WIDTH + GAP), top, width: WIDTH, height }
}

/// From well before the first onset to the last observation.
fn time_range(columns: &[Column]) -> (f64, f64) {
    let accounts: Vec<Account> = columns.iter().flat_map(Column::accounts).collect();
    let onset = accounts.iter().filter_map(|account| account.phase.onset).min_by(f64::total_cmp);
    let (first, last) = clock_range(accounts.into_iter(), Clock::Time);
    (onset.map_or(first, |onset| (onset / 25.0).max(first)).min(last / 10.0), last)
}

fn top_of_page(canvas: &mut Canvas, columns: &[Column]) {
    let title = "Do linear networks with biases visit the optimal constant solution (OCS) first?";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let entries = [
        Entry::new(Sample::Dots(Look { colour: GREY, ..look(0) }), "gradient descent"),
        Entry::new(Sample::Line(THEORY), "theory"),
        Entry::new(Sample::Band(GREY), "random starts: range over seeds"),
        Entry::new(Sample::Shade, "OCS phase, onset to end"),
        Entry::new(Sample::Upright(ONSET), "onset"),
        Entry::new(Sample::Upright(END), "end, if not after onset"),
    ];
    legend(canvas, (12.0, 27.0), PAGE_WIDTH, &entries);
    for (index, column) in columns.iter().enumerate() {
        let centre = frame(index, ROWS[0]).centre().0;
        let at = (centre, ROWS[0].0 - 12.0);
        canvas.text(Text::new(column.title, at, Anchor::Middle, TITLE_SIZE).bold());
        if column.aligned.is_some() || !column.random.is_empty() {
            let at = (centre, ROWS[0].0 - 3.5);
            let words = phase_in_words(&column.phase);
            canvas.text(Text::new(words, at, Anchor::Middle, NOTE_SIZE));
        }
    }
}

fn headings(canvas: &mut Canvas, runs: &RunFolder) {
    let dots = |index| Sample::Dots(look(index));
    let n_levels = runs.records.first().map_or(0, |record| record.levels.len());
    let levels = |floor: &str| {
        let named = (0..n_levels).map(|level| {
            Entry::new(Sample::Dots(level_look(level)), format!("level {}", level + 1))
        });
        let floor = Entry::new(Sample::Line(Stroke::broken(GREY, 0.8, Dash::Dotted)), floor);
        named.chain([floor]).collect::<Vec<_>>()
    };
    let crossing = [
        Entry::new(dots(0), "mean-output error, M / ‖ȳ‖"),
        Entry::new(dots(1), "input dependence, √(V / V of targets)"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ];
    let distances =
        [Entry::new(dots(0), "distance to OCS"), Entry::new(dots(1), "distance to targets")];
    let rows: [(char, &str, Vec<Entry>); 4] = [
        ('a', "Crossings", crossing.into()),
        ('b', "Distances", distances.into()),
        ('c', "True negative rate", levels("value at the OCS")),
        ('d', "Responses to item 1, all labels", levels("the OCS")),
    ];
    for ((letter, name, entries), (top, _)) in rows.iter().zip(ROWS) {
        // The first row's column titles stand between it and its heading.
        let lift = if *letter == 'a' { 23.0 } else { HEADING };
        heading(canvas, (*letter, name), (12.0, top - lift), PAGE_WIDTH, entries);
    }
}

type Placed<'a> = (Rectangle, &'a Axis);

fn finish(canvas: &mut Canvas, panel: &Panel, column: &Column, shown: Shown) {
    if column.accounts().is_empty() {
        panel.note(canvas, "not run");
    }
    panel.axes(canvas, shown);
}

/// `M` falling and `V` rising; which crosses its threshold first decides.
fn crossing(canvas: &mut Canvas, column: &Column, (frame, time): Placed, first: bool, last: bool) {
    let panel = Panel { frame, x: time.clone(), y: Axis::linear(-0.03, 1.1, "fraction") };
    mark_phase(canvas, &panel, &column.phase);
    let any = column.aligned.or(column.random.first().copied());
    if let Some(record) = any {
        let threshold = record.config.phase_threshold;
        for height in [threshold, threshold.sqrt()] {
            panel.horizontal(canvas, height, THRESHOLD);
            if last {
                let name = number((height * 1000.0).round() / 1000.0, 3);
                let name = name.trim_end_matches('0');
                panel.name_height(canvas, height, name);
            }
        }
    }
    column.draw(canvas, &panel, look(0), Account::mean_output_error);
    column.draw(canvas, &panel, look(1), Account::input_dependence);
    finish(canvas, &panel, column, Shown { x: false, y: first });
}

/// Near the OCS, far from the targets.
fn distances(canvas: &mut Canvas, columns: &[Column], index: usize, (frame, time): Placed) {
    let curves: Vec<Curve> = columns
        .iter()
        .flat_map(Column::accounts)
        .flat_map(|account| [account.distance_to_ocs(), account.distance_to_targets()])
        .collect();
    let (low, high) = value_range(curves.iter(), time.low, time.high);
    let y = Axis::logarithmic((low / 1.6).max(SMALLEST_DISTANCE), high * 1.8, "D / V of targets");
    let panel = Panel { frame, x: time.clone(), y };
    let column = &columns[index];
    mark_phase(canvas, &panel, &column.phase);
    column.draw(canvas, &panel, look(0), Account::distance_to_ocs);
    column.draw(canvas, &panel, look(1), Account::distance_to_targets);
    finish(canvas, &panel, column, Shown { x: false, y: index == 0 });
}

/// The top level's dip is the mark of the OCS.
fn rejection(canvas: &mut Canvas, column: &Column, (frame, time): Placed, first: bool, last: bool) {
    let panel = Panel { frame, x: time.clone(), y: Axis::linear(0.45, 1.03, "graded TNR") };
    mark_phase(canvas, &panel, &column.phase);
    if let Some(account) = column.accounts().first() {
        for level in 0..account.levels().len() {
            let Some(floor) = account.ocs_floor(level) else { continue };
            let colour = level_look(level).colour;
            panel.horizontal(canvas, floor, Stroke::broken(colour, 0.8, Dash::Dotted));
            if last {
                let name = number(floor, 3);
                panel.name_height(canvas, floor, name.trim_end_matches('0'));
            }
        }
        for level in (0..account.levels().len()).rev() {
            let look = level_look(level);
            column.draw(canvas, &panel, look, |account| account.true_negative_rate(level));
        }
    }
    finish(canvas, &panel, column, Shown { x: false, y: first });
}

/// Labels meet at their base rates, then part.
fn responses(canvas: &mut Canvas, column: &Column, (frame, time): Placed, first: bool, last: bool) {
    let panel = Panel { frame, x: time.clone(), y: Axis::linear(-0.06, 1.08, "response") };
    mark_phase(canvas, &panel, &column.phase);
    if let Some(account) = column.accounts().first() {
        let levels = 0..account.levels().len();
        for level in levels.clone() {
            let stroke = Stroke::broken(level_look(level).colour, 0.8, Dash::Dotted);
            let mut rates: Vec<f64> =
                account.labels_of(level).map(|label| account.ocs()[label]).collect();
            rates.dedup();
            for rate in &rates {
                panel.horizontal(canvas, *rate, stroke);
            }
            if let (true, [rate]) = (last, &rates[..]) {
                panel.name_height(canvas, *rate, number(*rate, 3).trim_end_matches('0'));
            }
        }
        for level in levels.rev() {
            for label in account.labels_of(level) {
                if let Some(run) = column.aligned() {
                    let curve = run.item_response(0, label);
                    panel.dots(canvas, &curve, level_look(level), SPACING);
                }
            }
        }
        for label in 0..account.ocs().len() {
            if let Some(theory) = column.theory {
                let curve = Account::of_theory(theory).item_response(0, label);
                panel.curve(canvas, &curve, THEORY);
            }
        }
    }
    finish(canvas, &panel, column, Shown { x: true, y: first });
}

/// All responses at four moments of one condition.
fn moments(canvas: &mut Canvas, runs: &RunFolder) {
    let records = runs.of(SHOWN_IN_FULL);
    let record = records.first().copied();
    let name = match record {
        Some(_) => "Responses of the network with biases in all layers",
        None => "Responses of the network with biases in all layers: not run",
    };
    heading(canvas, ('e', name), (12.0, ROWS[4].0 - 22.0), PAGE_WIDTH, &[]);
    let Some(record) = record else { return };
    let Some(items) = &record.curves.item_responses else { return };
    let named = [
        ("onset", record.phase.onset.and_then(|time| nearest(&record.curves.time, time))),
        ("closest to the OCS", record.curves.closest_to_ocs()),
        ("end", record.phase.end.and_then(|time| nearest(&record.curves.time, time))),
        ("last observation", record.curves.time.len().checked_sub(1)),
    ];
    for (index, (name, moment)) in named.into_iter().enumerate() {
        let area = frame(index, ROWS[4]);
        let above = (area.centre().0, area.top - 4.0);
        let Some(moment) = moment else {
            canvas.frame(area);
            let text = Text::centred("not reached", area.centre(), Anchor::Middle, TEXT_SIZE);
            canvas.text(text.coloured(GREY));
            canvas.text(Text::new(name, above, Anchor::Middle, TEXT_SIZE));
            continue;
        };
        let time = record.curves.time[moment];
        let decimals = if time < 10.0 { 2 } else { 1 };
        let title = format!("{name}, t = {}", number(time, decimals));
        canvas.text(Text::new(title, above, Anchor::Middle, TEXT_SIZE));
        let n_labels = record.ocs.len();
        let values: Vec<Vec<f64>> = (0..n_labels)
            .map(|label| items.iter().map(|item| value_at(item, label, moment)).collect())
            .collect();
        heat_map(canvas, area, &values, &record.levels);
        name_columns(canvas, area, items.len());
        if index == 0 {
            name_levels(canvas, area, &record.levels);
        }
    }
    let area = frame(3, ROWS[4]);
    let bar = Rectangle { left: area.right() + 6.0, width: 5.0, ..area };
    colour_bar(canvas, bar, "response");
}

fn value_at(item: &[Vec<f64>], label: usize, moment: usize) -> f64 {
    item.get(label).and_then(|curve| curve.get(moment)).copied().unwrap_or(0.0)
}

/// Index of the observation nearest to a time.
fn nearest(times: &[f64], time: f64) -> Option<usize> {
    (0..times.len()).min_by(|&a, &b| (times[a] - time).abs().total_cmp(&(times[b] - time).abs()))
}

fn name_columns(canvas: &mut Canvas, area: Rectangle, n_items: usize) {
    let below = area.bottom() + 8.0;
    // More numbers than this would touch.
    const MOST_NAMED: usize = 12;
    if n_items <= MOST_NAMED {
        for item in 0..n_items {
            let x = area.left + (item as f64 + 0.5) / n_items as f64 * area.width;
            let name = (item + 1).to_string();
            canvas.text(Text::new(name, (x, below), Anchor::Middle, TEXT_SIZE));
        }
    }
    let at = (area.centre().0, below + 8.5);
    canvas.text(Text::new("item", at, Anchor::Middle, TEXT_SIZE));
}

fn name_levels(canvas: &mut Canvas, area: Rectangle, levels: &[usize]) {
    let n_labels: usize = levels.iter().sum();
    let mut row = 0;
    for (level, count) in levels.iter().enumerate() {
        let middle = (row as f64 + *count as f64 / 2.0) / n_labels as f64;
        let at = (area.left - 4.0, area.top + middle * area.height);
        let name = format!("level {}", level + 1);
        canvas.text(Text::centred(name, at, Anchor::End, TEXT_SIZE));
        row += count;
    }
    let at = (LEFT - 34.0, area.centre().1);
    canvas.text(Text::new("labels", at, Anchor::Middle, TEXT_SIZE).upward());
}
