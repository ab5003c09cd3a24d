//! Nonlinear networks: is the constant on top of their neural tangent kernel, and when does a kernel that is taken to stand
//! still foretell the phase? THEORY section 7, C12.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::verdicts::{agree, is_absent};
use crate::claim::{Claim, Measurement, Verdict};
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
    figure: page::figure,
};

/// Up to this drift at a crossing the kernel counts as still; then the crossing is to come within the same share of the
/// predicted time.
const STILL: f64 = 0.1;

/// Lazy networks of which all label variance lies at `kappa_1` have a phase above this `kappa_0 / kappa_1`:
/// `ln 10 / -ln(1 - sqrt(0.1))`.
const LAZY_RATIO: f64 = 6.057;

/// A run with what it says of its kernel.
#[derive(Clone, Copy)]
struct Run<'a> {
    record: &'a Record,
    kernel: &'a KernelRecord,
}

fn of<'a>(runs: &'a RunFolder, condition: &str) -> Result<Vec<Run<'a>>> {
    let lacks =
        || format!("ocs_kernel has no kernel of '{condition}': run `ocs reproduce ocs_kernel`");
    let records = runs.of(condition);
    ensure!(!records.is_empty(), lacks());
    let with_kernel = |record: &'a Record| {
        let kernel = record.kernel.as_ref().filter(|kernel| !kernel.step.is_empty());
        Ok(Run { record, kernel: kernel.with_context(lacks)? })
    };
    records.into_iter().map(with_kernel).collect()
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let all_of = |names: &[&str]| -> Result<Vec<Run>> {
        Ok(names.iter().map(|name| of(runs, name)).collect::<Result<Vec<_>>>()?.concat())
    };
    let centred_relu = all_of(&["relu-none-centred", "relu-all-centred"])?;
    let centred_tanh = of(runs, "tanh-none-centred")?;
    let centred = [centred_relu.clone(), centred_tanh.clone()].concat();
    let raw = all_of(&["relu-none-raw", "tanh-none-raw", "cnn-none-raw"])?;
    let with_expected = [centred_relu.clone(), of(runs, "relu-none-raw")?].concat();
    let wide = all_of(&["width-16384", "width-16384-large"])?;
    let images = [centred, raw.clone(), of(runs, "cnn-none-centred")?].concat();
    let lazy = [images.clone(), of(runs, "width-16384-large")?].concat();
    Ok(vec![
        top_is_constant(
            "relu-makes-a-constant",
            "The inputs of pixel-centred images have nothing of the constant; of the kernel of ReLU MLPs it is nearly the \
             top eigenvector.",
            &centred_relu,
        ),
        top_is_constant(
            "cnn-makes-a-constant",
            "On pixel-centred images the constant is nearly the top eigenvector of ReLU CNNs' kernel.",
            &of(runs, "cnn-none-centred")?,
        ),
        inputs_have_no_constant(&images),
        tanh_makes_none(&centred_tanh),
        top_is_constant(
            "raw-has-it",
            "On raw images the constant is nearly the top eigenvector of every network's kernel.",
            &raw,
        ),
        as_arc_cosines_say(&with_expected),
        one_hot(&wide),
        deep(&of(runs, "depth-8")?),
        no_lazy_phase_on_one_hot(&of(runs, "width-16384-large")?),
        lazy_network(&of(runs, "width-16384-large")?),
        still_kernels_foretell(&lazy),
        existence(&lazy),
        rich_limit(&of(runs, "width-16384")?),
        drift("cnn-drift", "CNNs on images", &all_of(&["cnn-none-raw", "cnn-none-centred"])?),
        drift("mlp-drift", "wide MLPs on images", &[with_expected, centred_tanh].concat()),
    ])
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new("ocs_kernel", id, sentence, measured, criterion, holds)
}

fn report(id: &str, sentence: &str, measured: Measurement) -> Claim {
    Claim { verdict: Verdict::Reported, ..claim(id, sentence, measured, "none", true) }
}

fn measured(quantity: &str, runs: &[Run], of: impl Fn(&Run) -> Option<f64>) -> Measurement {
    Measurement::of(quantity, &runs.iter().map(of).collect::<Vec<_>>())
}

