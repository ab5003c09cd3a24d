//! Nonlinear networks: is the constant on top of their neural tangent kernel, and when does a kernel that is taken to stand
//! still foretell the phase? THEORY section 7, C12.

mod page;
mod similarity;

use anyhow::Result;

use super::Study;
use crate::claim::{
    Bound, Claim, Draft, Measurement, agree, at_least, at_most, below, claim, is_absent, within,
    within_percent,
};
use crate::config::{
    Activation, Bias, Config, Initialisation, Inputs, NetworkKind, Preprocessing, Span,
};
use crate::record::{Record, RunFolder};

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

/// A change of the mean cosine of items that counts. Found, not predicted, on three seeds, where the least was 0.008; in six others of
/// each CNN, run afterwards, the least was 0.013.
const GROWTH: f64 = 0.005;

/// Hidden units of the widest networks whose claims are decided.
const WIDE: usize = 16384;

/// A kind of network, its activation, and where it has biases.
pub(super) type Network = (NetworkKind, Activation, Bias);

pub(super) const RELU: Network = (NetworkKind::Mlp, Activation::Relu, Bias::None);
pub(super) const RELU_BIASED: Network = (NetworkKind::Mlp, Activation::Relu, Bias::All);
pub(super) const TANH: Network = (NetworkKind::Mlp, Activation::Tanh, Bias::None);
pub(super) const CNN: Network = (NetworkKind::Cnn, Activation::Relu, Bias::None);

/// A network on images under a preprocessing.
pub(super) fn is_on_images(config: &Config, network: Network, inputs: Preprocessing) -> bool {
    let this = (config.network.kind, config.network.activation, config.network.bias);
    this == network && config.task.preprocessing == inputs && config.task.inputs.are_images()
}

/// Whether weights are so much larger than those of standard deviation `sqrt(2 / width)`, with which all layers weigh the same,
/// that the kernel stands nearly still.
fn is_lazy(config: &Config) -> bool {
    let Initialisation::Normal(normal) = config.network.initialisation else { return false };
    let width = config.network.hidden.first().copied().unwrap_or(1) as f64;
    normal.std > 1.5 * (2.0 / width).sqrt()
}

fn images(runs: &RunFolder, network: Network, inputs: Preprocessing) -> Result<Vec<&Record>> {
    runs.pick(format!("{network:?} on {inputs:?} images"), |config| {
        is_on_images(config, network, inputs)
    })
}

/// Runs on one-hot inputs with such hidden layers.
fn one_hot<'a>(runs: &'a RunFolder, hidden: &[usize], lazy: bool) -> Result<Vec<&'a Record>> {
    let weights = if lazy { "large" } else { "usual" };
    runs.pick(format!("one-hot inputs, hidden: {hidden:?} and {weights} weights"), |config| {
        (config.task.inputs, is_lazy(config)) == (Inputs::OneHot, lazy)
            && config.network.hidden == hidden
    })
}

fn alignment(run: &Record) -> Option<f64> {
    run.kernel.as_ref()?.ones_alignment.first().copied()?
}

