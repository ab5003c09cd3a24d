//! Losses of networks and their linear models; how far they part, against time and width; the mean of ReLU and of the error
//! function; and where the model is not promised.

use super::analysis::{
    self, Kind, Moment, by_seed, difference, formula_onset, growth, means, pick, ratio,
};
use crate::config::Activation;
use crate::metrics::norm;
use crate::plot::curve::Curve;
use crate::plot::style::{
    BLUE, Dash, GREEN, GREY, INK, Look, Marker, ORANGE, Stroke, THRESHOLD, VERMILION, look,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder, Series};

const RELU: Look = Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc };
const ERF: Look = Look { colour: VERMILION, dash: Dash::Dashed, marker: Marker::Triangle };
const MODEL: Stroke = Stroke::solid(INK, 0.7);
const FORMULA: Stroke = Stroke::broken(GREY, 0.9, Dash::Dashed);
const SMALL: Look = Look { colour: ORANGE, dash: Dash::Solid, marker: Marker::Disc };
const LARGE: Look = Look { colour: GREEN, dash: Dash::Solid, marker: Marker::Square };
/// What D is, on axes.
const D: &str = "D of network and linear model";
const D_MEANS: Symbol = Symbol::new("D", "mean of (network − linear model)² over that of targets²");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    Page::new("A wide network begins as a linear model, and a ReLU network learns the constant first")
        .row("Loss, ReLU", [losses(runs)])
        .beside("D against time, ReLU", [against_time(runs)])
        .beside("D against width", [against_width(runs)])
        .taller(1.2)
        .row("Mean response, white inputs", [mean_response(runs)])
        .beside("M on images", images(runs))
        .taller(1.2)
        .row("Where the model is not promised", [controls(runs)])
        .taller(1.1)
        .key([
            D_MEANS,
            symbols::TIME,
            symbols::LEARNING_RATE,
            symbols::M,
            symbols::MEAN_TARGET,
            Symbol::new("d", "dimension of inputs"),
            Symbol::new("m", "width"),
            Symbol::new("λ", "rate at which the linear model learns the constant"),
        ])
        .notes(
            "White normal inputs of d dimensions, 16 d samples, targets 0.7 and −0.3 on the two sides of a plane, width m = d²/2 but in c; \
             two layers without biases that start at 0. Training set; first seed in a, b, d, e.",
        )
}

fn of_activation(runs: &RunFolder, kind: Kind, activation: Activation) -> Vec<&Record> {
    analysis::of_activation(runs, kind, activation).unwrap_or_default()
}

fn first(runs: &RunFolder, kind: Kind) -> Option<&Record> {
    of_activation(runs, kind, Activation::Relu).first().copied()
}

fn curve(run: &Record, series: Option<&Series>, index: &[usize]) -> Curve {
    let values = series.map(|series| series.at(index)).unwrap_or_default();
    let points = std::iter::zip(&run.curves.time, values);
    Curve { points: points.map(|(time, value)| (*time, value)).collect() }
}

fn of_series(run: &Record, name: &str, index: &[usize]) -> Curve {
    curve(run, run.series.get(name), index)
}

fn losses(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("time t").between(0.0, 42.0).own(),
        Measure::linear("loss / loss at start").between(0.5, 1.03).own(),
    );
    for (dimension, look) in [(20, SMALL), (80, LARGE)] {
        let Some(run) = first(runs, Kind::Wide(dimension)) else { continue };
        panel = panel
            .layer(Layer::line(of_series(run, "twin_loss", &[0]), MODEL, "linear model"))
            .layer(Layer::dots(
                of_series(run, "network_loss", &[0]),
                look,
                format!("network, d = {dimension}"),
            ));
    }
    panel
}

fn against_time(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("t / d").between(0.0, 0.5).own(),
        Measure::logarithmic(D).between(1e-6, 1e-1).own(),
    );
    for (dimension, look) in [(20, SMALL), (40, RELU), (80, LARGE)] {
        let Some(run) = first(runs, Kind::Wide(dimension)) else { continue };
        let over = |curve: Curve| Curve {
            points: curve
                .points
                .into_iter()
                .map(|(time, value)| (time / dimension as f64, value))
                .collect(),
        };
        panel = panel.layer(Layer::line(
            over(of_series(run, "twin_difference", &[0])),
            look.stroke(1.2),
            format!("d = {dimension}"),
        ));
        if dimension == 40 {
            panel = panel.layer(Layer::line(
                over(of_series(run, "twin_difference_without_norm", &[0])),
                FORMULA,
                "model without the norm, d = 40",
            ));
        }
    }
    panel
}

fn against_width(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::logarithmic("width m").between(100.0, 3000.0).own(),
        Measure::logarithmic("D at t = d/2, d = 40").between(1e-4, 2e-2).own(),
    );
    for (activation, look, name) in
        [(Activation::Relu, RELU, "ReLU"), (Activation::Erf, ERF, "erf")]
    {
        let points: Vec<(f64, f64)> = [128, 512, 2048]
            .into_iter()
            .flat_map(|width| {
                let chosen = of_activation(runs, Kind::Width(width), activation);
                chosen
                    .into_iter()
                    .filter_map(move |run| Some((width as f64, difference(run, Moment::End, 0)?)))
            })
            .collect();
        panel = panel.layer(Layer::points(points, look, name));
    }
    let middle = of_activation(runs, Kind::Width(512), Activation::Relu);
    let at: Vec<f64> = middle.iter().filter_map(|run| difference(run, Moment::End, 0)).collect();
    if at.is_empty() {
        return panel;
    }
    let mean = at.iter().sum::<f64>() / at.len() as f64;
    let line = Curve::through([110.0, 2800.0].map(|width| (width, mean * 512.0 / width)));
    panel.layer(Layer::line(line, MODEL, "slope −1"))
}

