//! The neural tangent kernel: where the constant stands in it along training; what it foretells if it is taken to stand
//! still; what it is at step 0 against width and depth.

use crate::metrics::Phase;
use crate::plot::axis::Axis;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Curve, Spread};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::footer_notes;
use crate::plot::panel::{Panel, Shown};
use crate::plot::style::{
    AT_OCS, BLUE, Colour, Dash, GREEN, GREY, INK, LETTER_SIZE, Look, Marker, ORANGE, PAGE_WIDTH,
    PURPLE, THEORY, THRESHOLD, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{KernelRecord, Record, RunFolder};

/// Condition, words, colour, dash and marker.
const NETWORKS: [(&str, &str, Colour, Dash, Marker); 7] = [
    ("relu-none-raw", "ReLU MLP, raw", BLUE, Dash::Solid, Marker::Disc),
    ("relu-none-centred", "ReLU MLP, centred", BLUE, Dash::Dashed, Marker::Square),
    (
        "relu-all-centred",
        "ReLU MLP with biases, centred",
        PURPLE,
        Dash::DashDotted,
        Marker::Diamond,
    ),
    ("tanh-none-raw", "tanh MLP, raw", ORANGE, Dash::Solid, Marker::Disc),
    ("tanh-none-centred", "tanh MLP, centred", ORANGE, Dash::Dashed, Marker::Square),
    ("cnn-none-raw", "ReLU CNN, raw", GREEN, Dash::Solid, Marker::Disc),
    ("cnn-none-centred", "ReLU CNN, centred", GREEN, Dash::Dashed, Marker::Square),
];

const LEFT: f64 = 46.0;
const WIDTH: f64 = 116.0;
const GAP: f64 = 48.0;
const ROWS: [(f64, f64); 3] = [(69.0, 96.0), (222.0, 104.0), (381.0, 90.0)];
const PAGE_HEIGHT: f64 = 514.0;
const DOT: f64 = 2.0;

/// One-hot inputs.
fn one_hot_look() -> Look {
    Look { colour: INK, marker: Marker::Triangle, ..look(0) }
}

fn frame(row: usize, column: usize) -> Rectangle {
    let (top, height) = ROWS[row];
    Rectangle { left: LEFT + column as f64 * (WIDTH + GAP), top, width: WIDTH, height }
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title = "Nonlinear networks: ReLUs put the constant on top of the neural tangent kernel";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let entries: Vec<Entry> = NETWORKS
        .iter()
        .map(|&(_, words, colour, dash, marker)| {
            let line = Look { colour, dash, marker }.stroke(1.1);
            Entry::new(Sample::Line(line), words)
        })
        .collect();
    legend(&mut canvas, (12.0, 27.0), PAGE_WIDTH - 12.0, &entries);
    along_training(&mut canvas, runs);
    predictions(&mut canvas, runs);
    at_start(&mut canvas, runs);
    let notes = format!(
        "Kernels of all training samples (MNIST images, or one-hot items), averaged over outputs; full batch; a: median and \
         range over seeds; b: predicted from the kernel and the responses at step 0. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

/// One curve of a kernel's record.
type Quantity = fn(&KernelRecord) -> Vec<Option<f64>>;

/// Over `step + 1`, so that step 0 has a place.
fn curve(record: &Record, of: Quantity) -> Option<Curve> {
    let kernel = record.kernel.as_ref()?;
    let steps = kernel.step.iter().map(|&step| step as f64 + 1.0);
    Some(Curve { points: steps.zip(of(kernel)).collect() })
}

fn along_training(canvas: &mut Canvas, runs: &RunFolder) {
    let at = (12.0, ROWS[0].0 - 14.0);
    heading(canvas, ('a', "Along training"), at, PAGE_WIDTH, &[]);
    let last = runs.records.iter().filter(is_network);
    let last = last.filter_map(|record| record.kernel.as_ref()?.step.last().copied()).max();
    let x = || Axis::logarithmic(0.9, 1.1 * (last.unwrap_or(9) as f64 + 1.0), "step + 1");
    let panels: [(Axis, Quantity); 3] = [
        (Axis::linear(-0.06, 1.06, "alignment |⟨v, 1⟩| / √N"), |k| k.ones_alignment.clone()),
        (Axis::logarithmic(1.0, 40.0, "κ₀ / κ₁"), |k| k.ratio.clone()),
        (Axis::logarithmic(1e-3, 60.0, "drift ‖Θ − Θ(0)‖ / ‖Θ(0)‖"), |k| {
            k.drift.clone()
        }),
    ];
    for (column, (y, of)) in panels.into_iter().enumerate() {
        let panel = Panel { frame: frame(0, column), x: x(), y };
        match column {
            0 => [0.0, 1.0].into_iter().for_each(|y| panel.horizontal(canvas, y, AT_OCS)),
            1 => {
                panel.horizontal(canvas, LAZY_RATIO, THRESHOLD);
                panel.name_heights(canvas, &[LAZY_RATIO]);
            }
            _ => {
                panel.horizontal(canvas, STILL, THRESHOLD);
                panel.name_heights(canvas, &[STILL]);
            }
        }
        let mut empty = true;
        for &(condition, _, colour, dash, marker) in &NETWORKS {
            let curves: Vec<Curve> =
                runs.of(condition).into_iter().filter_map(|run| curve(run, of)).collect();
            if curves.is_empty() {
                continue;
            }
            empty = false;
            let spread = Spread::of(&curves);
            panel.band(canvas, &spread, colour);
            panel.curve(canvas, &spread.middle(), Look { colour, dash, marker }.stroke(1.1));
        }
        if empty {
            panel.note(canvas, "not run");
        }
        panel.axes(canvas, Shown { x: true, y: true });
    }
}

/// Above it lazy networks with all label variance at `kappa_1` have a phase (THEORY section 7).
const LAZY_RATIO: f64 = 6.057;
/// Drift up to which a kernel counts as still.
const STILL: f64 = 0.1;

fn is_network(record: &&Record) -> bool {
    NETWORKS.iter().any(|network| network.0 == record.condition)
}

/// The look of a run in `predictions`, if it stands there.
fn look_of(record: &Record) -> Option<Look> {
    if record.condition.starts_with("width-") {
        return Some(one_hot_look());
    }
    NETWORKS
        .iter()
        .find(|network| network.0 == record.condition)
        .map(|&(_, _, colour, dash, marker)| Look { colour, dash, marker })
}

/// Onset or end.
type Crossing = fn(&Phase) -> Option<f64>;
const CROSSINGS: [(&str, Crossing); 2] =
    [("onset", |phase| phase.onset), ("end", |phase| phase.end)];

/// (predicted, observed) and look of every run that has both, later than the start.
fn pairs(runs: &RunFolder, of: Crossing) -> Vec<(f64, f64, &Record, Look)> {
    let of_run = |record| {
        let (lazy, seen) = Record::lazily_predicted(record)?;
        let (predicted, observed) = (of(&lazy)?, of(&seen)?);
        let is_later = predicted > 0.0 && observed > 0.0;
        is_later.then_some((predicted, observed, record, look_of(record)?))
    };
    runs.records.iter().filter_map(of_run).collect()
}

fn predictions(canvas: &mut Canvas, runs: &RunFolder) {
    let entries = [
        Entry::new(Sample::Marker(Look { colour: GREY, ..look(0) }), "raw"),
        Entry::new(
            Sample::Marker(Look { colour: GREY, marker: Marker::Square, ..look(0) }),
            "centred",
        ),
        Entry::new(Sample::Marker(one_hot_look()), "ReLU MLPs on one-hot inputs"),
        Entry::new(Sample::Line(THEORY), "predicted = observed"),
    ];
    let at = (12.0, ROWS[1].0 - 14.0);
    heading(canvas, ('b', "Predicted as if the kernel stood still"), at, PAGE_WIDTH, &entries);
    let empty = if runs.records.is_empty() { "not run" } else { "none" };
    for (column, (name, of)) in CROSSINGS.into_iter().enumerate() {
        let pairs = pairs(runs, of);
        let values = || pairs.iter().flat_map(|pair| [pair.0, pair.1]);
        let low = values().fold(f64::INFINITY, f64::min) / 1.5;
        let high = values().fold(0.0, f64::max) * 1.5;
        let panel = Panel {
            frame: frame(1, column),
            x: Axis::logarithmic(low, high, &format!("{name} predicted, t")),
            y: Axis::logarithmic(low, high, &format!("{name} observed, t")),
        };
        let ends = [panel.x.low, panel.x.high].map(|value| (value, Some(value)));
        panel.curve(canvas, &Curve { points: ends.to_vec() }, THEORY);
        for (predicted, observed, _, look) in &pairs {
            panel.dot(canvas, (*predicted, *observed), *look, DOT);
        }
        if pairs.is_empty() {
            panel.note(canvas, empty);
        }
        panel.axes(canvas, Shown { x: true, y: true });
    }
    errors(canvas, runs, empty);
}

/// Relative error of each prediction against the kernel's drift by then.
fn errors(canvas: &mut Canvas, runs: &RunFolder, empty: &str) {
    let panel = Panel {
        frame: frame(1, 2),
        x: Axis::logarithmic(4e-3, 12.0, "drift at the crossing"),
        y: Axis::logarithmic(1e-3, 4.0, "relative error of its time"),
    };
    panel.horizontal(canvas, STILL, THRESHOLD);
    let upright = [(STILL, Some(panel.y.low)), (STILL, Some(panel.y.high))];
    panel.curve(canvas, &Curve { points: upright.to_vec() }, THRESHOLD);
    let mut any = false;
    for (_, of) in CROSSINGS {
        for (predicted, observed, record, look) in pairs(runs, of) {
            let rate = record.config.training.learning_rate;
            let drift = record.kernel.as_ref().and_then(|kernel| kernel.drift_at(observed, rate));
            let Some(drift) = drift else { continue };
            any = true;
            let error = (predicted / observed - 1.0).abs().max(panel.y.low);
            panel.dot(canvas, (drift.max(panel.x.low), error), look, DOT);
        }
    }
    if !any {
        panel.note(canvas, empty);
    }
    panel.axes(canvas, Shown { x: true, y: true });
}

/// Value at step 0, and what is expected of wide layers.
type AtStart = fn(&KernelRecord) -> (Option<f64>, Option<f64>);

fn at_start(canvas: &mut Canvas, runs: &RunFolder) {
    let open = Look { colour: GREY, ..one_hot_look() };
    let entries = [
        Entry::new(Sample::Marker(one_hot_look()), "a network"),
        Entry::new(Sample::Open(open), "κ₀ over the mean of the others"),
        Entry::new(Sample::Line(THEORY), "arc-cosine kernels"),
    ];
    let at = (12.0, ROWS[2].0 - 14.0);
    let name = "At step 0, one-hot inputs, ReLU, no biases";
    heading(canvas, ('c', name), at, PAGE_WIDTH, &entries);
    let ratio: AtStart = |k| (k.ratio.first().copied().flatten(), k.expected.and_then(|e| e.ratio));
    let alignment: AtStart = |k| {
        let expected = k.expected.and_then(|e| e.ones_alignment);
        (k.ones_alignment.first().copied().flatten(), expected)
    };
    // A full run has wider networks.
    let widths = runs.records.iter().filter(|run| run.condition.starts_with("width-"));
    let widest = widths.filter_map(|run| run.config.network.hidden.first()).max();
    let right = widest.map_or(3e4, |&width| (1.8 * width as f64).max(3e4));
    let width = || Axis::logarithmic(10.0, right, "hidden units, one layer");
    let depth = Axis::linear(0.6, 8.4, "hidden layers of 1,024 units");
    let panels: [(&str, Axis, Axis, AtStart); 3] = [
        ("width-", width(), Axis::linear(0.78, 1.02, "alignment |⟨v, 1⟩| / √N"), alignment),
        ("width-", width(), Axis::linear(1.4, 3.9, "κ₀ / κ₁"), ratio),
        ("depth-", depth, Axis::linear(1.4, 6.6, "κ₀ / κ₁"), ratio),
    ];
    for (column, (prefix, x, y, of)) in panels.into_iter().enumerate() {
        let panel = Panel { frame: frame(2, column), x, y };
        let mut expected: Vec<(f64, Option<f64>)> = Vec::new();
        for record in runs.records.iter().filter(|record| record.condition.starts_with(prefix)) {
            let Some(kernel) = &record.kernel else { continue };
            let hidden = &record.config.network.hidden;
            let place = match prefix {
                "depth-" => hidden.len() as f64,
                _ => hidden.first().map_or(0.0, |&width| width as f64),
            };
            let (value, wide) = of(kernel);
            if let (true, Some(mean)) = (column > 0, kernel.ratio_to_mean())
                && (panel.y.low..=panel.y.high).contains(&mean)
                && let Some(at) = panel.place(place, mean)
            {
                canvas.open_marker(open.marker, at, DOT, open.colour);
            }
            if let Some(value) = value {
                panel.dot(canvas, (place, value), one_hot_look(), DOT);
            }
            expected.push((place, wide));
        }
        if expected.is_empty() {
            panel.note(canvas, "not run");
        }
        expected.sort_by(|one, other| one.0.total_cmp(&other.0));
        panel.curve(canvas, &Curve { points: expected }, THEORY);
        panel.axes(canvas, Shown { x: true, y: true });
    }
}
