//! Why do real images bring the OCS without any bias? Their Gram matrix has the constant on top. What it says is held
//! against gradient descent: onset and end, predicted from second moments and a seed's initial weights.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use super::other_seeds;
use crate::claim::verdicts::{agree, exists, is_absent};
use crate::claim::{Claim, Measurement, Verdict};
use crate::config::{Config, Inputs};
use crate::metrics::{Phase, norm};
use crate::record::{GramRecord, Record, RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Why, in real images?",
    source: "Rubruck et al. 2024: the leading eigenvector of the images' Gram matrix is nearly constant",
    config: include_str!("../../../configs/ocs_gram.yaml"),
    optional_inputs: &[OPTIONAL],
    theory_of_images: true,
    also_predict: also_predict,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_gram";
/// Data sets: condition's part, and words.
const DATASETS: [(&str, &str); 3] =
    [("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST"), ("cifar10", "CIFAR-10")];
const PREPROCESSINGS: [(&str, &str); 3] =
    [("raw", "raw"), ("centred", "pixel-centred"), ("standardised", "channel-standardised")];

/// Layers of a condition's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layers {
    Two,
    One,
}

impl Layers {
    /// The end of a condition's name.
    fn suffix(self) -> &'static str {
        match self {
            Layers::Two => "",
            Layers::One => "-shallow",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Layers::Two => "two layers",
            Layers::One => "one layer",
        }
    }
}

/// A data set that a machine without Debian's package manager may not get: the experiment does without it.
const OPTIONAL: Inputs = Inputs::FashionMnist;

/// Theory answers each condition for its first seed; here for the others.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    other_seeds(config, |_| true)
}

/// Runs of one data set under one preprocessing by networks of one shape, with what theory says of each.
struct Condition<'a> {
    name: String,
    words: String,
    layers: Layers,
    gram: &'a GramRecord,
    runs: Vec<Run<'a>>,
}

/// A run on its training set, which is what theory speaks of.
struct Run<'a> {
    record: &'a Record,
    theory: &'a TheoryRecord,
    phase: Phase,
}

impl<'a> Condition<'a> {
    fn read(
        runs: &'a RunFolder,
        (dataset, images): (&str, &str),
        inputs: (&str, &str),
        layers: Layers,
    ) -> Result<Self> {
        let name = format!("{dataset}-{}{}", inputs.0, layers.suffix());
        let lacks = |what: &str| {
            format!("{STEM} has no {what} of condition '{name}': run `ocs reproduce {STEM}`")
        };
        let gram = runs.gram_of(&name).with_context(|| lacks("Gram matrix"))?;
        let records = runs.of(&name);
        ensure!(!records.is_empty(), lacks("record"));
        let with_theory = |record: &'a Record| {
            let theory =
                runs.theory_of_run(record).with_context(|| lacks("theory of every seed"))?;
            let phase = record
                .training_phase(theory.target_variance)
                .with_context(|| lacks("metrics on the training set"))?;
            Ok(Run { record, theory, phase })
        };
        let runs = records.into_iter().map(with_theory).collect::<Result<_>>()?;
        Ok(Condition { words: format!("{} {images}", inputs.1), name, layers, gram, runs })
    }

    fn every(&self, test: impl Fn(&Phase) -> bool) -> bool {
        self.runs.iter().all(|run| test(&run.phase))
    }
}

/// The claims; a data set that was left out is reported as such.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let (mut two, mut one) = (Vec::new(), Vec::new());
    let mut absent = Vec::new();
    for dataset in DATASETS {
        let prefix = format!("{}-", dataset.0);
        let is_there = runs.records.iter().any(|record| record.condition.starts_with(&prefix));
        if dataset.0 == OPTIONAL.name() && !is_there {
            absent.push(left_out(dataset.1));
            continue;
        }
        for inputs in PREPROCESSINGS {
            two.push(Condition::read(runs, dataset, inputs, Layers::Two)?);
            one.push(Condition::read(runs, dataset, inputs, Layers::One)?);
        }
    }
    let ending = |name: &'static str| {
        move |condition: &&Condition| condition.name.trim_end_matches("-shallow").ends_with(name)
    };
    // Inputs are the same for both shapes; what networks make of them is asked of both.
    let raw: Vec<&Condition> = two.iter().filter(ending("-raw")).collect();
    let centred: Vec<&Condition> = two.iter().filter(ending("-centred")).collect();
    let all_centred: Vec<&Condition> = two.iter().chain(&one).filter(ending("-centred")).collect();
    let mut all = vec![
        raw_images_have_the_constant_on_top(&raw),
        centred_images_have_no_constant(&centred),
        centred_images_keep_the_mean_at_zero(&all_centred),
        centred_images_bring_no_phase(&all_centred),
    ];
    let with_mean = two.iter().chain(&one).filter(|condition| !ending("-centred")(condition));
    all.extend(with_mean.map(existence));
    all.push(even_projections(&two));
    all.extend(two.iter().map(|condition| {
        follows_theory(&condition.name, &condition.words, Layers::Two, &[condition])
    }));
    all.extend(DATASETS.into_iter().filter_map(|(dataset, images)| {
        let prefix = format!("{dataset}-");
        let of_set: Vec<&Condition> = one.iter().filter(|c| c.name.starts_with(&prefix)).collect();
        let id = format!("{dataset}{}", Layers::One.suffix());
        (!of_set.is_empty()).then(|| follows_theory(&id, images, Layers::One, &of_set))
    }));
    all.extend([
        existence_is_predicted(&two, Layers::Two),
        existence_is_predicted(&one, Layers::One),
    ]);
    all.extend(two.iter().filter_map(plateau));
    all.append(&mut absent);
    Ok(all)
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new(STEM, id, sentence, measured, criterion, holds)
}

