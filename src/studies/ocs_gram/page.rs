//! Spectra of the images' Gram matrices and the overlap of the top eigenvector with the constant; what a network makes of
//! them; when it does, as predicted and as observed.

use super::{Condition, DATASETS, Images, PREPROCESSINGS, Prepared};
use crate::plot::curve::Curve;
use crate::plot::over_time::Subject;
use crate::plot::style::{
    AT_OCS, BLUE, Dash, GREEN, GREY, Look, Marker, ORANGE, PURPLE, VERMILION, look,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample};
use crate::record::{GramRecord, RunFolder};

/// Shapes of the data sets, and colours of the preprocessings.
const MARKERS: [Marker; 3] = [Marker::Disc, Marker::Triangle, Marker::Square];
const COLOURS: [crate::plot::style::Colour; 3] = [BLUE, ORANGE, PURPLE];
/// Layers, words and look: shape and colour both differ, and no colour stands for a preprocessing.
const LAYERS: [(usize, &str, Look); 2] = [
    (2, "two layers", Look::new(VERMILION, Dash::Solid, Marker::Disc)),
    (1, "one layer", Look::new(GREEN, Dash::Solid, Marker::Diamond)),
];

/// How a preprocessing looks as a line.
fn line(index: usize) -> Look {
    Look { colour: COLOURS[index], ..look(index) }
}

const KEY: [Symbol; 5] = [
    Symbol::new("κ", "eigenvalue of the Gram matrix"),
    Symbol::new("v", "its top eigenvector, 1 a vector of ones"),
    symbols::SAMPLES,
    Symbol::new("D", "squared distance to the OCS, mean over inputs"),
    Symbol::new("cv", "standard deviation over mean of the images' projections on their mean"),
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let crossings = |dataset| PREPROCESSINGS.map(|prepared| crossing(runs, dataset, prepared));
    Page::new("Why do real images bring the OCS without biases? The constant tops their Gram matrix")
        .row("Spectra of the Gram matrix", DATASETS.map(|dataset| spectrum(runs, dataset)))
        .beside("Top eigenvector", [overlaps(runs)])
        .wider(1.2)
        .taller(1.2)
        .row("Crossings", crossings(DATASETS[0]))
        .named(DATASETS[0].1)
        .below(crossings(DATASETS[2]))
        .named(DATASETS[2].1)
        .row(
            "Predicted from the data and the initial weights",
            [
                by_layers(runs, ["onset predicted, t", "onset observed, t"], |run| {
                    (run.theory.phase.onset, run.phase.onset)
                }),
                by_layers(runs, ["end predicted, t", "end observed, t"], |run| {
                    (run.theory.phase.end, run.phase.end)
                }),
                plateaus(runs),
            ],
        )
        .taller(1.4)
        .key(KEY.into_iter().chain(symbols::CROSSING))
        .notes(
            "Linear networks without biases, from small weights; a and b are facts of the training inputs; b: from left to right \
             raw, pixel-centred, channel-standardised; c: two layers, the first seed; d: every run; least D: two layers, the estimate is \
             ‖ȳ‖² cv² / (1 + cv²). All on the training set.",
        )
}

fn read(
    runs: &RunFolder,
    dataset: Images,
    prepared: Prepared,
    n_layers: usize,
) -> Option<Condition<'_>> {
    Condition::read(runs, dataset, prepared, n_layers).ok()
}

/// `kappa_i / kappa_0` against the eigenvalue's number.
fn spectrum(runs: &RunFolder, dataset: Images) -> Panel {
    let lines = PREPROCESSINGS.into_iter().enumerate().filter_map(|(index, prepared)| {
        let shares = shares(read(runs, dataset, prepared, 2)?.gram);
        let points = shares.into_iter().enumerate().map(|(i, share)| (i as f64 + 1.0, share));
        Some(Layer::line(Curve::through(points), line(index).stroke(1.0), prepared.2))
    });
    let x = Measure::logarithmic("eigenvalue's number");
    Panel::new(x, Measure::logarithmic("κ / largest κ").at_least(1e-6))
        .titled(dataset.1)
        .layers(lines)
}

