//! Nonlinear networks: is the constant on top of their neural tangent kernel, and when does a kernel that is taken to stand
//! still foretell the phase? THEORY section 7, C12.

mod page;

use anyhow::{Context, Result};

use super::Study;
use crate::claim::{
    Bound, Claim, Draft, Measurement, agree, at_least, at_most, below, claim, is_absent, within,
    within_percent,
};
use crate::config::{Activation, Bias, Config, Initialisation, Inputs, NetworkKind, Preprocessing};
use crate::record::{KernelRecord, Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_kernel",
    question: "And in nonlinear networks?",
    source: "own, from neural tangent kernels (Jacot, Gabriel, Hongler 2018, arXiv 1806.07572)",
    config: include_str!("../../../configs/ocs_kernel.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// Up to this drift at a crossing the kernel counts as still; then the crossing is to come within the same share of the
/// predicted time.
pub(super) const STILL: f64 = 0.1;

/// Lazy networks of which all label variance lies at `kappa_1` have a phase above this `kappa_0 / kappa_1`:
/// `ln 10 / -ln(1 - sqrt(0.1))`.
pub(super) const LAZY_RATIO: f64 = 6.057;

/// Hidden units of the widest networks whose claims are decided.
const WIDE: usize = 16384;

/// A run with what it says of its kernel.
#[derive(Clone, Copy)]
struct Run<'a> {
    record: &'a Record,
    kernel: &'a KernelRecord,
}

/// Runs whose config fits, each with a kernel.
fn pick<'a>(
    runs: &'a RunFolder,
    wanted: &str,
    fits: impl Fn(&Config) -> bool,
) -> Result<Vec<Run<'a>>> {
    let with_kernel = |record: &'a Record| {
        let kernel = record.kernel.as_ref().filter(|kernel| !kernel.step.is_empty());
        let kernel = kernel.with_context(|| {
            format!("'{}' has no kernel: run `ocs reproduce ocs_kernel`", record.condition)
        })?;
        Ok(Run { record, kernel })
    };
    runs.pick(wanted, fits)?.into_iter().map(with_kernel).collect()
}

/// A network on images under a preprocessing.
pub(super) fn is_on_images(
    config: &Config,
    (kind, activation, bias): Network,
    preprocessing: Preprocessing,
) -> bool {
    let network = &config.network;
    (network.kind, network.activation, network.bias) == (kind, activation, bias)
        && config.task.preprocessing == preprocessing
        && config.task.inputs.are_images()
}

/// Whether weights are so much larger than those of standard deviation `sqrt(2 / width)`, with which all layers weigh the same,
/// that the kernel stands nearly still.
pub(super) fn is_lazy(config: &Config) -> bool {
    let Initialisation::Normal(normal) = config.network.initialisation else { return false };
    let width = config.network.hidden.first().copied().unwrap_or(1) as f64;
    normal.std > 1.5 * (2.0 / width).sqrt()
}

/// Runs on images.
fn images<'a>(
    runs: &'a RunFolder,
    network: Network,
    preprocessing: Preprocessing,
) -> Result<Vec<Run<'a>>> {
    pick(runs, &format!("{network:?} on {preprocessing:?} images"), |config| {
        is_on_images(config, network, preprocessing)
    })
}

/// A kind of network, its activation, and where it has biases.
pub(super) type Network = (NetworkKind, Activation, Bias);

pub(super) const RELU: Network = (NetworkKind::Mlp, Activation::Relu, Bias::None);
pub(super) const RELU_BIASED: Network = (NetworkKind::Mlp, Activation::Relu, Bias::All);
pub(super) const TANH: Network = (NetworkKind::Mlp, Activation::Tanh, Bias::None);
pub(super) const CNN: Network = (NetworkKind::Cnn, Activation::Relu, Bias::None);

