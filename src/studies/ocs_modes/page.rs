//! Which mode is learned when? Learned fractions over time for three choices of biases, and early under the last; below, how the weights' share of the
//! constant follows an output bias, on a straight line and to its end, and what finite steps lose of that law.

use crate::metrics::{Curves, half_time};
use crate::plot::axis::{Axis, number};
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve};
use crate::plot::legend::{Entry, Sample, footer, heading};
use crate::plot::page::footer_notes;
use crate::plot::panel::{Panel, Shown, rounded};
use crate::plot::scales::clock_range;
use crate::plot::style::{
    AT_OCS, Dash, INK, LETTER_SIZE, Look, Marker, NOTE_SIZE, ORANGE, PAGE_WIDTH, POINT_RADIUS, SKY,
    Stroke, THEORY, THRESHOLD, TITLE_SIZE, level_look, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder, TheoryRecord};

/// Conditions and titles of the fractions' columns.
const FRACTIONS: [(&str, &str); 3] =
    [("none", "No biases"), ("input", "Input bias"), ("output", "Output bias")];
/// Conditions and titles of the law's columns.
const LAW: [(&str, &str); 2] = [("output", "Output bias"), ("all", "Biases in all layers")];
const LEFT: f64 = 46.0;
const GAP: f64 = 16.0;
const RIGHT: f64 = 14.0;
/// Panels of each row.
const COLUMNS: [usize; 2] = [4, 3];
/// The last panel below has an axis of its own.
const LAST_INDENT: f64 = 24.0;
/// Top and height of the rows.
const ROWS: [(f64, f64); 2] = [(60.0, 112.0), (240.0, 116.0)];
const PAGE_HEIGHT: f64 = 402.0;
/// Last time of the early panel: six times the output bias's own.
const EARLY: f64 = 6.0;
const TIME: &str = "time t = η · step";
/// Ends of the axis of fractions.
const FRACTION: (f64, f64) = (-0.04, 1.06);
/// Distance between dots on paper.
const SPACING: f64 = 4.5;
/// Between rings, which are larger.
const RING_SPACING: f64 = 6.0;

/// The constant in the whole response: rings, so that a level's dots show within.
fn constant_look() -> Look {
    look(0)
}

/// The weights' share of the constant.
fn weights_look() -> Look {
    Look { colour: SKY, dash: Dash::Solid, marker: Marker::Diamond }
}

/// The end point.
const END_POINT: Look = Look { colour: INK, dash: Dash::Solid, marker: Marker::Disc };

/// What an output bias does by itself.
const EXPONENTIAL: Stroke = Stroke::solid(ORANGE, 2.6);

/// The look of a column of the law.
fn law_look(index: usize) -> Look {
    look(index)
}

/// What one condition left.
#[derive(Clone, Copy)]
struct Condition<'a> {
    run: Option<&'a Record>,
    theory: Option<&'a TheoryRecord>,
}

impl<'a> Condition<'a> {
    fn of(runs: &'a RunFolder, condition: &str) -> Condition<'a> {
        let run = runs.of(condition).into_iter().next();
        Condition { run, theory: runs.theory_of(condition) }
    }

    /// Run and theory, where there are both.
    fn both(self) -> Option<(&'a Record, &'a TheoryRecord)> {
        self.run.zip(self.theory)
    }

    /// Words for a panel that stays empty.
    fn missing(self) -> &'static str {
        if self.run.is_none() { "not run" } else { "theory missing" }
    }
}