/// Every eigenvalue over the largest.
fn shares(gram: &GramRecord) -> Vec<f64> {
    let largest = gram.eigenvalues.first().copied().unwrap_or(1.0);
    gram.eigenvalues.iter().map(|value| value / largest).filter(|share| *share > 1e-12).collect()
}

/// Points of a data set under a preprocessing, with the captions of both.
fn points((images, inputs): (usize, usize), points: impl IntoIterator<Item = (f64, f64)>) -> Layer {
    let marker = MARKERS[images];
    let shape =
        Entry::new(Sample::Marker(Look { colour: GREY, marker, ..look(0) }), DATASETS[images].1);
    let colour = Entry::new(Sample::Line(line(inputs).stroke(1.0)), PREPROCESSINGS[inputs].2);
    Layer::points(points, Look { marker, ..line(inputs) }, "").explained_by(shape).also(colour)
}

/// Every data set under every preprocessing, by their numbers.
fn all() -> impl Iterator<Item = (usize, usize)> {
    (0..DATASETS.len()).flat_map(|images| (0..PREPROCESSINGS.len()).map(move |p| (images, p)))
}

/// `|<v_top, 1>| / sqrt(N)`, a column for each data set.
fn overlaps(runs: &RunFolder) -> Panel {
    let markers = all().filter_map(|(images, inputs)| {
        let condition = read(runs, DATASETS[images], PREPROCESSINGS[inputs], 2)?;
        let x = images as f64 + 0.5 + 0.24 * (inputs as f64 - 1.0);
        Some(points((images, inputs), [(x, condition.gram.ones_overlap)]))
    });
    let y = Measure::linear("overlap with 1, |⟨v, 1⟩| / √N").including([0.0, 1.0]);
    Panel::new(Measure::named("", ["MNIST", "Fashion", "CIFAR-10"]), y)
        .layers([0.0, 1.0].map(|y| Layer::level(y, AT_OCS, "orthogonal, constant")))
        .layers(markers)
}

/// `M` and `V` of two layers, the first seed.
fn crossing(runs: &RunFolder, dataset: Images, prepared: Prepared) -> Panel {
    let condition = read(runs, dataset, prepared, 2);
    let first = condition.as_ref().and_then(|condition| condition.runs.first());
    let subject = match first {
        Some(first) => Subject::on_training_set(first.record, first.theory, &first.phase),
        None => Subject::of_run(None, None),
    };
    subject.crossing().across(Measure::time().own()).titled(prepared.2)
}

/// Every run, told apart by its layers.
fn by_layers(
    runs: &RunFolder,
    [predicted, observed]: [&str; 2],
    of: fn(&super::Run) -> (Option<f64>, Option<f64>),
) -> Panel {
    let layers = LAYERS.map(|(n_layers, words, look)| {
        let conditions = all().filter_map(|(images, inputs)| {
            read(runs, DATASETS[images], PREPROCESSINGS[inputs], n_layers)
        });
        let pairs: Vec<(f64, f64)> = conditions
            .flat_map(|condition| condition.runs)
            .filter_map(|run| {
                let (predicted, observed) = of(&run);
                predicted.zip(observed)
            })
            .collect();
        Layer::points(pairs, look, words)
    });
    Panel::compared(predicted, observed).missing(missing(runs)).layers(layers)
}

/// Least distance to the OCS against what it is estimated at, two layers, told apart by inputs.
fn plateaus(runs: &RunFolder) -> Panel {
    let layers = all().filter_map(|(images, inputs)| {
        let condition = read(runs, DATASETS[images], PREPROCESSINGS[inputs], 2)?;
        let estimate = condition.estimated_plateau()?;
        let least = condition.runs.iter().filter_map(|run| Some((estimate, run.plateau()?)));
        Some(points((images, inputs), least.collect::<Vec<_>>()))
    });
    Panel::compared("least D / V, estimated from cv", "least D / V of targets")
        .missing(missing(runs))
        .layers(layers.collect::<Vec<_>>())
}

fn missing(runs: &RunFolder) -> &'static str {
    if runs.records.is_empty() { "not run" } else { "none" }
}