/// Whether a quantity is there in every run, and passes.
fn every(runs: &[Run], of: impl Fn(&Run) -> Option<f64>, test: impl Fn(f64) -> bool) -> bool {
    !runs.is_empty() && runs.iter().all(|run| of(run).is_some_and(&test))
}

fn alignment(run: &Run) -> Option<f64> {
    run.kernel.ones_alignment.first().copied()?
}

const ALIGNMENT: &str = "alignment with the constant at step 0";

fn top_is_constant(id: &str, sentence: &str, runs: &[Run]) -> Claim {
    let holds = every(runs, alignment, |overlap| overlap >= 0.9);
    claim(id, sentence, measured(ALIGNMENT, runs, alignment), ">= 0.9 in every run", holds)
}

fn inputs_have_no_constant(runs: &[Run]) -> Claim {
    let centred: Vec<Run> =
        runs.iter().copied().filter(|run| run.record.condition.ends_with("-centred")).collect();
    let overlap = |run: &Run| run.kernel.inputs.ones_alignment;
    claim(
        "linear-has-none",
        "The kernel of one linear layer, X X^T, has nothing of the constant on top on pixel-centred images.",
        measured("alignment with the constant", &centred, overlap),
        "< 1e-6 in every run",
        every(&centred, overlap, |overlap| overlap < 1e-6),
    )
    .as_control()
}

fn tanh_makes_none(runs: &[Run]) -> Claim {
    claim(
        "tanh-makes-none",
        "Networks with an odd nonlinearity and no biases make no constant: on pixel-centred images the top eigenvector of \
         tanh MLPs' kernel stays apart from it.",
        measured(ALIGNMENT, runs, alignment),
        "<= 0.1 in every run",
        every(runs, alignment, |overlap| overlap <= 0.1),
    )
    .as_control()
}

/// Relative distance of a ratio from what is expected of wide layers, or the difference of alignments, whichever is larger
/// in units of its tolerance.
fn miss(run: &Run) -> Option<f64> {
    let (kernel, expected) = (run.kernel, run.kernel.expected?);
    let ratio = (kernel.ratio.first().copied()?? / expected.ratio? - 1.0).abs();
    let overlap = (alignment(run)? - expected.ones_alignment?).abs();
    Some((ratio / 0.1).max(overlap / 0.02))
}

fn as_arc_cosines_say(runs: &[Run]) -> Claim {
    let words: Vec<String> = runs
        .iter()
        .filter(|run| Some(&run.record.seed) == runs.first().map(|first| &first.record.seed))
        .filter_map(|run| {
            let expected = run.kernel.expected?;
            let (overlap, ratio) = (expected.ones_alignment?, expected.ratio?);
            Some(format!("{} {overlap:.3} and {ratio:.2}", run.record.condition))
        })
        .collect();
    claim(
        "arc-cosine",
        &format!(
            "Alignment and kappa_0/kappa_1 of wide ReLU MLPs at step 0 are those of the arc-cosine kernels: {}.",
            words.join(", ")
        ),
        measured("largest miss, in units of its tolerance", runs, miss),
        "alignment within 0.02 and ratio within 10 % in every run",
        every(runs, miss, |miss| miss <= 1.0),
    )
}

fn ratio(run: &Run) -> Option<f64> {
    run.kernel.ratio.first().copied()?
}

fn one_hot(runs: &[Run]) -> Claim {
    let are_aligned = every(runs, alignment, |overlap| overlap >= 0.99);
    claim(
        "one-hot",
        "On one-hot inputs the kernel of ReLU networks with 16,384 hidden units has the constant on top, and the ratio of \
         the arc-cosine kernels, 2.514.",
        measured("kappa_0/kappa_1 at step 0", runs, ratio),
        "2.51 +- 0.1, and alignment >= 0.99, in every run",
        are_aligned && every(runs, ratio, |ratio| (ratio - 2.51).abs() <= 0.1),
    )
}

fn deep(runs: &[Run]) -> Claim {
    let of = |run: &Run| run.kernel.ratio_to_mean();
    let split = measured("", runs, ratio);
    let split = split.mean.map_or("none".to_owned(), |mean| format!("{mean:.2}"));
    claim(
        "depth",
        &format!(
            "With 8 hidden layers of 1,024 units kappa_0 is 4.66 times the contrasts' eigenvalue, which they share in wide \
             networks; here it is split, and kappa_0/kappa_1 is {split} in the mean."
        ),
        measured("kappa_0 over the mean of the others at step 0", runs, of),
        "4.66 +- 10 % in every run",
        every(runs, of, |ratio| (ratio / 4.66 - 1.0).abs() <= 0.1),
    )
}

