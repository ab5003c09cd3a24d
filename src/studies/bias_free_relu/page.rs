//! Losses beside the linear network's, on symmetric inputs and others; the slope at finite width; weights before and after; and
//! what two layers without biases cannot learn.

use super::analysis::{
    Kind, final_spectrum, least_balanced, of_width, pick, share, slopes, spectrum, step_ladder,
    twin,
};
use crate::plot::curve::Curve;
use crate::plot::style::{BLUE, Dash, GREY, INK, Look, Marker, Stroke, VERMILION, look};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{HeatMap, Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder};

const RELU: Look = Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc };
const LEAKY: Look = Look { colour: VERMILION, dash: Dash::Dashed, marker: Marker::Triangle };
const LINEAR: Stroke = Stroke::solid(INK, 0.7);
const ONE_LOGISTIC: Stroke = Stroke::broken(GREY, 0.9, Dash::Dashed);

const KEY: [Symbol; 9] = [
    Symbol::new("b", "(1 + α)/2, the pace of the linear network"),
    Symbol::new("α", "slope of the activation below 0"),
    Symbol::new("W₁", "first layer's weights"),
    Symbol::new("W₂", "second layer's"),
    Symbol::new("r", "direction of the target, w / ‖w‖"),
    Symbol::new("w", "the target's weights"),
    Symbol::new("θ", "angle of an input on the circle"),
    symbols::TIME,
    symbols::LEARNING_RATE,
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let wide = of_width(runs, 100).unwrap_or_default();
    let small = wide.iter().copied().filter(|run| is_smallest(run, &wide));
    let small: Vec<&Record> = small.collect();
    let symmetric = first_of_each_slope(&small);
    let asymmetric: Vec<&Record> =
        pick(runs, Kind::Asymmetric).unwrap_or_default().into_iter().take(1).collect();
    Page::new("Without biases, a ReLU network is a linear one in slower time where inputs are symmetric")
        .row("Symmetric inputs, odd target", [losses(runs, &symmetric)])
        .beside("Asymmetric inputs", [losses(runs, &asymmetric)])
        .beside("20 units, whose groups start unequal", finite_width(runs))
        .taller(1.3)
        .row("First layer of the ReLU network in a", weights(symmetric.first().copied()))
        .taller(1.4)
        .row("An odd target that is not linear, sin 3θ", [circle(runs)])
        .taller(1.2)
        .key(KEY)
        .notes(
            "Whitened normal inputs and targets w·input, but in e; a to d from small random weights. Dots: nonlinear networks; lines in a, b: \
             the linear network from √b times their weights, drawn at its time over b.",
        )
}

/// Whether a run starts from as small weights as any.
fn is_smallest(run: &Record, runs: &[&Record]) -> bool {
    let start =
        |run: &Record| super::analysis::initial_deviation(&run.config).unwrap_or(f64::INFINITY);
    runs.iter().all(|other| start(run) <= start(other))
}

/// The first seed of each slope below 0, ReLU first.
fn first_of_each_slope<'a>(runs: &[&'a Record]) -> Vec<&'a Record> {
    let mut chosen: Vec<&Record> = Vec::new();
    for run in runs {
        if chosen.iter().all(|other| share(&other.config) != share(&run.config)) {
            chosen.push(run);
        }
    }
    chosen
}

fn look_of(run: &Record) -> (Look, String) {
    match run.config.network.negative_slope() {
        Some(slope) if slope > 0.0 => (LEAKY, format!("leaky ReLU, α = {slope}")),
        Some(_) | None => (RELU, "ReLU".to_owned()),
    }
}

fn time() -> Measure {
    Measure::linear("time t = η · step").between(0.0, 25.0)
}

/// Losses as shares of the first, with the linear networks beside them.
fn losses(runs: &RunFolder, chosen: &[&Record]) -> Panel {
    let loss = |run: &Record, pace: f64| {
        let first = run.curves.loss.first().copied().unwrap_or(f64::NAN);
        let points = std::iter::zip(&run.curves.time, &run.curves.loss);
        Curve::through(points.map(|(time, loss)| (time / pace, loss / first)))
    };
    let mut panel = Panel::new(time(), Measure::linear("loss / loss at start").between(0.0, 1.05));
    for run in chosen {
        let (look, caption) = look_of(run);
        if let (Some(share), Ok(linear)) = (share(&run.config), twin(runs, run)) {
            panel = panel.layer(Layer::line(
                loss(linear, share),
                LINEAR,
                "linear network, at time b t",
            ));
        }
        panel = panel.layer(Layer::dots(loss(run, 1.0), look, caption));
    }
    panel
}

