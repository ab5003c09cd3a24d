//! Does the order of learning follow the labels, or the images? Learned fractions of each level, and of vehicles against
//! animals, under a tree that means something and three that do not; when each was learned; what theory foretold.

use crate::config::Config;
use crate::metrics::{Contrasts, Curves, first_time};
use crate::plot::axis::Axis;
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Clock, Curve};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::{ONSET, footer_notes};
use crate::plot::panel::{Panel, Shown};
use crate::plot::scales::clock_axis;
use crate::plot::style::{
    Dash, GREY, INK, LETTER_SIZE, Look, Marker, NOTE_SIZE, PAGE_WIDTH, Stroke, TEXT_SIZE, THEORY,
    THRESHOLD, TITLE_SIZE, level_look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder};

const NETWORKS: [(&str, &str, char); 2] =
    [("linear", "Linear networks without biases", 'a'), ("cnn", "CNNs with biases", 'b')];
const TREES: [(&str, &str); 4] = [
    ("semantic", "vehicles | animals"),
    ("regrouped-1", "regrouped 1"),
    ("regrouped-2", "regrouped 2"),
    ("regrouped-3", "regrouped 3"),
];
const LEFT: f64 = 46.0;
const WIDTH: f64 = 100.0;
const GAP: f64 = 13.0;
const TOPS: [f64; 2] = [74.0, 209.0];
const HEIGHT: f64 = 76.0;
const BELOW: (f64, f64) = (341.0, 92.0);
const PAGE_HEIGHT: f64 = 486.0;
const DOT: f64 = 2.0;

/// Vehicles against animals.
const VEHICLES: Look = Look { colour: INK, dash: Dash::Dashed, marker: Marker::Disc };

fn stroke(look: Look) -> Stroke {
    Stroke { dash: look.dash, ..Stroke::solid(look.colour, 1.2) }
}

/// Name, look and learned fraction of every level and of vehicles against animals.
fn fractions(config: &Config, levels: &[usize], curves: &Curves) -> Vec<(Look, Vec<f64>)> {
    let Some(contrasts) = Contrasts::new(levels) else { return Vec::new() };
    let of_levels = (0..levels.len()).map(|level| (level_look(level), contrasts.of_level(level)));
    let vehicles = config.task.vehicles().filter(|sides| Some(&sides.len()) == levels.last());
    let vehicles = vehicles.map(|sides| (VEHICLES, contrasts.between(&sides)));
    of_levels
        .chain(vehicles)
        .filter_map(|(look, direction)| Some((look, contrasts.fraction(curves, &direction)?)))
        .collect()
}

/// On the training set, where a run was observed there.
fn curves_of(run: &Record) -> &Curves {
    run.training_curves.as_ref().unwrap_or(&run.curves)
}

/// When each of `fractions` was learned.
fn times(config: &Config, levels: &[usize], curves: &Curves) -> Vec<(Look, Option<f64>)> {
    let reached = |values: Vec<f64>| first_time(&curves.time, &values, config.phase_threshold);
    let all = fractions(config, levels, curves).into_iter();
    all.map(|(look, values)| (look, reached(values))).collect()
}

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title =
        "Does the order of learning follow the labels, or the images? CIFAR-10 under four trees";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let mut entries: Vec<Entry> = (0..3)
        .map(|level| {
            let caption = format!("labels, level {}", level + 1);
            Entry::new(Sample::Line(stroke(level_look(level))), caption)
        })
        .collect();
    entries.push(Entry::new(Sample::Line(stroke(VEHICLES)), "vehicles against animals"));
    entries.push(Entry::new(Sample::Upright(ONSET), "onset of the OCS"));
    entries.push(Entry::new(Sample::Line(THRESHOLD), "learned"));
    legend(&mut canvas, (12.0, 27.0), PAGE_WIDTH - 12.0, &entries);
    for ((network, words, letter), top) in NETWORKS.into_iter().zip(TOPS) {
        heading(&mut canvas, (letter, words), (12.0, top - 27.0), PAGE_WIDTH, &[]);
        for (column, (tree, words)) in TREES.into_iter().enumerate() {
            let left = LEFT + column as f64 * (WIDTH + GAP);
            let frame = Rectangle { left, top, width: WIDTH, height: HEIGHT };
            let first = runs.of(&format!("{network}-{tree}")).into_iter().next();
            course(&mut canvas, first, frame, words);
        }
    }
    summary(&mut canvas, runs);
    predictions(&mut canvas, runs);
    let notes = format!(
        "a, b: first seed, linear on its training set; a contrast's learned fraction is 0 without it and 1 at the targets. \
         Regrouped trees put a vehicle beside an animal in every pair. c: every seed; what was not learned by the last step \
         stands at the top. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 19.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn course(canvas: &mut Canvas, run: Option<&Record>, frame: Rectangle, words: &str) {
    let at = (frame.centre().0, frame.top - 4.0);
    canvas.text(Text::new(words, at, Anchor::Middle, TITLE_SIZE).bold());
    let last = run.and_then(|run| curves_of(run).time.last().copied()).unwrap_or(10.0);
    let panel = Panel {
        frame,
        x: clock_axis((0.1_f64.min(last / 100.0), last), Clock::Time),
        y: Axis::linear(-0.03, 0.53, "learned fraction"),
    };
    match run {
        Some(run) => {
            let curves = curves_of(run);
            panel.horizontal(canvas, run.config.phase_threshold, THRESHOLD);
            if let Some(onset) = run.phase.onset {
                panel.vertical(canvas, onset, ONSET);
            }
            for (look, values) in fractions(&run.config, &run.levels, curves) {
                let points = curves.time.iter().copied().zip(values.into_iter().map(Some));
                panel.curve(canvas, &Curve { points: points.collect() }, stroke(look));
            }
        }
        None => panel.note(canvas, "not run"),
    }
    panel.axes(canvas, Shown { x: true, y: frame.left < LEFT + 1.0 });
}