fn over_time(curves: &Curves, values: Vec<f64>) -> Curve {
    let points = curves.time.iter().copied().zip(values.into_iter().map(Some));
    Curve { points: points.collect() }
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title = "Which mode is learned when? A bias decides whether the constant is first";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    headings(&mut canvas, runs);
    let accounts: Vec<Account> =
        runs.records.iter().map(|record| Account::of_run(record, Clock::Time)).collect();
    let last = clock_range(&accounts, Clock::Time).1;
    for (index, (condition, title)) in FRACTIONS.into_iter().enumerate() {
        let panel = Panel {
            frame: frame(index, 0),
            x: Axis::linear(0.0, last, TIME),
            y: Axis::linear(FRACTION.0, FRACTION.1, "learned fraction f"),
        };
        fractions(&mut canvas, Condition::of(runs, condition), &panel, title);
        panel.axes(&mut canvas, Shown { x: true, y: index == 0 });
    }
    early(&mut canvas, Condition::of(runs, "output"), last);
    let conditions = LAW.map(|(condition, _)| Condition::of(runs, condition));
    let highest = conditions.iter().filter_map(|condition| end_point(condition.theory?));
    let highest = highest.map(|point| point.1).fold(0.5, f64::max);
    for (index, (_, title)) in LAW.into_iter().enumerate() {
        let panel = Panel {
            frame: frame(index, 1),
            x: Axis::linear(-0.03, 1.05, "output bias b"),
            y: Axis::linear(-0.06 * highest, 1.15 * highest, "ln(a / a₀) of the constant"),
        };
        law(&mut canvas, conditions[index], &panel, (title, law_look(index)));
        panel.axes(&mut canvas, Shown { x: true, y: index == 0 });
    }
    drift(&mut canvas, conditions);
    let notes = format!("Aligned start, one-hot inputs. {}.", footer_notes(&runs.records));
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn frame(column: usize, row: usize) -> Rectangle {
    let (n, (top, height)) = (COLUMNS[row] as f64, ROWS[row]);
    let width = (PAGE_WIDTH - LEFT - RIGHT - (n - 1.0) * GAP) / n;
    Rectangle { left: LEFT + column as f64 * (width + GAP), top, width, height }
}

fn headings(canvas: &mut Canvas, runs: &RunFolder) {
    let n_levels = runs.records.iter().map(|record| record.levels.len()).max().unwrap_or(0);
    let mut entries = vec![Entry::new(Sample::Open(constant_look()), "constant, f₀")];
    entries.extend((0..n_levels).map(|level| {
        let caption = format!("level {}", level + 1);
        Entry::new(Sample::Dots(level_look(level)), caption)
    }));
    entries.push(Entry::new(Sample::Dots(weights_look()), "weights' share of f₀"));
    entries.push(Entry::new(Sample::Line(EXPONENTIAL), "1 − e⁻ᵗ"));
    entries.push(Entry::new(Sample::Line(THEORY), "theory"));
    heading(canvas, ('a', "Learned fractions"), (12.0, ROWS[0].0 - 31.0), PAGE_WIDTH, &entries);
    let entries = [
        Entry::new(Sample::Dots(law_look(0)), "gradient descent, output bias"),
        Entry::new(Sample::Dots(law_look(1)), "all biases"),
        Entry::new(Sample::Line(THRESHOLD), "slope 2μ"),
        Entry::new(Sample::Line(THEORY), "theory"),
        Entry::new(Sample::Open(END_POINT), "theory's end, a*"),
    ];
    let at = (12.0, ROWS[1].0 - 31.0);
    heading(canvas, ('b', "The weights follow the bias"), at, PAGE_WIDTH, &entries);
}

/// Title of a panel, and a note below it.
fn titles(canvas: &mut Canvas, panel: &Panel, title: &str, note: &str) {
    let (centre, top) = (panel.frame.centre().0, panel.frame.top);
    canvas.text(Text::new(title, (centre, top - 12.5), Anchor::Middle, TITLE_SIZE).bold());
    canvas.text(Text::new(note, (centre, top - 4.0), Anchor::Middle, NOTE_SIZE));
}

/// The constant's fraction in the whole response, and each level's.
fn fractions_of(curves: &Curves, theory: &TheoryRecord) -> Vec<(usize, Curve)> {
    let constant = over_time(curves, curves.constant_fraction(&theory.ocs));
    let levels = (1..=theory.levels.len()).filter_map(|split| {
        Some((split, over_time(curves, theory.learned_fraction(curves, split)?)))
    });
    std::iter::once((0, constant)).chain(levels).collect()
}

fn fractions(canvas: &mut Canvas, condition: Condition, panel: &Panel, title: &str) {
    let Some((run, theory)) = condition.both() else {
        titles(canvas, panel, title, "");
        return panel.note(canvas, condition.missing());
    };
    let of_run = fractions_of(&run.curves, theory);
    // The constant first: where a level lies upon it, its dots show within the rings.
    for (split, curve) in &of_run {
        match split.checked_sub(1) {
            None => panel.rings(canvas, curve, constant_look(), RING_SPACING),
            Some(level) => panel.dots(canvas, curve, level_look(level), SPACING),
        }
    }
    let of_theory = fractions_of(&theory.curves, theory);
    for (_, curve) in &of_theory {
        panel.curve(canvas, curve, THEORY);
    }
    if run.config.network.bias.at_output() {
        weights_share(canvas, panel, run, theory);
    }
    let half = |index: usize| -> Option<String> {
        let values: Vec<f64> = of_run.get(index)?.1.points.iter().filter_map(|p| p.1).collect();
        Some(number(half_time(&run.curves.time, &values)?, 2))
    };
    let note = match (half(0), half(1)) {
        (Some(constant), Some(level)) => {
            format!("half times: f₀ {constant}, f₁ {level}")
        }
        _ => String::new(),
    };
    titles(canvas, panel, title, &note);
}

/// The constant under an output bias while the bias learns it.
fn early(canvas: &mut Canvas, condition: Condition, last: f64) {
    let panel = Panel {
        frame: frame(3, 0),
        x: Axis::linear(0.0, EARLY.min(last), TIME),
        y: Axis::linear(FRACTION.0, FRACTION.1, "learned fraction f"),
    };
    titles(canvas, &panel, "Output bias, early", "learned by the bias, not by weights");
    if let Some((run, theory)) = condition.both() {
        let exponential = (0..=100).map(|share| {
            let time = f64::from(share) / 100.0 * panel.x.high;
            (time, -(-time).exp_m1())
        });
        panel.curve(canvas, &as_curve(exponential), EXPONENTIAL);
        let constant = |curves: &Curves| over_time(curves, curves.constant_fraction(&theory.ocs));
        panel.rings(canvas, &constant(&run.curves), constant_look(), 2.0 * RING_SPACING);
        panel.curve(canvas, &constant(&theory.curves), THEORY);
        weights_share(canvas, &panel, run, theory);
    } else {
        panel.note(canvas, condition.missing());
    }
    panel.axes(canvas, Shown { x: true, y: false });
}

/// What the weights have of the constant, next to an output bias.
fn weights_share(canvas: &mut Canvas, panel: &Panel, run: &Record, theory: &TheoryRecord) {
    if let Some(share) = theory.learned_fraction(&theory.curves, 0) {
        panel.curve(canvas, &over_time(&theory.curves, share), THEORY);
    }
    if let Some(share) = theory.learned_fraction(&run.curves, 0) {
        panel.dots(canvas, &over_time(&run.curves, share), weights_look(), 2.0 * SPACING);
    }
}

/// mu.
fn mu(theory: &TheoryRecord) -> Option<f64> {
    Some(theory.mode_of_split(0)?.input_variance.sqrt())
}

/// `(b*, ln(a* / a0))`: where `e = ||ybar|| - mu a - b` is zero.
fn end_point(theory: &TheoryRecord) -> Option<(f64, f64)> {
    let constant = theory.mode_of_split(0)?;
    let bias = theory.ocs_norm() - mu(theory)? * constant.final_strength;
    Some((bias, (constant.final_strength / constant.initial_strength).ln()))
}

/// `(b, ln(a / a0))` in curves.
fn law_of(curves: &Curves, theory: &TheoryRecord) -> Option<Vec<(f64, f64)>> {
    let strengths = curves.mode_strengths.as_ref()?.first()?;
    let start = strengths.first()?;
    let biases = theory.output_bias(curves)?;
    Some(std::iter::zip(biases, strengths.iter().map(|a| (a / start).ln())).collect())
}

fn as_curve(points: impl IntoIterator<Item = (f64, f64)>) -> Curve {
    Curve { points: points.into_iter().map(|(x, y)| (x, Some(y))).collect() }
}

fn law(canvas: &mut Canvas, condition: Condition, panel: &Panel, (title, look): (&str, Look)) {
    let known = condition.both().and_then(|(run, theory)| {
        let measured = law_of(&run.curves, theory)?;
        let expected = law_of(&theory.curves, theory)?;
        Some((measured, expected, mu(theory)?, end_point(theory)?))
    });
    let Some((measured, expected, mu, end)) = known else {
        titles(canvas, panel, title, "");
        return panel.note(canvas, condition.missing());
    };
    // Beyond the end the line would go on.
    let beyond = panel.x.high;
    panel.curve(canvas, &as_curve([(0.0, 0.0), (beyond, 2.0 * mu * beyond)]), THRESHOLD);
    panel.dots(canvas, &as_curve(measured), look, SPACING);
    panel.curve(canvas, &as_curve(expected), THEORY);
    if let Some(place) = panel.place(end.0, end.1) {
        canvas.open_marker(END_POINT.marker, place, POINT_RADIUS, END_POINT.colour);
    }
    let note = format!("2μ = {}, a* = {} a₀", rounded(2.0 * mu), number(end.1.exp(), 2));
    titles(canvas, panel, title, &note);
}

/// What steps lose of the law, as a share of the most that they can.
fn drift(canvas: &mut Canvas, conditions: [Condition; 2]) {
    let whole = frame(2, 1);
    let frame =
        Rectangle { left: whole.left + LAST_INDENT, width: whole.width - LAST_INDENT, ..whole };
    let panel = Panel {
        frame,
        x: Axis::linear(-0.03, 1.05, "output bias b"),
        y: Axis::linear(-1.1, 0.1, "drift / bound"),
    };
    panel.horizontal(canvas, 0.0, AT_OCS);
    panel.horizontal(canvas, -1.0, AT_OCS);
    let mut empty = true;
    for (index, condition) in conditions.into_iter().enumerate() {
        let points = condition.both().and_then(|(run, theory)| {
            let (eta, mu) = (run.config.training.learning_rate, mu(theory)?);
            let bound = eta * (mu * theory.ocs_norm()).powi(2) / (2.0 - eta);
            let law = law_of(&run.curves, theory)?;
            Some(as_curve(law.into_iter().map(|(b, ln_a)| (b, (ln_a - 2.0 * mu * b) / bound))))
        });
        let Some(points) = points else { continue };
        empty = false;
        // The two coincide: dots within rings.
        match index {
            0 => panel.rings(canvas, &points, law_look(0), RING_SPACING),
            _ => panel.dots(canvas, &points, law_look(1), SPACING),
        }
    }
    if empty {
        panel.note(canvas, "not run");
    }
    titles(canvas, &panel, "Drift of ln a − 2μb", "bound: ημ²‖ȳ‖² / (2 − η)");
    panel.axes(canvas, Shown { x: true, y: true });
}
