//! Which mode is learned when? Without biases the constant is learned with the first split, with an input bias before it;
//! with an output bias the weights never learn it, and what they gain follows the bias by a conservation law.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::{Claim, Measurement};
use crate::metrics::{Curves, half_time};
use crate::record::{ModeRecord, Record, RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Which mode is learned when?",
    source: "Rubruck et al. 2024: the constant mode in time-dependent mode strengths; Saxe, McClelland, Ganguli 2014 (arXiv 1312.6120): its closed form",
    config: include_str!("../../../configs/ocs_modes.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_modes";
const CONDITIONS: [&str; 4] = ["none", "input", "output", "all"];

/// A condition's run and theory. From the aligned start all seeds learn alike, so the first stands for all.
struct Pair<'a> {
    run: &'a Record,
    theory: &'a TheoryRecord,
    /// Of the constant, as the first layer sees it.
    constant: &'a ModeRecord,
}

impl<'a> Pair<'a> {
    fn of(runs: &'a RunFolder, condition: &str) -> Result<Pair<'a>> {
        let missing =
            || format!("{0} lacks condition '{condition}': run `ocs reproduce {0}`", STEM);
        let run = runs.of(condition).into_iter().next().with_context(missing)?;
        let theory = runs.theory_of(condition).with_context(missing)?;
        let constant = theory.mode_of_split(0).with_context(missing)?;
        ensure!(
            run.curves.time == theory.curves.time,
            "run and theory of condition '{condition}' have other times: run `ocs reproduce {}` again",
            STEM
        );
        Ok(Pair { run, theory, constant })
    }

    /// Number of splits: the constant, and one for each level.
    fn n_splits(&self) -> usize {
        1 + self.theory.levels.len()
    }

    /// eta.
    fn step_size(&self) -> f64 {
        self.run.config.training.learning_rate
    }

    /// `||ybar||`.
    fn ocs_norm(&self) -> f64 {
        self.theory.ocs_norm()
    }

    /// Root of the constant direction's input variance: 1/N one-hot, (N + 1)/N with a first-layer bias.
    fn mu(&self) -> f64 {
        self.constant.input_variance.sqrt()
    }

    /// `(b, ln a)` of the constant in gradient descent, `[time]`.
    fn law(&self) -> Option<Vec<(f64, f64)>> {
        let strengths = self.run.curves.mode_strengths.as_ref()?.first()?;
        let biases = self.theory.output_bias(&self.run.curves)?;
        Some(std::iter::zip(biases, strengths.iter().map(|a| a.ln())).collect())
    }
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = vec![
        together_without(&Pair::of(runs, "none")?),
        earlier_with_input_bias(&Pair::of(runs, "input")?),
        output_bias_learns_the_constant(&Pair::of(runs, "output")?),
    ];
    for condition in ["output", "all"] {
        let pair = Pair::of(runs, condition)?;
        claims.push(law_is_kept(condition, &pair));
        claims.push(weights_follow_the_bias(condition, &pair));
        claims.push(weights_stop_early(condition, &pair));
    }
    claims.push(fractions_are_theorys(runs)?);
    Ok(claims)
}

/// Largest `|one - other|`; `None` if a value is missing or not a number.
fn largest_distance(one: &[f64], other: &[f64]) -> Option<f64> {
    let distances = std::iter::zip(one, other).map(|(one, other)| (one - other).abs());
    // `f64::max` would pass over what is not a number.
    let largest = distances.max_by(f64::total_cmp)?;
    (one.len() == other.len() && largest.is_finite()).then_some(largest)
}

fn together_without(none: &Pair) -> Claim {
    let apart = |curves: &Curves| {
        let fraction = |split| none.theory.learned_fraction(curves, split);
        largest_distance(&fraction(0)?, &fraction(1)?)
    };
    let (theory, measured) = (apart(&none.theory.curves), apart(&none.run.curves));
    Claim::new(
        STEM,
        "together-without-biases",
        "Without biases the constant and the first split are learned together.",
        Measurement::of("largest |f_0 − f_1|", &[measured]),
        "< 1e-3 in gradient descent, < 1e-6 in theory",
        theory.is_some_and(|distance| distance < 1e-6)
            && measured.is_some_and(|distance| distance < 1e-3),
    )
    .as_control()
}

/// A mode of two layers is half learned at `ln(s / (d a0) - 1) / (2 s)`, THEORY (4).
fn earlier_with_input_bias(input: &Pair) -> Claim {
    let curves = &input.run.curves;
    let measured = |split| half_time(&curves.time, &input.theory.learned_fraction(curves, split)?);
    let expected = |split| {
        let mode = input.theory.mode_of_split(split)?;
        let growth = mode.singular_value / (mode.input_variance * mode.initial_strength);
        Some((growth - 1.0).ln() / (2.0 * mode.singular_value))
    };
    let ratio = |of: &dyn Fn(usize) -> Option<f64>| Some(of(1)? / of(0)?);
    let factor = ratio(&expected);
    let near = |found: Option<f64>, wanted: Option<f64>| {
        found.zip(wanted).is_some_and(|(found, wanted)| (found / wanted - 1.0).abs() <= 0.01)
    };
    let holds = factor.is_some_and(|factor| factor > 1.0)
        && near(ratio(&measured), factor)
        && [0, 1].iter().all(|&split| near(measured(split), expected(split)));
    Claim::new(
        STEM,
        "constant-is-earlier-with-input-bias",
        "With an input bias the constant is half learned before the first split, by the factor that theory says.",
        Measurement::of("half time of level 1 / half time of the constant", &[ratio(&measured)]),
        &format!(
            "within 1 % of theory's {:.3}, which is > 1, and each half time within 1 % of ln(s/(d a₀) − 1)/(2s)",
            factor.unwrap_or(f64::NAN)
        ),
        holds,
    )
}

/// With `e = ||ybar|| (1 - f_0)` the flow is `e' = -e (1 + 2 mu^2 a)`, `e(0) = ||ybar|| - mu a0`: f_0 is ahead of
/// `1 - e^{-t}` by `mu a0 / ||ybar||` at the start, and by `2 mu^2 a* t e^{-t}` at most, `t e^{-t} <= 1/e`, for what the
/// weights gain. A step shrinks e by `1 - eta` instead of `e^{-eta}`, which puts f_0 ahead by `(eta / 2) t e^{-t}` and terms
/// of `eta^2`.
fn output_bias_learns_the_constant(output: &Pair) -> Claim {
    let curves = &output.run.curves;
    let fractions = curves.constant_fraction(&output.theory.ocs);
    let exponential: Vec<f64> = curves.time.iter().map(|time| -(-time).exp_m1()).collect();
    let distance = largest_distance(&fractions, &exponential);
    let (eta, mu) = (output.step_size(), output.mu());
    let by_steps = eta * (1.0 + eta) / (2.0 * std::f64::consts::E);
    let by_weights = mu * output.constant.initial_strength / output.ocs_norm()
        + 2.0 * mu * mu * output.constant.final_strength / std::f64::consts::E;
    let bound = by_steps + by_weights;
    // What the weights answer of the constant must be next to nothing: the rest is the bias.
    let of_weights = output.theory.learned_fraction(curves, 0);
    let largest_share =
        of_weights.and_then(|shares| largest_distance(&shares, &vec![0.0; shares.len()]));
    Claim::new(
        STEM,
        "output-bias-learns-the-constant",
        "With an output bias the constant is learned by the bias, exponentially; the weights never learn it.",
        Measurement::of("largest |f_0 − (1 − e^(−t))|", &[distance]),
        &format!(
            "<= η(1 + η)/(2e) + μa₀/‖ȳ‖ + 2μ²a*/e = {bound:.2e}, by steps and by weights; weights' share of f_0 < 0.001 at all times"
        ),
        distance.is_some_and(|distance| distance <= bound)
            && largest_share.is_some_and(|share| share < 1e-3),
    )
}

/// The flow conserves `ln a - 2 mu b`: `a' = 2 mu a e`, `b' = e`, THEORY (7). A step multiplies a by `(1 + eta mu e)^2` and
/// adds `eta e` to b: the sum changes by `2 ln(1 + x) - 2 x` with `x = eta mu e >= 0`, which lies between `-x^2` and 0. As
/// `e <= ||ybar|| (1 - eta)^k` at step k, all changes together lie between `-eta mu^2 ||ybar||^2 / (2 - eta)` and 0.
fn law_is_kept(condition: &str, pair: &Pair) -> Claim {
    /// Of ln a: a is read off responses of order 1 less their bias, and is of order 1e-4.
    const ROUNDING: f64 = 1e-9;
    let (eta, mu) = (pair.step_size(), pair.mu());
    let bound = eta * (mu * pair.ocs_norm()).powi(2) / (2.0 - eta);
    let drifts: Option<Vec<f64>> = pair.law().and_then(|law| {
        let kept: Vec<f64> = law.iter().map(|(b, ln_a)| ln_a - 2.0 * mu * b).collect();
        let start = *kept.first()?;
        Some(kept.iter().map(|value| value - start).collect())
    });
    let largest = drifts
        .as_ref()
        .and_then(|drifts| drifts.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())));
    let within = |drift: &f64| (-bound - ROUNDING..=ROUNDING).contains(drift);
    Claim::new(
        STEM,
        &format!("law-with-bias-{condition}"),
        &format!(
            "With bias: {condition} ln a − 2μb of the constant is conserved, but for what finite steps lose."
        ),
        Measurement::of("drift of ln a − 2μb", &[largest]),
        &format!("between −ημ²‖ȳ‖²/(2 − η) = {:.3e} and 0 at all times", -bound),
        drifts.is_some_and(|drifts| drifts.iter().all(within)),
    )
}