/// Runs on one-hot inputs with such hidden layers.
fn one_hot<'a>(runs: &'a RunFolder, hidden: &[usize], lazy: bool) -> Result<Vec<Run<'a>>> {
    let starts = if lazy { "large" } else { "usual" };
    pick(runs, &format!("one-hot inputs, hidden: {hidden:?} and {starts} weights"), |config| {
        config.task.inputs == Inputs::OneHot
            && config.network.hidden == hidden
            && is_lazy(config) == lazy
    })
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    use Preprocessing::{PixelCentred, Raw};
    let centred_relu =
        [images(runs, RELU, PixelCentred)?, images(runs, RELU_BIASED, PixelCentred)?].concat();
    let centred_tanh = images(runs, TANH, PixelCentred)?;
    let (raw_relu, raw_cnn) = (images(runs, RELU, Raw)?, images(runs, CNN, Raw)?);
    let centred_cnn = images(runs, CNN, PixelCentred)?;
    let raw = [raw_relu.clone(), images(runs, TANH, Raw)?, raw_cnn.clone()].concat();
    let with_expected = [centred_relu.clone(), raw_relu].concat();
    let (wide, large) = (one_hot(runs, &[WIDE], false)?, one_hot(runs, &[WIDE], true)?);
    let centred = [&*centred_relu, &*centred_tanh, &*centred_cnn].concat();
    let lazy = [&*centred_relu, &*centred_tanh, &*raw, &*centred_cnn, &*large].concat();
    let of_mlps = [&*with_expected, &*centred_tanh].concat();
    Ok(vec![
        measured(
            "relu-makes-a-constant",
            "The inputs of pixel-centred images have nothing of the constant; of the kernel of ReLU MLPs it is nearly the \
             top eigenvector.",
            (ALIGNMENT, alignment),
            &centred_relu,
        )
        .each(TOP, "in every run"),
        measured(
            "cnn-makes-a-constant",
            "On pixel-centred images the constant is nearly the top eigenvector of ReLU CNNs' kernel.",
            (ALIGNMENT, alignment),
            &centred_cnn,
        )
        .each(TOP, "in every run"),
        measured(
            "linear-has-none",
            "The kernel of one linear layer, X X^T, has nothing of the constant on top on pixel-centred images.",
            ("alignment with the constant", |run| run.kernel.inputs.ones_alignment),
            &centred,
        )
        .control()
        .each(below(1e-6), "in every run"),
        measured(
            "tanh-makes-none",
            "Networks with an odd nonlinearity and no biases make no constant: on pixel-centred images the top eigenvector of \
             tanh MLPs' kernel stays apart from it.",
            (ALIGNMENT, alignment),
            &centred_tanh,
        )
        .control()
        .each(at_most(0.1), "in every run"),
        measured(
            "raw-has-it",
            "On raw images the constant is nearly the top eigenvector of every network's kernel.",
            (ALIGNMENT, alignment),
            &raw,
        )
        .each(TOP, "in every run"),
        as_arc_cosines_say(&with_expected),
        ratio_on_one_hot(&[wide.clone(), large.clone()].concat()),
        deep(&one_hot(runs, &[1024; 8], false)?),
        no_lazy_phase_on_one_hot(&large),
        measured(
            "lazy-times",
            "Onset and end of a lazy network, 16,384 ReLUs on one-hot inputs, come when its kernel at step 0 says.",
            ("larger relative error of onset and end", larger_error),
            &large,
        )
        .each(at_most(0.05), "in every run, in which both come after step 0"),
        still_kernels_foretell(&lazy),
        existence(&lazy),
        measured(
            "width-alone-is-not-lazy",
            "Width alone does not hold the kernel still: on one-hot inputs with weights of standard deviation sqrt(2 / width) \
             the kernel of 16,384 units drifts.",
            (DRIFT, last_drift),
            &wide,
        )
        .reported(),
        drift("cnn-drift", "CNNs on images", &[raw_cnn, centred_cnn].concat()),
        drift("mlp-drift", "wide MLPs on images", &of_mlps),
    ])
}

/// How nearly the top eigenvector is the constant where it counts as that.
const TOP: Bound = Bound::AtLeast(0.9);
const ALIGNMENT: &str = "alignment with the constant at step 0";
const DRIFT: &str = "drift at the last step";