/// The slope of the odd part where groups differ most, with two groups and with one, and how far it is from either.
fn finite_width(runs: &RunFolder) -> [Panel; 2] {
    let slope = Panel::new(time(), Measure::linear("slope of the odd part, b W₂W₁r"));
    let error = Panel::new(time(), Measure::linear("slope − theory"));
    let ladder = step_ladder(runs).unwrap_or_default();
    let Some(run) = least_balanced(&ladder) else { return [slope, error] };
    let (Some((measured, two)), Some((_, one))) = (slopes(run, false), slopes(run, true)) else {
        return [slope, error];
    };
    let curve = |values: &[f64]| Curve::of(&run.curves.time, values.iter().copied());
    let off = |theory: &[f64]| {
        Curve::of(
            &run.curves.time,
            std::iter::zip(&measured, theory).map(|(one, other)| one - other),
        )
    };
    const ONE: &str = "one logistic";
    const TWO: &str = "two groups";
    [
        slope
            .layer(Layer::line(curve(&one), ONE_LOGISTIC, ONE))
            .layer(Layer::line(curve(&two), LINEAR, TWO))
            .layer(Layer::dots(curve(&measured), RELU, "ReLU")),
        error.layer(Layer::line(off(&one), ONE_LOGISTIC, ONE)).layer(Layer::line(
            off(&two),
            LINEAR,
            TWO,
        )),
    ]
}

/// The first layer at both ends, units in the order of their output weights, and its singular values.
fn weights(run: Option<&Record>) -> [Panel; 3] {
    let ends = ["before", "after"].map(|title| {
        Panel::new(Measure::linear("input").own(), Measure::linear("hidden unit").own())
            .titled(title)
    });
    let values = Panel::new(
        Measure::named("rank", (1..=8).map(|rank| rank.to_string())),
        Measure::logarithmic("singular value of W₁").own(),
    )
    .titled("spectrum");
    let Some(run) = run else {
        let [before, after] = ends;
        return [before, after, values];
    };
    let mut moment = 0;
    let [before, after] = ends.map(|panel| {
        moment += 1;
        match sorted_weights(run, moment - 1) {
            Some(values) => {
                let (rows, columns) = (values.len() as f64, values.first().map_or(0, Vec::len));
                let map = HeatMap {
                    values,
                    groups: Vec::new(),
                    between: (-1.0, 1.0),
                    title: "weight / largest".to_owned(),
                };
                panel
                    .across(Measure::named("input", (1..=columns).map(|input| input.to_string())))
                    .upwards(
                        Measure::linear("hidden unit, by output weight").between(0.0, rows).own(),
                    )
                    .layer(Layer::heat_map(map))
            }
            None => panel,
        }
    });
    let points = |values: Option<Vec<f64>>| {
        values
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(rank, value)| (rank as f64 + 0.5, value))
    };
    let start = Look { colour: GREY, ..look(2) };
    let values = values
        .layer(Layer::points(points(spectrum(run, 0, 0)), start, "at the start"))
        .layer(Layer::points(points(final_spectrum(run, 0)), RELU, "at the end"));
    [before, after, values]
}

/// `W_1` over its largest entry at a moment of the two, rows in the order of the last output weights, the largest on top.
fn sorted_weights(run: &Record, moment: usize) -> Option<Vec<Vec<f64>>> {
    let (first, second) = (run.series.get("weights_1")?, run.series.get("weights_2")?);
    let output: Option<Vec<f64>> = second.last().iter().copied().collect();
    let output = output?;
    let [units, inputs] = first.shape[..] else { return None };
    if output.len() != units {
        return None;
    }
    let values: Option<Vec<f64>> = first
        .values
        .get(moment * first.size()..(moment + 1) * first.size())?
        .iter()
        .copied()
        .collect();
    let values = values?;
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let mut order: Vec<usize> = (0..units).collect();
    order.sort_by(|&one, &other| output[other].total_cmp(&output[one]));
    let row = |unit: usize| {
        values[unit * inputs..(unit + 1) * inputs].iter().map(|w| w / largest).collect()
    };
    Some(order.into_iter().map(row).collect())
}

/// What networks answer on the circle, at the end.
fn circle(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("angle θ / 2π").between(0.0, 1.0).own(),
        Measure::linear("response").between(-1.3, 1.3).own(),
    );
    let shown = [
        (Kind::Circle, RELU.stroke(1.2), "two layers, no biases"),
        (Kind::CircleBiases, LEAKY.stroke(1.2), "two layers, biases"),
        (Kind::CircleDeep, look(2).stroke(1.2), "three layers, no biases"),
        (Kind::CircleLinear, LINEAR, "linear"),
    ];
    let target = (0..=200).map(|point| {
        let turn = f64::from(point) / 200.0;
        (turn, (6.0 * std::f64::consts::PI * turn).sin())
    });
    for (kind, stroke, caption) in shown {
        let runs = pick(runs, kind).unwrap_or_default();
        let Some(series) = runs.first().and_then(|run| run.series.get("responses")) else {
            continue;
        };
        let values = series.last();
        let points = values.iter().enumerate();
        let points = points.map(|(point, value)| (point as f64 / values.len() as f64, *value));
        panel = panel.layer(Layer::line(Curve { points: points.collect() }, stroke, caption));
    }
    if panel.shown().next().is_none() {
        return panel;
    }
    let target = Curve::through(target);
    panel.layer(Layer::rings(target, Look { colour: GREY, ..look(0) }, "target").sparser(1.5))
}