/// Slope of the straight line nearest to `(x, y)` in y, by least squares; `None` if x does not vary.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let (xx, xy) = points.iter().fold((0.0, 0.0), |(xx, xy), point| {
        let dx = point.0 - x;
        (xx + dx * dx, xy + dx * (point.1 - y))
    });
    (xx > 0.0).then(|| xy / xx)
}

fn weights_follow_the_bias(condition: &str, pair: &Pair) -> Claim {
    let expected = 2.0 * pair.mu();
    let found = pair.law().and_then(|law| slope(&law));
    Claim::new(
        STEM,
        &format!("slope-with-bias-{condition}"),
        &format!("With bias: {condition} ln a of the constant grows with b on a straight line."),
        Measurement::of("slope of ln a against b, by least squares", &[found]),
        &format!("within 1 % of 2μ = {expected:.4}"),
        found.is_some_and(|found| (found / expected - 1.0).abs() <= 0.01),
    )
}

/// The end point is `a* = w / (2 mu^2)` with Lambert's `w e^w = 2 mu^2 a0 e^{2 mu ||ybar||}`, THEORY (7e).
fn weights_stop_early(condition: &str, pair: &Pair) -> Claim {
    let constant = pair.constant;
    let last = || pair.run.curves.mode_strengths.as_ref()?.first()?.last().copied();
    let ratio = last().map(|last| last / constant.final_strength);
    Claim::new(
        STEM,
        &format!("end-point-with-bias-{condition}"),
        &format!(
            "With bias: {condition} the weights' share of the constant stops where theory says."
        ),
        Measurement::of("final a / theory's", &[ratio]),
        &format!(
            "within 1 % of 1; theory's is {:.4} a₀, by Lambert's W",
            constant.final_strength / constant.initial_strength
        ),
        ratio.is_some_and(|ratio| (ratio - 1.0).abs() <= 0.01),
    )
}

