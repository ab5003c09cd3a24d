//! Losses and modes beside theory; which inputs the first layer holds alike, and how far that is from the task's own; forgetting;
//! and how long turned signs take.

use ndarray::Array2;

use super::analysis::{
    LEARNED, balanced, deviation, distance_from_task, forgetting, initial_size, is_of_features,
    is_of_two_tasks, perturbations, singular_values, table, turned, turned_by, turning_time,
};
use crate::config::{Activation, Config};
use crate::plot::axis::power_of_ten;
use crate::plot::curve::Curve;
use crate::plot::moments::pairs_of_items;
use crate::plot::style::{
    BLUE, Dash, GREEN, INK, Look, Marker, ORANGE, THEORY, THRESHOLD, VERMILION, look,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder, Series};
use crate::theory::{learned_similarity, singular_vectors};

const SMALL: Look = Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc };
const LARGE: Look = Look { colour: GREEN, dash: Dash::Solid, marker: Marker::Square };
const UNBALANCED: Look = Look { colour: VERMILION, dash: Dash::Solid, marker: Marker::Triangle };

const KEY: [Symbol; 9] = [
    Symbol::new("W₁", "first layer's weights"),
    Symbol::new("W₂", "second layer's"),
    Symbol::new("uₐ", "singular vector of outputs"),
    Symbol::new("vₐ", "of inputs"),
    Symbol::new("Σ", "correlation of targets and inputs"),
    Symbol::new("ε", "standard deviation of what is added to balanced weights"),
    Symbol::new("s", "smallest singular value of Σ"),
    symbols::TIME,
    symbols::LEARNING_RATE,
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    Page::new("Balanced weights, small or large, forget what they were; unbalanced ones keep it")
        .row("Three starts", [losses(runs)])
        .beside("Singular modes of W₂W₁", modes(runs))
        .wider(1.7)
        .row("Which inputs the first layer holds alike at the end, W₁ᵗW₁", maps(runs))
        .square()
        .beside("How far from it", [distances(runs)])
        .wider(1.2)
        .row("A second task", [forgotten(runs)])
        .beside("All signs turned", [turning(runs), turning_times(runs)])
        .wider(1.9)
        .key(KEY)
        .notes(
            "Two linear layers on white inputs; e also tanh and ReLU. Dots: gradient descent; lines: theory, in closed form for balanced \
             weights, integrated for others. c, d: features of a binary tree of eight items; the task's own is the root of ΣᵗΣ, d tells \
             the distance from it over its size (Frobenius), against the root mean square of initial weights. f: after all signs of the targets were turned; learned: loss below 0.05 · ½‖Σ‖².",
        )
}

/// Runs of the first panels, the first seed of each: small, large and unbalanced.
fn three_starts(runs: &RunFolder) -> Vec<(&Record, Look, &'static str)> {
    let is_like = |config: &Config| {
        let first = runs.records.first().map(|run| &run.config);
        first.is_some_and(|first| {
            first.task == config.task
                && first.network.hidden == config.network.hidden
                && first.training.learning_rate == config.training.learning_rate
        })
    };
    let mut drawn = runs.pick_any(|config| is_like(config) && balanced(config).is_some());
    let size = |run: &Record| balanced(&run.config).map_or(0.0, |balanced| balanced.deviation());
    drawn.sort_by(|one, other| size(one).total_cmp(&size(other)));
    let last = drawn.last().map(|run| run.condition.clone());
    let large = drawn.iter().find(|run| Some(&run.condition) == last.as_ref()).copied();
    let small = drawn.first().copied();
    let unbalanced = runs.pick_any(|config| is_like(config) && deviation(config).is_some());
    let unbalanced = unbalanced.first().copied();
    let looks = [
        (small, SMALL, "balanced, small"),
        (large, LARGE, "balanced, large"),
        (unbalanced, UNBALANCED, "unbalanced"),
    ];
    looks.into_iter().filter_map(|(run, look, caption)| Some((run?, look, caption))).collect()
}

fn losses(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("time t = η · step").own(),
        Measure::logarithmic("loss").own().at_least(1e-8),
    );
    for (run, look, caption) in three_starts(runs) {
        let of = |time: &[f64], loss: &[f64]| Curve::of(time, loss.iter().copied());
        if let Some(theory) = runs.theory_of_run(run) {
            let curve = of(&theory.curves.time, &theory.curves.loss);
            panel = panel.layer(Layer::line(curve, THEORY, "theory"));
        }
        panel = panel.layer(Layer::dots(of(&run.curves.time, &run.curves.loss), look, caption));
    }
    panel
}

