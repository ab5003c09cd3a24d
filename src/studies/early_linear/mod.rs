//! Is the beginning of learning that of a linear model, and is the constant learned first?

mod analysis;
mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{ABSENT, Claim, PRESENT, above, at_most, below, claim, within};
use crate::config::{Activation, Inputs};
use crate::record::{Record, RunFolder};
use analysis::{
    Kind, Moment, alike, by_seed, difference, growth, mean_curve_error, mean_times, of_activation,
    pick, ratio,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "early_linear",
    question: "Is the beginning of learning that of a linear model?",
    source: "Hu, Xiao, Adlam, Pennington 2020 (arXiv 2006.14599): early learning of two-layer networks; the constant's rate beside \
             directions' and the OCS phase that follows are our own",
    config: include_str!("../../../configs/early_linear.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// Dimensions, and the largest D at the end that is allowed: twice what independent simulation left.
const DIMENSIONS: [(usize, f64); 3] = [(20, 0.006), (40, 0.004), (80, 0.002)];

/// What D is.
const DIFFERENCE: &str = "D = ⟨(f − f of the linear model)²⟩ / ⟨y²⟩";

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = holds(runs)?;
    claims.extend(widths(runs)?);
    claims.extend(layers(runs)?);
    claims.extend(constant(runs)?);
    claims.extend(controls(runs)?);
    claims.extend(images(runs)?);
    Ok(claims)
}

/// Networks of width d²/2.
fn holds(runs: &RunFolder) -> Result<Vec<Claim>> {
    const FACTOR: f64 = 0.5;
    const APART: f64 = 0.15;
    let mut claims = Vec::new();
    let mut all = Vec::new();
    for (dimension, bound) in DIMENSIONS {
        let chosen = pick(runs, Kind::Wide(dimension))?;
        claims.push(
            claim(format!("linear-model-holds-at-{dimension}"))
                .says(format!("In {dimension} dimensions a network of width d²/2 is its linear model until t = d/2, ReLU and erf."))
                .of(&chosen)
                .measures(&format!("{DIFFERENCE}, training set, t = d/2"), |run| {
                    difference(run, Moment::End, 0)
                })
                .each(at_most(bound), "in every run"),
        );
        all.extend(chosen);
    }
    let [small, _, large] = DIMENSIONS.map(|(dimension, _)| dimension);
    let ratios = by_seed(&pick(runs, Kind::Wide(large))?, &pick(runs, Kind::Wide(small))?)
        .into_iter()
        .map(|pair| ratio(pair, Moment::End));
    claims.push(
        claim("difference-falls-with-dimension")
            .says("The more dimensions, the longer and the better.")
            .values(&format!("D in {large} dimensions / D in {small}, at t = d/2"), ratios)
            .each(below(FACTOR), "for every activation and seed"),
    );
    let groups = alike(&all);
    let of_sets = groups.iter().map(|runs| {
        let sum =
            |set| -> Option<f64> { runs.iter().map(|run| difference(run, Moment::End, set)).sum() };
        Some(sum(1)? / sum(0)?)
    });
    claims.push(
        claim("test-set-like-training-set")
            .says("On samples that were not learned it is as near.")
            .values("D of the test set / D of the training set, means over seeds, t = d/2", of_sets)
            .each(within(APART, 1.0), "for every dimension and activation"),
    );
    Ok(claims)
}

/// Width and dimension apart from each other.
fn widths(runs: &RunFolder) -> Result<Vec<Claim>> {
    const FACTOR: f64 = 0.3;
    let at_end = |pair| ratio(pair, Moment::End);
    let by_width = by_seed(&pick(runs, Kind::Width(2048))?, &pick(runs, Kind::Width(128))?);
    let [low, middle, high] = [25, 50, 100].map(|dimension| pick(runs, Kind::Narrow(dimension)));
    let (low, middle, high) = (low?, middle?, high?);
    let pairs = by_seed(&middle, &low).into_iter().chain(by_seed(&high, &middle));
    Ok(vec![
        claim("difference-falls-with-width")
            .says("In 40 dimensions D falls with the width, as 1/m.")
            .values("D of 2048 units / D of 128, t = d/2", by_width.into_iter().map(at_end))
            .each(below(FACTOR), "for every activation and seed"),
        claim("more-dimensions-need-more-width")
            .says("At one width of 512 it grows with the dimension: the model asks for m > d^(1 + α).")
            .control()
            .values("D in 50 dimensions / in 25, and in 100 / in 50, t = ¼ d ln d", pairs.map(at_end))
            .each(above(1.0), "for every seed"),
    ])
}

/// One layer learns, the other stays.
fn layers(runs: &RunFolder) -> Result<Vec<Claim>> {
    [
        (
            "first-layer-alone",
            "The first layer alone follows its own linear model",
            Kind::FirstLayer,
            0.00026,
        ),
        ("second-layer-alone", "and so does the second layer alone.", Kind::SecondLayer, 0.004),
    ]
    .into_iter()
    .map(|(id, says, kind, bound)| {
        Ok(claim(id)
            .says(says)
            .of(&pick(runs, kind)?)
            .measures(&format!("{DIFFERENCE}, training set, t = d/2"), |run| {
                difference(run, Moment::End, 0)
            })
            .each(at_most(bound), "in every run"))
    })
    .collect()
}

/// The mean before any direction.
fn constant(runs: &RunFolder) -> Result<Vec<Claim>> {
    const STEPS: f64 = 1.5;
    // Twice .003, by which independent simulation's means differed: 3 % of the mean, which with a tenth left of it is 13 % of ln 10
    // time constants.
    const CURVE: f64 = 0.006;
    const OFF: f64 = 0.13;
    let relu = of_activation(runs, Kind::Wide(80), Activation::Relu)?;
    let phases = |kind| pick(runs, kind);
    let in_steps = |time: f64, run: &Record| time / run.config.training.learning_rate;
    let (relu_phase, erf_phase) =
        (phases(Kind::Phase(Activation::Relu))?, phases(Kind::Phase(Activation::Erf))?);
    Ok(vec![
        claim("mean-of-network-and-model")
            .says("A ReLU network without biases learns the mean when its linear model does,")
            .of(&relu)
            .measures("steps to 90 % of the mean: network − linear model", |run| {
                let [network, twin, _] = mean_times(run)?;
                Some(in_steps(network - twin, run))
            })
            .each(within(STEPS, 0.0), "in every run"),
        claim("mean-at-its-rate")
            .says("at the rate λ = θ₀² + 3ν²/2d of the constant: at t = ln 10 / λ.")
            .of(&relu)
            .measures("time to 90 % of the mean / (ln 10 / λ)", |run| {
                let [network, _, formula] = mean_times(run)?;
                Some(network / formula)
            })
            .each(within(OFF, 1.0), "in every run"),
        claim("mean-along-the-way")
            .says("Its mean response is the linear model's all the way.")
            .of(&relu)
            .measures("largest |mean response − that of the linear model|", mean_curve_error)
            .each(at_most(CURVE), "in every run"),
        claim("constant-before-directions")
            .says("The constant's rate is d/3 times that of a direction: there is an OCS phase without biases.")
            .of(&relu_phase)
            .every(PRESENT, "in every run"),
        claim("odd-network-has-no-phase")
            .says("The error function is odd: its network cannot represent the constant early, and there is none.")
            .control()
            .of(&erf_phase)
            .every(ABSENT, "{}, in every run"),
    ])
}

/// Where the model is not promised.
fn controls(runs: &RunFolder) -> Result<Vec<Claim>> {
    const MISSED: f64 = 0.03;
    const TIMES: f64 = 5.0;
    let wide: Vec<&Record> = pick(runs, Kind::Wide(40))?;
    let relu = of_activation(runs, Kind::Wide(40), Activation::Relu)?;
    let spiked = by_seed(&pick(runs, Kind::Spiked)?, &wide);
    let late = pick(runs, Kind::Late)?;
    Ok(vec![
        claim("norm-is-needed")
            .says("Without the feature of the norm, which carries the constant, the model misses.")
            .control()
            .of(&relu)
            .measures(
                "least D of the model without the norm, t = d/8 and later",
                analysis::least_without_norm,
            )
            .each(above(MISSED), "in every run"),
        claim("spiked-inputs-part-them")
            .says("With half of the variance in one direction the two part early.")
            .control()
            .values(
                "D of spiked inputs / D of white ones, t = d/8",
                spiked.into_iter().map(|pair| ratio(pair, Moment::Quarter)),
            )
            .each(above(TIMES), "for every activation and seed"),
        claim("late-they-part")
            .says("And late, when a tenth of the loss is left.")
            .control()
            .of(&late)
            .measures("D at the end / D at t = d/2", |run| growth(run, Moment::End))
            .each(above(TIMES), "in every run"),
        claim("ten-times-as-long")
            .says("How far they are from each other after ten times as long, when a quarter of it is left.")
            .of(&late)
            .measures("D at t = 5d / D at t = d/2", |run| growth(run, Moment::Near(5.0)))
            .reported(),
    ])
}

/// Beyond what is promised: directions of images are anything but alike.
fn images(runs: &RunFolder) -> Result<Vec<Claim>> {
    const OFF: f64 = 0.1;
    let relu = pick(runs, Kind::Images(Activation::Relu))?;
    let erf = pick(runs, Kind::Images(Activation::Erf))?;
    let of_set = |id: &str, says: &str, inputs: Inputs| {
        let of_set: Vec<&Record> =
            relu.iter().copied().filter(|run| run.config.task.inputs == inputs).collect();
        claim(id)
            .says(says)
            .predicted()
            .of(&of_set)
            .measures("onset / onset of the linear model", |run| {
                Some(run.phase.onset? / analysis::twin_onset(run)?)
            })
            .each(within(OFF, 1.0), "in every run")
    };
    let cnn = pick(runs, Kind::Cnn)?;
    let of_kernel = |of: usize| move |run: &Record| Some(analysis::distance_from_kernel(run)?[of]);
    Ok(vec![
        of_set(
            "onset-on-mnist",
            "On MNIST a wide ReLU network without biases comes near the mean target when its linear model does.",
            Inputs::Mnist,
        ),
        of_set("onset-on-cifar10", "And on CIFAR-10.", Inputs::Cifar10),
        claim("onset-on-images-by-the-rate")
            .says("How near ln 10 / λ comes to it.")
            .of(&relu)
            .measures("onset / (ln 10 / λ)", |run| Some(run.phase.onset? / analysis::formula_onset(run)?))
            .reported(),
        claim("constant-is-no-longer-first")
            .says("There is no OCS phase there: a few directions of images have so much of the variance that they are learned as fast.")
            .of(&relu)
            .every(ABSENT, "{}, in every run"),
        claim("odd-network-on-images")
            .says("A network of the error function has no such phase there.")
            .control()
            .of(&erf)
            .every(ABSENT, "{}, in every run"),
        claim("difference-on-images")
            .says("How far network and linear model are from each other on images, whose directions are anything but alike.")
            .of(&pick(runs, Kind::AnyImages)?)
            .measures(&format!("{DIFFERENCE}, training set, at the end"), |run| {
                difference(run, Moment::End, 0)
            })
            .reported(),
        claim("mean-of-cnn-and-kernel")
            .says("A convolutional network, and the linear model of its tangent kernel at step 0.")
            .of(&cnn)
            .measures("largest |M − M of the kernel| / ‖ȳ‖", of_kernel(0))
            .reported(),
        claim("differences-of-cnn-and-kernel")
            .says("The same, of what they tell apart.")
            .of(&cnn)
            .measures("largest |√V − √V of the kernel| / √V of the targets", of_kernel(1))
            .reported(),
    ])
}
