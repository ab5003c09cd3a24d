//! Where the constant stands in the neural tangent kernel along training; what the kernel foretells if it is taken to stand
//! still; what it is at step 0 against width and depth.

use super::{CNN, LAZY_RATIO, Network, RELU, RELU_BIASED, STILL, TANH, is_on_images};
use crate::config::{Config, Inputs, Preprocessing};
use crate::metrics::Phase;
use crate::plot::curve::Curve;
use crate::plot::over_time::median_and_band;
use crate::plot::style::{
    AT_OCS, BLUE, Dash, GREEN, GREY, INK, Look, Marker, ORANGE, PURPLE, THEORY, THRESHOLD, look,
};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{KernelRecord, Record, RunFolder};

const RAW: (Dash, Marker) = (Dash::Solid, Marker::Disc);
const CENTRED: (Dash, Marker) = (Dash::Dashed, Marker::Square);
const ONE_HOT: Look = Look { colour: INK, dash: Dash::Solid, marker: Marker::Triangle };

/// Networks on images, words and looks.
fn networks() -> [(Network, Preprocessing, &'static str, Look); 7] {
    use Preprocessing::{PixelCentred, Raw};
    let look = |colour, (dash, marker)| Look { colour, dash, marker };
    [
        (RELU, Raw, "ReLU MLP, raw", look(BLUE, RAW)),
        (RELU, PixelCentred, "ReLU MLP, centred", look(BLUE, CENTRED)),
        (
            RELU_BIASED,
            PixelCentred,
            "ReLU MLP with biases, centred",
            look(PURPLE, (Dash::DashDotted, Marker::Diamond)),
        ),
        (TANH, Raw, "tanh MLP, raw", look(ORANGE, RAW)),
        (TANH, PixelCentred, "tanh MLP, centred", look(ORANGE, CENTRED)),
        (CNN, Raw, "ReLU CNN, raw", look(GREEN, RAW)),
        (CNN, PixelCentred, "ReLU CNN, centred", look(GREEN, CENTRED)),
    ]
}

/// Runs of each network, with its words and look.
fn on_images(runs: &RunFolder) -> Vec<(Vec<&Record>, &'static str, Look)> {
    let of = |(network, inputs, words, look)| {
        (runs.pick_any(|config| is_on_images(config, network, inputs)), words, look)
    };
    networks().into_iter().map(of).collect()
}

/// Runs of one hidden layer, or of layers of 1,024 units, on one-hot inputs.
fn on_one_hot(runs: &RunFolder, fits: impl Fn(&[usize]) -> bool) -> Vec<&Record> {
    runs.pick_any(|config: &Config| {
        config.task.inputs == Inputs::OneHot && fits(&config.network.hidden)
    })
}

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let alignment = || Measure::linear("alignment |⟨v, 1⟩| / √N");
    let ratio = || Measure::logarithmic("κ₀ / κ₁").including([1.0]);
    let drift = Measure::logarithmic("drift ‖Θ − Θ(0)‖ / ‖Θ(0)‖").at_least(1e-3);
    let width = || Measure::logarithmic("hidden units, one layer");
    let depth = Measure::linear("hidden layers of 1,024 units");
    let is_wide = |hidden: &[usize]| hidden.len() == 1;
    let is_deep = |hidden: &[usize]| hidden.iter().all(|width| *width == 1024);
    let levels = [0.0, 1.0].map(|y| Layer::level(y, AT_OCS, "none, all"));
    let lazy = Layer::level(LAZY_RATIO, THRESHOLD, "lazy networks have a phase above");
    let still = Layer::level(STILL, THRESHOLD, "a kernel is still below");
    Page::new("Nonlinear networks: ReLUs put the constant on top of the neural tangent kernel")
        .row(
            "Along training",
            [
                along_training(runs, alignment().including([0.0, 1.0]), |k| k.ones_alignment.clone())
                    .layers(levels),
                along_training(runs, ratio(), |k| k.ratio.clone()).layer(lazy.numbered()),
                along_training(runs, drift, |k| k.drift.clone()).layer(still.numbered()),
            ],
        )
        .taller(1.3)
        .row(
            "Predicted as if the kernel stood still",
            [
                predicted(runs, ["onset predicted, t", "onset observed, t"], |phase| phase.onset),
                predicted(runs, ["end predicted, t", "end observed, t"], |phase| phase.end),
                errors(runs),
            ],
        )
        .taller(1.4)
        .row(
            "At step 0, one-hot inputs, ReLU, no biases",
            [
                at_start(&on_one_hot(runs, is_wide), width(), alignment().own(), alignment_of),
                at_start(&on_one_hot(runs, is_wide), width(), ratio_to_others(), ratio_of),
                at_start(&on_one_hot(runs, is_deep), depth, ratio_to_others(), ratio_of),
            ],
        )
        .taller(1.2)
        .notes(
            "Kernels of all training samples (MNIST images, or one-hot items), averaged over outputs; full batch; a: median and \
             range over seeds; b: predicted from the kernel and the responses at step 0.",
        )
}