/// `u_a W_2 W_1 v_a` over time, with the singular vectors of the map at the end.
fn mode_strengths(series: &Series, vectors: &(Array2<f64>, Array2<f64>)) -> Option<Vec<Vec<f64>>> {
    let at = |moment: usize| {
        let map = table(series, moment)?;
        let (u, v) = vectors;
        Some(u.t().dot(&map).dot(v).diag().to_vec())
    };
    (0..series.step.len()).map(at).collect()
}

fn modes(runs: &RunFolder) -> Vec<Panel> {
    let starts = three_starts(runs).into_iter().filter(|(_, look, _)| *look != LARGE);
    let starts: Vec<_> = starts.collect();
    let empty = |title: &str| {
        Panel::new(
            Measure::linear("time t = η · step").own(),
            Measure::linear("mode uₐᵗW₂W₁vₐ").including([0.0]),
        )
        .titled(title)
    };
    if starts.is_empty() {
        return vec![empty("balanced, small"), empty("unbalanced")];
    }
    let of = |(run, own, title): &(&Record, Look, &'static str)| {
        let mut panel = empty(title);
        let Some(series) = run.series.get("network_map") else { return panel };
        let Some(end) = table(series, usize::MAX) else { return panel };
        let vectors = singular_vectors(&end);
        let theory = runs.theory_of_run(run);
        let expected = theory.and_then(|theory| theory.series.get("network_map"));
        let expected = expected.and_then(|series| mode_strengths(series, &vectors));
        let found = mode_strengths(series, &vectors).unwrap_or_default();
        for mode in (0..vectors.0.ncols()).rev() {
            let curve = |time: &[f64], strengths: &[Vec<f64>]| {
                Curve::of(time, strengths.iter().map(|at| at[mode]))
            };
            if let (Some(theory), Some(expected)) = (theory, &expected) {
                let line = curve(&theory.curves.time, expected);
                panel = panel.layer(Layer::line(line, THEORY, "theory"));
            }
            let dots = curve(&run.curves.time, &found);
            panel = panel.layer(Layer::dots(dots, *own, *own_caption(*own)));
        }
        panel
    };
    starts.iter().map(of).collect()
}

fn own_caption(own: Look) -> &'static &'static str {
    if own == SMALL { &"balanced, small" } else { &"unbalanced" }
}

/// Features from a start of a kind, the one that `of` makes largest.
fn largest(runs: &RunFolder, of: impl Fn(&Config) -> Option<f64>) -> Option<&Record> {
    let all = runs.pick_any(|config| is_of_features(config) && of(config).is_some());
    let largest = all.iter().filter_map(|run| of(&run.config)).fold(0.0, f64::max);
    all.into_iter().find(|run| of(&run.config) == Some(largest))
}

fn from_balanced(config: &Config) -> Option<f64> {
    balanced(config).map(|balanced| balanced.deviation())
}

/// Similarities that the task asks for, and those that two large starts come to.
fn maps(runs: &RunFolder) -> [Panel; 3] {
    let (even, uneven) = (largest(runs, from_balanced), largest(runs, deviation));
    let own = even.and_then(|run| learned_similarity(&run.config, 0.0).ok());
    let end = |run: Option<&Record>| table(run?.series.get("input_similarity")?, usize::MAX);
    let shown =
        [("the task's own", own), ("balanced, large", end(even)), ("unbalanced", end(uneven))];
    shown.map(|(title, values)| {
        let largest =
            |values: &Array2<f64>| values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let range = values.as_ref().map_or(0.0, largest);
        let rows =
            |values: Array2<f64>| values.rows().into_iter().map(|row| row.to_vec()).collect();
        pairs_of_items(title, values.map(rows), ((-range, range), ""))
    })
}

fn distances(runs: &RunFolder) -> Panel {
    let points = |of: fn(&Config) -> Option<f64>| {
        let chosen = runs.pick_any(|config| is_of_features(config) && of(config).is_some());
        let point = |run: &Record| Some((initial_size(run)?, distance_from_task(run)?));
        chosen.into_iter().filter_map(point).collect::<Vec<_>>()
    };
    Panel::new(
        Measure::logarithmic("size of initial W₁").own(),
        Measure::logarithmic("relative distance").own(),
    )
    .layer(Layer::level(0.02, THRESHOLD, "0.02"))
    .layer(Layer::points(points(from_balanced), LARGE, "balanced"))
    .layer(Layer::points(points(deviation), UNBALANCED, "unbalanced"))
}