fn ratio(run: &Record) -> Option<f64> {
    run.kernel.as_ref()?.ratio.first().copied()?
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    use Preprocessing::{PixelCentred, Raw};
    let centred_relu =
        [images(runs, RELU, PixelCentred)?, images(runs, RELU_BIASED, PixelCentred)?].concat();
    let (centred_tanh, centred_cnn) =
        (images(runs, TANH, PixelCentred)?, images(runs, CNN, PixelCentred)?);
    let (raw_relu, raw_cnn) = (images(runs, RELU, Raw)?, images(runs, CNN, Raw)?);
    let raw = [&*raw_relu, &*images(runs, TANH, Raw)?, &*raw_cnn].concat();
    let (wide, large) = (one_hot(runs, &[WIDE], false)?, one_hot(runs, &[WIDE], true)?);
    let centred = [&*centred_relu, &*centred_tanh, &*centred_cnn].concat();
    let lazy = [&*centred_relu, &*centred_tanh, &*raw, &*centred_cnn, &*large].concat();
    let with_expected = [&*centred_relu, &*raw_relu].concat();
    let mlps = [&*with_expected, &*centred_tanh].concat();
    Ok(vec![
        aligned(
            "relu-makes-a-constant",
            "The inputs of pixel-centred images have nothing of the constant; of the kernel of ReLU MLPs it is nearly the \
             top eigenvector.",
            &centred_relu,
        )
        .each(TOP, "in every run"),
        aligned(
            "cnn-makes-a-constant",
            "On pixel-centred images the constant is nearly the top eigenvector of ReLU CNNs' kernel.",
            &centred_cnn,
        )
        .each(TOP, "in every run"),
        claim("linear-has-none")
            .says("The kernel of one linear layer, X X^T, has nothing of the constant on top on pixel-centred images.")
            .control()
            .of(&centred)
            .measures("alignment with the constant", |run| run.kernel.as_ref()?.inputs.ones_alignment)
            .each(below(1e-6), "in every run"),
        aligned(
            "tanh-makes-none",
            "Networks with an odd nonlinearity and no biases make no constant: on pixel-centred images the top eigenvector of \
             tanh MLPs' kernel stays apart from it.",
            &centred_tanh,
        )
        .control()
        .each(at_most(0.1), "in every run"),
        aligned(
            "raw-has-it",
            "On raw images the constant is nearly the top eigenvector of every network's kernel.",
            &raw,
        )
        .each(TOP, "in every run"),
        as_arc_cosines_say(&with_expected),
        ratio_on_one_hot(&[&*wide, &*large].concat()),
        deep(&one_hot(runs, &[1024; 8], false)?),
        no_lazy_phase_on_one_hot(&large),
        claim("lazy-times")
            .says("Onset and end of a lazy network, 16,384 ReLUs on one-hot inputs, come when its kernel at step 0 says.")
            .of(&large)
            .measures("larger relative error of onset and end", larger_error)
            .each(at_most(0.05), "in every run, in which both come after step 0"),
        still_kernels_foretell(&lazy),
        existence(&lazy),
        drift(
            "width-alone-is-not-lazy",
            "Width alone does not hold the kernel still: on one-hot inputs with weights of standard deviation sqrt(2 / width) \
             the kernel of 16,384 units drifts.",
            &wide,
        ),
        turn("cnn-drift", "CNNs on images", &[&*raw_cnn, &*centred_cnn].concat()),
        turn("mlp-drift", "wide MLPs on images", &mlps),
        claim("alike-until-the-onset")
            .says(
                "Until the onset of the phase the last hidden layer of CNNs comes to hold items alike, on raw and on centred images.",
            )
            .of(&[&*raw_cnn, &*centred_cnn].concat())
            .measures("growth of items' mean cosine to the onset", similarity::growth_until_onset)
            .each(at_least(GROWTH), "in every run"),
        claim("apart-after-the-onset")
            .says("After the onset it tells items apart again, on centred images.")
            .of(&centred_cnn)
            .measures("growth of items' mean cosine since the onset", similarity::growth_since_onset)
            .each(at_most(-GROWTH), "in every run"),
        claim("never-alike-without-a-phase")
            .says("Networks that make no constant, tanh MLPs on centred images, never hold items more alike than at step 0.")
            .control()
            .of(&centred_tanh)
            .measures("largest growth of items' mean cosine", similarity::largest_growth)
            .each(at_most(GROWTH / 5.0), "in every run"),
    ])
}

/// How nearly the top eigenvector is the constant where it counts as that.
const TOP: Bound = Bound::AtLeast(0.9);

fn aligned<'a>(id: &str, sentence: &str, runs: &[&'a Record]) -> Draft<'a> {
    let quantity = "alignment with the constant at step 0";
    claim(id).says(sentence).of(runs).measures(quantity, alignment)
}

fn as_arc_cosines_say(runs: &[&Record]) -> Claim {
    const OF_ALIGNMENT: f64 = 0.02;
    const PERCENT: f64 = 10.0;
    let expected = |run: &Record| {
        let expected = run.kernel.as_ref()?.expected?;
        Some((expected.ones_alignment?, expected.ratio?))
    };
    // The larger of both distances, each in units of its tolerance.
    let miss = |run: &Record| {
        let (overlap, kappas) = expected(run)?;
        let of_ratio = (ratio(run)? / kappas - 1.0).abs() / (PERCENT / 100.0);
        Some(of_ratio.max((alignment(run)? - overlap).abs() / OF_ALIGNMENT))
    };
    let of_first_seed = runs.iter().filter(|run| run.seed == runs[0].seed);
    let words = of_first_seed.filter_map(|run| {
        let (overlap, ratio) = expected(run)?;
        Some(format!("{} {overlap:.3} and {ratio:.2}", run.condition))
    });
    claim("arc-cosine")
        .says(format!(
            "Alignment and kappa_0/kappa_1 of wide ReLU MLPs at step 0 are those of the arc-cosine kernels: {}.",
            words.collect::<Vec<_>>().join(", ")
        ))
        .of(runs)
        .measures("largest miss, in units of its tolerance", miss)
        .each_in_words(
            at_most(1.0),
            format!("alignment within {OF_ALIGNMENT} and ratio within {PERCENT} % in every run"),
        )
}

fn ratio_on_one_hot(runs: &[&Record]) -> Claim {
    const EXPECTED: f64 = 2.51;
    const TOLERANCE: f64 = 0.1;
    let nearly = at_least(0.99);
    let alignments: Vec<Option<f64>> = runs.iter().map(|run| alignment(run)).collect();
    claim("one-hot")
        .says(
            "On one-hot inputs the kernel of ReLU networks with 16,384 hidden units has the constant on top, and the ratio of \
             the arc-cosine kernels, 2.514.",
        )
        .of(runs)
        .measures("kappa_0/kappa_1 at step 0", ratio)
        .also(nearly.admits_each(&alignments))
        .each_in_words(
            within(TOLERANCE, EXPECTED),
            format!("{EXPECTED} +- {TOLERANCE}, and alignment {nearly}, in every run"),
        )
}