fn no_lazy_phase_on_one_hot(runs: &[Run]) -> Claim {
    let has_none = |run: &Run| {
        let (lazy, seen) = run.record.lazily_predicted()?;
        Some(f64::from(is_absent(&lazy) && is_absent(&seen) && ratio(run)? < LAZY_RATIO))
    };
    claim(
        "one-hot-no-lazy-phase",
        "On one-hot inputs the constant's lead in the kernel is too small for a phase: none is predicted, and none is seen.",
        measured("1 where that is so", runs, has_none),
        "kappa_0/kappa_1 < 6.057, an end after step 0 and no onset before it, predicted and seen, in every run",
        every(runs, has_none, |absent| absent == 1.0),
    )
    .as_control()
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

/// Of a kernel that moves by a share, eigenvalues move by about that share, and times with them; but the share is that of
/// the largest eigenvalue, and smaller ones, which decide the end, may move more.
fn still_kernels_foretell(runs: &[Run]) -> Claim {
    let errors: Vec<Option<f64>> = runs
        .iter()
        .flat_map(crossings)
        .filter(|(_, drift)| *drift <= STILL)
        .map(|(error, _)| error)
        .collect();
    let near = errors.iter().filter(|error| error.is_some_and(|error| error <= STILL)).count();
    report(
        "still-kernels-foretell",
        &format!(
            "Of {} crossings before which the kernel has moved by less than a tenth, {near} come within a tenth of when the \
             kernel at step 0 says.",
            errors.len()
        ),
        Measurement::of("relative error of onset or end", &errors),
    )
}

fn lazy_network(runs: &[Run]) -> Claim {
    let largest = |run: &Run| {
        let errors: Option<Vec<f64>> = crossings(run).into_iter().map(|(error, _)| error).collect();
        errors.filter(|errors| errors.len() == 2)?.into_iter().max_by(f64::total_cmp)
    };
    claim(
        "lazy-times",
        "Onset and end of a lazy network, 16,384 ReLUs on one-hot inputs, come when its kernel at step 0 says.",
        measured("larger relative error of onset and end", runs, largest),
        "<= 0.05 in every run, in which both come after step 0",
        every(runs, largest, |error| error <= 0.05),
    )
}

fn existence(runs: &[Run]) -> Claim {
    let still: Vec<Run> = runs
        .iter()
        .copied()
        .filter(|run| {
            let found = crossings(run);
            !found.is_empty() && found.iter().all(|(_, drift)| *drift <= STILL)
        })
        .collect();
    let right = |run: &Run| {
        let (lazy, seen) = run.record.lazily_predicted()?;
        Some(f64::from(agree(&lazy, &seen)))
    };
    claim(
        "lazy-existence",
        "Where the kernel has moved by less than a tenth by every crossing, the phase exists if and only if the kernel at \
         step 0 says so.",
        measured("1 where that is so", &still, right),
        "in every such run, of which there are three at least",
        still.len() >= 3 && every(&still, right, |right| right == 1.0),
    )
}

fn rich_limit(runs: &[Run]) -> Claim {
    report(
        "width-alone-is-not-lazy",
        "Width alone does not hold the kernel still: on one-hot inputs with weights of standard deviation sqrt(2 / width) \
         the kernel of 16,384 units drifts.",
        measured("drift at the last step", runs, |run| run.kernel.drift.last().copied()?),
    )
}

fn drift(id: &str, who: &str, runs: &[Run]) -> Claim {
    let cosine = measured("", runs, |run| run.kernel.cosine.last().copied()?).min;
    let cosine = cosine.map_or("none".to_owned(), |cosine| format!("{cosine:.3}"));
    report(
        id,
        &format!(
            "The kernel of {who} grows more than it turns: its smallest cosine with that of step 0 is {cosine}."
        ),
        measured("drift at the last step", runs, |run| run.kernel.drift.last().copied()?),
    )
}