/// A number of a run, and what it is.
type Quantity = (&'static str, fn(&Run) -> Option<f64>);

fn measured<'a>(id: &str, sentence: &str, (name, of): Quantity, runs: &[Run]) -> Draft<'a> {
    claim(id).says(sentence).values(name, runs.iter().map(of))
}

fn alignment(run: &Run) -> Option<f64> {
    run.kernel.ones_alignment.first().copied()?
}

fn ratio(run: &Run) -> Option<f64> {
    run.kernel.ratio.first().copied()?
}

fn last_drift(run: &Run) -> Option<f64> {
    run.kernel.drift.last().copied()?
}

fn as_arc_cosines_say(runs: &[Run]) -> Claim {
    const OF_ALIGNMENT: f64 = 0.02;
    const PERCENT: f64 = 10.0;
    // The larger of both distances, each in units of its tolerance.
    let miss = |run: &Run| {
        let expected = run.kernel.expected?;
        let ratio = (ratio(run)? / expected.ratio? - 1.0).abs();
        let overlap = (alignment(run)? - expected.ones_alignment?).abs();
        Some((ratio / (PERCENT / 100.0)).max(overlap / OF_ALIGNMENT))
    };
    let first_seed = |run: &&Run| Some(run.record.seed) == runs.first().map(|run| run.record.seed);
    let words = runs.iter().filter(first_seed).filter_map(|run| {
        let expected = run.kernel.expected?;
        let (overlap, ratio) = (expected.ones_alignment?, expected.ratio?);
        Some(format!("{} {overlap:.3} and {ratio:.2}", run.record.condition))
    });
    let misses: Vec<Option<f64>> = runs.iter().map(miss).collect();
    claim("arc-cosine")
        .says(format!(
            "Alignment and kappa_0/kappa_1 of wide ReLU MLPs at step 0 are those of the arc-cosine kernels: {}.",
            words.collect::<Vec<_>>().join(", ")
        ))
        .values("largest miss, in units of its tolerance", misses.clone())
        .holds_if(
            at_most(1.0).admits_each(&misses),
            format!("alignment within {OF_ALIGNMENT} and ratio within {PERCENT} % in every run"),
        )
}

fn ratio_on_one_hot(runs: &[Run]) -> Claim {
    const EXPECTED: f64 = 2.51;
    const TOLERANCE: f64 = 0.1;
    let aligned = at_least(0.99);
    let ratios: Vec<Option<f64>> = runs.iter().map(ratio).collect();
    claim("one-hot")
        .says(
            "On one-hot inputs the kernel of ReLU networks with 16,384 hidden units has the constant on top, and the ratio of \
             the arc-cosine kernels, 2.514.",
        )
        .values("kappa_0/kappa_1 at step 0", ratios.clone())
        .also(aligned.admits_each(&runs.iter().map(alignment).collect::<Vec<_>>()))
        .holds_if(
            within(TOLERANCE, EXPECTED).admits_each(&ratios),
            format!("{EXPECTED} +- {TOLERANCE}, and alignment {aligned}, in every run"),
        )
}

fn deep(runs: &[Run]) -> Claim {
    const EXPECTED: f64 = 4.66;
    const PERCENT: f64 = 10.0;
    let split = Measurement::of("", &runs.iter().map(ratio).collect::<Vec<_>>());
    let split = split.mean.map_or("none".to_owned(), |mean| format!("{mean:.2}"));
    let ratios: Vec<Option<f64>> = runs.iter().map(|run| run.kernel.ratio_to_mean()).collect();
    claim("depth")
        .says(format!(
            "With 8 hidden layers of 1,024 units kappa_0 is {EXPECTED} times the contrasts' eigenvalue, which they share in wide \
             networks; here it is split, and kappa_0/kappa_1 is {split} in the mean."
        ))
        .values("kappa_0 over the mean of the others at step 0", ratios.clone())
        .holds_if(
            within_percent(PERCENT, EXPECTED).admits_each(&ratios),
            format!("{EXPECTED} +- {PERCENT} % in every run"),
        )
}

fn no_lazy_phase_on_one_hot(runs: &[Run]) -> Claim {
    let has_none = |run: &Run| {
        let (lazy, seen) = run.record.lazily_predicted()?;
        let is_small = below(LAZY_RATIO).admits(ratio(run)?);
        Some(f64::from(is_absent(&lazy) && is_absent(&seen) && is_small))
    };
    let absent: Vec<Option<f64>> = runs.iter().map(has_none).collect();
    claim("one-hot-no-lazy-phase")
        .says("On one-hot inputs the constant's lead in the kernel is too small for a phase: none is predicted, and none is seen.")
        .control()
        .values("1 where that is so", absent.clone())
        .holds_if(
            at_least(1.0).admits_each(&absent),
            format!(
                "kappa_0/kappa_1 < {LAZY_RATIO}, an end after step 0 and no onset before it, predicted and seen, in every run"
            ),
        )
}

/// A crossing that was predicted or seen: relative error of the prediction, and drift of the kernel by then.
fn crossings(run: &Run) -> Vec<(Option<f64>, f64)> {
    let Some((lazy, seen)) = run.record.lazily_predicted() else { return Vec::new() };
    let rate = run.record.config.training.learning_rate;
    let pairs = [(lazy.onset, seen.onset), (lazy.end, seen.end)];
    pairs
        .into_iter()
        // At step 0 nothing was foretold.
        .filter(|(predicted, observed)| *predicted != Some(0.0) && *observed != Some(0.0))
        .filter_map(|(predicted, observed)| {
            let drift = run.kernel.drift_at(observed.or(predicted)?, rate)?;
            let error = predicted.zip(observed).map(|(p, o)| (p / o - 1.0).abs());
            Some((error, drift))
        })
        .collect()
}

/// `None` where not both crossings came after step 0.
fn larger_error(run: &Run) -> Option<f64> {
    let errors: Option<Vec<f64>> = crossings(run).into_iter().map(|(error, _)| error).collect();
    errors.filter(|errors| errors.len() == 2)?.into_iter().max_by(f64::total_cmp)
}

/// Of a kernel that moves by a share, eigenvalues move by about that share, and times with them; but the share is that of
/// the largest eigenvalue, and smaller ones, which decide the end, may move more.
fn still_kernels_foretell(runs: &[Run]) -> Claim {
    let still = runs.iter().flat_map(crossings).filter(|(_, drift)| *drift <= STILL);
    let errors: Vec<Option<f64>> = still.map(|(error, _)| error).collect();
    let near = errors.iter().filter(|error| error.is_some_and(|error| error <= STILL)).count();
    claim("still-kernels-foretell")
        .says(format!(
            "Of {} crossings before which the kernel has moved by less than a tenth, {near} come within a tenth of when the \
             kernel at step 0 says.",
            errors.len()
        ))
        .values("relative error of onset or end", errors)
        .reported()
}

fn existence(runs: &[Run]) -> Claim {
    const FEWEST: usize = 3;
    let is_still = |run: &&Run| {
        let found = crossings(run);
        !found.is_empty() && found.iter().all(|(_, drift)| *drift <= STILL)
    };
    let right = |run: &Run| {
        let (lazy, seen) = run.record.lazily_predicted()?;
        Some(f64::from(agree(&lazy, &seen)))
    };
    let right: Vec<Option<f64>> = runs.iter().filter(is_still).map(right).collect();
    claim("lazy-existence")
        .says(
            "Where the kernel has moved by less than a tenth by every crossing, the phase exists if and only if the kernel at \
             step 0 says so.",
        )
        .values("1 where that is so", right.clone())
        .also(right.len() >= FEWEST)
        .holds_if(
            at_least(1.0).admits_each(&right),
            "in every such run, of which there are three at least",
        )
}

fn drift(id: &str, who: &str, runs: &[Run]) -> Claim {
    let cosines: Vec<Option<f64>> =
        runs.iter().map(|run| run.kernel.cosine.last().copied()?).collect();
    let cosine = cosines.into_iter().flatten().min_by(f64::total_cmp);
    let cosine = cosine.map_or("none".to_owned(), |cosine| format!("{cosine:.3}"));
    let sentence = format!(
        "The kernel of {who} grows more than it turns: its smallest cosine with that of step 0 is {cosine}."
    );
    measured(id, &sentence, (DRIFT, last_drift), runs).reported()
}
