//! Why do real images bring the OCS without biases? Spectra of their Gram matrices and the overlap of the top eigenvector
//! with the constant; what a network makes of them; when it does, as predicted and as observed.

use crate::metrics::Phase;
use crate::plot::axis::Axis;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::{END, ONSET, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::thresholds;
use crate::plot::scales::{clock_axis, clock_range, fraction_axis};
use crate::plot::style::{
    AT_OCS, BLUE, Colour, Dash, GREEN, GREY, LETTER_SIZE, Look, Marker, NOTE_SIZE, ORANGE,
    PAGE_WIDTH, PURPLE, TEXT_SIZE, THEORY, THRESHOLD, TITLE_SIZE, VERMILION, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{GramRecord, Record, RunFolder, TheoryRecord};

/// Condition's part, words, and the shape that stands for it.
const DATASETS: [(&str, &str, Marker); 3] = [
    ("mnist", "MNIST", Marker::Disc),
    ("fashion-mnist", "Fashion-MNIST", Marker::Triangle),
    ("cifar10", "CIFAR-10", Marker::Square),
];
/// Condition's part, words, and the look that stands for it.
const PREPROCESSINGS: [(&str, &str, Colour); 3] = [
    ("raw", "raw", BLUE),
    ("centred", "pixel-centred", ORANGE),
    ("standardised", "channel-standardised", PURPLE),
];

const LEFT: f64 = 46.0;
const GAP: f64 = 14.0;
const PAGE_HEIGHT: f64 = 584.0;
/// Spectra, and the overlaps beside them.
const ABOVE: (f64, f64) = (66.0, 92.0);
const SPECTRUM_WIDTH: f64 = 96.0;
const OVERLAP_LEFT: f64 = 400.0;
/// Crossings.
const CROSSING_TOPS: [f64; 2] = [230.0, 321.0];
const CROSSING: (f64, f64) = (128.0, 66.0);
/// Predictions.
const BELOW: (f64, f64) = (441.0, 100.0);
const SQUARE: f64 = 100.0;
const SPACING: f64 = 4.5;
const DOT: f64 = 2.0;

/// One condition's first seed, on the training set, with theory's word.
struct First<'a> {
    record: &'a Record,
    theory: &'a TheoryRecord,
    phase: Phase,
}

impl<'a> First<'a> {
    fn of(runs: &'a RunFolder, record: &'a Record) -> Option<First<'a>> {
        let theory = runs.theory_of_run(record)?;
        let phase = record.training_phase(theory.target_variance)?;
        Some(First { record, theory, phase })
    }

    fn account(&self) -> Option<Account<'_>> {
        Account::of_training_set(self.record, self.theory, &self.phase)
    }
}

/// Words for a number of layers, the end of its conditions' names, and the look that stands for it: shape and colour both
/// differ, and no colour stands for a preprocessing.
const LAYERS: [(&str, &str, Look); 2] = [
    ("two layers", "", Look { colour: VERMILION, dash: Dash::Solid, marker: Marker::Disc }),
    ("one layer", "-shallow", Look { colour: GREEN, dash: Dash::Solid, marker: Marker::Diamond }),
];

fn condition(dataset: &str, preprocessing: &str) -> String {
    format!("{dataset}-{preprocessing}")
}