fn report(id: &str, sentence: &str, measured: Measurement) -> Claim {
    Claim { verdict: Verdict::Reported, ..claim(id, sentence, measured, "none", true) }
}

fn left_out(images: &str) -> Claim {
    let sentence =
        format!("{images} was left out: its files are not there, and no source of them answered.");
    report("left-out", &sentence, Measurement::of("runs", &[]))
}

fn lengths(conditions: &[&Condition]) -> Measurement {
    let runs = conditions.iter().flat_map(|condition| &condition.runs);
    let lengths: Vec<Option<f64>> = runs.map(|run| run.phase.log_ratio).collect();
    Measurement::of("ln(end/onset) on the training set", &lengths)
}

fn overlaps(conditions: &[&Condition]) -> Measurement {
    let overlaps: Vec<Option<f64>> =
        conditions.iter().map(|condition| Some(condition.gram.ones_overlap)).collect();
    Measurement::of("overlap with the constant, a data set each", &overlaps)
}

fn raw_images_have_the_constant_on_top(raw: &[&Condition]) -> Claim {
    claim(
        "raw-overlap",
        "The top eigenvector of the Gram matrix of raw images is nearly constant.",
        overlaps(raw),
        ">= 0.9 for every data set",
        raw.iter().all(|condition| condition.gram.ones_overlap >= 0.9),
    )
}

fn centred_images_have_no_constant(centred: &[&Condition]) -> Claim {
    claim(
        "centred-overlap",
        "The top eigenvector of the Gram matrix of pixel-centred images has nothing of the constant.",
        overlaps(centred),
        "< 1e-6 for every data set",
        centred.iter().all(|condition| condition.gram.ones_overlap < 1e-6),
    )
    .as_control()
}

fn centred_images_keep_the_mean_at_zero(centred: &[&Condition]) -> Claim {
    let furthest = |run: &Run| {
        let beta = norm(&run.record.ocs);
        let errors = &run.record.training_curves.as_ref()?.mean_output_error;
        errors.iter().map(|error| (error / beta - 1.0).abs()).max_by(f64::total_cmp)
    };
    let distances: Vec<Option<f64>> =
        centred.iter().flat_map(|condition| &condition.runs).map(furthest).collect();
    let holds = distances.iter().all(|distance| distance.is_some_and(|distance| distance <= 1e-6));
    claim(
        "centred-mean",
        "On pixel-centred images a linear network of one or two layers without biases never learns anything of the mean target.",
        Measurement::of("largest |M/||ybar|| - 1| on the training set", &distances),
        "<= 1e-6 at every observation of every run (float64)",
        holds,
    )
    .as_control()
}

fn centred_images_bring_no_phase(centred: &[&Condition]) -> Claim {
    claim(
        "centred-phase",
        "On pixel-centred images a linear network of one or two layers without biases has no OCS phase, though it learns differences.",
        lengths(centred),
        "an end after step 0, and no onset before it, in every run",
        centred.iter().all(|condition| condition.every(is_absent)),
    )
    .as_control()
}

/// Whether a condition has a phase, claimed where there is a number to expect, else reported. Of two layers: the table of
/// THEORY section 10, in which Fashion-MNIST does not stand. Of one: a phase needs `kappa_0 / kappa_1 > 6.06` (section 7),
/// which that table's 7.98 and 30.5 exceed; its 4.43 of channel-standardised MNIST does not, but label variance that is
/// spread over small eigenvalues delays the end, so that the ratio alone decides nothing there; with an overlap of 0.03
/// there is no constant to learn.
fn expected(condition: &str) -> Option<bool> {
    match condition {
        "mnist-raw" | "mnist-standardised" | "cifar10-raw" => Some(true),
        "mnist-raw-shallow" | "cifar10-raw-shallow" => Some(true),
        "cifar10-standardised" | "cifar10-standardised-shallow" => Some(false),
        _ => None,
    }
}