fn deep(runs: &[&Record]) -> Claim {
    const EXPECTED: f64 = 4.66;
    const PERCENT: f64 = 10.0;
    let split = Measurement::of("", &runs.iter().map(|run| ratio(run)).collect::<Vec<_>>());
    let split = split.mean.map_or("none".to_owned(), |mean| format!("{mean:.2}"));
    claim("depth")
        .says(format!(
            "With 8 hidden layers of 1,024 units kappa_0 is {EXPECTED} times the contrasts' eigenvalue, which they share in wide \
             networks; here it is split, and kappa_0/kappa_1 is {split} in the mean."
        ))
        .of(runs)
        .measures("kappa_0 over the mean of the others at step 0", |run| {
            run.kernel.as_ref()?.ratio_to_mean()
        })
        .each_in_words(
            within_percent(PERCENT, EXPECTED),
            format!("{EXPECTED} +- {PERCENT} % in every run"),
        )
}

fn no_lazy_phase_on_one_hot(runs: &[&Record]) -> Claim {
    let has_none = |run: &Record| {
        let (lazy, seen) = run.lazily_predicted()?;
        let is_small = below(LAZY_RATIO).admits(ratio(run)?);
        Some(f64::from(is_absent(&lazy) && is_absent(&seen) && is_small))
    };
    claim("one-hot-no-lazy-phase")
        .says("On one-hot inputs the constant's lead in the kernel is too small for a phase: none is predicted, and none is seen.")
        .control()
        .of(runs)
        .measures("1 where that is so", has_none)
        .each_in_words(
            at_least(1.0),
            format!(
                "kappa_0/kappa_1 < {LAZY_RATIO}, an end after step 0 and no onset before it, predicted and seen, in every run"
            ),
        )
}

/// A crossing that was predicted or seen: relative error of the prediction, and drift of the kernel by then.
fn crossings(run: &Record) -> Vec<(Option<f64>, f64)> {
    let Some((lazy, seen)) = run.lazily_predicted() else { return Vec::new() };
    let span = Span::first(&run.config);
    [(lazy.onset, seen.onset), (lazy.end, seen.end)]
        .into_iter()
        // At step 0 nothing was foretold.
        .filter(|(predicted, observed)| *predicted != Some(0.0) && *observed != Some(0.0))
        .filter_map(|(predicted, observed)| {
            let drift = run.kernel.as_ref()?.drift_at(observed.or(predicted)?, span)?;
            Some((predicted.zip(observed).map(|(p, o)| (p / o - 1.0).abs()), drift))
        })
        .collect()
}

/// `None` where not both crossings came after step 0.
fn larger_error(run: &Record) -> Option<f64> {
    let errors: Option<Vec<f64>> = crossings(run).into_iter().map(|(error, _)| error).collect();
    errors.filter(|errors| errors.len() == 2)?.into_iter().max_by(f64::total_cmp)
}

/// Of a kernel that moves by a share, eigenvalues move by about that share, and times with them; but the share is that of
/// the largest eigenvalue, and smaller ones, which decide the end, may move more.
fn still_kernels_foretell(runs: &[&Record]) -> Claim {
    let still = runs.iter().flat_map(|run| crossings(run)).filter(|(_, drift)| *drift <= STILL);
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

fn existence(runs: &[&Record]) -> Claim {
    const FEWEST: usize = 3;
    let is_still = |run: &&&Record| {
        let found = crossings(run);
        !found.is_empty() && found.iter().all(|(_, drift)| *drift <= STILL)
    };
    let still: Vec<&Record> = runs.iter().filter(is_still).copied().collect();
    claim("lazy-existence")
        .says(
            "Where the kernel has moved by less than a tenth by every crossing, the phase exists if and only if the kernel at \
             step 0 says so.",
        )
        .of(&still)
        .measures("1 where that is so", |run| {
            let (lazy, seen) = run.lazily_predicted()?;
            Some(f64::from(agree(&lazy, &seen)))
        })
        .also(still.len() >= FEWEST)
        .each_in_words(at_least(1.0), "in every such run, of which there are three at least")
}

fn drift(id: &str, sentence: &str, runs: &[&Record]) -> Claim {
    let last = |run: &Record| run.kernel.as_ref()?.drift.last().copied()?;
    claim(id).says(sentence).of(runs).measures("drift at the last step", last).reported()
}

fn turn(id: &str, who: &str, runs: &[&Record]) -> Claim {
    let cosines = runs.iter().filter_map(|run| run.kernel.as_ref()?.cosine.last().copied()?);
    let cosine = cosines.min_by(f64::total_cmp);
    let cosine = cosine.map_or("none".to_owned(), |cosine| format!("{cosine:.3}"));
    let sentence = format!(
        "The kernel of {who} grows more than it turns: its smallest cosine with that of step 0 is {cosine}."
    );
    drift(id, &sentence, runs)
}