/// Steps delay the logit of a fraction by `eta s^2 t`: at the half time, `s t = ln(s / (d a0)) / 2`, the fraction lags by
/// `eta s ln(s / (d a0)) / 8`, at most 1.1 eta (the constant under an input bias).
fn fractions_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for condition in CONDITIONS {
        let pair = Pair::of(runs, condition)?;
        let (run, theory) = (&pair.run.curves, &pair.theory.curves);
        let mut distances = vec![largest_distance(
            &run.constant_fraction(&pair.theory.ocs),
            &theory.constant_fraction(&pair.theory.ocs),
        )];
        distances.extend((0..pair.n_splits()).map(|split| {
            let fraction = |curves| pair.theory.learned_fraction(curves, split);
            largest_distance(&fraction(run)?, &fraction(theory)?)
        }));
        errors.extend(distances.into_iter().map(|error| Some(error? / pair.step_size())));
    }
    Ok(Claim::new(
        STEM,
        "fractions-are-theorys",
        "Learned fractions of the constant and of every level follow the closed forms, under every bias option.",
        Measurement::of("largest |f − theory| / η", &errors),
        "<= 2: steps delay the fastest sigmoid by 1.1 η",
        errors.iter().all(|error| error.is_some_and(|error| error <= 2.0)),
    ))
}
