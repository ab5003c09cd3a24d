//! Where the constant stands in the neural tangent kernel along training; what the kernel foretells if it is taken to stand
//! still; what it is at step 0 against width and depth.

use super::similarity::{after_onset, cosines, mean_cosines, steps};
use super::{CNN, LAZY_RATIO, Network, RELU, RELU_BIASED, STILL, TANH, is_on_images};
use crate::config::Preprocessing::{self, PixelCentred, Raw};
use crate::config::{Config, Inputs, Span};
use crate::metrics::Phase;
use crate::plot::axes::rounded;
use crate::plot::curve::{Clock, Curve, median_phase};
use crate::plot::moments::pairs_of_items;
use crate::plot::over_time::median_and_band;
use crate::plot::style::Dash::{DashDotted, Dashed, Solid};
use crate::plot::style::Marker::{Diamond, Disc, Square, Triangle};
use crate::plot::style::{
    AT_OCS, BLUE, Dash, GREEN, GREY, INK, Look, ORANGE, PURPLE, Stroke, THEORY, THRESHOLD,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{KernelRecord, Record, RunFolder};

/// Networks on images, their inputs, words and looks.
const NETWORKS: [(Network, Preprocessing, &str, Look); 7] = [
    (RELU, Raw, "ReLU MLP, raw", Look::new(BLUE, Solid, Disc)),
    (RELU, PixelCentred, "ReLU MLP, centred", Look::new(BLUE, Dashed, Square)),
    (RELU_BIASED, PixelCentred, "biased ReLU MLP, centred", Look::new(PURPLE, DashDotted, Diamond)),
    (TANH, Raw, "tanh MLP, raw", Look::new(ORANGE, Solid, Disc)),
    (TANH, PixelCentred, "tanh MLP, centred", Look::new(ORANGE, Dashed, Square)),
    (CNN, Raw, "ReLU CNN, raw", Look::new(GREEN, Solid, Disc)),
    (CNN, PixelCentred, "ReLU CNN, centred", Look::new(GREEN, Dashed, Square)),
];
/// The ratio above which lazy networks have a phase.
const LAZY: Stroke = Stroke::broken(GREY, 0.7, Dash::DashDotted);
const ONE_HOT: Look = Look::new(INK, Solid, Triangle);

/// Runs of each network on images, with its words and look.
fn on_images(runs: &RunFolder) -> impl Iterator<Item = (Vec<&Record>, &'static str, Look)> {
    NETWORKS.into_iter().map(|(network, inputs, words, look)| {
        (runs.pick_any(|config| is_on_images(config, network, inputs)), words, look)
    })
}

/// Runs on one-hot inputs with such hidden layers.
fn on_one_hot(runs: &RunFolder, fits: fn(&[usize]) -> bool) -> Vec<&Record> {
    let is_one_hot = |config: &Config| config.task.inputs == Inputs::OneHot;
    runs.pick_any(|config| is_one_hot(config) && fits(&config.network.hidden))
}

fn is_wide(hidden: &[usize]) -> bool {
    hidden.len() == 1
}

const KEY: [Symbol; 9] = [
    Symbol::new("Θ", "neural tangent kernel"),
    Symbol::new("Θ(0)", "the same at step 0"),
    Symbol::new("v", "its top eigenvector, 1 a vector of ones"),
    symbols::SAMPLES,
    Symbol::new("κ₀", "its largest eigenvalue"),
    Symbol::new("κ₁", "the next"),
    symbols::TIME,
    symbols::MLP,
    symbols::CNN,
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let alignment = || Measure::linear("alignment |⟨v, 1⟩| / √N");
    let ratio = || Measure::logarithmic("κ₀ / κ₁").including([1.0]);
    let drift = Measure::logarithmic("drift ‖Θ − Θ(0)‖ / ‖Θ(0)‖").at_least(1e-3);
    let ends = [0.0, 1.0].map(|y| Layer::level(y, AT_OCS, "orthogonal, constant"));
    let lazy =
        Layer::level(LAZY_RATIO, LAZY, "networks whose kernel stands still have a phase above");
    let still = Layer::level(STILL, THRESHOLD, "a kernel counts as still below");
    let wide = on_one_hot(runs, is_wide);
    let deep = on_one_hot(runs, |hidden| hidden.iter().all(|width| *width == 1024));
    let width = |run: &Record| run.config.network.hidden[0] as f64;
    let depth = |run: &Record| run.config.network.hidden.len() as f64;
    let units = || Measure::logarithmic("hidden units, one layer");
    let layers = Measure::linear("hidden layers of 1,024 units");
    Page::new("Nonlinear networks: ReLUs put the constant on top of the neural tangent kernel")
        .row(
            "Along training",
            [
                along_training(runs, alignment(), |kernel| &kernel.ones_alignment)
                    .layers(ends)
                    .saying(aligned_networks(runs)),
                along_training(runs, ratio(), |kernel| &kernel.ratio).layer(lazy.numbered()),
                along_training(runs, drift, |kernel| &kernel.drift).layer(still.numbered()),
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
                at_start(Panel::new(units(), alignment().own()), &wide, width, alignment_of),
                at_start(Panel::new(units(), ratio_to_others()), &wide, width, ratio_of),
                at_start(Panel::new(layers, ratio_to_others()), &deep, depth, ratio_of),
            ],
        )
        .taller(1.2)
        .row("Items held alike", [alike(runs)])
        .beside("In the last hidden layer of the ReLU CNN, centred", maps(runs))
        .square()
        .wider(1.2)
        .key(KEY)
        .notes(
            "Kernels of all training samples (MNIST images, or one-hot items), averaged over outputs; full batch; a: median and \
             range over seeds, from step 1; 6.057 is ln 10 / −ln(1 − √0.1), the ratio at which onset and end of such networks come together; b: predicted from the kernel and the responses at step 0; d, e: cosine of what the last hidden layer holds of two items, d in the mean of pairs, since step 0 (dotted: median onset), e of the first seed.",
        )
}

/// A quantity of the kernel along training, from the first step on: step 0 has no logarithm.
fn along_training(
    runs: &RunFolder,
    y: Measure,
    of: fn(&KernelRecord) -> &Vec<Option<f64>>,
) -> Panel {
    let curve = |run: &&Record| {
        let kernel = run.kernel.as_ref()?;
        let steps = kernel.step.iter().map(|&step| step as f64);
        Some(Curve { points: steps.zip(of(kernel).iter().copied()).collect() })
    };
    let layers = on_images(runs).flat_map(|(runs, words, look)| {
        let curves: Vec<Curve> = runs.iter().filter_map(curve).collect();
        median_and_band(&curves, look, 1.1, words)
    });
    Panel::new(Measure::logarithmic("step"), y).layers(layers)
}

/// Growth of items' mean cosine in the last hidden layer, and where the phases begin.
fn alike(runs: &RunFolder) -> Panel {
    let growth = Measure::linear("change of mean cosine");
    let layers = on_images(runs).flat_map(|(runs, words, look)| {
        let curve = |run: &&Record| {
            let means = mean_cosines(run);
            let first = means.first().copied().flatten()?;
            let growths = means.iter().map(|mean| mean.map(|mean| mean - first));
            let steps = steps(run).iter().map(|&step| step as f64);
            Some(Curve { points: steps.zip(growths).collect() })
        };
        let curves: Vec<Curve> = runs.iter().filter_map(curve).collect();
        let onset = median_phase(&runs, Clock::Step).onset.filter(|_| !curves.is_empty());
        let dotted = Stroke::broken(look.colour, 0.9, Dash::Dotted);
        let onset = onset.map(|onset| Layer::upright(onset, dotted, "onset"));
        median_and_band(&curves, look, 1.1, words).into_iter().chain(onset)
    });
    Panel::new(Measure::logarithmic("step"), growth).layers(layers)
}

/// Cosines of items in the first seed of the CNN on centred images at step 0, and how they change to the onset and from there to the
/// last step.
fn maps(runs: &RunFolder) -> [Panel; 3] {
    const STARTS: (f64, f64) = (0.5, 1.0);
    const CHANGES: (f64, f64) = (-0.05, 0.05);
    let chosen = runs.pick_any(|config| is_on_images(config, CNN, PixelCentred));
    let run = chosen.first().copied();
    let at = |moment: Option<usize>| cosines(run?, moment?);
    let (start, onset) = (at(Some(0)), at(run.and_then(after_onset)));
    let last = at(run.and_then(|run| steps(run).len().checked_sub(1)));
    let change = |from: &Option<Table>, to: &Option<Table>| {
        let rows = std::iter::zip(from.as_ref()?, to.as_ref()?);
        let less = |(from, to): (&Vec<f64>, &Vec<f64>)| {
            std::iter::zip(from, to).map(|(from, to)| to - from).collect()
        };
        Some(rows.map(less).collect())
    };
    [
        pairs_of_items("at step 0", start.clone(), (STARTS, "cosine")),
        pairs_of_items("onset \u{2212} step 0", change(&start, &onset), (CHANGES, "change")),
        pairs_of_items("last \u{2212} onset", change(&onset, &last), (CHANGES, "change")),
    ]
}

/// A number for each pair of items.
type Table = Vec<Vec<f64>>;

/// What curves upon each other say: how near to the constant those of most networks stay.
fn aligned_networks(runs: &RunFolder) -> String {
    const NEAR: f64 = 0.5;
    let least = |runs: Vec<&Record>| {
        let kernels = runs.into_iter().filter_map(|run| run.kernel.as_ref());
        kernels.flat_map(|kernel| kernel.ones_alignment.iter().flatten()).copied().reduce(f64::min)
    };
    let all: Vec<f64> = on_images(runs).filter_map(|(runs, ..)| least(runs)).collect();
    let near: Vec<f64> = all.iter().copied().filter(|least| *least > NEAR).collect();
    match near.iter().copied().reduce(f64::min) {
        Some(least) => format!("{} of {} networks: {} to 1", near.len(), all.len(), rounded(least)),
        None => String::new(),
    }
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
fn with_points(panel: Panel, runs: &RunFolder, of: impl Fn(&Record) -> Vec<(f64, f64)>) -> Panel {
    let one_hot = (on_one_hot(runs, is_wide), "ReLU MLPs on one-hot inputs", ONE_HOT);
    let missing = if runs.records.is_empty() { "not run" } else { "none" };
    let layers = on_images(runs)
        .chain([one_hot])
        .map(|(runs, words, look)| Layer::points(runs.into_iter().flat_map(&of), look, words));
    panel.missing(missing).layers(layers)
}

fn predicted(runs: &RunFolder, [predicted, observed]: [&str; 2], of: Crossing) -> Panel {
    let panel = Panel::compared(predicted, observed);
    with_points(panel, runs, |run| pair(run, of).into_iter().collect())
}

/// Relative error of each prediction against the kernel's drift by then.
fn errors(runs: &RunFolder) -> Panel {
    /// What is less stands at the edge.
    const LEAST: (f64, f64) = (4e-3, 1e-3);
    let error = |run: &Record, of: Crossing| {
        let (predicted, observed) = pair(run, of)?;
        let drift = run.kernel.as_ref()?.drift_at(observed, Span::first(&run.config))?;
        Some((drift.max(LEAST.0), (predicted / observed - 1.0).abs().max(LEAST.1)))
    };
    let errors = |run: &Record| {
        let crossings: [Crossing; 2] = [|phase| phase.onset, |phase| phase.end];
        crossings.into_iter().filter_map(|of| error(run, of)).collect()
    };
    let x = Measure::logarithmic("drift at the crossing");
    let panel = Panel::new(x, Measure::logarithmic("relative error of its time"))
        .layer(Layer::level(STILL, THRESHOLD, "drift or error of 0.1"))
        .layer(Layer::upright(STILL, THRESHOLD, "drift or error of 0.1"));
    with_points(panel, runs, errors)
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

fn at_start(panel: Panel, runs: &[&Record], place: fn(&Record) -> f64, of: AtStart) -> Panel {
    let [values, to_mean, mut expected] = [0, 1, 2].map(|index| {
        let point = |run: &&Record| Some((place(run), of(run.kernel.as_ref()?)[index]?));
        runs.iter().filter_map(point).collect::<Vec<(f64, f64)>>()
    });
    expected.sort_by(|one, other| one.0.total_cmp(&other.0));
    let open = Look { colour: GREY, ..ONE_HOT };
    panel
        .layer(Layer::open_points(to_mean, open, "κ₀ over the mean of the others"))
        .layer(Layer::points(values, ONE_HOT, "a network"))
        .layer(Layer::line(Curve::through(expected), THEORY, "arc-cosine kernels"))
}