fn existence(condition: &Condition) -> Claim {
    let id = format!("phase-{}", condition.name);
    let (images, layers) = (&condition.words, condition.layers.words());
    let lengths = lengths(&[condition]);
    match expected(&condition.name) {
        Some(true) => {
            let sentence = format!(
                "On {images} a linear network of {layers} without biases passes through the OCS phase."
            );
            let holds = condition.every(exists);
            claim(&id, &sentence, lengths, "onset < end in every run", holds)
        }
        Some(false) => {
            let sentence = format!(
                "On {images} a linear network of {layers} without biases has no OCS phase."
            );
            let criterion = "an end after step 0, and no onset before it, in every run";
            claim(&id, &sentence, lengths, criterion, condition.every(is_absent)).as_control()
        }
        None => {
            let with = condition.runs.iter().filter(|run| run.phase.is_there()).count();
            let sentence = format!(
                "On {images} there is a phase in {with} of {} runs of {layers}: overlap {:.3}, projection cv {}.",
                condition.runs.len(),
                condition.gram.ones_overlap,
                condition.gram.projection_cv.map_or("none".to_owned(), |cv| format!("{cv:.3}"))
            );
            report(&id, &sentence, lengths)
        }
    }
}

/// THEORY (15): at the first saddle `M / ||ybar|| = cv^2 / (1 + cv^2)`, at most 0.1 up to cv = 1/3. A rule of thumb: it
/// counts the top mode alone, and where the second is nearly as fast it lowers M too.
fn even_projections(conditions: &[Condition]) -> Claim {
    let is_even =
        |condition: &Condition| condition.gram.projection_cv.is_some_and(|cv| cv <= 1.0 / 3.0);
    let agrees = |condition: &&Condition| {
        let even = is_even(condition);
        condition.every(|phase| phase.exists == Some(even))
    };
    let exceptions: Vec<&str> =
        conditions.iter().filter(|c| !agrees(c)).map(|c| c.name.as_str()).collect();
    let except = if exceptions.is_empty() {
        String::new()
    } else {
        format!(", but not on {}", exceptions.join(", "))
    };
    let agreement: Vec<Option<f64>> =
        conditions.iter().map(|condition| Some(f64::from(agrees(&condition)))).collect();
    report(
        "even-projections",
        &format!(
            "Inputs bring the phase if their projections on their mean have a cv of at most 1/3{except}."
        ),
        Measurement::of("1 where that is so", &agreement),
    )
}

fn relative_error(predicted: Option<f64>, observed: Option<f64>) -> Option<f64> {
    Some((predicted? / observed? - 1.0).abs())
}

/// Onset and end of each run, as far as either has one: where one has none, the other must have none.
///
/// The criterion is what steps of finite size leave: two layers rise early by the share `eta s / 2`, one layer by at most
/// `eta kappa_0 / 2`, both at most 0.01 at the config's learning rates; as much again is for reading crossings off
/// observations and, of two layers, for the projection of the start.
fn follows_theory(id: &str, images: &str, layers: Layers, conditions: &[&Condition]) -> Claim {
    let mut errors = Vec::new();
    let mut agree = true;
    for run in conditions.iter().flat_map(|condition| &condition.runs) {
        let (theory, seen) = (&run.theory.phase, &run.phase);
        for (predicted, observed) in [(theory.onset, seen.onset), (theory.end, seen.end)] {
            agree &= predicted.is_some() == observed.is_some();
            if predicted.is_some() || observed.is_some() {
                errors.push(relative_error(predicted, observed));
            }
        }
    }
    claim(
        &format!("predicted-{id}"),
        &format!(
            "On {images} a network of {} has its onset and end when the second moments and the initial weights say.",
            layers.words()
        ),
        Measurement::of("relative error of onset and end", &errors),
        "<= 0.02 in every run; what does not come is predicted not to",
        agree && !errors.is_empty() && errors.iter().all(|e| e.is_some_and(|e| e <= 0.02)),
    )
}

fn existence_is_predicted(conditions: &[Condition], layers: Layers) -> Claim {
    let runs = || conditions.iter().flat_map(|condition| &condition.runs);
    let right: Vec<Option<f64>> =
        runs().map(|run| Some(f64::from(agree(&run.theory.phase, &run.phase)))).collect();
    let both = [true, false].map(|exists| runs().any(|run| run.phase.exists == Some(exists)));
    claim(
        &format!("existence-is-predicted{}", layers.suffix()),
        &format!("Theory says of every run of {} whether it has a phase.", layers.words()),
        Measurement::of("1 where it is right", &right),
        "right in every run, of which some have a phase and some have none",
        right.iter().all(|right| *right == Some(1.0)) && both == [true; 2],
    )
}

/// The distance to the OCS at the plateau, beside what (15) estimates from the projections alone.
fn plateau(condition: &Condition) -> Option<Claim> {
    let cv = condition.gram.projection_cv?;
    let first = condition.runs.first()?;
    let share = norm(&first.record.ocs).powi(2) / first.theory.target_variance;
    let estimate = share * cv * cv / (1.0 + cv * cv);
    let nearest = |run: &Run| {
        let distances = &run.record.training_curves.as_ref()?.distance_to_ocs;
        let smallest = distances.iter().copied().min_by(f64::total_cmp)?;
        Some(smallest / run.theory.target_variance)
    };
    let measured: Vec<Option<f64>> = condition.runs.iter().map(nearest).collect();
    Some(report(
        &format!("plateau-{}", condition.name),
        &format!(
            "On {} the projections' cv is {cv:.3}, from which the plateau is estimated at D_ocs / V of targets = {estimate:.3}.",
            condition.words
        ),
        Measurement::of("smallest D_ocs / V of targets", &measured),
    ))
}
