//! With cross-entropy? A column for each choice of biases: the crossing that defines the phase, mean probabilities and
//! true negative rates of the levels, and the logits in the middle of the phase.

use crate::plot::axis::{Axis, number};
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve};
use crate::plot::heat_map::{colour_bar_between, heat_map};
use crate::plot::legend::{Entry, Sample, footer, heading};
use crate::plot::page::{crossing_entries, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::{base_rates, ocs_floors, thresholds};
use crate::plot::scales::{clock_axis, clock_range, fraction_axis};
use crate::plot::style::{
    AT_OCS, GREY, LETTER_SIZE, Look, NOTE_SIZE, PAGE_WIDTH, TEXT_SIZE, THEORY, TITLE_SIZE,
    level_look, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder, TheoryRecord};

/// Condition and title of each column. `all` differs from `output` by less than a line's width.
const COLUMNS: [(&str, &str); 4] = [
    ("none", "No biases"),
    ("input", "Input bias"),
    ("output", "Output bias"),
    ("output-tiny", "Output bias, tiny weights"),
];
const LEFT: f64 = 46.0;
const RIGHT: f64 = 36.0;
const GAP: f64 = 14.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - RIGHT - 3.0 * GAP) / 4.0;
const PAGE_HEIGHT: f64 = 540.0;
/// Top and height of each row of panels.
const ROWS: [(f64, f64); 4] = [(68.0, 76.0), (168.0, 80.0), (272.0, 80.0), (404.0, 96.0)];
const SPACING: f64 = 4.5;
/// Logits that colours tell apart.
const LOGITS: (f64, f64) = (-2.5, 1.0);

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title = "With cross-entropy? The optimal constant solution (OCS) is a matter of logits";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    headings(&mut canvas, runs);
    let columns: Vec<(Option<&Record>, Option<&TheoryRecord>)> = COLUMNS
        .iter()
        .map(|(condition, _)| (runs.of(condition).first().copied(), runs.theory_of(condition)))
        .collect();
    let accounts: Vec<Account> = columns
        .iter()
        .filter_map(|column| column.0.map(|record| Account::of_run(record, Clock::Time)))
        .collect();
    let last = clock_range(&accounts, Clock::Time).1;
    let time = clock_axis((last / 200.0, last), Clock::Time);
    let heights = [
        fraction_axis(&accounts, &time),
        Axis::linear(0.0, 0.6, "mean probability"),
        Axis::linear(0.45, 1.03, "graded TNR"),
    ];
    for (index, &(record, theory)) in columns.iter().enumerate() {
        let centre = frame(index, ROWS[0]).centre().0;
        let at = (centre, ROWS[0].0 - 11.5);
        canvas.text(Text::new(COLUMNS[index].1, at, Anchor::Middle, TITLE_SIZE).bold());
        for (row, height) in heights.iter().enumerate() {
            let panel =
                Panel { frame: frame(index, ROWS[row]), x: time.clone(), y: height.clone() };
            match record {
                Some(record) => curves(&mut canvas, row, (record, theory), &panel, index == 3),
                None => panel.note(&mut canvas, "not run"),
            }
            panel.axes(&mut canvas, Shown { x: row == 2, y: index == 0 });
        }
        logits(&mut canvas, record, frame(index, ROWS[3]));
    }
    finish(&mut canvas, runs);
    canvas
}

fn frame(column: usize, (top, height): (f64, f64)) -> Rectangle {
    Rectangle { left: LEFT + column as f64 * (WIDTH + GAP), top, width: WIDTH, height }
}