/// How a preprocessing looks as a line.
fn line(index: usize) -> Look {
    Look { colour: PREPROCESSINGS[index].2, ..look(index) }
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title =
        "Why do real images bring the OCS without biases? The constant tops their Gram matrix";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let entries: Vec<Entry> = PREPROCESSINGS
        .iter()
        .enumerate()
        .map(|(index, (_, words, _))| Entry::new(Sample::Line(line(index).stroke(1.0)), *words))
        .chain(DATASETS.iter().map(|(_, words, marker)| {
            Entry::new(Sample::Marker(Look { colour: GREY, marker: *marker, ..look(0) }), *words)
        }))
        .collect();
    legend(&mut canvas, (12.0, 27.0), PAGE_WIDTH - 12.0, &entries);
    spectra(&mut canvas, runs);
    overlaps(&mut canvas, runs);
    crossings(&mut canvas, runs);
    predictions(&mut canvas, runs);
    let notes = format!(
        "Linear networks without biases, from small weights; a and b are facts of the training inputs; c shows two layers, \
         the first seed; d shows every run, its plateaus are those of two layers. All on the training set. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

/// `kappa_i / kappa_0` against the eigenvalue's number.
fn spectra(canvas: &mut Canvas, runs: &RunFolder) {
    heading(canvas, ('a', "Spectra of the Gram matrix"), (12.0, 45.0), PAGE_WIDTH, &[]);
    let smallest = runs.grams.iter().flat_map(shares).fold(0.1, f64::min).max(1e-6);
    for (column, (dataset, words, _)) in DATASETS.iter().enumerate() {
        let left = LEFT + column as f64 * (SPECTRUM_WIDTH + GAP);
        let frame = Rectangle { left, top: ABOVE.0, width: SPECTRUM_WIDTH, height: ABOVE.1 };
        let panel = Panel {
            frame,
            x: Axis::logarithmic(0.9, 70.0, "eigenvalue's number i"),
            y: Axis::logarithmic(smallest / 1.4, 1.4, "κᵢ / κ of the largest"),
        };
        title(canvas, &panel, words);
        let mut empty = true;
        for (index, (inputs, ..)) in PREPROCESSINGS.iter().enumerate() {
            let Some(gram) = runs.gram_of(&condition(dataset, inputs)) else { continue };
            let points = shares(gram).into_iter().enumerate();
            let points = points.map(|(place, share)| (place as f64 + 1.0, Some(share))).collect();
            panel.curve(canvas, &Curve { points }, line(index).stroke(1.0));
            empty = false;
        }
        if empty {
            panel.note(canvas, "not run");
        }
        panel.axes(canvas, Shown { x: true, y: column == 0 });
    }
}

/// Every eigenvalue over the largest.
fn shares(gram: &GramRecord) -> Vec<f64> {
    let largest = gram.eigenvalues.first().copied().unwrap_or(1.0);
    gram.eigenvalues.iter().map(|value| value / largest).filter(|share| *share > 1e-12).collect()
}

fn title(canvas: &mut Canvas, panel: &Panel, words: &str) {
    let at = (panel.frame.centre().0, panel.frame.top - 4.0);
    canvas.text(Text::new(words, at, Anchor::Middle, TITLE_SIZE).bold());
}

/// `|<v_top, 1>| / sqrt(N)`, a column for each data set.
fn overlaps(canvas: &mut Canvas, runs: &RunFolder) {
    let width = PAGE_WIDTH - 12.0 - OVERLAP_LEFT;
    let frame = Rectangle { left: OVERLAP_LEFT, top: ABOVE.0, width, height: ABOVE.1 };
    let panel = Panel {
        frame,
        x: Axis::linear(0.0, 3.0, ""),
        y: Axis::linear(-0.06, 1.06, "overlap |⟨v, 1⟩| / √N"),
    };
    let at = (OVERLAP_LEFT - 34.0, 45.0);
    heading(canvas, ('b', "Top eigenvector and constant"), at, PAGE_WIDTH, &[]);
    for height in [0.0, 1.0] {
        panel.horizontal(canvas, height, AT_OCS);
    }
    for (column, (dataset, words, marker)) in DATASETS.iter().enumerate() {
        let middle = column as f64 + 0.5;
        for (index, (inputs, ..)) in PREPROCESSINGS.iter().enumerate() {
            let Some(gram) = runs.gram_of(&condition(dataset, inputs)) else { continue };
            let at = (middle + 0.24 * (index as f64 - 1.0), gram.ones_overlap);
            panel.dot(canvas, at, Look { marker: *marker, ..line(index) }, 1.2 * DOT);
        }
        // Three names side by side would touch: they stand in two rows.
        let below = frame.bottom() + if column == 1 { 17.0 } else { 8.5 };
        if let Some((x, _)) = panel.place(middle, 0.0) {
            canvas.text(Text::new(*words, (x, below), Anchor::Middle, TEXT_SIZE));
        }
    }
    if runs.grams.is_empty() {
        panel.note(canvas, "not run");
    }
    panel.y_axis(canvas, true);
    canvas.frame(frame);
}

/// `M` and `V` of the first seed: MNIST above, CIFAR-10 below.
fn crossings(canvas: &mut Canvas, runs: &RunFolder) {
    let entries = [
        Entry::new(Sample::Dots(look(0)), "M / ‖ȳ‖"),
        Entry::new(Sample::Dots(look(1)), "√(V / V of targets)"),
        Entry::new(Sample::Line(THEORY), "predicted"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset"),
        Entry::new(Sample::Upright(END), "end (no phase)"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
    ];
    heading(canvas, ('c', "Crossings"), (12.0, CROSSING_TOPS[0] - 34.0), PAGE_WIDTH, &entries);
    let rows = [&DATASETS[0], &DATASETS[2]];
    for ((dataset, words, _), top) in rows.into_iter().zip(CROSSING_TOPS) {
        let at = (14.0, top + CROSSING.1 / 2.0);
        canvas.text(Text::new(*words, at, Anchor::Middle, TITLE_SIZE).bold().upward());
        let first = |inputs: &str| {
            First::of(runs, runs.of(&condition(dataset, inputs)).into_iter().next()?)
        };
        let firsts = PREPROCESSINGS.map(|(inputs, ..)| first(inputs));
        for (column, first) in firsts.iter().enumerate() {
            let left = LEFT + column as f64 * (CROSSING.0 + GAP);
            let frame = Rectangle { left, top, width: CROSSING.0, height: CROSSING.1 };
            if *dataset == DATASETS[0].0 {
                let at = (frame.centre().0, top - 12.0);
                let words = PREPROCESSINGS[column].1;
                canvas.text(Text::new(words, at, Anchor::Middle, TITLE_SIZE).bold());
            }
            crossing(canvas, first.as_ref(), frame, column);
        }
    }
}

fn crossing(canvas: &mut Canvas, first: Option<&First>, frame: Rectangle, column: usize) {
    let accounts: Vec<Account> = first.and_then(First::account).into_iter().collect();
    let last = clock_range(&accounts, Clock::Time).1;
    let time = clock_axis((last / 100.0, last), Clock::Time);
    let y = fraction_axis(&accounts, &time);
    let is_last_row = frame.top == CROSSING_TOPS[1];
    // Each panel has a time of its own: the numbers are needed in both rows, the title once.
    let title = if is_last_row { time.title.clone() } else { String::new() };
    let panel = Panel { frame, x: Axis { title, ..time }, y };
    match (first, accounts.first()) {
        (Some(first), Some(account)) => {
            mark_phase(canvas, &panel, &first.phase);
            let q = first.record.config.phase_threshold;
            thresholds(canvas, &panel, q, column == 2);
            panel.dots(canvas, &account.mean_output_error(), look(0), SPACING);
            panel.dots(canvas, &account.input_dependence(), look(1), SPACING);
            let theory = Account::of_theory(first.theory);
            panel.curve(canvas, &theory.mean_output_error(), THEORY);
            panel.curve(canvas, &theory.input_dependence(), THEORY);
            let at = (frame.centre().0, frame.top - 3.5);
            canvas.text(Text::new(phase_in_words(&first.phase), at, Anchor::Middle, NOTE_SIZE));
        }
        (Some(_), None) | (None, _) => panel.note(canvas, "not run"),
    }
    panel.axes(canvas, Shown { x: true, y: column == 0 });
}

/// A predicted and an observed value of one run.
type Pair = fn(&First, &GramRecord) -> Option<(f64, f64)>;

fn onsets(run: &First, _: &GramRecord) -> Option<(f64, f64)> {
    Some((run.theory.phase.onset?, run.phase.onset?))
}

fn ends(run: &First, _: &GramRecord) -> Option<(f64, f64)> {
    Some((run.theory.phase.end?, run.phase.end?))
}

/// `D_ocs / V_target` at the first saddle, `(||ybar||^2 / V_target) cv^2 / (1 + cv^2)` (THEORY 15), and the smallest seen.
fn plateaus(run: &First, gram: &GramRecord) -> Option<(f64, f64)> {
    let cv = gram.projection_cv?;
    let share = run.record.ocs.iter().map(|value| value * value).sum::<f64>();
    let estimate = share / run.theory.target_variance * cv * cv / (1.0 + cv * cv);
    let distances = run.record.training_curves.as_ref()?.distance_to_ocs.iter().copied();
    Some((estimate, distances.min_by(f64::total_cmp)? / run.theory.target_variance))
}

/// Predicted against observed, every run.
fn predictions(canvas: &mut Canvas, runs: &RunFolder) {
    let at = (12.0, BELOW.0 - 14.0);
    let title = ('d', "Predicted from the data and the initial weights");
    let layers = LAYERS.map(|(words, _, look)| Entry::new(Sample::Marker(look), words));
    let entries: Vec<Entry> =
        layers.into_iter().chain([Entry::new(Sample::Line(THEORY), "as predicted")]).collect();
    heading(canvas, title, at, PAGE_WIDTH, &entries);
    let panels: [(&str, &str, Pair); 3] = [
        ("onset predicted, t", "onset observed, t", onsets),
        ("end predicted, t", "end observed, t", ends),
        ("plateau estimated from cv", "least D of OCS / V of targets", plateaus),
    ];
    for (column, (x, y, pair)) in panels.into_iter().enumerate() {
        let left = LEFT + column as f64 * 158.0;
        let frame = Rectangle { left, top: BELOW.0, width: SQUARE, height: BELOW.1 };
        let points = if column < 2 { by_layers(runs, pair) } else { by_inputs(runs, pair) };
        let values = || points.iter().flat_map(|(point, _)| [point.0, point.1]);
        let (low, high) =
            values().fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        let panel = Panel {
            frame,
            x: Axis::logarithmic(low / 1.6, high * 1.6, x),
            y: Axis::logarithmic(low / 1.6, high * 1.6, y),
        };
        let ends = [panel.x.low, panel.x.high].map(|value| (value, Some(value)));
        panel.curve(canvas, &Curve { points: ends.to_vec() }, THEORY);
        for (point, look) in &points {
            panel.dot(canvas, *point, *look, DOT);
        }
        if points.is_empty() {
            let words = if runs.records.is_empty() { "not run" } else { "none" };
            panel.note(canvas, words);
        }
        panel.axes(canvas, Shown { x: true, y: true });
    }
}

/// Every run, told apart by its layers.
fn by_layers(runs: &RunFolder, pair: Pair) -> Vec<((f64, f64), Look)> {
    let mut points = Vec::new();
    for (_, suffix, look) in LAYERS {
        for (dataset, ..) in DATASETS {
            for (inputs, ..) in PREPROCESSINGS {
                let name = condition(dataset, inputs) + suffix;
                points.extend(pairs(runs, &name, pair).into_iter().map(|point| (point, look)));
            }
        }
    }
    points
}

/// Every run of two layers, told apart by its inputs.
fn by_inputs(runs: &RunFolder, pair: Pair) -> Vec<((f64, f64), Look)> {
    let mut points = Vec::new();
    for (dataset, _, marker) in DATASETS {
        for (index, (inputs, ..)) in PREPROCESSINGS.iter().enumerate() {
            let look = Look { marker, ..line(index) };
            let found = pairs(runs, &condition(dataset, inputs), pair);
            points.extend(found.into_iter().map(|point| (point, look)));
        }
    }
    points
}

/// A condition's runs, as far as both numbers exist.
fn pairs(runs: &RunFolder, name: &str, pair: Pair) -> Vec<(f64, f64)> {
    let Some(gram) = runs.gram_of(name) else { return Vec::new() };
    let of = |record| First::of(runs, record).and_then(|first| pair(&first, gram));
    runs.of(name).into_iter().filter_map(of).collect()
}
