//! Do linear networks with biases visit the OCS first? A column for each choice of biases: the crossing that defines the
//! phase, the distances, the true negative rates, every label's response to item 1; below, all responses at four moments.

use crate::metrics::Phase;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve, Spread, median_phase};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::moments::moments;
use crate::plot::page::{END, ONSET, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::{base_rates, ocs_floors, thresholds};
use crate::plot::scales::{
    clock_axis, clock_range, distance_axis, fraction_axis, rate_axis, response_axis,
};
use crate::plot::style::{
    AT_OCS, GREY, LETTER_SIZE, Look, NOTE_SIZE, PAGE_WIDTH, Stroke, THEORY, THRESHOLD, TITLE_SIZE,
    level_look, look,
};
use crate::plot::text::{Anchor, Text};
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
/// Wide enough for the numbers at the ends of neighbouring axes.
const GAP: f64 = 14.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 3.0 * GAP) / 4.0;
const PAGE_HEIGHT: f64 = 634.0;
/// Top and height of each row of panels.
const ROWS: [(f64, f64); 5] =
    [(70.0, 82.0), (173.0, 76.0), (270.0, 66.0), (357.0, 84.0), (493.0, 100.0)];
/// From a row's panels up to the middle of its heading.
const HEADING: f64 = 10.0;
/// Distance between dots on paper.
const SPACING: f64 = 4.5;

/// Where a panel stands in its row.
#[derive(Clone, Copy)]
struct Place {
    first: bool,
    last: bool,
}

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
    let accounts: Vec<Account> = columns.iter().flat_map(Column::accounts).collect();
    let time = clock_axis(time_range(&accounts), Clock::Time);
    let heights = [
        fraction_axis(&accounts, &time),
        distance_axis(&accounts, &time),
        rate_axis(&accounts, &time, "graded TNR"),
        response_axis(&first_item(&columns), &time),
    ];
    let rows = [crossing, distances, rejection, responses];
    for (index, column) in columns.iter().enumerate() {
        let place = Place { first: index == 0, last: index + 1 == columns.len() };
        for (row, draw) in rows.iter().enumerate() {
            let (x, y) = (time.clone(), heights[row].clone());
            let panel = Panel { frame: frame(index, ROWS[row]), x, y };
            draw(&mut canvas, column, &panel, place);
        }
    }
    headings(&mut canvas, runs);
    let frames: Vec<Rectangle> = (0..4).map(|index| frame(index, ROWS[4])).collect();
    moments(&mut canvas, runs.of(SHOWN_IN_FULL).first().copied(), &frames);
    let notes = format!(
        "Dots and theory: aligned start. Bands: small random start. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn frame(column: usize, (top, height): (f64, f64)) -> Rectangle {
    Rectangle { left: LEFT + column as f64 * (WIDTH + GAP), top, width: WIDTH, height }
}

/// From well before the first onset to the last observation.
fn time_range(accounts: &[Account]) -> (f64, f64) {
    let onset = accounts.iter().filter_map(|account| account.phase.onset).min_by(f64::total_cmp);
    let (first, last) = clock_range(accounts, Clock::Time);
    (onset.map_or(first, |onset| (onset / 25.0).max(first)).min(last / 10.0), last)
}

/// What the last row shows.
fn first_item(columns: &[Column]) -> Vec<Curve> {
    let theories = columns.iter().filter_map(|column| column.theory.map(Account::of_theory));
    let accounts = columns.iter().filter_map(Column::aligned).chain(theories);
    let labels = |account: &Account| 0..account.ocs().len();
    accounts.flat_map(|a| labels(&a).map(move |label| a.item_response(0, label))).collect()
}

fn top_of_page(canvas: &mut Canvas, columns: &[Column]) {
    let title = "Do linear networks with biases visit the optimal constant solution (OCS) first?";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let random = Stroke::solid(GREY.paler(0.45), 0.6);
    let entries = [
        Entry::new(Sample::Dots(Look { colour: GREY, ..look(0) }), "gradient descent"),
        Entry::new(Sample::Line(THEORY), "theory"),
        Entry::new(Sample::LineAndBand(random), "random starts, median and range"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset (no phase)"),
        Entry::new(Sample::Upright(END), "end (no phase)"),
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
        let floor = Entry::new(Sample::Line(AT_OCS), floor);
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
        let lift = if *letter == 'a' { 28.0 } else { HEADING };
        heading(canvas, (*letter, name), (12.0, top - lift), PAGE_WIDTH, entries);
    }
}

fn finish(canvas: &mut Canvas, panel: &Panel, column: &Column, shown: Shown) {
    if column.accounts().is_empty() {
        panel.note(canvas, "not run");
    }
    panel.axes(canvas, shown);
}

/// `M` falling and `V` rising; which crosses its threshold first decides.
fn crossing(canvas: &mut Canvas, column: &Column, panel: &Panel, place: Place) {
    mark_phase(canvas, panel, &column.phase);
    if let Some(record) = column.aligned.or(column.random.first().copied()) {
        thresholds(canvas, panel, record.config.phase_threshold, place.last);
    }
    column.draw(canvas, panel, look(0), Account::mean_output_error);
    column.draw(canvas, panel, look(1), Account::input_dependence);
    finish(canvas, panel, column, Shown { x: false, y: place.first });
}

/// Near the OCS, far from the targets.
fn distances(canvas: &mut Canvas, column: &Column, panel: &Panel, place: Place) {
    mark_phase(canvas, panel, &column.phase);
    column.draw(canvas, panel, look(0), Account::distance_to_ocs);
    column.draw(canvas, panel, look(1), Account::distance_to_targets);
    finish(canvas, panel, column, Shown { x: false, y: place.first });
}

/// The top level's dip is the mark of the OCS.
fn rejection(canvas: &mut Canvas, column: &Column, panel: &Panel, place: Place) {
    mark_phase(canvas, panel, &column.phase);
    if let Some(account) = column.accounts().first() {
        ocs_floors(canvas, panel, account, place.last);
        for level in (0..account.levels().len()).rev() {
            column.draw(canvas, panel, level_look(level), |run| run.true_negative_rate(level));
        }
    }
    finish(canvas, panel, column, Shown { x: false, y: place.first });
}

/// Labels meet at their base rates, then part.
fn responses(canvas: &mut Canvas, column: &Column, panel: &Panel, place: Place) {
    mark_phase(canvas, panel, &column.phase);
    if let Some(account) = column.accounts().first() {
        base_rates(canvas, panel, account, place.last);
    }
    if let Some(run) = column.aligned() {
        for level in (0..run.levels().len()).rev() {
            for label in run.labels_of(level) {
                panel.dots(canvas, &run.item_response(0, label), level_look(level), SPACING);
            }
        }
    }
    if let Some(theory) = column.theory.map(Account::of_theory) {
        let mut drawn: Vec<Curve> = Vec::new();
        for label in 0..theory.ocs().len() {
            let curve = theory.item_response(0, label);
            // Labels that the item is equally far from have one curve: drawn twice, its line would look thicker.
            if !drawn.iter().any(|other| other.coincides_with(&curve)) {
                panel.curve(canvas, &curve, THEORY);
                drawn.push(curve);
            }
        }
    }
    finish(canvas, panel, column, Shown { x: true, y: place.first });
}