/// A quantity of the kernel over `step + 1`, so that step 0 has a place.
fn along_training(
    runs: &RunFolder,
    y: Measure,
    of: fn(&KernelRecord) -> Vec<Option<f64>>,
) -> Panel {
    let curve = |run: &&Record| {
        let kernel = run.kernel.as_ref()?;
        let steps = kernel.step.iter().map(|&step| step as f64 + 1.0);
        Some(Curve { points: steps.zip(of(kernel)).collect() })
    };
    let layers = on_images(runs).into_iter().flat_map(|(runs, words, look)| {
        let curves: Vec<Curve> = runs.iter().filter_map(curve).collect();
        median_and_band(&curves, look, 1.1, words)
    });
    Panel::new(Measure::logarithmic("step + 1"), y).layers(layers)
}

/// Onset or end.
type Crossing = fn(&Phase) -> Option<f64>;

/// (predicted, observed) of a run that has both, later than the start.
fn pair(run: &Record, of: Crossing) -> Option<(f64, f64)> {
    let (lazy, seen) = run.lazily_predicted()?;
    let (predicted, observed) = (of(&lazy)?, of(&seen)?);
    (predicted > 0.0 && observed > 0.0).then_some((predicted, observed))
}

/// Points of every run, networks on images and on one-hot inputs.
fn points(runs: &RunFolder, of: impl Fn(&Record) -> Vec<(f64, f64)>) -> Vec<Layer> {
    let one_hot = on_one_hot(runs, |hidden| hidden.len() == 1);
    let all =
        on_images(runs).into_iter().chain([(one_hot, "ReLU MLPs on one-hot inputs", ONE_HOT)]);
    all.map(|(runs, words, look)| Layer::points(runs.into_iter().flat_map(&of), look, words))
        .collect()
}

fn predicted(runs: &RunFolder, [predicted, observed]: [&str; 2], of: Crossing) -> Panel {
    Panel::compared(predicted, observed)
        .missing(missing(runs))
        .layers(points(runs, |run| pair(run, of).into_iter().collect()))
}

fn missing(runs: &RunFolder) -> &'static str {
    if runs.records.is_empty() { "not run" } else { "none" }
}

/// Relative error of each prediction against the kernel's drift by then.
fn errors(runs: &RunFolder) -> Panel {
    /// What is less stands at the edge.
    const LEAST: (f64, f64) = (4e-3, 1e-3);
    let places = |run: &Record| -> Vec<(f64, f64)> {
        let crossings: [Crossing; 2] = [|phase| phase.onset, |phase| phase.end];
        let place = |of| {
            let (predicted, observed) = pair(run, of)?;
            let rate = run.config.training.learning_rate;
            let drift = run.kernel.as_ref()?.drift_at(observed, rate)?;
            Some((drift.max(LEAST.0), (predicted / observed - 1.0).abs().max(LEAST.1)))
        };
        crossings.into_iter().filter_map(place).collect()
    };
    let (drift, error) = ("drift at the crossing", "relative error of its time");
    Panel::new(Measure::logarithmic(drift), Measure::logarithmic(error))
        .missing(missing(runs))
        .layer(Layer::level(STILL, THRESHOLD, "0.1"))
        .layer(Layer::upright(STILL, THRESHOLD, "0.1"))
        .layers(points(runs, places))
}

/// Of a kernel at step 0: its value, the same by another reading, and what is expected of wide layers.
type AtStart = fn(&KernelRecord) -> [Option<f64>; 3];

fn alignment_of(kernel: &KernelRecord) -> [Option<f64>; 3] {
    let expected = kernel.expected.and_then(|expected| expected.ones_alignment);
    [kernel.ones_alignment.first().copied().flatten(), None, expected]
}

fn ratio_of(kernel: &KernelRecord) -> [Option<f64>; 3] {
    let expected = kernel.expected.and_then(|expected| expected.ratio);
    [kernel.ratio.first().copied().flatten(), kernel.ratio_to_mean(), expected]
}

fn ratio_to_others() -> Measure {
    Measure::linear("κ₀ / κ₁").own()
}

fn at_start(runs: &[&Record], x: Measure, y: Measure, of: AtStart) -> Panel {
    let of_depth = runs.iter().any(|run| run.config.network.hidden.len() > 1);
    let place = |run: &Record| {
        let hidden = &run.config.network.hidden;
        if of_depth { hidden.len() as f64 } else { hidden.first().map_or(0.0, |&n| n as f64) }
    };
    let of_runs = |index: usize| -> Vec<(f64, f64)> {
        let value = |run: &&Record| Some((place(run), of(run.kernel.as_ref()?)[index]?));
        runs.iter().filter_map(value).collect()
    };
    let mut expected = of_runs(2);
    expected.sort_by(|one, other| one.0.total_cmp(&other.0));
    let grey = Look { colour: GREY, ..look(0) };
    Panel::new(x, y)
        .layer(Layer::open_points(
            of_runs(1),
            Look { marker: ONE_HOT.marker, ..grey },
            "κ₀ over the mean of the others",
        ))
        .layer(Layer::points(of_runs(0), ONE_HOT, "a network"))
        .layer(Layer::line(Curve::through(expected), THEORY, "arc-cosine kernels"))
}
