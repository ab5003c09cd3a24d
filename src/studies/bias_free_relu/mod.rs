//! What does a ReLU network without biases learn? On symmetric inputs with odd targets, what a linear one does, in slower time.

mod analysis;
mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{Claim, above, at_least, at_most, below, claim, within};
use crate::record::{Record, RunFolder};
use analysis::{
    Kind, deep_half_time, final_spectrum, largest, loss_deviation, of_width, pick, slope_error,
    theory_deviation, twin, unexplained, weight_deviation,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "bias_free_relu",
    question: "Is a ReLU network without biases a linear network?",
    source: "Zhang, Saxe and Latham 2024: when a bias-free (leaky) ReLU network is a linear one; the two groups of units and deep \
             networks are our own",
    config: include_str!("../../../configs/bias_free_relu.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = exact(runs)?;
    claims.extend(nearly(runs)?);
    claims.extend(groups(runs)?);
    claims.extend(controls(runs)?);
    claims.extend(expressivity(runs)?);
    claims.extend(deep(runs)?);
    Ok(claims)
}

/// What is so but for rounding errors.
fn exact(runs: &RunFolder) -> Result<Vec<Claim>> {
    const ROUNDING: f64 = 1e-10;
    let all = runs.pick("two ReLU layers, no biases, mirrored inputs", |config| {
        [Kind::Exact, Kind::Random, Kind::Even].iter().any(|kind| kind.fits(config))
    })?;
    let mirrored = pick(runs, Kind::Exact)?;
    let losses = mirrored.iter().map(|run| Ok(loss_deviation(run, twin(runs, run)?)));
    let weights = mirrored.iter().map(|run| Ok(weight_deviation(run, twin(runs, run)?)));
    // Theory answers for the first seed.
    let flows = mirrored.iter().filter_map(|run| Some((run, runs.theory_of_run(run)?)));
    let flows = flows.map(|(run, theory)| {
        Some(theory_deviation(run, theory)? / run.config.training.learning_rate)
    });
    Ok(vec![
        claim("odd-part-is-linear")
            .says("The odd part of a network of two layers without biases is linear, (f(x) − f(−x))/2 = b W₂W₁x, whatever it has learned.")
            .of(&all)
            .measures("largest |odd part − b W₂W₁x|", |run| largest(&run.series.get("odd_part_error")?.at(&[])))
            .each(at_most(ROUNDING), "in every run"),
        claim("mirrored-start-has-the-linear-loss")
            .says("From a mirrored start its loss is that of the linear network in time b t, whatever the spread of the inputs and odd noise.")
            .values("largest |L − L of linear| / L(0)", losses.collect::<Result<Vec<_>>>()?)
            .each(at_most(ROUNDING), "in every run"),
        claim("mirrored-start-has-the-linear-weights")
            .says("And its weights are b^(−1/2) times those of the linear network.")
            .values("largest |W − W of linear / √b|", weights.collect::<Result<Vec<_>>>()?)
            .each(at_most(ROUNDING), "in every run"),
        claim("mirrored-start-follows-the-flow")
            .says("Its loss follows theory's linear flow in slower time, but for the error of steps.")
            .values("largest |L − L of theory| / (η L(0))", flows)
            .each(at_most(1.0), "in every run"),
    ])
}

/// What is nearly so from small random weights.
fn nearly(runs: &RunFolder) -> Result<Vec<Claim>> {
    let random = of_width(runs, 100)?;
    let deviations = random.iter().map(|run| Ok(loss_deviation(run, twin(runs, run)?)));
    Ok(vec![
        claim("small-random-start-is-nearly-linear")
            .says("From small random weights a hundred units are nearly the linear network.")
            .values(
                "largest |L − L of linear| / L(0), 100 units",
                deviations.collect::<Result<Vec<_>>>()?,
            )
            .each(below(0.03), "in every run"),
        claim("first-layer-grows-into-rank-one")
            .says("Its first layer grows into rank one, the more so the smaller it starts.")
            .of(&random)
            .measures("σ₂ / σ₁ of W₁ over the initial standard deviation", |run| {
                let spectrum = final_spectrum(run, 0)?;
                Some(spectrum[1] / spectrum[0] / analysis::initial_deviation(&run.config)?)
            })
            .each(at_most(12.0), "in every run"),
    ])
}

/// What two groups of units explain, and one does not.
fn groups(runs: &RunFolder) -> Result<Vec<Claim>> {
    let random = pick(runs, Kind::Random)?;
    let in_steps =
        |run: &Record, evened| Some(slope_error(run, evened)? / run.config.training.learning_rate);
    let ladder = analysis::step_ladder(runs)?;
    let ratios = ladder
        .iter()
        .flat_map(|steps| steps.windows(2))
        .map(|pair| Some(slope_error(pair[0], false)? / slope_error(pair[1], false)?));
    let uneven = analysis::least_balanced(&ladder)
        .map(|run| Some(slope_error(run, true)? / slope_error(run, false)?));
    Ok(vec![
        claim("two-groups-tell-the-slope")
            .says("Two groups of units, each with an equation of its own, tell the slope of the odd part from the initial weights, at widths of 20 to 400.")
            .of(&random)
            .measures("largest error of b W₂W₁r, in η", |run| in_steps(run, false))
            .each(at_most(1.0), "in every run"),
        claim("what-two-groups-leave-is-the-step")
            .says("What they leave is the error of steps: it halves with the step.")
            .values("error at a step / error at half of it, 20 units", ratios)
            .each(within(0.1, 2.0), "at each halving, in every run"),
        claim("one-group-is-not-enough")
            .says("One logistic does not do it where the groups differ: its error stays as steps become short.")
            .control()
            .values("its error / that of two groups, least balanced start, shortest step", [uneven.flatten()])
            .each(at_least(4.0), ""),
    ])
}

/// Where nothing of this holds.
fn controls(runs: &RunFolder) -> Result<Vec<Claim>> {
    const APART: f64 = 0.08;
    let deviations = |kind: Kind| -> Result<Vec<Option<f64>>> {
        pick(runs, kind)?.iter().map(|run| Ok(loss_deviation(run, twin(runs, run)?))).collect()
    };
    const QUANTITY: &str = "largest |L − L of linear| / L(0)";
    Ok(vec![
        claim("asymmetric-inputs-part-them")
            .says("On inputs that are not symmetric the two part.")
            .control()
            .values(QUANTITY, deviations(Kind::Asymmetric)?)
            .each(above(APART), "in every run"),
        claim("even-targets-part-them")
            .says("With an even part in the target the two part.")
            .control()
            .values(QUANTITY, deviations(Kind::Even)?)
            .each(above(APART), "in every run"),
        claim("symmetric-inputs-do-not")
            .says("On symmetric inputs with odd targets they do not, for as long.")
            .values(QUANTITY, deviations(Kind::AsLongAsControls)?)
            .each(below(0.06), "in every run"),
    ])
}

/// What biases, or a third layer, are for.
fn expressivity(runs: &RunFolder) -> Result<Vec<Claim>> {
    const QUANTITY: &str = "unexplained variance of sin 3θ";
    const LEARNED: f64 = 0.02;
    let of = |id: &str, says: &str, kind| -> Result<_> {
        Ok(claim(id).says(says).of(&pick(runs, kind)?).measures(QUANTITY, unexplained))
    };
    Ok(vec![
        of(
            "two-layers-learn-no-odd-nonlinearity",
            "Two layers without biases learn nothing of a target that is odd and not linear.",
            Kind::Circle,
        )?
        .control()
        .each(above(0.999), "in every run"),
        of("biases-learn-it", "With biases they learn it.", Kind::CircleBiases)?
            .each(below(LEARNED), "in every run"),
        of("a-third-layer-learns-it", "So do three layers without.", Kind::CircleDeep)?
            .each(below(LEARNED), "in every run"),
    ])
}

/// Three layers.
fn deep(runs: &RunFolder) -> Result<Vec<Claim>> {
    let exact = pick(runs, Kind::DeepExact)?;
    let expected = deep_half_time(exact[0]).1;
    let falling = analysis::deep_ladder(runs)?;
    let smallest = |layer: usize, of: fn(&[f64]) -> f64| -> Vec<Option<f64>> {
        falling
            .iter()
            .filter_map(|runs| runs.last())
            .map(|run| Some(of(&final_spectrum(run, layer)?)))
            .collect()
    };
    let second = |spectrum: &[f64]| spectrum[1] / spectrum[0];
    let third = |spectrum: &[f64]| spectrum[2] / spectrum[0];
    Ok(vec![
        claim("deep-halves-obey-one-equation")
            .says("From a mirrored start each half of three ReLU layers obeys p′ = (L/2) p^(2−2/L) (s − τp).")
            .of(&exact)
            .measures("largest error of p", analysis::deep_error)
            .each(at_most(0.01), "in every run"),
        claim("deep-halves-are-learned-on-time")
            .says(format!("Half of the target is learned at theory's {:.3}.", expected.unwrap_or(f64::NAN)))
            .of(&exact)
            .measures("time of p = s / 2τ", |run| deep_half_time(run).0)
            .reported(),
        claim("deep-first-layer-grows-into-rank-one")
            .says("From ever smaller random weights the first of three layers grows into rank one,")
            .values("σ₂ / σ₁ of W₁ from the smallest start", smallest(0, second))
            .also(analysis::each_falls(&falling, 0, second))
            .each(at_most(0.15), "in every run, and less at each smaller start"),
        claim("deep-middle-layer-grows-into-rank-two")
            .says("and the second into rank two, a block for each sign.")
            .values("σ₃ / σ₁ of W₂ from the smallest start", smallest(1, third))
            .also(analysis::each_falls(&falling, 1, third))
            .each(at_most(0.22), "in every run, and less at each smaller start"),
        claim("deep-middle-layer-keeps-two")
            .says("Not into rank one: its second singular value stays.")
            .control()
            .values("σ₂ / σ₁ of W₂ from the smallest start", smallest(1, second))
            .each(at_least(0.7), "in every run"),
    ])
}