fn mean_response(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("time t = η · step").between(0.0, 40.0).own(),
        Measure::linear("mean response / mean target").between(-0.1, 1.1).own(),
    );
    for (activation, look, name) in
        [(Activation::Relu, RELU, "ReLU"), (Activation::Erf, ERF, "erf")]
    {
        let chosen = of_activation(runs, Kind::Phase(activation), activation);
        let Some((run, [network, twin])) = chosen.first().and_then(|run| Some((*run, means(run)?)))
        else {
            continue;
        };
        let share = |mean: Vec<f64>| {
            let target = run.ocs.first().copied().unwrap_or(f64::NAN);
            Curve::of(&run.curves.time, mean.into_iter().map(|mean| mean / target))
        };
        panel = panel.layer(Layer::line(share(twin), MODEL, "linear model")).layer(Layer::dots(
            share(network),
            look,
            name,
        ));
        if activation == Activation::Relu
            && let Some(time) = formula_onset(run)
        {
            panel = panel.layer(Layer::upright(time, THRESHOLD, "t = ln 10 / λ"));
        }
    }
    panel.layer(Layer::level(0.9, FORMULA, "90 %"))
}

fn images(runs: &RunFolder) -> [Panel; 2] {
    let relu = pick(runs, Kind::Images(Activation::Relu)).unwrap_or_default();
    let erf = pick(runs, Kind::Images(Activation::Erf)).unwrap_or_default();
    let mut sets: Vec<&str> = Vec::new();
    for run in relu.iter().chain(&erf) {
        let name = run.config.task.inputs.name();
        if !sets.contains(&name) {
            sets.push(name);
        }
    }
    [0, 1].map(|index| {
        let mut panel = Panel::new(Measure::time(), Measure::linear("M / ‖ȳ‖").between(0.0, 1.05));
        let Some(set) = sets.get(index) else { return panel };
        panel = panel.titled(match *set {
            "mnist" => "MNIST",
            "cifar10" => "CIFAR-10",
            other => other,
        });
        for (chosen, look, name) in [(&relu, RELU, "ReLU"), (&erf, ERF, "erf")] {
            let Some(run) = chosen.iter().find(|run| run.config.task.inputs.name() == *set) else {
                continue;
            };
            let size = norm(&run.ocs);
            let over = |curve: Curve| Curve {
                points: curve
                    .points
                    .into_iter()
                    .map(|(time, value)| (time, value.map(|value| value / size)))
                    .collect(),
            };
            let errors = run.curves.mean_output_error.iter().copied();
            panel = panel
                .layer(Layer::line(
                    over(of_series(run, "twin_mean_output_error", &[])),
                    MODEL,
                    "linear model",
                ))
                .layer(Layer::dots(over(Curve::of(&run.curves.time, errors)), look, name));
        }
        let shown = relu.iter().chain(&erf).next();
        let threshold = shown.map(|run| run.config.phase_threshold);
        panel.layers(threshold.map(|at| Layer::level(at, THRESHOLD, "threshold of the onset")))
    })
}

/// D of controls over what they are compared with.
fn controls(runs: &RunFolder) -> Panel {
    let wide = pick(runs, Kind::Wide(40)).unwrap_or_default();
    let spiked = by_seed(&pick(runs, Kind::Spiked).unwrap_or_default(), &wide);
    let mut points: Vec<(String, Vec<f64>)> = Vec::new();
    for (activation, name) in [(Activation::Relu, "spiked, ReLU"), (Activation::Erf, "spiked, erf")]
    {
        let pairs = spiked.iter().filter(|(run, _)| run.config.network.activation == activation);
        let ratios = pairs.filter_map(|pair| ratio(*pair, Moment::Quarter));
        points.push((name.to_owned(), ratios.collect()));
    }
    let late = pick(runs, Kind::Late).unwrap_or_default();
    let ratios = late.iter().filter_map(|run| growth(run, Moment::End));
    points.push(("a tenth of the loss left".to_owned(), ratios.collect()));
    let without = wide.iter().filter(|run| run.config.network.activation == Activation::Relu);
    let ratios = without.filter_map(|run| {
        Some(analysis::least_without_norm(run)? / difference(run, Moment::End, 0)?)
    });
    points.push(("model without the norm".to_owned(), ratios.collect()));
    let names: Vec<String> = points.iter().map(|(name, _)| name.clone()).collect();
    let marks = points.into_iter().enumerate().flat_map(|(place, (_, ratios))| {
        ratios.into_iter().map(move |ratio| (place as f64 + 0.5, ratio))
    });
    let marks: Vec<(f64, f64)> = marks.collect();
    let panel = Panel::new(
        Measure::named("", names).own(),
        Measure::logarithmic("D / D where it is promised").between(1.0, 1000.0).own(),
    );
    panel
        .layer(Layer::points(marks, look(2), "a run"))
        .layer(Layer::level(5.0, THRESHOLD, "5 times"))
}
