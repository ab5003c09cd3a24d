//! Which mode is learned when? Without biases the constant is learned with the first split, with an input bias before it;
//! with an output bias the weights never learn it, and what they gain follows the bias by a conservation law.

mod page;

use anyhow::{Context, Result};

use super::Study;
use crate::claim::{Claim, at_most, below, between, claim, within_percent};
use crate::config::Bias;
use crate::metrics::{Curves, half_time, largest_distance};
use crate::record::{ModeRecord, Record, RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_modes",
    question: "Which mode is learned when?",
    source: "Rubruck et al. 2024: the constant mode in time-dependent mode strengths; Saxe, McClelland, Ganguli 2014 (arXiv 1312.6120): its closed form",
    config: include_str!("../../../configs/ocs_modes.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

const BIASES: [Bias; 4] = [Bias::None, Bias::Input, Bias::Output, Bias::All];

/// A bias option's run and theory. From the aligned start all seeds learn alike, so the first stands for all.
pub(super) struct Pair<'a> {
    pub run: &'a Record,
    pub theory: &'a TheoryRecord,
    /// Of the constant, as the first layer sees it.
    pub constant: &'a ModeRecord,
}

impl<'a> Pair<'a> {
    /// # Errors
    ///
    /// If one of them is missing, or they do not go together.
    pub fn of(runs: &'a RunFolder, bias: Bias) -> Result<Pair<'a>> {
        let wanted = format!("bias: {}", bias.name());
        let run = runs.pick_one(wanted, |config| config.network.bias == bias)?;
        let theory = runs.theory_along(run)?;
        let constant = theory.mode_of_split(0).with_context(|| {
            format!("theory of condition '{}' has no mode of the constant", run.condition)
        })?;
        Ok(Pair { run, theory, constant })
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
    pub fn mu(&self) -> f64 {
        self.constant.input_variance.sqrt()
    }

    /// `(b, ln a)` of the constant in the run's or the theory's curves, `[time]`.
    pub fn law(&self, curves: &Curves) -> Option<Vec<(f64, f64)>> {
        let strengths = curves.mode_strengths.as_ref()?.first()?;
        let biases = self.theory.output_bias(curves)?;
        Some(std::iter::zip(biases, strengths.iter().map(|a| a.ln())).collect())
    }

    /// `(b, ln a - 2 mu b)` of the run, less its value at the start, `[time]`.
    pub fn drift(&self) -> Option<Vec<(f64, f64)>> {
        let mu = self.mu();
        let law = self.law(&self.run.curves)?;
        let kept: Vec<(f64, f64)> = law.iter().map(|(b, ln_a)| (*b, ln_a - 2.0 * mu * b)).collect();
        let start = kept.first()?.1;
        Some(kept.into_iter().map(|(b, value)| (b, value - start)).collect())
    }

    /// How far finite steps bring `ln a - 2 mu b` down at most. The flow conserves it: `a' = 2 mu a e`, `b' = e`, THEORY (7).
    /// A step multiplies a by `(1 + eta mu e)^2` and adds `eta e` to b: the sum changes by `2 ln(1 + x) - 2 x` with
    /// `x = eta mu e >= 0`, which lies between `-x^2` and 0. As `e <= ||ybar|| (1 - eta)^k` at step k, all changes together lie
    /// between `-eta mu^2 ||ybar||^2 / (2 - eta)` and 0.
    pub fn largest_drift(&self) -> f64 {
        let eta = self.step_size();
        eta * (self.mu() * self.ocs_norm()).powi(2) / (2.0 - eta)
    }
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = vec![
        together_without(&Pair::of(runs, Bias::None)?),
        earlier_with_input_bias(&Pair::of(runs, Bias::Input)?),
        output_bias_learns_the_constant(&Pair::of(runs, Bias::Output)?),
    ];
    for bias in [Bias::Output, Bias::All] {
        claims.extend(weights_follow_the_bias(bias.name(), &Pair::of(runs, bias)?));
    }
    claims.push(fractions_are_theorys(runs)?);
    Ok(claims)
}

fn together_without(none: &Pair) -> Claim {
    let apart = |curves: &Curves| {
        let fraction = |split| none.theory.learned_fraction(curves, split);
        largest_distance(&fraction(0)?, &fraction(1)?)
    };
    let (theory, measured) = (apart(&none.theory.curves), apart(&none.run.curves));
    let (most, most_in_theory) = (1e-3, 1e-6);
    claim("together-without-biases")
        .says("Without biases the constant and the first split are learned together.")
        .control()
        .values("largest |f_0 − f_1|", [measured])
        .also(below(most_in_theory).admits_each(&[theory]))
        .each_in_words(
            below(most),
            format!("< {most:e} in gradient descent, < {most_in_theory:e} in theory"),
        )
}

/// A mode of two layers is half learned at `ln(s / (d a0) - 1) / (2 s)`, THEORY (4).
fn earlier_with_input_bias(input: &Pair) -> Claim {
    const PERCENT: f64 = 1.0;
    let curves = &input.run.curves;
    let measured = |split| half_time(&curves.time, &input.theory.learned_fraction(curves, split)?);
    let expected = |split| {
        let mode = input.theory.mode_of_split(split)?;
        let growth = mode.singular_value / (mode.input_variance * mode.initial_strength);
        Some((growth - 1.0).ln() / (2.0 * mode.singular_value))
    };
    let ratio = |of: &dyn Fn(usize) -> Option<f64>| Some(of(1)? / of(0)?);
    let factor = ratio(&expected).unwrap_or(f64::NAN);
    let near = |found: Option<f64>, wanted: Option<f64>| {
        within_percent(PERCENT, wanted.unwrap_or(f64::NAN)).admits_each(&[found])
    };
    claim("constant-is-earlier-with-input-bias")
        .says("With an input bias the constant is half learned before the first split, by the factor that theory says.")
        .values("half time of level 1 / half time of the constant", [ratio(&measured)])
        .also(factor > 1.0)
        .also(near(measured(0), expected(0)))
        .also(near(measured(1), expected(1)))
        .each(
            within_percent(PERCENT, factor),
            &format!(
                "{{}} of theory's {factor:.3}, which is > 1, and each half time within {PERCENT} % of ln(s/(d a₀) − 1)/(2s)"
            ),
        )
}

/// With `e = ||ybar|| (1 - f_0)` the flow is `e' = -e (1 + 2 mu^2 a)`, `e(0) = ||ybar|| - mu a0`: f_0 is ahead of
/// `1 - e^{-t}` by `mu a0 / ||ybar||` at the start, and by `2 mu^2 a* t e^{-t}` at most, `t e^{-t} <= 1/e`, for what the
/// weights gain. A step shrinks e by `1 - eta` instead of `e^{-eta}`, which puts f_0 ahead by `(eta / 2) t e^{-t}` and terms
/// of `eta^2`.
fn output_bias_learns_the_constant(output: &Pair) -> Claim {
    const LARGEST_SHARE: f64 = 0.001;
    let curves = &output.run.curves;
    let fractions = curves.constant_fraction(&output.theory.ocs);
    let exponential: Vec<f64> = curves.time.iter().map(|time| -(-time).exp_m1()).collect();
    let (eta, mu) = (output.step_size(), output.mu());
    let by_steps = eta * (1.0 + eta) / (2.0 * std::f64::consts::E);
    let by_weights = mu * output.constant.initial_strength / output.ocs_norm()
        + 2.0 * mu * mu * output.constant.final_strength / std::f64::consts::E;
    let bound = by_steps + by_weights;
    // What the weights answer of the constant must be next to nothing: the rest is the bias.
    let of_weights = output.theory.learned_fraction(curves, 0);
    let share = of_weights.and_then(|shares| largest_distance(&shares, &vec![0.0; shares.len()]));
    let distance = largest_distance(&fractions, &exponential);
    claim("output-bias-learns-the-constant")
        .says("With an output bias the constant is learned by the bias, exponentially; the weights never learn it.")
        .values("largest |f_0 − (1 − e^(−t))|", [distance])
        .also(below(LARGEST_SHARE).admits_each(&[share]))
        .each_in_words(
            at_most(bound),
            format!(
                "<= η(1 + η)/(2e) + μa₀/‖ȳ‖ + 2μ²a*/e = {bound:.2e}, by steps and by weights; weights' share of f_0 < {LARGEST_SHARE} at all times"
            ),
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

/// The end point is `a* = w / (2 mu^2)` with Lambert's `w e^w = 2 mu^2 a0 e^{2 mu ||ybar||}`, THEORY (7e).
fn weights_follow_the_bias(name: &str, pair: &Pair) -> [Claim; 3] {
    /// Of ln a: a is read off responses of order 1 less their bias, and is of order 1e-4.
    const ROUNDING: f64 = 1e-9;
    const PERCENT: f64 = 1.0;
    let bound = pair.largest_drift();
    let drifts = pair.drift().map(|drift| drift.into_iter().map(|(_, value)| value));
    let drifts: Option<Vec<Option<f64>>> = drifts.map(|values| values.map(Some).collect());
    let drifts = drifts.unwrap_or_default();
    let largest = drifts.iter().flatten().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let expected = 2.0 * pair.mu();
    let found = pair.law(&pair.run.curves).and_then(|law| slope(&law));
    let constant = pair.constant;
    let last = || pair.run.curves.mode_strengths.as_ref()?.first()?.last().copied();
    let ratio = last().map(|last| last / constant.final_strength);
    [
        claim(format!("law-with-bias-{name}"))
            .says(format!(
                "With bias: {name} ln a − 2μb of the constant is conserved, but for what finite steps lose."
            ))
            .values("drift of ln a − 2μb", [largest])
            .holds_if(
                between(-bound - ROUNDING, ROUNDING).admits_each(&drifts),
                format!("between −ημ²‖ȳ‖²/(2 − η) = {:.3e} and 0 at all times", -bound),
            ),
        claim(format!("slope-with-bias-{name}"))
            .says(format!(
                "With bias: {name} ln a of the constant grows with b on a straight line."
            ))
            .values("slope of ln a against b, by least squares", [found])
            .each(
                within_percent(PERCENT, expected),
                &format!("of 2μ = {expected:.4}"),
            ),
        claim(format!("end-point-with-bias-{name}"))
            .says(format!(
                "With bias: {name} the weights' share of the constant stops where theory says."
            ))
            .values("final a / theory's", [ratio])
            .each(
                within_percent(PERCENT, 1.0),
                &format!(
                    "of 1; theory's is {:.4} a₀, by Lambert's W",
                    constant.final_strength / constant.initial_strength
                ),
            ),
    ]
}

/// Steps delay the logit of a fraction by `eta s^2 t`: at the half time, `s t = ln(s / (d a0)) / 2`, the fraction lags by
/// `eta s ln(s / (d a0)) / 8`, at most 1.1 eta (the constant under an input bias).
fn fractions_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for bias in BIASES {
        let pair = Pair::of(runs, bias)?;
        let (run, theory) = (&pair.run.curves, &pair.theory.curves);
        let constant = |curves: &Curves| curves.constant_fraction(&pair.theory.ocs);
        let mut distances = vec![largest_distance(&constant(run), &constant(theory))];
        // The constant in the weights, and each level.
        distances.extend((0..=pair.theory.levels.len()).map(|split| {
            let fraction = |curves| pair.theory.learned_fraction(curves, split);
            largest_distance(&fraction(run)?, &fraction(theory)?)
        }));
        errors.extend(distances.into_iter().map(|error| Some(error? / pair.step_size())));
    }
    Ok(claim("fractions-are-theorys")
        .says("Learned fractions of the constant and of every level follow the closed forms, under every bias option.")
        .values("largest |f − theory| / η", errors)
        .each(at_most(2.0), "{}: steps delay the fastest sigmoid by 1.1 η"))
}