fn finish(canvas: &mut Canvas, runs: &RunFolder) {
    let first = frame(0, ROWS[3]);
    let at = (first.left - 8.0, first.centre().1);
    canvas.text(Text::new("labels, level 1 on top", at, Anchor::Middle, TEXT_SIZE).upward());
    let last = frame(3, ROWS[3]);
    let bar = Rectangle { left: last.right() + 4.0, width: 4.0, ..last };
    colour_bar_between(canvas, bar, LOGITS, "logit");
    let notes = format!(
        "Aligned starts, a₀ = 10⁻⁸; tiny weights: a₀ = 10⁻¹⁶. d: the observation nearest to the geometric mean of onset and end. {}.",
        footer_notes(&runs.records)
    );
    footer(canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
}

fn headings(canvas: &mut Canvas, runs: &RunFolder) {
    let n_levels = runs.records.iter().map(|record| record.levels.len()).max().unwrap_or(0);
    let levels = |at_ocs: &str| -> Vec<Entry> {
        let named = (0..n_levels).map(|level| {
            Entry::new(Sample::Dots(level_look(level)), format!("level {}", level + 1))
        });
        named.chain([Entry::new(Sample::Line(AT_OCS), at_ocs)]).collect()
    };
    let at = |row: usize, lift: f64| (12.0, ROWS[row].0 - lift);
    heading(canvas, ('a', "Crossings"), at(0, 33.0), PAGE_WIDTH, &crossing_entries());
    heading(canvas, ('b', "Mean probabilities"), at(1, 11.0), PAGE_WIDTH, &levels("base rate"));
    let rates = levels("value at the OCS");
    heading(canvas, ('c', "True negative rate"), at(2, 11.0), PAGE_WIDTH, &rates);
    let logits = "Logits between onset and end; the OCS has 0, −ln 3 = −1.10, −ln 7 = −1.95";
    heading(canvas, ('d', logits), at(3, 20.0), PAGE_WIDTH, &[]);
}

/// Row 0: M and V; row 1: mean probabilities; row 2: true negative rates.
fn curves(
    canvas: &mut Canvas,
    row: usize,
    (record, theory): (&Record, Option<&TheoryRecord>),
    panel: &Panel,
    last: bool,
) {
    mark_phase(canvas, panel, &record.phase);
    let run = Account::of_run(record, Clock::Time);
    let theory = theory.map(Account::of_theory);
    let draw = |canvas: &mut Canvas, look: Look, of: &dyn Fn(&Account) -> Curve| {
        panel.dots(canvas, &of(&run), look, SPACING);
        if let Some(theory) = &theory {
            panel.curve(canvas, &of(theory), THEORY);
        }
    };
    match row {
        0 => {
            thresholds(canvas, panel, record.config.phase_threshold, last);
            draw(canvas, look(0), &|account| account.mean_output_error());
            draw(canvas, look(1), &|account| account.input_dependence());
            let at = (panel.frame.centre().0, panel.frame.top - 3.5);
            let words = phase_in_words(&record.phase);
            canvas.text(Text::new(words, at, Anchor::Middle, NOTE_SIZE));
        }
        1 => {
            base_rates(canvas, panel, &run, last);
            for level in (0..run.levels().len()).rev() {
                // On a balanced tree all labels of a level have one mean.
                let label = run.labels_of(level).start;
                draw(canvas, level_look(level), &|account| account.mean_response(label));
            }
        }
        _ => {
            ocs_floors(canvas, panel, &run, last);
            for level in (0..run.levels().len()).rev() {
                draw(canvas, level_look(level), &|account| account.true_negative_rate(level));
            }
        }
    }
}

/// Logits of all items in the middle of the phase, labels from top to bottom.
fn logits(canvas: &mut Canvas, record: Option<&Record>, area: Rectangle) {
    let note = |canvas: &mut Canvas, words: &str| {
        let text = Text::centred(words, area.centre(), Anchor::Middle, TEXT_SIZE);
        canvas.text(text.coloured(GREY));
        canvas.frame(area);
    };
    let Some(record) = record else { return note(canvas, "not run") };
    let items = record.curves.item_responses.as_ref();
    let (Some(middle), Some(items)) = (record.phase.middle(), items) else {
        return note(canvas, "no onset or no end");
    };
    let time = &record.curves.time;
    let away = |index: &usize| (time[*index] - middle).abs();
    let Some(moment) = (0..time.len()).min_by(|a, b| away(a).total_cmp(&away(b))) else {
        return note(canvas, "not observed");
    };
    let share = |probability: f64| {
        ((probability / (1.0 - probability)).ln() - LOGITS.0) / (LOGITS.1 - LOGITS.0)
    };
    let value = |item: &[Vec<f64>], label: usize| {
        item.get(label).and_then(|curve| curve.get(moment)).map_or(0.0, |&p| share(p))
    };
    let row = |label| items.iter().map(|item| value(item, label)).collect();
    let values: Vec<Vec<f64>> = (0..record.ocs.len()).map(row).collect();
    heat_map(canvas, area, &values, &record.levels);
    let above = (area.centre().0, area.top - 4.0);
    let title = format!("t = {}", number(time[moment], 1));
    canvas.text(Text::new(title, above, Anchor::Middle, TEXT_SIZE));
    let below = (area.centre().0, area.bottom() + 9.0);
    canvas.text(Text::new("items", below, Anchor::Middle, TEXT_SIZE));
}
