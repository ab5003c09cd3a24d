//! Learned fractions over time for three choices of biases, and early under the last; below, how the weights' share of the
//! constant follows an output bias, on a straight line and to its end, and what finite steps lose of that law.

use super::Pair;
use crate::config::Bias;
use crate::metrics::{Curves, half_time};
use crate::plot::axes::rounded;
use crate::plot::axis::number;
use crate::plot::curve::Curve;
use crate::plot::over_time::{level_name, theory_line};
use crate::plot::style::{
    AT_OCS, Dash, INK, Look, Marker, ORANGE, SKY, Stroke, THRESHOLD, level_look, look,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::RunFolder;

/// Last time of the early panel: six times the output bias's own.
const EARLY: f64 = 6.0;
/// The weights' share of the constant.
const WEIGHTS: Look = Look::new(SKY, Dash::Solid, Marker::Diamond);
/// Where theory ends.
const END_POINT: Look = Look::new(INK, Dash::Solid, Marker::Disc);
/// What an output bias does by itself.
const EXPONENTIAL: Stroke = Stroke::solid(ORANGE, 2.6);

const KEY: [Symbol; 9] = [
    Symbol::new("f₀", "learned fraction of the constant"),
    Symbol::new("f₁", "that of level 1"),
    Symbol::new("a*", "end of the strength a of the constant in the weights"),
    Symbol::new("a₀", "its start"),
    Symbol::new("b", "size of the output bias, along ȳ"),
    Symbol::new("μ", "root of the variance of inputs along the constant"),
    symbols::MEAN_TARGET,
    symbols::TIME,
    symbols::LEARNING_RATE,
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let time = || Measure::linear("time t = η · step").tight();
    let learned = || Panel::new(time(), Measure::linear("learned fraction"));
    let early = || learned().across(time().between(0.0, EARLY).own());
    let law = || {
        let of_constant = Measure::linear("ln(a / a₀) of the constant").including([0.5]);
        Panel::new(output_bias(), of_constant)
    };
    Page::new("Which mode is learned when? A bias decides whether the constant is first")
        .row(
            "Learned fractions",
            [
                filled(learned().titled("No biases"), runs, Bias::None, fractions),
                filled(learned().titled("Input bias"), runs, Bias::Input, fractions),
                filled(learned().titled("Output bias"), runs, Bias::Output, fractions),
                filled(early().titled("Output bias, early"), runs, Bias::Output, constant_early),
            ],
        )
        .taller(1.5)
        .row(
            "The weights follow the bias",
            [
                filled(law().titled("Output bias"), runs, Bias::Output, weights_follow),
                filled(law().titled("Biases in all layers"), runs, Bias::All, weights_follow),
                drift(runs),
            ],
        )
        .taller(1.5)
        .key(KEY)
        .notes("Aligned start, one-hot inputs. Panels of a share their legend; dots are gradient descent.")
}

fn output_bias() -> Measure {
    Measure::linear("output bias b").between(-0.03, 1.05)
}

/// A panel filled from a bias option's run and theory, or saying which is missing.
fn filled(
    panel: Panel,
    runs: &RunFolder,
    bias: Bias,
    fill: impl Fn(Panel, &Pair) -> Panel,
) -> Panel {
    match Pair::of(runs, bias) {
        Ok(pair) => fill(panel, &pair),
        Err(_) if runs.pick_any(|config| config.network.bias == bias).is_empty() => panel,
        Err(_) => panel.missing("theory missing"),
    }
}

/// The constant's fraction in the whole response.
fn constant(curves: &Curves, pair: &Pair) -> Curve {
    Curve::of(&curves.time, curves.constant_fraction(&pair.theory.ocs))
}

/// The fraction of a split that the weights have learned.
fn fraction(curves: &Curves, pair: &Pair, split: usize) -> Option<Curve> {
    Some(Curve::of(&curves.time, pair.theory.learned_fraction(curves, split)?))
}

/// The constant first: where a level lies upon it, its dots show within the rings.
fn fractions(panel: Panel, pair: &Pair) -> Panel {
    let (run, theory) = (&pair.run.curves, &pair.theory.curves);
    let levels = 0..pair.theory.levels.len();
    let dots = levels.clone().filter_map(|level| {
        Some(Layer::dots(fraction(run, pair, level + 1)?, level_look(level), level_name(level)))
    });
    let lines = levels.filter_map(|level| fraction(theory, pair, level + 1)).map(theory_line);
    let half = |curve: Curve| {
        let values: Vec<f64> = curve.points.iter().filter_map(|point| point.1).collect();
        Some(number(half_time(&run.time, &values)?, 2))
    };
    let words = half(constant(run, pair))
        .zip(fraction(run, pair, 1).and_then(half))
        .map(|(constant, level)| format!("half times: f₀ {constant}, f₁ {level}"));
    let panel = panel
        .saying(words.unwrap_or_default())
        .layer(Layer::rings(constant(run, pair), look(0), "constant, f₀"))
        .layers(dots)
        .layer(theory_line(constant(theory, pair)))
        .layers(lines);
    let has_bias = pair.run.config.network.bias.at_output();
    panel.layers(weights_share(pair).into_iter().filter(|_| has_bias))
}

/// The constant under an output bias while the bias learns it.
fn constant_early(panel: Panel, pair: &Pair) -> Panel {
    let times = (0..=100).map(|share| f64::from(share) / 100.0 * EARLY);
    let exponential = Curve::through(times.map(|time| (time, -(-time).exp_m1())));
    panel
        .saying("learned by the bias")
        .layer(Layer::line(exponential, EXPONENTIAL, "1 − e⁻ᵗ").below(usize::MAX))
        .layer(Layer::rings(constant(&pair.run.curves, pair), look(0), "constant, f₀").sparser(2.0))
        .layer(theory_line(constant(&pair.theory.curves, pair)))
        .layers(weights_share(pair))
}

/// What the weights have of the constant, next to an output bias.
fn weights_share(pair: &Pair) -> Vec<Layer> {
    let line = fraction(&pair.theory.curves, pair, 0).map(theory_line);
    let dots = fraction(&pair.run.curves, pair, 0)
        .map(|share| Layer::dots(share, WEIGHTS, "weights' share of f₀").sparser(2.0));
    line.into_iter().chain(dots).collect()
}

/// Look and caption of gradient descent with a bias option.
fn descent(pair: &Pair) -> (Look, &'static str) {
    match pair.run.config.network.bias {
        Bias::All => (look(1), "gradient descent, all biases"),
        Bias::None | Bias::Input | Bias::Output => (look(0), "gradient descent, output bias"),
    }
}

/// `(b, ln(a / a0))` on its line to `(b*, ln(a* / a0))`, where `e = ||ybar|| - mu a - b` is zero.
fn weights_follow(panel: Panel, pair: &Pair) -> Panel {
    let from_start = |curves: &Curves| {
        let law = pair.law(curves)?;
        let start = law.first()?.1;
        Some(Curve::through(law.into_iter().map(|(b, ln_a)| (b, ln_a - start))))
    };
    let known = from_start(&pair.run.curves).zip(from_start(&pair.theory.curves));
    let Some((measured, expected)) = known else { return panel.missing("theory missing") };
    let (mu, constant) = (pair.mu(), pair.constant);
    let gained = constant.final_strength / constant.initial_strength;
    let end = (pair.theory.ocs_norm() - mu * constant.final_strength, gained.ln());
    // Beyond the end the line would go on.
    let line = Curve::through([0.0, 1.05].map(|b| (b, 2.0 * mu * b)));
    let (look, caption) = descent(pair);
    panel
        .saying(format!("2μ = {}, a* = {} a₀", rounded(2.0 * mu), number(gained, 2)))
        .layer(Layer::line(line, THRESHOLD, "slope 2μ"))
        .layer(Layer::rings(measured, look, caption))
        .layer(theory_line(expected))
        .layer(Layer::open_points([end], END_POINT, "theory's end, a*"))
}

/// What steps lose of the law, as a share of the most that they can.
fn drift(runs: &RunFolder) -> Panel {
    let blank = Panel::new(output_bias(), Measure::linear("drift / bound"))
        .titled("Drift of ln a − 2μb")
        .saying("bound: ημ²‖ȳ‖² / (2 − η)")
        .layers([0.0, -1.0].map(|y| Layer::level(y, AT_OCS, "no drift, and the bound")));
    let of = |panel: Panel, pair: &Pair| {
        let Some(drift) = pair.drift() else { return panel };
        let bound = pair.largest_drift();
        let curve = Curve::through(drift.into_iter().map(|(b, drift)| (b, drift / bound)));
        let (look, caption) = descent(pair);
        // The two coincide: those of one stand between those of the other.
        panel.layer(Layer::rings(curve, look, caption).sparser(2.0))
    };
    filled(filled(blank, runs, Bias::Output, of), runs, Bias::All, of)
}