fn forgotten(runs: &RunFolder) -> Panel {
    type Kind = (&'static str, Look, fn(&Config) -> bool);
    let kinds: [Kind; 3] = [
        ("linear", look(0), |config| config.network.kind.is_linear()),
        ("tanh", look(1), |config| config.network.activation == Activation::Tanh),
        ("ReLU", look(2), |config| {
            !config.network.kind.is_linear() && config.network.activation == Activation::Relu
        }),
    ];
    let mut panel = Panel::compared("half squared distance of tasks", "forgetting of the first");
    for (caption, look, fits) in kinds {
        let chosen = runs.pick_any(|config| is_of_two_tasks(config) && fits(config));
        let points = chosen.iter().filter_map(|run| forgetting(run)).map(|(lost, of)| (of, lost));
        panel = panel.layer(Layer::open_points(points.collect::<Vec<_>>(), look, caption));
    }
    panel
}

/// Looks of perturbations, the largest first.
const PERTURBED: [Look; 3] = [
    Look { colour: ORANGE, dash: Dash::Solid, marker: Marker::Diamond },
    Look { colour: VERMILION, dash: Dash::Solid, marker: Marker::Triangle },
    Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc },
];
const ONE_LAYER: Look = Look { colour: INK, dash: Dash::Solid, marker: Marker::Square };

fn perturbed_caption(perturbation: f64) -> String {
    let power = perturbation.log10();
    if (power - power.round()).abs() < 1e-9 {
        return format!("ε = {}", power_of_ten(power.round() as i32));
    }
    format!("ε = {perturbation}")
}

/// Loss over half the squared map, since the signs were turned.
fn turning(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("time since the turn").between(0.0, 35.0).own(),
        Measure::logarithmic("loss / ½‖Σ‖²").between(0.005, 5.0).own(),
    )
    .layer(Layer::level(LEARNED, THRESHOLD, "learned"));
    let mut shown: Vec<(f64, Look, String)> = std::iter::zip(perturbations(runs), PERTURBED)
        .map(|(of, look)| (of, look, perturbed_caption(of)))
        .collect();
    shown.push((f64::INFINITY, ONE_LAYER, "one layer".to_owned()));
    for (perturbation, look, caption) in shown {
        let Some(run) = turned_by(runs, perturbation).first().copied() else { continue };
        let Some(values) = singular_values(&run.config) else { continue };
        let unit = 0.5 * values.iter().map(|s| s * s).sum::<f64>();
        let Some(start) = run.stretches.get(1).map(|stretch| stretch.start_time) else { continue };
        let curve = |time: &[f64], loss: &[f64]| {
            let since = std::iter::zip(time, loss).filter(|(time, _)| **time > start);
            Curve::through(since.map(|(time, loss)| (time - start, loss / unit)))
        };
        if let Some(theory) = runs.theory_of_run(run) {
            let line = curve(&theory.curves.time, &theory.curves.loss);
            panel = panel.layer(Layer::line(line, THEORY, "theory"));
        }
        panel = panel.layer(Layer::dots(curve(&run.curves.time, &run.curves.loss), look, caption));
    }
    panel
}

/// When they are learned, against what was added, every seed, and the slope that theory says.
fn turning_times(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("ln(1/ε)").own(),
        Measure::linear("time until learned").including([0.0]).own(),
    );
    let levels = perturbations(runs);
    let times = |perturbation: f64| -> Vec<(f64, f64)> {
        let runs = turned_by(runs, perturbation);
        runs.iter()
            .filter_map(|run| Some(((1.0 / perturbation).ln(), turning_time(run)?)))
            .collect()
    };
    let slope = runs
        .records
        .iter()
        .filter(|run| turned(&run.config).is_some())
        .filter_map(|run| singular_values(&run.config)?.iter().copied().reduce(f64::min))
        .next();
    let all: Vec<(f64, f64)> = levels.iter().flat_map(|of| times(*of)).collect();
    if let (Some(smallest), false) = (slope, all.is_empty()) {
        let count = all.len() as f64;
        let (x, y) = all.iter().fold((0.0, 0.0), |(x, y), at| (x + at.0 / count, y + at.1 / count));
        let ends = [
            all.iter().map(|at| at.0).fold(f64::INFINITY, f64::min),
            all.iter().map(|at| at.0).fold(0.0, f64::max),
        ];
        let line = ends.map(|at| (at, y + (at - x) / smallest));
        panel = panel.layer(Layer::line(Curve::through(line), THEORY, "slope 1/s"));
    }
    for (perturbation, look) in std::iter::zip(levels, PERTURBED) {
        panel =
            panel.layer(Layer::points(times(perturbation), look, perturbed_caption(perturbation)));
    }
    panel
}