/// When each contrast was learned under each tree, every seed.
fn summary(canvas: &mut Canvas, runs: &RunFolder) {
    let at = (12.0, BELOW.0 - 24.0);
    heading(canvas, ('c', "When each was learned"), at, PAGE_WIDTH, &[]);
    for (index, (network, words, _)) in NETWORKS.into_iter().enumerate() {
        let left = LEFT + index as f64 * 158.0;
        let frame = Rectangle { left, top: BELOW.0, width: 122.0, height: BELOW.1 };
        let of = |tree: &str| runs.of(&format!("{network}-{tree}"));
        let all: Vec<&Record> = TREES.iter().flat_map(|(tree, _)| of(tree)).collect();
        let last = all.iter().filter_map(|run| curves_of(run).time.last().copied());
        let last = last.fold(10.0_f64, f64::max);
        let panel = Panel {
            frame,
            x: Axis::linear(0.0, TREES.len() as f64, ""),
            y: Axis::logarithmic(1.0, 1.9 * last, "time t = η · step"),
        };
        let title = words.split(" with").next().unwrap_or(words);
        let above = (frame.centre().0, frame.top - 4.0);
        canvas.text(Text::new(title, above, Anchor::Middle, TITLE_SIZE).bold());
        panel.horizontal(canvas, 1.1 * last, Stroke::broken(GREY, 0.6, Dash::Dotted));
        for (column, (tree, name)) in TREES.into_iter().enumerate() {
            for run in of(tree) {
                for (place, (look, time)) in
                    times(&run.config, &run.levels, curves_of(run)).into_iter().enumerate()
                {
                    let x = column as f64 + 0.2 * (place as f64 + 1.0);
                    panel.dot(canvas, (x, time.unwrap_or(1.4 * last)), look, DOT);
                }
            }
            let Some((x, _)) = panel.place(column as f64 + 0.5, 1.0) else { continue };
            let short = if column == 0 { "meaningful" } else { &name[name.len() - 1..] };
            let below = (x, frame.bottom() + 8.5);
            canvas.text(Text::new(short, below, Anchor::Middle, TEXT_SIZE));
        }
        let (x, _) = panel.place(2.5, 1.0).unwrap_or(frame.centre());
        let below = (x, frame.bottom() + 17.0);
        canvas.text(Text::new("regrouped", below, Anchor::Middle, TEXT_SIZE));
        if all.is_empty() {
            panel.note(canvas, "not run");
        } else {
            let (_, y) = panel.place(0.5, 1.4 * last).unwrap_or(frame.centre());
            let right = (frame.right() + 2.5, y);
            canvas.text(Text::centred("never", right, Anchor::Start, NOTE_SIZE).coloured(GREY));
        }
        panel.y_axis(canvas, true);
        canvas.frame(frame);
    }
}

/// Predicted against observed times of linear networks, every tree and seed.
fn predictions(canvas: &mut Canvas, runs: &RunFolder) {
    let left = LEFT + 2.0 * 158.0 + 22.0;
    let frame = Rectangle { left, top: BELOW.0, width: 104.0, height: BELOW.1 };
    let at = (left - 32.0, BELOW.0 - 24.0);
    heading(canvas, ('d', "From the data and initial weights"), at, PAGE_WIDTH, &[]);
    let mut points = Vec::new();
    for run in &runs.records {
        let Some(theory) = runs.theory_of_run(run) else { continue };
        let seen = times(&run.config, &run.levels, curves_of(run));
        let expected = times(&theory.config, &theory.levels, &theory.curves);
        for ((look, seen), (_, expected)) in seen.into_iter().zip(expected) {
            points.extend(expected.zip(seen).map(|point| (point, look)));
        }
    }
    let values = || points.iter().flat_map(|(point, _)| [point.0, point.1]);
    let low = values().fold(f64::INFINITY, f64::min) / 1.3;
    let high = values().fold(0.0, f64::max) * 1.3;
    let panel = Panel {
        frame,
        x: Axis::logarithmic(low, high, "predicted, t"),
        y: Axis::logarithmic(low, high, "observed, t"),
    };
    let ends = [panel.x.low, panel.x.high].map(|value| (value, Some(value)));
    panel.curve(canvas, &Curve { points: ends.to_vec() }, THEORY);
    for (point, look) in &points {
        panel.dot(canvas, *point, *look, DOT);
    }
    if points.is_empty() {
        let words = if runs.records.is_empty() { "not run" } else { "theory missing" };
        panel.note(canvas, words);
    }
    panel.axes(canvas, Shown { x: true, y: true });
}
